"""E-mail messages, the interface of their senders, and the sender that writes them to the outbox folder."""

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

from server.email_addresses import mailbox
from server.errors import AppError
from server.gateways.outbox import UNSAFE_IN_FILE_NAME, write_atomically

log = structlog.get_logger(__name__)

WORD_JOINER = "\u2060"  # has no width, and does not allow a line break
URL_CHARACTERS = ":/?#[]@!$&'()*+,;=%~"  # besides letters, digits and "_.-"
LIST_ID, LIST_UNSUBSCRIBE = "List-Id", "List-Unsubscribe"
MAX_LIST_ID = 255  # RFC 2919
MAX_URL = 900  # a line of an e-mail has at most 998 bytes
UNSAFE_IN_LIST_ID = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Email:
    """An e-mail to one recipient. `key` determines the Message-ID, which stays the same if the e-mail is sent again.

    If the recipient may unsubscribe, a mail program posts to `unsubscribe_url` (RFC 8058), and `list_id` names the kind
    of e-mail for filters: words separated by dots, our domain last (RFC 2919).
    """

    key: str
    to: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""
    list_id: str = ""


class EmailRefused(AppError):
    """The e-mail will never be accepted: the address is invalid, or the server rejects it or the content."""

    code = "email_refused"


class EmailFailed(AppError):
    """The server was not reached, or did not accept the e-mail now. It may have been sent nevertheless."""

    code = "email_failed"


class UnfoldedHeader(BaseHeader):
    """A header on one line. Folding would encode a long URL, and mail programs would not find it."""

    max_count = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class EmailSender(Protocol):
    """Sends e-mails."""

    async def send(self, email: Email) -> None:
        """Send an e-mail to its recipient. Raises EmailRefused, EmailFailed."""
        ...

    async def close(self) -> None:
        """Close the connection; no e-mail may be sent afterwards."""
        ...


class OutboxEmailSender:
    """Writes each e-mail to a file in `folder`, atomically, readable by its owner only."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, email: Email) -> None:
        # Not in the encoding for transport, so that links can be copied out of the file.
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
    """Return the message as text and HTML; the default encoding is accepted by every server.

    Raises EmailRefused unless the recipient is exactly one address.
    """
    name, address = parseaddr(sender)
    message = EmailMessage(policy=_policy())
    message["From"] = Address(name, addr_spec=address)
    message["To"] = address_of(email.to)
    # "=?" begins an encoded word: the headers of `email` decode it, including line breaks.
    message["Subject"] = email.subject.replace("=?", f"={WORD_JOINER}?")
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
        registry.map_to_type(name, UnfoldedHeader)
    return SMTP.clone(header_factory=registry)


def _add_list_headers(message: EmailMessage, email: Email) -> None:
    """Add the unsubscribe address and the list. A value that servers would reject is left out."""
    url, list_id = ascii_url(email.unsubscribe_url), UNSAFE_IN_LIST_ID.sub("", email.list_id)
    if url and len(url) <= MAX_URL:
        message[LIST_UNSUBSCRIBE] = f"<{url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if list_id and len(list_id) <= MAX_LIST_ID:
        message[LIST_ID] = f"<{list_id}>"


def address_of(text: str) -> Address:
    """Return one plain address with its domain in ASCII. Raises EmailRefused for any other, also for a quoted one."""
    try:
        username, domain = mailbox(text)
        return Address(username=username, domain=domain)
    except (ValueError, MessageError) as error:
        raise EmailRefused("The recipient is not a valid e-mail address.") from error


def ascii_url(url: str) -> str:
    """Return the URL with every other character percent-encoded, so that it cannot end a header or an attribute."""
    return quote(url, safe=URL_CHARACTERS, errors="replace")
