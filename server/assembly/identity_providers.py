"""The identity providers that people may sign in with, as configured."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from server.gateways.oidc.documents import ProviderDocuments
from server.gateways.oidc.provider_keys import ProviderKeys
from server.gateways.oidc.providers import APPLE, GOOGLE, PRESETS, OidcProvider
from server.settings import Settings


def providers(settings: Settings) -> list[OidcProvider]:
    """Return the providers that have client ids."""
    chosen = settings.oidc
    presets = {GOOGLE: chosen.google_client_ids, APPLE: chosen.apple_client_ids}
    return [
        *(replace(PRESETS[name], client_ids=ids) for name, ids in presets.items() if ids),
        *(OidcProvider(name, (each.issuer,), each.client_ids) for name, each in chosen.providers.items()),
    ]


@asynccontextmanager
async def identity_providers(settings: Settings) -> AsyncGenerator[Mapping[str, ProviderKeys]]:
    """Open the keys of all providers, by name. They are read when the first ID token arrives."""
    documents = ProviderDocuments(settings.oidc.timeout_s, this_machine=settings.app.env != "production")
    keys = {each.name: ProviderKeys(each, documents) for each in providers(settings)}
    try:
        yield keys
    finally:
        for each in keys.values():
            await each.close()
        await documents.close()
