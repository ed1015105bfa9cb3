"""Requests with an Idempotency-Key: which of them were completed, and their responses.

`UnitOfWork.run` inserts the row in the transaction of the effect; `Retention` deletes it a day later.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from server.errors import InvalidInput
from server.models.jobs.idempotency_keys import IdempotencyKeyRepository
from server.services.jobs.unit_of_work import IdempotencyToken


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response that is repeated unchanged."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class CompletedRequest:
    """A request that took effect: the id of the row that it created, and its response if it was saved."""

    result_id: int
    response: StoredResponse | None


class Idempotency:
    """Finds completed requests by key and saves their responses."""

    def __init__(self, keys: IdempotencyKeyRepository, secret: bytes) -> None:
        """`secret` keys the fingerprints, because a request's content may include a password."""
        self._keys = keys
        # The context string must not change: it is part of every stored fingerprint.
        self._secret = hmac.digest(secret, b"fingerprints of idempotent requests", "sha256")

    def token(self, client: str, route: str, key: str, content: bytes) -> IdempotencyToken:
        """Return the token of a request; `content` is all of its input."""
        name = f"{client}\0{route}\0{key}".encode()
        fingerprint = hmac.digest(self._secret, content, "sha256").hex()
        return IdempotencyToken(hashlib.sha256(name).hexdigest(), fingerprint)

    async def find(self, token: IdempotencyToken) -> CompletedRequest | None:
        """Return the request if it took effect. Raises InvalidInput if its key was used for other content."""
        row = await self._keys.find(token.key_hash)
        if row is None:
            return None
        if not hmac.compare_digest(row.fingerprint, token.fingerprint):
            raise InvalidInput(
                "This Idempotency-Key was already used for a request with different content.",
                code="idempotency_key_reused",
                fields={"Idempotency-Key": ["Already used for another request."]},
            )
        response = StoredResponse(**orjson.loads(row.response)) if row.response else None
        return CompletedRequest(row.result_id, response)

    async def save(self, token: IdempotencyToken, response: StoredResponse) -> None:
        """Save the response to a completed request."""
        await self._keys.save_response(token.key_hash, orjson.dumps(response).decode())
