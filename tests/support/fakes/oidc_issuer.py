"""An OpenID Connect provider on loopback: a configuration document, a key set that rotates, and ID tokens."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from secrets import token_hex
from typing import Any

import jwt
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from server.gateways.oidc.providers import OidcProvider

CLIENT_ID = "photos-on-the-web"
NONCE = "a nonce of the tests".replace(" ", "-")
LIFETIME_S = 600
OMIT = object()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key of the issuer, with the algorithm that it signs with and its entry in the key set."""

    key_id: str
    algorithm: str
    private: Any
    entry: dict[str, Any]


class FakeIssuer:
    """`keys` are published; the first one signs. `status` and `content` are faults; `asked` counts requests by path."""

    def __init__(self, name: str = "acme") -> None:
        self.name = name
        self.url = ""
        self.keys = [signing_key("RS256")]
        self.status = 200
        self.content: bytes | None = None
        self.issuer_in_document = ""
        self.asked: Counter[str] = Counter()

    @property
    def provider(self) -> OidcProvider:
        return OidcProvider(self.name, (self.url,), (CLIENT_ID, "photos-on-phones"))

    @property
    def keys_path(self) -> str:
        return "/keys"

    def rotate(self, algorithm: str = "RS256", *, keep: bool = False) -> SigningKey:
        """Sign with a new key; return the previous one, which stays in the key set with `keep`."""
        previous = self.keys[0]
        self.keys = [signing_key(algorithm), *(self.keys if keep else [])]
        return previous

    def token(
        self,
        subject: str = "person-1",
        *,
        key: SigningKey | None = None,
        headers: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Return an ID token; `claims` replace the usual ones, or remove them with OMIT."""
        key, now_s = key or self.keys[0], int(time.time())
        usual = {
            "iss": self.url,
            "sub": subject,
            "aud": CLIENT_ID,
            "iat": now_s,
            "exp": now_s + LIFETIME_S,
            "nonce": NONCE,
            "jti": token_hex(8),
        }
        payload = {name: value for name, value in {**usual, **claims}.items() if value is not OMIT}
        given = {"kid": key.key_id} | (headers or {})
        named = {name: value for name, value in given.items() if value is not OMIT}
        return jwt.encode(payload, key.private, algorithm=key.algorithm, headers=named)

    async def _configuration(self, request: web.Request) -> web.Response:
        return self._answer(
            request, {"issuer": self.issuer_in_document or self.url, "jwks_uri": self.url + self.keys_path}
        )

    async def _key_set(self, request: web.Request) -> web.Response:
        return self._answer(request, {"keys": [key.entry for key in self.keys]})

    def _answer(self, request: web.Request, document: dict[str, Any]) -> web.Response:
        self.asked[request.path] += 1
        body = orjson.dumps(document) if self.content is None else self.content
        headers = {"Location": f"{self.url}/elsewhere"} if self.status == 302 else {}
        return web.Response(status=self.status, body=body, content_type="application/json", headers=headers)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["FakeIssuer"]:
        app = web.Application()
        app.router.add_get("/.well-known/openid-configuration", self._configuration)
        app.router.add_get(self.keys_path, self._key_set)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self
        finally:
            await runner.cleanup()


def signing_key(algorithm: str, bits: int = 2048) -> SigningKey:
    """Return a new key for an algorithm."""
    private, entry = _generated(algorithm, bits)
    key_id = token_hex(4)
    return SigningKey(key_id, algorithm, private, {**entry, "kid": key_id, "use": "sig", "alg": algorithm})


def _generated(algorithm: str, bits: int) -> tuple[Any, dict[str, Any]]:
    private: Any
    match algorithm:
        case "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
            return private, ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
        case "EdDSA":
            private = ed25519.Ed25519PrivateKey.generate()
            return private, OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
        case _:
            private = rsa.generate_private_key(public_exponent=65537, key_size=bits)
            return private, RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)


@cache
def foreign_key() -> SigningKey:
    """Return a key that no issuer has published."""
    return signing_key("RS256")
