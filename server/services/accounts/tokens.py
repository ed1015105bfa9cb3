"""Tokens: how access and refresh tokens are signed and read, and what a reset token is.

Whether a session still stands is not written in them: `revocations` knows.
"""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any

import jwt

from server.clock import Clock
from server.errors import Unauthenticated
from server.ids import SessionId, UserId
from server.services.records import Principal, Role

ALGORITHM = "HS256"
LEEWAY_S = 5
MAX_CHECKED = 5000


@dataclass(frozen=True, slots=True)
class TokenRules:
    """How tokens are signed and how long they live; the two secrets differ.

    `refresh_overlap_s`: for so long the refresh token that was spent last is answered as it was the first time.
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
class RefreshClaim:
    """What a refresh token says: whose it is, and the random nonce by which its session knows it."""

    user_id: UserId
    session_id: SessionId
    nonce: str


class Tokens:
    def __init__(self, clock: Clock, rules: TokenRules) -> None:
        self.rules = rules
        self._clock = clock
        # A signature takes 30 us to check, a tenth of a page, and the same few tokens come again and again.
        self._checked: dict[str, tuple[Principal, int]] = {}

    def access(self, principal: Principal, session_ends_at_ms: int) -> str:
        """A new access token; it does not outlive its session."""
        now_s = self._clock.now_ms() // 1000
        ends_s = min(now_s + self.rules.access_ttl_s, session_ends_at_ms // 1000)
        claims = {"jti": secrets.token_urlsafe(12), "iat": now_s, "exp": ends_s, "role": principal.role}
        return self._signed(principal.user_id, principal.session_id, "access", claims)

    def refresh(self, claim: RefreshClaim, issued_at_ms: int, session_ends_at_ms: int) -> str:
        """The refresh token with this nonce: made twice from the same it is the same text."""
        issued_s = issued_at_ms // 1000
        ends_s = min(issued_s + self.rules.refresh_idle_s, session_ends_at_ms // 1000)
        claims = {"jti": claim.nonce, "iat": issued_s, "exp": ends_s}
        return self._signed(claim.user_id, claim.session_id, "refresh", claims)

    def successor(self, spent: RefreshClaim, at_ms: int) -> RefreshClaim:
        """What follows on a refresh token that was spent `at_ms`.

        Derived, not random: whoever spends the same token at the same time as others gets what they get, though no
        token is kept at rest. Without our secret nobody can derive it.
        """
        seed = f"successor:{spent.session_id}:{spent.nonce}:{at_ms}".encode()
        digest = hmac.digest(self.rules.refresh_secret.encode(), seed, hashlib.sha256)
        nonce = urlsafe_b64encode(digest).decode().rstrip("=")
        return RefreshClaim(spent.user_id, spent.session_id, nonce)

    def read_access(self, token: str) -> Principal:
        """Who an access token speaks for. Raises Unauthenticated, in the same words whatever is wrong with it."""
        checked = self._checked.get(token)
        if checked is not None and self._clock.now_ms() < checked[1]:
            return checked[0]
        claims = self._claims(token, self.rules.access_secret, "access")
        try:
            principal = Principal(
                UserId(int(claims["sub"])), SessionId(int(claims["sid"])), Role(claims["role"])
            )
        except (KeyError, TypeError, ValueError) as error:
            raise refused_access() from error
        self._checked[token] = principal, (int(claims["exp"]) + LEEWAY_S) * 1000
        if len(self._checked) > MAX_CHECKED:
            del self._checked[next(iter(self._checked))]
        return principal

    def read_refresh(self, token: str) -> RefreshClaim:
        """What a refresh token says. Raises Unauthenticated, in the same words whatever is wrong with it."""
        try:
            claims = self._claims(token, self.rules.refresh_secret, "refresh")
            return RefreshClaim(UserId(int(claims["sub"])), SessionId(int(claims["sid"])), str(claims["jti"]))
        except (Unauthenticated, KeyError, TypeError, ValueError) as error:
            raise refused_refresh() from error

    def _claims(self, token: str, secret: str, kind: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                secret,
                algorithms=[ALGORITHM],
                issuer=self.rules.issuer,
                audience=self.rules.audience,
                leeway=LEEWAY_S,
                # A process whose clock is ahead signs tokens that are of the future elsewhere: `exp` bounds them.
                options={"require": ["exp", "iat", "sub", "jti", "aud", "iss"], "verify_iat": False},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise refused_access() from error
        # PyJWT is content with a list of audiences that has ours in it.
        if claims.get("typ") != kind or claims["aud"] != self.rules.audience:
            raise refused_access()
        return claims

    def _signed(self, user_id: UserId, session_id: SessionId, kind: str, more: dict[str, Any]) -> str:
        claims = {
            "iss": self.rules.issuer,
            "aud": self.rules.audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "typ": kind,
            **more,
        }
        secret = self.rules.access_secret if kind == "access" else self.rules.refresh_secret
        return jwt.encode(claims, secret, algorithm=ALGORITHM)


def new_reset_token() -> str:
    """What the link to a new password proves itself with: 256 random bits, and nothing of anybody in them."""
    return secrets.token_urlsafe(32)


def reset_hash(token: str) -> str:
    """How a reset token is kept."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def refused_access() -> Unauthenticated:
    return Unauthenticated("This access token is not valid: sign in or refresh it.", code="invalid_token")


def refused_refresh() -> Unauthenticated:
    return Unauthenticated("This refresh token is not valid: sign in again.", code="invalid_refresh_token")
