"""A real SMTP server for tests, as unkind as they want it."""

import asyncio
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers import free_port


class PostOffice:
    """Takes mail in a thread of its own; `replies` are its answers to the commands that it is to refuse."""

    def __init__(self, **options: Any) -> None:
        self.taken: list[Envelope] = []
        self.replies: dict[str, str] = {}
        self.signed_in: list[bytes] = []
        self.hangs = False
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=free_port(),
            authenticator=self._authenticate,
            auth_require_tls=False,
            **options,
        )

    def start(self) -> "PostOffice":
        self._controller.start()
        return self

    def stop(self) -> None:
        self._controller.stop()

    def _authenticate(self, _: Any, __: Any, ___: Any, ____: str, login: Any) -> AuthResult:
        assert isinstance(login, LoginPassword)
        self.signed_in.append(login.login)
        return AuthResult(success=login.password == b"right")

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

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:
        if self.hangs:
            await asyncio.Event().wait()
        if "DATA" not in self.replies:
            self.taken.append(envelope)
        return self.replies.get("DATA", "250 OK")

    async def handle_QUIT(self, _: SMTP, __: Session, ___: Envelope) -> str:
        return self.replies.get("QUIT", "221 Bye")

    @property
    def port(self) -> int:
        return self._controller.port
