"""A push service over TLS (RFC 8030), which verifies the sender, and the browsers that it serves."""

import asyncio
import ssl
from dataclasses import dataclass, field
from os import urandom
from pathlib import Path
from typing import Any, Self

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.gateways.push.message import WebSubscription
from server.gateways.push.web_push.encryption import CURVE, decode, encode, public_bytes
from tests.support.certificates import Authority


class Browser:
    """A subscription with its private key. It decrypts as RFC 8291 says, apart from the server's code."""

    def __init__(self, endpoint: str) -> None:
        self._key = ec.generate_private_key(CURVE)
        self._secret = urandom(16)
        self.endpoint = endpoint
        self.p256dh, self.auth = encode(public_bytes(self._key.public_key())), encode(self._secret)

    @property
    def subscription(self) -> WebSubscription:
        return WebSubscription(self.endpoint, self.p256dh, self.auth)

    def as_json(self) -> dict[str, Any]:
        """Return the subscription as a browser serializes it."""
        keys = {"p256dh": self.p256dh, "auth": self.auth}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def decrypt(self, body: bytes) -> bytes:
        salt, record_bytes, id_bytes = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, record = body[21 : 21 + id_bytes], body[21 + id_bytes :]
        assert len(record) <= record_bytes
        shared = self._key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender))
        info = b"WebPush: info\0" + public_bytes(self._key.public_key()) + sender
        secret = HKDF(SHA256(), 32, self._secret, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
        content, delimiter, padding = AESGCM(key).decrypt(nonce, record, None).rpartition(b"\x02")
        assert delimiter == b"\x02"
        assert not padding.strip(b"\0")
        return content


@dataclass(frozen=True, slots=True)
class Received:
    """A push that the service accepted."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PushService:
    """Answers each path with the status in `statuses`, by default 201, and counts the requests per path."""

    port: int
    tls: ssl.SSLContext
    statuses: dict[str, int] = field(default_factory=dict[str, int])
    headers: dict[str, str] = field(default_factory=dict[str, str])
    received: list[Received] = field(default_factory=list[Received])
    requests: list[str] = field(default_factory=list[str])
    hangs: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None

    @classmethod
    async def start(cls, folder: Path) -> tuple[Self, Path]:
        """Start on a free port; return the service and the certificate of its authority."""
        authority = Authority(folder / "push-service", "authority")
        certificate = authority.sign("push", "127.0.0.1")
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate.certificate, certificate.key)
        service = cls(0, tls)
        await service.open()
        return service, authority.certificate

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def browser(self, name: str) -> Browser:
        return Browser(f"https://{self.host}/wpush/{name}")

    async def open(self) -> None:
        app = web.Application()
        app.router.add_post("/wpush/{name}", self._receive)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.tls, reuse_address=True)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        self.released.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _receive(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.requests.append(name)
        if self.hangs:
            await self.released.wait()
        body = await request.read()
        status = self.statuses.get(name, 201)
        self._verify(request)
        if status == 201:
            self.received.append(Received(name, dict(request.headers), body))
        return web.Response(status=status, headers=self.headers)

    def _verify(self, request: web.Request) -> None:
        """Check the request as push services do: the token is for this service, signed with the key beside it."""
        token, key = request.headers["Authorization"].removeprefix("vapid t=").split(", k=")
        public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, decode(key))
        jwt.decode(token, public, algorithms=["ES256"], audience=f"https://{self.host}")
        assert request.headers["Content-Encoding"] == "aes128gcm"
        assert 0 < int(request.headers["TTL"]) <= 2_419_200
        assert len(request.headers["Topic"]) <= 32
