"""Outgoing e-mails: composing messages, and writing them to a folder where no mail server is configured.

`smtp` delivers them to a server. The callers decide on texts, recipients and retries.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address, BaseHeader, HeaderRegistry
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import format_datetime, parseaddr
from functools import cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import structlog

from server.errors import AppError
from server.gateways.outbox import UNSAFE_IN_FILE_NAME, write_atomically

log = structlog.get_logger(__name__)

# No white space and no special characters of headers and SMTP commands.
_WORD = r"[^\s\x00-\x20\x7f\"(),:;<>@\[\\\]]+"
# "=?" starts an encoded word: the `email` package decodes it, even in an address and with line breaks.
PLAIN_ADDRESS = re.compile(rf"(?!.*=\?)(?P<local>{_WORD})@(?P<domain>{_WORD})")
WORD_JOINER = "\u2060"  # has no width and permits no line break
URL_CHARACTERS = ":/?#[]@!$&'()*+,;=%~"  # besides letters, digits and "_.-"
LIST_ID, LIST_UNSUBSCRIBE = "List-Id", "List-Unsubscribe"
MAX_LIST_ID = 255  # RFC 2919
MAX_URL = 900  # a line of an e-mail has at most 998 bytes
UNSAFE_IN_LIST_ID = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail to one recipient. `key` identifies it: a repeated attempt has the same Message-ID.

    For e-mails with an unsubscribe link, `unsubscribe_url` accepts the POST of a mail program (RFC 8058). `list_id`
    names their kind for filters: words separated by dots, our domain last (RFC 2919).
    """

    key: str
    to: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""
    list_id: str = ""


class EmailRefused(AppError):
    """Another attempt would fail as well: the address is invalid, or the server rejects the e-mail."""

    code = "email_refused"


class EmailFailed(AppError):
    """The server is unavailable or did not accept the e-mail. It may have been sent nevertheless."""

    code = "email_failed"


class Unfolded(BaseHeader):
    """A header on one line. Folding would turn a long URL into encoded words, which mail programs do not parse."""

    max_count = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class EmailSender(Protocol):
    """Sends e-mails."""

    async def send(self, email: Email) -> None:
        """Send one e-mail. Raises EmailRefused, EmailFailed."""
        ...

    async def close(self) -> None:
        """Release the connection; no e-mails may be sent afterwards."""
        ...


class OutboxEmailSender:
    """Writes each e-mail to a file in `folder`, atomically and readable only by its owner."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, email: Email) -> None:
        # 8bit keeps links readable, so that a developer can copy them.
        content = compose(email, self._sender, encoding="8bit").as_bytes()
        file = self._folder / UNSAFE_IN_FILE_NAME.sub("_", f"{email.key}.eml")
        try:
            await asyncio.to_thread(write_atomically, file, content)
        except OSError as error:
            raise EmailFailed(f"{file} cannot be written ({error.strerror}).") from error
        log.info("email_written_to_outbox", file=str(file), subject=email.subject)

    async def close(self) -> None:
        """Do nothing: there is no connection."""


def compose(email: Email, sender: str, encoding: str | None = None) -> EmailMessage:
    """Return the message with text and HTML parts; the default encoding is accepted by every server.

    Raises EmailRefused if the recipient is not exactly one plain address.
    """
    name, address = parseaddr(sender)
    message = EmailMessage(policy=_policy())
    message["From"] = Address(name, addr_spec=address)
    message["To"] = address_of(email.to)
    message["Subject"] = email.subject.replace("=?", f"={WORD_JOINER}?")  # for the reason at PLAIN_ADDRESS
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{email.key}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    _add_list_headers(message, email)
    message.set_content(email.text, cte=encoding)
    message.add_alternative(email.html, subtype="html", cte=encoding)
    return message


@cache
def _policy() -> "EmailPolicy[EmailMessage]":
    registry = HeaderRegistry()
    for name in (LIST_ID, LIST_UNSUBSCRIBE):
        registry.map_to_type(name, Unfolded)
    return SMTP.clone(header_factory=registry)


def _add_list_headers(message: EmailMessage, email: Email) -> None:
    """Add List-Unsubscribe and List-Id, unless the values are too long for a header."""
    url, list_id = ascii_url(email.unsubscribe_url), UNSAFE_IN_LIST_ID.sub("", email.list_id)
    if url and len(url) <= MAX_URL:
        message[LIST_UNSUBSCRIBE] = f"<{url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if list_id and len(list_id) <= MAX_LIST_ID:
        message[LIST_ID] = f"<{list_id}>"


def address_of(text: str) -> Address:
    """Return a plain address with its domain in ASCII. Raises EmailRefused for others, including quoted ones."""
    match = PLAIN_ADDRESS.fullmatch(text)
    try:
        if match is not None:
            domain = match["domain"].encode("idna").decode()
            # A character of another script may become a comma or a colon in ASCII.
            if PLAIN_ADDRESS.fullmatch(f"{match['local']}@{domain}"):
                return Address(username=match["local"], domain=domain)
    except (ValueError, MessageError) as error:
        raise _invalid_address() from error
    raise _invalid_address()


def ascii_url(url: str) -> str:
    """Return the URL with all other characters percent-encoded, so that it is safe inside a header."""
    return quote(url, safe=URL_CHARACTERS, errors="replace")


def _invalid_address() -> EmailRefused:
    return EmailRefused("This is not a valid e-mail address.")
