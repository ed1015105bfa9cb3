"""Unsubscriptions: topics of which an address gets no e-mails, whichever accounts use it now or later."""

import hashlib
from collections.abc import Callable

from server.models.accounts.email_suppressions import EmailSuppressionRepository


class Suppressions:
    """`address_key` returns the unique form of an address. Only a hash of it is stored, and in unsubscribe links."""

    def __init__(self, rows: EmailSuppressionRepository, address_key: Callable[[str], str]) -> None:
        self._rows = rows
        self._address_key = address_key

    def hash(self, address: str) -> str:
        """Return the hash that stands for an address."""
        key = self._address_key(address).encode(errors="replace")
        return hashlib.blake2b(key, digest_size=16).hexdigest()

    async def list_topics(self, address: str) -> set[str]:
        """Return the topics that an address has unsubscribed from."""
        return await self._rows.list_topics(self.hash(address)) if address else set()

    async def suppress(self, row_id: int, address_hash: str, topic: str, at_ms: int) -> None:
        """End the e-mails about a topic. Raises DuplicateKey if they have ended."""
        await self._rows.insert(row_id, address_hash, topic, at_ms)

    async def lift(self, address: str) -> None:
        """Let an address whose owner confirmed it get e-mails about all topics again."""
        await self._rows.delete(self.hash(address))
