"""Signing and verification of access, refresh and device tokens.

Tokens do not say whether their session is still active: `revocations` does.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import jwt

from server.clock import Clock
from server.epoch import DatabaseEpoch
from server.errors import Unauthenticated
from server.ids import MAX_ID, SessionId, UserId
from server.services.records import Principal, Role

ALGORITHM = "HS256"
LEEWAY_S = 5
MAX_CACHED_TOKENS = 5000
ID_CLAIM = re.compile(r"[0-9]{1,16}", re.ASCII)
DEVICE_TTL_S = 365 * 86_400
MAX_TIME_S = 253_402_300_799  # the year 9999


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Signing secrets, which differ, and lifetimes.

    `refresh_overlap_s`: how long the last used refresh token returns the same result as the first time.
    """

    access_secret: str
    refresh_secret: str
    issuer: str
    audience: str
    access_ttl_s: int
    refresh_idle_s: int
    refresh_absolute_s: int
    refresh_overlap_s: float = 10.0


@dataclass(frozen=True, slots=True)
class AccessClaim:
    """The claims of an access token. Outside of `epoch`, the database may lack the session."""

    principal: Principal
    epoch: str


@dataclass(frozen=True, slots=True)
class RefreshClaim:
    """The claims of a refresh token; its session stores a hash of the random nonce."""

    user_id: UserId
    session_id: SessionId
    nonce: str


@dataclass(frozen=True, slots=True)
class DeviceClaim:
    """The claims of a device token: a user signed in on this device before."""

    user_id: UserId
    device_id: str
    issued_at_ms: int


class Tokens:
    def __init__(self, clock: Clock, rules: TokenRules, epoch: DatabaseEpoch | None = None) -> None:
        self.rules = rules
        self.epoch = epoch or DatabaseEpoch()
        self._clock = clock
        # Verifying a signature takes 30 us, a tenth of a feed page, and clients repeat the same few tokens.
        self._verified: dict[str, tuple[AccessClaim, int]] = {}

    def issue_access(self, principal: Principal, session_ends_at_ms: int) -> str:
        """Return a new access token, which expires with its session at the latest."""
        now_s = self._clock.now_ms() // 1000
        ends_s = min(now_s + self.rules.access_ttl_s, session_ends_at_ms // 1000)
        claims = {
            "jti": secrets.token_urlsafe(12),
            "iat": now_s,
            "exp": ends_s,
            "role": principal.role,
            "epoch": self.epoch.value,
        }
        if principal.sanctioned_until_ms:
            claims["sanctioned"] = principal.sanctioned_until_ms // 1000
        return self._sign(principal.user_id, principal.session_id, "access", claims)

    def issue_refresh(self, claim: RefreshClaim, issued_at_ms: int, session_ends_at_ms: int) -> str:
        """Return the refresh token of this claim; the same arguments give the same text."""
        issued_s = issued_at_ms // 1000
        ends_s = min(issued_s + self.rules.refresh_idle_s, session_ends_at_ms // 1000)
        claims = {"jti": claim.nonce, "iat": issued_s, "exp": ends_s}
        return self._sign(claim.user_id, claim.session_id, "refresh", claims)

    def issue_device(self, user_id: UserId, device_id: str) -> str:
        """Return a token that proves to later sign-ins that the user signed in on this device."""
        now_s = self._clock.now_ms() // 1000
        claims = {"jti": device_id, "iat": now_s, "exp": now_s + DEVICE_TTL_S}
        return self._sign(user_id, None, "device", claims)

    def derive_successor(self, used: RefreshClaim, at_ms: int) -> RefreshClaim:
        """Return the claim that follows a refresh token used `at_ms`.

        It is derived, not random: concurrent uses of one token get the same successor although no token is stored.
        Deriving it requires the refresh secret.
        """
        seed = f"successor:{used.session_id}:{used.nonce}:{at_ms}".encode()
        digest = hmac.digest(self.rules.refresh_secret.encode(), seed, hashlib.sha256)
        nonce = urlsafe_b64encode(digest).decode().rstrip("=")
        return RefreshClaim(used.user_id, used.session_id, nonce)

    def read_access(self, token: str) -> AccessClaim:
        """Return the claims of an access token. Raises Unauthenticated, with the same text for every cause."""
        verified = self._verified.get(token)
        if verified is not None and self._clock.now_ms() < verified[1]:
            return verified[0]
        claims = self._decode(token, self.rules.access_secret, "access")
        try:
            principal = Principal(
                UserId(_id(claims["sub"])),
                SessionId(_id(claims["sid"])),
                Role(claims["role"]),
                _time_s(claims.get("sanctioned", 0)) * 1000,
            )
            claim = AccessClaim(principal, str(claims.get("epoch", "")))
        except (KeyError, TypeError, ValueError) as error:
            raise invalid_access_token() from error
        self._verified[token] = claim, (int(claims["exp"]) + LEEWAY_S) * 1000
        if len(self._verified) > MAX_CACHED_TOKENS:
            del self._verified[next(iter(self._verified))]
        return claim

    def read_refresh(self, token: str) -> RefreshClaim:
        """Return the claims of a refresh token. Raises Unauthenticated, with the same text for every cause."""
        try:
            claims = self._decode(token, self.rules.refresh_secret, "refresh")
            return RefreshClaim(UserId(_id(claims["sub"])), SessionId(_id(claims["sid"])), str(claims["jti"]))
        except (Unauthenticated, KeyError, TypeError, ValueError) as error:
            raise invalid_refresh_token() from error

    def read_device(self, token: str) -> DeviceClaim | None:
        """Return the claims of a device token; None if it is invalid, which is no error."""
        try:
            claims = self._decode(token, self.rules.refresh_secret, "device")
            return DeviceClaim(UserId(_id(claims["sub"])), str(claims["jti"]), int(claims["iat"]) * 1000)
        except (Unauthenticated, KeyError, TypeError, ValueError):
            return None

    def _decode(self, token: str, secret: str, kind: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                secret,
                algorithms=[ALGORITHM],
                issuer=self.rules.issuer,
                audience=self.rules.audience,
                leeway=LEEWAY_S,
                # Tokens of a process whose clock is ahead seem to come from the future; `exp` bounds them.
                options={"require": ["exp", "iat", "sub", "jti", "aud", "iss"], "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise invalid_access_token() from error
        # PyJWT accepts a list of audiences that contains ours.
        if claims.get("typ") != kind or claims["aud"] != self.rules.audience:
            raise invalid_access_token()
        # PyJWT accepts a text of any number of digits.
        if type(claims["exp"]) is not int or claims["exp"] > MAX_TIME_S:
            raise invalid_access_token()
        return claims

    def _sign(self, user_id: UserId, session_id: SessionId | None, kind: str, claims: dict[str, Any]) -> str:
        payload = {
            "iss": self.rules.issuer,
            "aud": self.rules.audience,
            "sub": str(user_id),
            "typ": kind,
            **claims,
        }
        if session_id is not None:
            payload["sid"] = str(session_id)
        secret = self.rules.access_secret if kind == "access" else self.rules.refresh_secret
        return jwt.encode(payload, secret, algorithm=ALGORITHM)


def _id(claim: Any) -> int:
    """Return an id as `_sign` writes it. Raises ValueError for anything else, which the database cannot store."""
    if not (isinstance(claim, str) and ID_CLAIM.fullmatch(claim)) or int(claim) > MAX_ID:
        raise ValueError("not an id")
    return int(claim)


def _time_s(claim: Any) -> int:
    """Return a time in seconds. Raises ValueError for anything else."""
    if type(claim) is not int or not 0 <= claim <= MAX_TIME_S:
        raise ValueError("not a time")
    return claim


def new_device_id() -> str:
    """Return 96 random bits that identify a device of a user."""
    return secrets.token_urlsafe(12)


def invalid_access_token() -> Unauthenticated:
    return Unauthenticated("This access token is invalid. Sign in or refresh it.", code="invalid_token")


def invalid_refresh_token() -> Unauthenticated:
    return Unauthenticated("This refresh token is invalid. Sign in again.", code="invalid_refresh_token")
