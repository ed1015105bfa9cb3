"""Handing letters in at an SMTP server, over one connection."""

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
CLOSING = 421  # the server's word for: this connection ends here
IDLE_S = 30.0  # servers end an idle connection after one to ten minutes
GOODBYE_S = 1.0
# Of the time for a letter. With less than the rest it might be cut off with its text on the way, and be sent again.
WAITING_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `tls`: from the start, by STARTTLS (never without), or none."""

    host: str
    port: int
    username: str
    password: str
    tls: Literal["starttls", "tls", "none"]
    timeout_s: float


class SmtpEmailSender:
    """Hands letters in one after the other. The connection is opened when one is there to send, and kept for the next.

    A `send` is over within the server's timeout. A letter that waited for half of it, behind others that hang, fails
    (`email_busy`) without having been begun.

    `_kept` is the connection between two letters. Whoever uses it takes it out, and puts it back when it is whole; so
    one on which something was cut off is used by nobody.
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
        """After `idle_s` without a letter a connection is not used any more. `circuit` is told how the server is: not
        of what it has against one recipient."""
        self._server = server
        self._sender = sender
        self._tls_context = tls_context
        self._idle_s = idle_s
        self._circuit = circuit or CircuitBreaker("smtp")
        self._turn = asyncio.Lock()
        self._kept: _Connection | None = None
        self._kept_at = 0.0
        self._closed = False

    async def send(self, letter: Email) -> None:
        message, to = compose(letter, self._sender), address_of(letter.to)
        ends_at = asyncio.get_running_loop().time() + self._server.timeout_s
        try:
            async with asyncio.timeout(self._server.timeout_s * WAITING_SHARE):
                await self._turn.acquire()
        except TimeoutError as error:
            raise EmailFailed("The letters before this one take too long.", code="email_busy") from error
        try:
            async with asyncio.timeout_at(ends_at):
                await self._deliver(message, to)
        except EmailRefused:
            self._circuit.succeeded()
            raise
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            failure = self._not_reached(error) or _failed(error)
            self._circuit.failed(failure, letter.key)
            raise failure from error
        else:
            self._circuit.succeeded()
        finally:
            self._turn.release()

    async def close(self) -> None:
        """Take leave of the server. A letter that is on its way may end; none is sent any more after it."""
        self._closed = True
        kept, self._kept = self._kept, None
        if kept is not None:
            await _leave(kept)

    def _not_reached(self, error: Exception) -> EmailFailed | None:
        """What to say if nobody answers at all: that may be a mistake in the settings."""
        if not isinstance(error, aiosmtplib.SMTPConnectError) or isinstance(
            error, aiosmtplib.SMTPResponseException
        ):
            return None
        cause = error.__cause__
        why = type(cause or error).__name__
        if isinstance(cause, socket.gaierror):
            why = str(cause.strerror)
        elif isinstance(cause, OSError) and cause.errno:
            why = os.strerror(cause.errno)  # what asyncio says instead has the address once more
        where = f"{self._server.host}:{self._server.port}"
        return EmailFailed(f"No mail server answers at {where} ({why}). Check EMAIL_HOST and EMAIL_PORT.")

    async def _deliver(self, message: EmailMessage, to: Address) -> None:
        kept = await self._take_kept()
        if kept is not None:
            try:
                await self._hand_in(kept, message, to)
                return
            except (aiosmtplib.SMTPException, OSError):
                # The server has ended it meanwhile, or takes no more letters over it.
                if kept.data_begun:
                    raise
        await self._hand_in(await self._open(), message, to)

    async def _take_kept(self) -> "_Connection | None":
        if self._closed:
            raise EmailFailed("Mail is closed.")
        kept, self._kept = self._kept, None
        if kept is None or not kept.is_connected:
            return None
        if asyncio.get_running_loop().time() - self._kept_at < self._idle_s:
            return kept
        await _leave(kept)
        return None

    async def _hand_in(self, connection: "_Connection", message: EmailMessage, to: Address) -> None:
        """Raises EmailRefused where another attempt would end alike: a wrong sender or sign-in may be mended, a
        refused recipient or e-mail may not."""
        try:
            await connection.hand_in(message, parseaddr(self._sender)[1], to.addr_spec)
        except aiosmtplib.SMTPNotSupported as error:  # an address not in ASCII, and a server without SMTPUTF8
            self._keep(connection)
            raise EmailRefused("The mail server cannot write to this address.") from error
        except (aiosmtplib.SMTPRecipientsRefused, aiosmtplib.SMTPDataError) as error:
            to_blame = error if isinstance(error, aiosmtplib.SMTPDataError) else error.recipients[0]
            if to_blame.code == CLOSING:
                connection.close()
                raise
            if to_blame.code >= PERMANENT:
                self._keep(connection)
                raise _refused(to_blame) from error
            # The next attempt gets another connection: some servers count what comes over one.
            await _leave(connection)
            if isinstance(error, aiosmtplib.SMTPDataError):
                raise
            raise _failed(to_blame) from error  # this recipient's server is away, or wants to be asked again
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
        """Connected, encrypted if that is wanted, and signed in."""
        server = self._server
        connection = _Connection(
            hostname=server.host,
            port=server.port,
            username=server.username or None,
            password=server.password or None,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=self._tls_context,
            # Ours is around all of it. A timeout of the library's goes through `asyncio.wait_for`, which on Python 3.11
            # loses a cancellation that arrives together with the answer.
            timeout=None,
        )
        await connection.connect()
        return connection


class _Connection(aiosmtplib.SMTP):
    """`data_begun`: the letter that was handed in last may have been taken, whatever came of it."""

    data_begun = False

    async def hand_in(self, message: EmailMessage, sender: str, recipient: str) -> None:
        self.data_begun = False
        await self.send_message(message, sender=sender, recipients=[recipient])

    async def data(self, message: str | bytes, /, **options: Any) -> aiosmtplib.SMTPResponse:
        self.data_begun = True
        return await super().data(message, **options)

    def close(self) -> None:
        """Cut it, so that a letter that is half written is none, and nothing is kept open for a server that hangs."""
        if self.transport is not None:
            cast("asyncio.WriteTransport", self.transport).abort()
        super().close()


async def _leave(connection: _Connection) -> None:
    try:
        with suppress(aiosmtplib.SMTPException, OSError):
            async with asyncio.timeout(GOODBYE_S):
                await connection.quit()
    finally:
        connection.close()


def _refused(error: aiosmtplib.SMTPResponseException) -> EmailRefused:
    return EmailRefused(f"The mail server will not take this letter ({_named(error)}).")


def _failed(error: Exception) -> EmailFailed:
    return EmailFailed(f"The mail server did not take this letter ({_named(error)}).")


def _named(error: Exception) -> str:
    """Without what the server says, which may have the address in it."""
    code = f", {error.code}" if isinstance(error, aiosmtplib.SMTPResponseException) else ""
    return f"{type(error).__name__}{code}"
