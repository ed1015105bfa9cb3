"""Sends e-mails to an SMTP server over one connection."""

import asyncio
import os
import socket
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr

import aiosmtplib

from server.gateways.email.email import Email, EmailFailed, EmailRefused, address_of, compose
from server.gateways.email.smtp_connection import SmtpConnection, SmtpServer, open_connection, quit_connection
from server.outages import CircuitBreaker
from server.tracing import SpanKind, child_span

PERMANENT = 500
CLOSING = 421  # the server closes the connection
IDLE_S = 30.0  # servers close an idle connection after one to ten minutes
# An e-mail that waited longer than this share of the timeout might be cut off during DATA, and be sent twice.
MAX_WAITING_SHARE = 0.5


class SmtpEmailSender:
    """Sends one e-mail at a time over a connection that is opened on demand and reused.

    `send` returns within the server's timeout. An e-mail that waits for half of it, behind others that hang, fails with
    `email_busy` before it was started.

    `_idle` is the connection between two e-mails. A call takes it out, and puts it back if it is in a defined state. A
    connection on which a command was interrupted is therefore never reused.
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
        """Do not reuse a connection after `idle_s`. `circuit` records whether the server works, but not rejections."""
        self._server = server
        self._sender = sender
        self._tls_context = tls_context
        self._idle_s = idle_s
        self._circuit = circuit or CircuitBreaker("smtp")
        self._lock = asyncio.Lock()
        self._idle: SmtpConnection | None = None
        self._idle_since = 0.0
        self._closed = False

    async def send(self, email: Email) -> None:
        message, to = compose(email, self._sender), address_of(email.to)
        ends_at = asyncio.get_running_loop().time() + self._server.timeout_s
        try:
            async with asyncio.timeout(self._server.timeout_s * MAX_WAITING_SHARE):
                await self._lock.acquire()
        except TimeoutError as error:
            raise EmailFailed("E-mails before this one take too long.", code="email_busy") from error
        try:
            with child_span("SMTP send", SpanKind.CLIENT, {"server.address": self._server.host}):
                async with asyncio.timeout_at(ends_at):
                    await self._deliver(message, to)
        except EmailRefused:
            self._circuit.succeeded()
            raise
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            failure = self._unreachable(error) or _failed(error)
            self._circuit.failed(failure, email.key)
            raise failure from error
        else:
            self._circuit.succeeded()
        finally:
            self._lock.release()

    async def close(self) -> None:
        """Close the connection. An e-mail in progress may still be sent; later ones fail."""
        self._closed = True
        idle, self._idle = self._idle, None
        if idle is not None:
            await quit_connection(idle)

    def _unreachable(self, error: Exception) -> EmailFailed | None:
        """Return the failure if no server answers at all, which may be a mistake in the settings."""
        if not isinstance(error, aiosmtplib.SMTPConnectError) or isinstance(
            error, aiosmtplib.SMTPResponseException
        ):
            return None
        cause = error.__cause__
        why = type(cause or error).__name__
        if isinstance(cause, socket.gaierror):
            why = str(cause.strerror)
        elif isinstance(cause, OSError) and cause.errno:
            why = os.strerror(cause.errno)  # asyncio's own message repeats the address
        where = f"{self._server.host}:{self._server.port}"
        return EmailFailed(f"No SMTP server answers at {where} ({why}). Check EMAIL_HOST and EMAIL_PORT.")

    async def _deliver(self, message: EmailMessage, to: Address) -> None:
        idle = await self._take_idle()
        if idle is not None:
            try:
                await self._transmit(idle, message, to)
                return
            except (aiosmtplib.SMTPException, OSError):
                # The server has closed it, or accepts no more e-mails over it.
                if idle.data_started:
                    raise
        await self._transmit(await open_connection(self._server, self._tls_context), message, to)

    async def _take_idle(self) -> SmtpConnection | None:
        if self._closed:
            raise EmailFailed("The e-mail sender is closed.")
        idle, self._idle = self._idle, None
        if idle is None or not idle.is_connected:
            return None
        if asyncio.get_running_loop().time() - self._idle_since < self._idle_s:
            return idle
        await quit_connection(idle)
        return None

    async def _transmit(self, connection: SmtpConnection, message: EmailMessage, to: Address) -> None:
        """Raise EmailRefused if another attempt would fail alike.

        A rejected recipient or content is final. A rejected sender or sign-in is not: the settings may be corrected.
        """
        try:
            await connection.transmit(message, parseaddr(self._sender)[1], to.addr_spec)
        except (
            aiosmtplib.SMTPNotSupported
        ) as error:  # the address is not ASCII, and the server lacks SMTPUTF8
            self._put_back(connection)
            raise EmailRefused("The SMTP server does not support this address.") from error
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError) as error:
            cause = error if isinstance(error, aiosmtplib.SMTPDataError) else error.recipients[0]
            if cause.code == CLOSING:
                connection.close()
                raise
            if cause.code >= PERMANENT:
                self._put_back(connection)
                raise _refused(cause) from error
            # The next attempt uses another connection, because some servers count errors per connection.
            await quit_connection(connection)
            if isinstance(error, aiosmtplib.SMTPDataError):
                raise
            raise _failed(cause) from error  # the recipient's server is unavailable, or asks for a retry
        except BaseException:
            connection.close()
            raise
        self._put_back(connection)

    def _put_back(self, connection: SmtpConnection) -> None:
        if self._closed:
            connection.close()
        else:
            self._idle, self._idle_since = connection, asyncio.get_running_loop().time()


def _refused(error: aiosmtplib.SMTPResponseException) -> EmailRefused:
    return EmailRefused(f"The SMTP server rejected this e-mail for good ({_describe(error)}).")


def _failed(error: Exception) -> EmailFailed:
    return EmailFailed(f"The SMTP server did not accept this e-mail ({_describe(error)}).")


def _describe(error: Exception) -> str:
    """Return the error without the server's text, which may contain the address."""
    code = f", {error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    return f"{type(error).__name__}{code}"
