"""Challenges that passkeys sign: random, for one purpose and session, valid once and for five minutes.

A challenge carries its purpose and expiry under a MAC, so that issuing one stores nothing: anybody can request them.
Using one inserts its hash in the transaction of its effect.
"""

import hashlib
import hmac
import secrets
import struct
from dataclasses import dataclass
from enum import IntEnum

from server.clock import Clock
from server.models.accounts.used_passkey_challenges import UsedPasskeyChallengeRepository
from server.models.database import DuplicateKey
from server.services.jobs.unit_of_work import WorkContext

TTL_MS = 300_000
# Purpose, user, session, expiry, random bytes; then the MAC.
_LAYOUT = struct.Struct(">BQQQ16s")
_MAC_BYTES = 32
# Deleted later than they expire, because the clocks of processes differ.
_KEPT_MS = 600_000


class ChallengePurpose(IntEnum):
    REGISTER = 1
    SIGN_IN = 2
    REAUTHENTICATE = 3


class ChallengeRefused(Exception):
    """A challenge that was not issued for this, has expired, or was used."""


@dataclass(frozen=True, slots=True)
class ChallengeScope:
    """The use that a challenge is for. `user_id` and `session_id` are 0 before a sign-in."""

    purpose: ChallengePurpose
    user_id: int = 0
    session_id: int = 0


class PasskeyChallenges:
    def __init__(self, used: UsedPasskeyChallengeRepository, clock: Clock, secret: bytes) -> None:
        self._used = used
        self._clock = clock
        self._key = hmac.digest(secret, b"passkey challenges", "sha256")

    def issue(self, scope: ChallengeScope) -> bytes:
        """Return a new challenge."""
        expires_at_ms = self._clock.now_ms() + TTL_MS
        content = _LAYOUT.pack(
            scope.purpose, scope.user_id, scope.session_id, expires_at_ms, secrets.token_bytes(16)
        )
        return content + self._mac(content)

    def check(self, scope: ChallengeScope, challenge: bytes) -> None:
        """Raise ChallengeRefused unless the challenge was issued for this scope, less than five minutes ago."""
        content, mac = challenge[: _LAYOUT.size], challenge[_LAYOUT.size :]
        if len(content) != _LAYOUT.size or not hmac.compare_digest(mac, self._mac(content)):
            raise ChallengeRefused
        purpose, user_id, session_id, expires_at_ms, _ = _LAYOUT.unpack(content)
        if (purpose, user_id, session_id) != (scope.purpose, scope.user_id, scope.session_id):
            raise ChallengeRefused
        if expires_at_ms <= self._clock.now_ms():
            raise ChallengeRefused

    async def use_up(self, work: WorkContext, challenge: bytes) -> None:
        """Record that a challenge was used. Raises ChallengeRefused if it was used before."""
        expires_at_ms = work.now_ms() + TTL_MS + _KEPT_MS
        try:
            await self._used.insert(work.new_id(), hashlib.sha256(challenge).hexdigest(), expires_at_ms)
        except DuplicateKey as error:
            raise ChallengeRefused from error

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")[:_MAC_BYTES]
