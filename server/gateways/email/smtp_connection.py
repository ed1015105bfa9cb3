"""A connection to an SMTP server."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Literal, cast

import aiosmtplib

QUIT_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """The server that accepts our e-mails. `tls`: from the start, by STARTTLS (required), or none."""

    host: str
    port: int
    username: str
    password: str
    tls: Literal["starttls", "tls", "none"]
    timeout_s: float


class SmtpConnection(aiosmtplib.SMTP):
    """`data_started`: the server may have accepted the last e-mail, even if it failed.

    The library does not report whether an error came before or after DATA, so the method that `sendmail` calls is
    overridden.
    """

    data_started = False

    async def transmit(self, message: EmailMessage, sender: str, recipient: str) -> None:
        self.data_started = False
        await self.send_message(message, sender=sender, recipients=[recipient])

    async def data(self, message: str | bytes, /, **options: Any) -> aiosmtplib.SMTPResponse:
        self.data_started = True
        return await super().data(message, **options)

    def close(self) -> None:
        """Abort: a partly sent e-mail is discarded, and a server that hangs is not waited for."""
        if self.transport is not None:
            cast("asyncio.WriteTransport", self.transport).abort()
        super().close()


async def quit_connection(connection: SmtpConnection) -> None:
    try:
        with suppress(aiosmtplib.SMTPException, OSError):
            async with asyncio.timeout(QUIT_TIMEOUT_S):
                await connection.quit()
    finally:
        connection.close()


async def open_connection(server: SmtpServer, tls_context: ssl.SSLContext | None) -> SmtpConnection:
    """Connect, encrypt if configured, and sign in."""
    connection = SmtpConnection(
        hostname=server.host,
        port=server.port,
        username=server.username or None,
        password=server.password or None,
        use_tls=server.tls == "tls",
        start_tls=server.tls == "starttls",
        tls_context=tls_context,
        # `send` has the timeout. The library's own uses `asyncio.wait_for`, which on Python 3.11 loses a
        # cancellation that arrives together with the reply.
        timeout=None,
    )
    await connection.connect()
    return connection
