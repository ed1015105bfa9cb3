"""Requests that name themselves with a key, so that repeating one changes nothing: what became of each.

A row is written in the transaction of the effect (`UnitOfWork.run`), and swept a day later by `maintenance`.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from server.errors import InvalidInput
from server.models.database import Database
from server.services.jobs.unit_of_work import IdempotencyToken


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, to be said again word for word."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Done:
    """A request that took effect: the row that it made, and its answer if that is known."""

    result_id: int
    answer: Answer | None


class Idempotency:
    """`secret` keys the fingerprints: some bodies hold a password."""

    def __init__(self, database: Database, secret: bytes) -> None:
        self._database = database
        self._secret = hmac.digest(secret, b"fingerprints of idempotent requests", "sha256")

    def once(self, who: str, route: str, key: str, content: bytes) -> IdempotencyToken:
        """What names the request of `who` to `route` under `key`; `content` is all that it asks for."""
        name = f"{who}\0{route}\0{key}".encode()
        fingerprint = hmac.digest(self._secret, content, "sha256").hex()
        return IdempotencyToken(hashlib.sha256(name).hexdigest(), fingerprint)

    async def find(self, once: IdempotencyToken) -> Done | None:
        """What became of the request, if it took effect. Raises InvalidInput if it was another one under its key."""
        rows = await self._database.rows(
            "SELECT fingerprint, result_id, answer FROM idempotency_keys WHERE key_hash = ?", [once.key_hash]
        )
        if not rows:
            return None
        (row,) = rows
        if not hmac.compare_digest(row["fingerprint"], once.fingerprint):
            raise InvalidInput(
                "This Idempotency-Key was used for a request that asked for something else.",
                code="idempotency_key_reused",
                fields={"Idempotency-Key": ["Already used for another request."]},
            )
        return Done(row["result_id"], Answer(**orjson.loads(row["answer"])) if row["answer"] else None)

    async def keep(self, once: IdempotencyToken, answer: Answer) -> None:
        """Keep the answer to a request that took effect."""
        await self._database.execute(
            "UPDATE idempotency_keys SET answer = ? WHERE key_hash = ?",
            [orjson.dumps(answer).decode(), once.key_hash],
        )
