"""Firebase Cloud Messaging and Google's token server on loopback, with injectable faults.

It serves the real firebase-admin: it checks assertions with the public half of a generated key, access tokens against
those it issued, and messages like FCM. It keeps every accepted message, so that duplicates show.
"""

import asyncio
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from secrets import token_hex
from typing import Any, Self

import jwt
import orjson
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from tests.support.fakes.fcm_protocol import Trouble, answer, flawed, refusal
from tools.harness.servers import free_port

PROJECT = "photos-of-the-tests"
CLIENT_EMAIL = "push@photos-of-the-tests.iam.gserviceaccount.com"
# Either scope permits sending.
SCOPES = {f"https://www.googleapis.com/auth/{name}" for name in ("firebase.messaging", "cloud-platform")}
GOOGLE = "https://oauth2.googleapis.com/token"  # the audience of an assertion, wherever it is sent
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class SignInTrouble(StrEnum):
    """Faults of the token server."""

    REFUSES = "refuses"
    UNAVAILABLE = "unavailable"
    HANGS = "hangs"
    RESETS = "resets"
    NO_JSON = "no JSON"
    NO_TOKEN = "no token"


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that a device shows."""

    token: str
    key: str
    message: Mapping[str, Any]


class FakeFcm:
    """Serves in its own thread; `environ` and `config_changes` direct a program here.

    `troubles` are faults of single tokens, `trouble` applies to all others. `asked` counts requests by token and key,
    whatever their outcome.
    """

    def __init__(self) -> None:
        self.port = free_port()
        self.private_key = rsa_key()
        self.troubles: dict[str, Trouble] = {}
        self.trouble: Trouble | None = None
        self.sign_in_trouble: SignInTrouble | None = None
        self.access_lives_s = 3600.0
        self.taken: list[Taken] = []
        self.asked: Counter[tuple[str, str]] = Counter()
        self.sign_ins = 0
        self.traceparents: list[str] = []
        self.most_at_once = 0
        self._at_once = 0
        self._access: dict[str, float] = {}
        self._public_key: Any = load_pem_private_key(self.private_key.encode(), None).public_key()
        self._thread: threading.Thread | None = None
        self._serving = threading.Event()
        self._loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event
        self._released: asyncio.Event

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def token_uri(self) -> str:
        return f"{self.url}/token"

    @property
    def config_changes(self) -> dict[str, str]:
        """Return the config.toml lines that direct a program here, for `config_file`."""
        return {
            f'token_uri = "{GOOGLE}"': f'token_uri = "{self.token_uri}"',
            'fcm_url = "https://fcm.googleapis.com"': f'fcm_url = "{self.url}"',
        }

    def environ(self) -> dict[str, str]:
        """Return the variables of a service account; the key has escaped line breaks, as usual."""
        return {
            "FIREBASE_PROJECT_ID": PROJECT,
            "FIREBASE_CLIENT_EMAIL": CLIENT_EMAIL,
            "FIREBASE_PRIVATE_KEY": self.private_key.replace("\n", "\\n"),
        }

    def start(self) -> Self:
        """Start and wait until it serves. After `stop` it may be started again on the same port."""
        self._serving.clear()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="fcm", daemon=True)
        self._thread.start()
        if not self._serving.wait(10):
            raise RuntimeError("The FCM test server did not start.")
        return self

    def stop(self) -> None:
        """Close all connections and stop. Does nothing if it is not running."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(10)
            self._thread = None

    def release(self) -> None:
        """Resume what hangs: sign-ins succeed, messages get a reset."""

        def release() -> None:
            self._released.set()
            self._released = asyncio.Event()

        self._loop.call_soon_threadsafe(release)

    def revoke_access_tokens(self) -> None:
        """Revoke all issued access tokens."""
        self._access.clear()

    def shown(self, token: str) -> list[str]:
        """Return the keys of the messages accepted for a token, in order."""
        return [taken.key for taken in self.taken if taken.token == token]

    def doubled(self) -> list[tuple[str, str]]:
        """Return each token and key with more than one accepted message."""
        times = Counter((taken.token, taken.key) for taken in self.taken)
        return [push for push, count in times.items() if count > 1]

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped, self._released = asyncio.Event(), asyncio.Event()
        app = web.Application()
        app.router.add_post("/token", self._sign_in)
        app.router.add_post("/v1/projects/{project}/messages:send", self._send)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await runner.setup()
        assert runner.server is not None
        with socket.create_server(("127.0.0.1", self.port)) as listening:
            # asyncio's own servers leave a connection open that was accepted just before they are closed.
            connections: set[asyncio.Task[Any]] = set()

            def accept() -> None:
                try:
                    connection, _ = listening.accept()
                except OSError:  # the client is gone already
                    return
                connecting = self._loop.connect_accepted_socket(runner.server, connection)
                connections.add(asyncio.ensure_future(connecting))

            listening.setblocking(False)
            self._loop.add_reader(listening, accept)
            self._serving.set()
            await self._stopped.wait()
            self._loop.remove_reader(listening)
        await asyncio.gather(*connections)
        await runner.cleanup()

    async def _sign_in(self, request: web.Request) -> web.Response:
        self.sign_ins += 1
        form = await request.post()
        match self.sign_in_trouble:
            case SignInTrouble.HANGS:
                await self._released.wait()
            case SignInTrouble.RESETS:
                return _reset(request)
            case SignInTrouble.UNAVAILABLE:
                return answer(503, {"error": "internal_failure"})
            case SignInTrouble.NO_JSON:
                return web.Response(text="<html>Welcome to this hotel</html>", content_type="text/html")
            case SignInTrouble.NO_TOKEN:
                return answer(200, {"token_type": "Bearer", "expires_in": 3599})
            case _:
                pass
        flaw = self._flaw_of(form)
        if self.sign_in_trouble is SignInTrouble.REFUSES:
            flaw = "Invalid grant: account not found"
        if flaw:
            return answer(400, {"error": "invalid_grant", "error_description": flaw})
        access = f"ya29.{token_hex(32)}"
        self._access[access] = time.monotonic() + self.access_lives_s
        return answer(
            200, {"access_token": access, "expires_in": int(self.access_lives_s), "token_type": "Bearer"}
        )

    def _flaw_of(self, form: Mapping[str, Any]) -> str:
        if form.get("grant_type") != JWT_GRANT:
            return "Unsupported grant type."
        try:
            claims = jwt.decode(
                form.get("assertion", ""),
                self._public_key,
                algorithms=["RS256"],
                audience=GOOGLE,
                issuer=CLIENT_EMAIL,
                options={"require": ["iat", "exp", "aud", "iss"]},
            )
        except jwt.InvalidTokenError as error:
            return f"Invalid JWT: {error}"
        if claims["exp"] - claims["iat"] > 3600:
            return "Invalid JWT: Token must be a short-lived token (60 minutes)."
        return "" if SCOPES & set(claims.get("scope", "").split()) else "Invalid OAuth scope."

    async def _send(self, request: web.Request) -> web.Response:
        self.traceparents.append(request.headers.get("traceparent", ""))
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            return await self._answer(request, await request.read())
        finally:
            self._at_once -= 1

    async def _answer(self, request: web.Request, body: bytes) -> web.Response:
        if self._access.get(request.headers.get("Authorization", "")[7:], 0.0) < time.monotonic():
            return refusal(Trouble.UNAUTHENTICATED)
        if request.match_info["project"] != PROJECT:
            return refusal(Trouble.FORBIDDEN)
        if refused := flawed(body):
            return refused
        message = orjson.loads(body)["message"]
        token, key = message["token"], message["apns"]["headers"]["apns-collapse-id"]
        self.asked[token, key] += 1
        trouble = self.troubles.get(token, self.trouble)
        if trouble is None or trouble.takes:
            self.taken.append(Taken(token, key, message))
        if trouble in (Trouble.HANGS, Trouble.TAKEN_BUT_HANGS):
            await self._released.wait()
            return _reset(request)
        if trouble in (Trouble.RESETS, Trouble.TAKEN_BUT_RESETS):
            return _reset(request)
        if trouble is not None:
            return refusal(trouble)
        return answer(200, {"name": f"projects/{PROJECT}/messages/{token_hex(8)}"})


@cache
def rsa_key(password: str = "") -> str:
    """Return a PEM private key as in a service account file; encrypted if `password` is set."""
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()


def _reset(request: web.Request) -> web.Response:
    """Reset the connection without an answer."""
    transport = request.transport
    if transport is not None:  # None if the client disconnected first
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
