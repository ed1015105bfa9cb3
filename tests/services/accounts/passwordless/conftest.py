"""Fixtures: an identity provider on loopback, and sign-in with it."""

from collections.abc import AsyncIterator

import pytest

from server.gateways.oidc.documents import ProviderDocuments
from server.gateways.oidc.provider_keys import ProviderKeys
from server.services.accounts.passwordless.external_identities import ExternalIdentities
from server.services.accounts.passwordless.linked_identities import LinkedIdentities
from tests.support.fakes.oidc_issuer import FakeIssuer
from tools.harness.services import ServiceHarness


@pytest.fixture
async def issuer() -> AsyncIterator[FakeIssuer]:
    async with FakeIssuer().serving() as issuer:
        yield issuer


@pytest.fixture
async def keys(issuer: FakeIssuer) -> AsyncIterator[ProviderKeys]:
    documents = ProviderDocuments(2.0, this_machine=True)
    keys = ProviderKeys(issuer.provider, documents)
    yield keys
    await keys.close()
    await documents.close()


@pytest.fixture
async def identities(harness: ServiceHarness, keys: ProviderKeys) -> ExternalIdentities:
    """Sign-in with the issuer on each stack in turn."""
    return harness.external_identities_with({keys.provider.name: keys})


@pytest.fixture
async def linked(harness: ServiceHarness, keys: ProviderKeys) -> LinkedIdentities:
    return harness.linked_identities_with({keys.provider.name: keys})
