"""Tokens in links that are e-mailed to users: 256 bits, stored as a hash, for one purpose and address."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping

from server.errors import InvalidInput
from server.ids import UserId
from server.models.accounts.email_tokens import (
    EmailTokenPurpose,
    EmailTokenRepository,
    EmailTokenRow,
    NewEmailToken,
)
from server.services.jobs.unit_of_work import WorkContext


class EmailTokens:
    """`ttl_s` is the lifetime of the tokens of each purpose; `secret` derives those of reserved rows.

    The job that sends an e-mail creates its token, so that it is stored nowhere in clear text. Each attempt creates
    another one, because the e-mail of an attempt that seemed to fail may have arrived.
    """

    def __init__(
        self, tokens: EmailTokenRepository, ttl_s: Mapping[EmailTokenPurpose, int], secret: bytes
    ) -> None:
        self._tokens = tokens
        self._secret = secret
        self.ttl_s = ttl_s

    async def create(
        self, work: WorkContext, purpose: EmailTokenPurpose, user_id: UserId, email: str, now_ms: int
    ) -> str:
        """Store a new token and return it. `now_ms` is the database's time."""
        token = secrets.token_urlsafe(32)
        await self._insert(work.new_id(), token, purpose, user_id, email, now_ms)
        return token

    async def reserve(
        self, work: WorkContext, purpose: EmailTokenPurpose, user_id: UserId, email: str, now_ms: int
    ) -> int:
        """Store a token in the transaction that makes it necessary, and return an id to `derive` it with.

        Its place among the user's tokens, and whether it is still valid, do not depend on when its e-mail is sent.
        """
        token_id = work.new_id()
        await self._insert(token_id, self.derive(token_id), purpose, user_id, email, now_ms)
        return token_id

    def derive(self, token_id: int) -> str:
        """Return the reserved token of this id, which may have been used since then."""
        digest = hmac.digest(self._secret, f"email_token:{token_id}".encode(), hashlib.sha256)
        return urlsafe_b64encode(digest).decode().rstrip("=")

    async def is_valid(self, purpose: EmailTokenPurpose, token: str) -> bool:
        return await self._tokens.find(purpose, _hash(token)) is not None

    async def find_email(self, purpose: EmailTokenPurpose, token: str) -> str | None:
        """Return the address that a valid token was sent to; None for any other token."""
        row = await self._tokens.find(purpose, _hash(token))
        return row.email if row is not None else None

    async def find(self, purpose: EmailTokenPurpose, token: str) -> EmailTokenRow:
        """Return an unexpired, unused token.

        Raises InvalidInput, with the same text for unknown, used and expired tokens. The caller that uses
        the token must lock its user first and find it again, so that one of several concurrent requests succeeds.
        """
        row = await self._tokens.find(purpose, _hash(token))
        if row is None:
            raise invalid_email_token(purpose)
        return row

    async def delete(
        self, user_id: UserId, purposes: Collection[EmailTokenPurpose], from_id: int = 0
    ) -> None:
        """Delete the user's tokens of some purposes, from the token `from_id` on."""
        await self._tokens.delete_by_user(user_id, purposes, from_id)

    async def _insert(
        self, token_id: int, token: str, purpose: EmailTokenPurpose, user_id: UserId, email: str, now_ms: int
    ) -> None:
        expires_at_ms = now_ms + self.ttl_s[purpose] * 1000
        await self._tokens.insert(
            NewEmailToken(token_id, user_id, purpose, _hash(token), email, now_ms, expires_at_ms)
        )


def invalid_email_token(purpose: EmailTokenPurpose) -> InvalidInput:
    return InvalidInput(
        "This link is no longer valid. Request another one.",
        code=_CODES[purpose],
        fields={"token": ["Unknown, used or expired."]},
    )


_CODES: Mapping[EmailTokenPurpose, str] = {
    EmailTokenPurpose.VERIFY: "invalid_verification_token",
    EmailTokenPurpose.RESET: "invalid_reset_token",
    EmailTokenPurpose.RECOVER: "invalid_recovery_token",
}


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
