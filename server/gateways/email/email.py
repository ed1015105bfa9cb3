"""Letters on their way out: the form of a message, and the folder that takes them where there is no mail server.

Handing them in at a server is `smtp`'s. What is written, to whom, and how often it is tried is decided by others.
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
from server.gateways.outbox import UNSAFE_IN_PER_NAME, write_whole

log = structlog.get_logger(__name__)

# Neither white space nor any character that divides, quotes or comments in a header or an SMTP command.
_WORD = r"[^\s\x00-\x20\x7f\"(),:;<>@\[\\\]]+"
# "=?" begins an encoded word: the headers of `email` decode it, line breaks and all, also in an address.
PLAIN_ADDRESS = re.compile(rf"(?!.*=\?)(?P<local>{_WORD})@(?P<domain>{_WORD})")
WORD_JOINER = "\u2060"  # of no width, and no place to break a line
URL_CHARACTERS = ":/?#[]@!$&'()*+,;=%~"  # beside letters, digits and "_.-"
LIST_ID, LIST_UNSUBSCRIBE = "List-Id", "List-Unsubscribe"
MAX_LIST_ID = 255  # RFC 2919
MAX_URL = 900  # a line of a letter has 998 bytes at most
UNSAFE_IN_A_LIST_ID = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True)
class Email:
    """A mail to one person. `key` names it for ever: sent again it has the same Message-ID.

    Of letters that one may be rid of, `unsubscribe_url` is where a mail program posts to when its reader has enough of
    them (RFC 8058), and `list_id` names their kind, for filters: words with dots between, our domain last (RFC 2919).
    """

    key: str
    to: str
    subject: str
    text: str
    html: str
    unsubscribe_url: str = ""
    list_id: str = ""


class EmailRefused(AppError):
    """This letter will never be taken: the address is none, or the server wants neither of them."""

    code = "email_refused"


class EmailFailed(AppError):
    """The server was not reached, or could not take the letter now. It may have been sent all the same."""

    code = "email_failed"


class Unfolded(BaseHeader):
    """A header on one line. Folded, what is too long for one becomes encoded words, where nobody looks for a URL."""

    max_count = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class EmailSender(Protocol):
    """Sends letters."""

    async def send(self, letter: Email) -> None:
        """Send to the one recipient. Raises EmailRefused, EmailFailed."""
        ...

    async def close(self) -> None:
        """Give up what is kept for further letters; none may be sent after it."""
        ...


class OutboxEmailSender:
    """Writes each letter to a file in `folder`, whole or not at all, readable by its owner alone."""

    def __init__(self, folder: Path, sender: str) -> None:
        self._folder = folder
        self._sender = sender

    async def send(self, letter: Email) -> None:
        # As it is read, and not as it travels: a person copies the link out of it.
        content = compose(letter, self._sender, encoding="8bit").as_bytes()
        file = self._folder / UNSAFE_IN_PER_NAME.sub("_", f"{letter.key}.eml")
        try:
            await asyncio.to_thread(write_whole, file, content)
        except OSError as error:
            raise EmailFailed(f"{file} cannot be written ({error.strerror}).") from error
        log.info("email_written_to_outbox", file=str(file), subject=letter.subject)

    async def close(self) -> None:
        """Nothing is kept."""


def compose(letter: Email, sender: str, encoding: str | None = None) -> EmailMessage:
    """The message, in text and in HTML, in an encoding that every server takes if none is named.

    Raises EmailRefused for an address that is not exactly one.
    """
    name, address = parseaddr(sender)
    message = EmailMessage(policy=_policy())
    message["From"] = Address(name, addr_spec=address)
    message["To"] = address_of(letter.to)
    message["Subject"] = letter.subject.replace("=?", f"={WORD_JOINER}?")  # for the reason at PLAIN_ADDRESS
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{letter.key}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    _name_list(message, letter)
    message.set_content(letter.text, cte=encoding)
    message.add_alternative(letter.html, subtype="html", cte=encoding)
    return message


@cache
def _policy() -> "EmailPolicy[EmailMessage]":
    registry = HeaderRegistry()
    for name in (LIST_ID, LIST_UNSUBSCRIBE):
        registry.map_to_type(name, Unfolded)
    return SMTP.clone(header_factory=registry)


def _name_list(message: EmailMessage, letter: Email) -> None:
    """Say where one unsubscribes, and of which list the letter is. What no server would take is left out."""
    url, list_id = ascii_url(letter.unsubscribe_url), UNSAFE_IN_A_LIST_ID.sub("", letter.list_id)
    if url and len(url) <= MAX_URL:
        message[LIST_UNSUBSCRIBE] = f"<{url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    if list_id and len(list_id) <= MAX_LIST_ID:
        message[LIST_ID] = f"<{list_id}>"


def address_of(text: str) -> Address:
    """One plain address, with its domain in ASCII. Raises EmailRefused for everything else, quoted ones among it."""
    found = PLAIN_ADDRESS.fullmatch(text)
    try:
        if found is not None:
            domain = found["domain"].encode("idna").decode()
            # What was a letter of another script may be a comma or a colon in ASCII.
            if PLAIN_ADDRESS.fullmatch(f"{found['local']}@{domain}"):
                return Address(username=found["local"], domain=domain)
    except (ValueError, MessageError) as error:
        raise _no_address() from error
    raise _no_address()


def ascii_url(url: str) -> str:
    """The same address, with everything percent-encoded that a URL may not hold: it ends nothing that it stands in."""
    return quote(url, safe=URL_CHARACTERS, errors="replace")


def _no_address() -> EmailRefused:
    return EmailRefused("This is not an address that can be written to.")
