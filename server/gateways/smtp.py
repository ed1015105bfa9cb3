"""Handing letters in at an SMTP server."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Literal

import aiosmtplib

from server.gateways.mail import Letter, MailFailed, MailRefused, address_of, compose

PERMANENT = 500


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `tls`: from the start, by STARTTLS (never without), or none."""

    host: str
    port: int
    username: str
    password: str
    tls: Literal["starttls", "tls", "none"]
    timeout_s: float


class SmtpMail:
    """Hands each letter to `server` on a connection of its own, within its timeout."""

    def __init__(self, server: SmtpServer, sender: str, tls_context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._sender = sender
        self._tls_context = tls_context

    async def send(self, letter: Letter) -> None:
        message = compose(letter, self._sender)
        try:
            async with asyncio.timeout(self._server.timeout_s):
                client = self._client()
                try:
                    await client.connect()
                    await self._hand_in(client, message, address_of(letter.to))
                    # It has the letter, whatever it says now.
                    with suppress(aiosmtplib.SMTPException, OSError):
                        await client.quit()
                finally:
                    client.close()
        except aiosmtplib.SMTPResponseException as error:
            raise _failed(f"{type(error).__name__}, {error.code}") from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            raise _failed(type(error).__name__) from error

    async def _hand_in(self, client: aiosmtplib.SMTP, message: EmailMessage, to: Address) -> None:
        """Raises MailRefused where another attempt would end alike: what is wrong with sender or sign-in may be mended,
        a recipient or a letter that is refused may not."""
        sender = parseaddr(self._sender)[1]
        try:
            await client.send_message(message, sender=sender, recipients=[to.addr_spec])
        except (
            aiosmtplib.SMTPNotSupported
        ) as error:  # an address that is not ASCII, and a server without SMTPUTF8
            raise MailRefused("The mail server cannot write to this address.") from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise (_refused if min(codes) >= PERMANENT else _failed)(f"recipient refused, {codes}") from error
        except aiosmtplib.SMTPDataError as error:
            raise (_refused if error.code >= PERMANENT else _failed)(
                f"letter refused, {error.code}"
            ) from error

    def _client(self) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username or None,
            password=server.password or None,
            use_tls=server.tls == "tls",
            start_tls=server.tls == "starttls",
            tls_context=self._tls_context,
            timeout=server.timeout_s,
        )


def _refused(why: str) -> MailRefused:
    return MailRefused(f"The mail server will not take this letter ({why}).")


def _failed(why: str) -> MailFailed:
    return MailFailed(f"The mail server did not take this letter ({why}).")
