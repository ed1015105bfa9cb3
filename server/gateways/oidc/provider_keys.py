"""The signing keys of one identity provider, cached and read again as the provider rotates them."""

import asyncio
import time
from collections.abc import Callable, Sequence

import structlog

from server.errors import AppError, Unavailable
from server.gateways.oidc.documents import ProviderDocuments
from server.gateways.oidc.keys import ProviderKey, read_keys
from server.gateways.oidc.providers import OidcProvider

log = structlog.get_logger(__name__)

FRESH_S = 3600.0
# An unknown key makes the keys be read again, but not more often: anybody can send a token with a made-up key id.
REREAD_S = 60.0
# The provider may be unavailable for this long; a key that it withdrew in the meantime is accepted.
KEPT_S = 86_400.0
RETRY_S = 5.0  # without any keys


class ProviderKeys:
    def __init__(
        self,
        provider: OidcProvider,
        documents: ProviderDocuments,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.provider = provider
        self._documents = documents
        self._monotonic_s = monotonic_s
        self._keys: Sequence[ProviderKey] = ()
        self._read_at_s = -KEPT_S
        self._next_read_at_s = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def find(self, key_id: str | None) -> ProviderKey | None:
        """Return the key with this id; without an id, the only key. Raises Unavailable if no key set is known."""
        if self._monotonic_s() - self._read_at_s >= FRESH_S:
            await self._reread()
        found = self._cached(key_id)
        if found is None and self._keys:
            await self._reread()
            found = self._cached(key_id)
        if found is None and not self._keys:
            raise Unavailable(
                "The identity provider is temporarily unavailable.",
                reason=f"No signing keys of the provider {self.provider.name} are known.",
                retry_after_s=RETRY_S,
            )
        return found

    async def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    def _cached(self, key_id: str | None) -> ProviderKey | None:
        if self._monotonic_s() - self._read_at_s >= KEPT_S:
            self._keys = ()
        if key_id is None:
            return self._keys[0] if len(self._keys) == 1 else None
        return next((key for key in self._keys if key.key_id == key_id), None)

    async def _reread(self) -> None:
        """Read the keys, once for all callers, unless they were read a moment ago."""
        if self._reading is None:
            if self._monotonic_s() < self._next_read_at_s:
                return
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            keys = read_keys(await self._documents.get(await self._keys_url()))
            if not keys:
                raise Unavailable(
                    reason=f"The key set of the provider {self.provider.name} has no usable key."
                )
        except AppError as error:
            log.warning("identity_provider_unavailable", provider=self.provider.name, reason=str(error))
            self._next_read_at_s = self._monotonic_s() + (REREAD_S if self._keys else RETRY_S)
        else:
            self._keys = keys
            self._read_at_s = self._monotonic_s()
            self._next_read_at_s = self._read_at_s + REREAD_S
        finally:
            self._reading = None

    async def _keys_url(self) -> str:
        """Return the address of the key set. Raises Unavailable if the configuration is another provider's."""
        if self.provider.keys_url:
            return self.provider.keys_url
        document = await self._documents.get(self.provider.configuration_url)
        url = document.get("jwks_uri")
        if document.get("issuer") != self.provider.issuer or not isinstance(url, str):
            raise Unavailable(
                reason=f"{self.provider.configuration_url} does not describe {self.provider.issuer}."
            )
        return url
