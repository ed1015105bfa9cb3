"""Delivery of e-mails to an SMTP server over one reused connection."""

import asyncio
import os
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, Literal, cast

import aiosmtplib

from server.gateways.email.email import Email, EmailFailed, EmailRefused, address_of, compose
from server.outages import CircuitBreaker

PERMANENT = 500
CLOSING = 421  # the server closes the connection
IDLE_S = 30.0  # servers end an idle connection after one to ten minutes
QUIT_TIMEOUT_S = 1.0
# Share of an e-mail's time for waiting. With less than the rest, a timeout during DATA would send it twice.
WAITING_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Address and credentials of the mail server. `starttls` never falls back to an unencrypted connection."""

    host: str
    port: int
    username: str
    password: str
    tls: Literal["starttls", "tls", "none"]
    timeout_s: float


class SmtpEmailSender:
    """Sends e-mails one after the other. The connection is opened with the first one and reused for the next.

    `send` ends within the server's timeout. An e-mail that waits half of it behind others fails (`email_busy`) before
    it is started.

    `_kept` is the idle connection. `send` takes it out and puts it back only if it is intact, so an interrupted
    connection is never reused.
    """

    def __init__(
        self,
        server: SmtpServer,
        sender: str,
        tls_context: ssl.SSLContext | None = None,
        *,
        idle_s: float = IDLE_S,
        circuit: CircuitBreaker | None = None,
    ) -> None:
        """Create a sender that reuses a connection for `idle_s` after the last e-mail.

        `circuit` records whether the server works; a rejected recipient does not count as a failure.
        """
        self._server = server
        self._sender = sender
        self._tls_context = tls_context
        self._idle_s = idle_s
        self._circuit = circuit or CircuitBreaker("smtp")
        self._turn = asyncio.Lock()
        self._kept: _Connection | None = None
        self._kept_at = 0.0
        self._closed = False

    async def send(self, email: Email) -> None:
        message, to = compose(email, self._sender), address_of(email.to)
        ends_at = asyncio.get_running_loop().time() + self._server.timeout_s
        try:
            async with asyncio.timeout(self._server.timeout_s * WAITING_SHARE):
                await self._turn.acquire()
        except TimeoutError as error:
            raise EmailFailed("Earlier e-mails take too long.", code="email_busy") from error
        try:
            async with asyncio.timeout_at(ends_at):
                await self._deliver(message, to)
        except EmailRefused:
            self._circuit.succeeded()
            raise
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            failure = self._connect_failure(error) or _failed(error)
            self._circuit.failed(failure, email.key)
            raise failure from error
        else:
            self._circuit.succeeded()
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Close the SMTP connection. An e-mail in progress may finish; later calls fail."""
        self._closed = True
        kept, self._kept = self._kept, None
        if kept is not None:
            await _quit(kept)

    def _connect_failure(self, error: Exception) -> EmailFailed | None:
        """Return the error for a failed connection, which may be due to wrong settings; None for other errors."""
        if not isinstance(error, aiosmtplib.SMTPConnectError) or isinstance(
            error, aiosmtplib.SMTPResponseException
        ):
            return None
        cause = error.__cause__
        why = type(cause or error).__name__
        if isinstance(cause, socket.gaierror):
            why = str(cause.strerror)
        elif isinstance(cause, OSError) and cause.errno:
            why = os.strerror(cause.errno)  # asyncio's own text repeats the address
        where = f"{self._server.host}:{self._server.port}"
        return EmailFailed(f"No mail server answers at {where} ({why}). Check EMAIL_HOST and EMAIL_PORT.")

    async def _deliver(self, message: EmailMessage, to: Address) -> None:
        kept = await self._take_kept()
        if kept is not None:
            try:
                await self._submit(kept, message, to)
                return
            except (aiosmtplib.SMTPException, OSError):
                # The server closed the idle connection, or accepts no more e-mails over it.
                if kept.data_begun:
                    raise
        await self._submit(await self._open(), message, to)

    async def _take_kept(self) -> "_Connection | None":
        if self._closed:
            raise EmailFailed("The e-mail sender is closed.")
        kept, self._kept = self._kept, None
        if kept is None or not kept.is_connected:
            return None
        if asyncio.get_running_loop().time() - self._kept_at < self._idle_s:
            return kept
        await _quit(kept)
        return None

    async def _submit(self, connection: "_Connection", message: EmailMessage, to: Address) -> None:
        """Send over `connection`. Raises EmailRefused for errors that repeat with every attempt.

        These are a rejected recipient or e-mail; a wrong sender or sign-in can be corrected in the settings.
        """
        try:
            await connection.submit(message, parseaddr(self._sender)[1], to.addr_spec)
        except aiosmtplib.SMTPNotSupported as error:  # a non-ASCII address, and a server without SMTPUTF8
            self._keep(connection)
            raise EmailRefused("The mail server does not support this address.") from error
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError) as error:
            to_blame = error if isinstance(error, aiosmtplib.SMTPDataError) else error.recipients[0]
            if to_blame.code == CLOSING:
                connection.close()
                raise
            if to_blame.code >= PERMANENT:
                self._keep(connection)
                raise _refused(to_blame) from error
            # The next attempt needs a new connection: some servers limit the e-mails per connection.
            await _quit(connection)
            if isinstance(error, aiosmtplib.SMTPDataError):
                raise
            raise _failed(to_blame) from error  # the recipient's server is unavailable or greylists
        except BaseException:
            connection.close()
            raise
        self._keep(connection)

    def _keep(self, connection: "_Connection") -> None:
        if self._closed:
            connection.close()
        else:
            self._kept, self._kept_at = connection, asyncio.get_running_loop().time()

    async def _open(self) -> "_Connection":
        """Return a connection that is encrypted as configured and signed in."""
        server = self._server
        connection = _Connection(
            hostname=server.host,
            port=server.port,
            username=server.username or None,
            password=server.password or None,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=self._tls_context,
            # `send` bounds all of it. The library's timeout uses `asyncio.wait_for`, which on Python 3.11 loses a
            # cancellation that arrives together with the reply.
            timeout=None,
        )
        await connection.connect()
        return connection


class _Connection(aiosmtplib.SMTP):
    """An SMTP connection. `data_begun`: the server may have accepted the last e-mail, whatever it replied."""

    data_begun = False

    async def submit(self, message: EmailMessage, sender: str, recipient: str) -> None:
        self.data_begun = False
        await self.send_message(message, sender=sender, recipients=[recipient])

    async def data(self, message: str | bytes, /, **options: Any) -> aiosmtplib.SMTPResponse:
        self.data_begun = True
        return await super().data(message, **options)

    def close(self) -> None:
        """Abort the connection, so that a partly written e-mail is discarded and a hanging server blocks nothing."""
        if self.transport is not None:
            cast("asyncio.WriteTransport", self.transport).abort()
        super().close()


async def _quit(connection: _Connection) -> None:
    try:
        with suppress(aiosmtplib.SMTPException, OSError):
            async with asyncio.timeout(QUIT_TIMEOUT_S):
                await connection.quit()
    finally:
        connection.close()


def _refused(error: aiosmtplib.SMTPResponseException) -> EmailRefused:
    return EmailRefused(f"The mail server rejected this e-mail ({_describe(error)}).")


def _failed(error: Exception) -> EmailFailed:
    return EmailFailed(f"The mail server did not accept this e-mail ({_describe(error)}).")


def _describe(error: Exception) -> str:
    """Return class and code of an error, without the server's text, which may contain the address."""
    code = f", {error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    return f"{type(error).__name__}{code}"
