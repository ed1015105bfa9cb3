"""A real SMTP server for tests, with injectable faults."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tools.harness.servers import free_port
from tools.harness.waiting import wait_until_blocking

HANG = "hang"
HANG_UP = "hang up"


class FakeSmtpServer:
    """Accepts e-mail in its own thread.

    `replies` maps commands to refusals. `faults` lists faults by command, or for the GREETING, the TEXT before it is
    read, or the MESSAGE before it is answered. Each fault happens once, in order: HANG, HANG_UP, or a 421 line that is
    sent before disconnecting. After `max_messages_per_connection` messages a connection gets 421.

    `received` counts complete messages by Message-ID, accepted or not; `commands` lists those of all connections.
    `connections` counts all connections, `open_connections` the current ones.
    """

    def __init__(self, **options: Any) -> None:
        self.taken: list[Envelope] = []
        self.replies: dict[str, str] = {}
        self.faults: defaultdict[str, list[str]] = defaultdict(list)
        self.max_messages_per_connection = 0
        self.signed_in: list[bytes] = []
        self.received: Counter[str] = Counter()
        self.commands: list[str] = []
        self.connections = 0
        self.sessions: set[SmtpSession] = set()
        self.relenting = asyncio.Event()
        self._controller = _Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            authenticator=self._authenticate,
            auth_require_tls=False,
            **options,
        )

    def start(self) -> "FakeSmtpServer":
        self._controller.start()
        self.connections = 0  # the controller connects once to check that it is up
        return self

    def stop(self) -> None:
        self.hang_up()
        self._controller.stop()

    def hang_up(self, farewell: str = "") -> None:
        """Close every connection and wait until they are closed."""

        async def end() -> None:
            for session in self.sessions.copy():
                session.hang_up(farewell)

        asyncio.run_coroutine_threadsafe(end(), self._controller.loop).result(5)
        wait_until_blocking(lambda: not self.sessions, 5, "every connection to close")

    def relent(self) -> None:
        """Resume everything that hangs."""
        self._controller.loop.call_soon_threadsafe(self.relenting.set)

    @property
    def port(self) -> int:
        return self._controller.port

    @property
    def open_connections(self) -> int:
        return len(self.sessions)

    def _authenticate(self, _: Any, __: Any, ___: Any, ____: str, login: Any) -> AuthResult:
        assert isinstance(login, LoginPassword)
        self.signed_in.append(login.login)
        return AuthResult(success=login.password == b"right", handled=False)

    async def handle_RCPT(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "RCPT" not in self.replies:
            envelope.rcpt_tos.append(address)
            envelope.rcpt_options.extend(options)
        return self.replies.get("RCPT", "250 OK")

    async def handle_MAIL(
        self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if "MAIL" not in self.replies:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.replies.get("MAIL", "250 OK")

    async def handle_DATA(self, session: "SmtpSession", _: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.received[message_from_bytes(envelope.content)["Message-ID"]] += 1
        await session.apply_fault("MESSAGE")
        if "DATA" not in self.replies:
            self.taken.append(envelope)
        return self.replies.get("DATA", "250 OK")

    async def handle_QUIT(self, _: SMTP, __: Session, ___: Envelope) -> str:
        return self.replies.get("QUIT", "221 Bye")


class SmtpSession(SMTP):
    """Serves one connection."""

    def __init__(self, server: FakeSmtpServer, **options: Any) -> None:
        super().__init__(server, **options)
        self._server = server
        self._messages = 0
        self._greeted = False
        self._smtp_methods = {name: self._watched(name, do) for name, do in self._smtp_methods.items()}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self not in self._server.sessions:  # STARTTLS calls this a second time
            self._server.sessions.add(self)
            self._server.connections += 1
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._server.sessions.discard(self)

    async def push(self, status: Any) -> None:
        if not self._greeted:
            self._greeted = True
            await self.apply_fault("GREETING")
        await super().push(status)
        if str(status).startswith("354"):
            await self.apply_fault("TEXT")

    async def apply_fault(self, at: str) -> None:
        """Apply the next fault for this point, if any."""
        faults = self._server.faults[at]
        if not faults:
            return
        fault = faults.pop(0)
        if fault == HANG:
            try:
                await self._server.relenting.wait()
            except asyncio.CancelledError:  # the client disconnected
                self.hang_up()
                raise
        else:
            self.hang_up("" if fault == HANG_UP else fault)
            await asyncio.Event().wait()

    def hang_up(self, farewell: str = "") -> None:
        if self.transport is None:
            return
        transport = cast("asyncio.WriteTransport", self.transport)
        if farewell:
            transport.write(f"{farewell}\r\n".encode())
            transport.close()
        else:
            transport.abort()

    def _watched(
        self, command: str, do: Callable[[str | None], Awaitable[None]]
    ) -> Callable[[str | None], Awaitable[None]]:
        async def run(argument: str | None) -> None:
            self._server.commands.append(command)
            await self.apply_fault(command)
            most = self._server.max_messages_per_connection
            if command == "MAIL" and most and self._messages == most:
                self.hang_up("421 4.7.0 Too many messages for this connection")
                await asyncio.Event().wait()
            self._messages += command == "DATA"
            await do(argument)

        return run


class _Controller(Controller):
    def factory(self) -> SmtpSession:
        return SmtpSession(self.handler, **self.SMTP_kwargs)
