"""Sessions: a device that is signed in, its access tokens, and the refresh token that it may spend next."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import jwt

from server.clock import Clock
from server.errors import Unauthenticated
from server.ids import SessionId, UserId
from server.models.sessions import Session
from server.services.records import Principal, Role, TokenPair
from server.services.unit_of_work import UnitOfWork, Work

ALGORITHM = "HS256"
LEEWAY_S = 5


@dataclass(frozen=True, slots=True)
class TokenRules:
    """How tokens are signed and how long they live; the two secrets differ."""

    access_secret: str
    refresh_secret: str
    issuer: str
    audience: str
    access_ttl_s: int
    refresh_idle_s: int
    refresh_absolute_s: int


class Sessions:
    def __init__(self, unit_of_work: UnitOfWork, clock: Clock, rules: TokenRules) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._rules = rules

    async def open(self, user_id: UserId, role: Role, user_agent: str, address: str) -> TokenPair:
        """Sign a device in."""
        nonce = secrets.token_urlsafe(24)

        async def body(work: Work) -> SessionId:
            now_ms = work.now_ms()
            session = await Session.create(
                id=work.new_id(),
                user_id=user_id,
                refresh_hash=_hash(nonce),
                user_agent=user_agent[:200],
                address=address[:45],
                created_at_ms=now_ms,
                last_used_at_ms=now_ms,
                expires_at_ms=now_ms + self._rules.refresh_absolute_s * 1000,
            )
            return SessionId(session.id)

        return self._pair(user_id, await self._unit_of_work.run(body), role, nonce)

    def principal(self, access_token: str) -> Principal:
        """Who an access token speaks for. Raises Unauthenticated, in the same words whatever is wrong with it."""
        claims = self._claims(access_token, self._rules.access_secret, "access")
        try:
            return Principal(UserId(int(claims["sub"])), SessionId(int(claims["sid"])), Role(claims["role"]))
        except (KeyError, TypeError, ValueError) as error:
            raise _refused() from error

    def _claims(self, token: str, secret: str, kind: str) -> dict[str, Any]:
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                secret,
                algorithms=[ALGORITHM],
                issuer=self._rules.issuer,
                audience=self._rules.audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "sub", "jti", "aud", "iss"]},
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError) as error:
            raise _refused() from error
        # PyJWT is content with a list of audiences that has ours in it.
        if claims.get("typ") != kind or claims["aud"] != self._rules.audience:
            raise _refused()
        return claims

    def _pair(self, user_id: UserId, session_id: SessionId, role: Role, nonce: str) -> TokenPair:
        rules = self._rules
        access = self._token(
            user_id, session_id, "access", secrets.token_urlsafe(12), rules.access_ttl_s, {"role": role}
        )
        refresh = self._token(user_id, session_id, "refresh", nonce, rules.refresh_idle_s, {})
        return TokenPair(access, refresh, rules.access_ttl_s)

    def _token(
        self, user_id: UserId, session_id: SessionId, kind: str, nonce: str, ttl_s: int, more: dict[str, Any]
    ) -> str:
        now_s = self._clock.now_ms() // 1000
        claims = {
            "iss": self._rules.issuer,
            "aud": self._rules.audience,
            "sub": str(user_id),
            "sid": str(session_id),
            "typ": kind,
            "jti": nonce,
            "iat": now_s,
            "exp": now_s + ttl_s,
            **more,
        }
        secret = self._rules.access_secret if kind == "access" else self._rules.refresh_secret
        return jwt.encode(claims, secret, algorithm=ALGORITHM)


def _hash(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()


def _refused() -> Unauthenticated:
    return Unauthenticated("This access token is not valid: sign in or refresh it.", code="invalid_token")
