"""The messages in the outbox folder, read for the page that shows them in development."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

import orjson

EMAIL, PUSH = ".eml", ".push.json"


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """An e-mail with its HTML, or a push with its data. `name` is that of the file."""

    name: str
    is_push: bool
    recipient: str
    title: str
    text: str
    html: str
    data: Mapping[str, str]
    written_at: datetime


class OutboxReader:
    """Reads `folder`, which need not exist. A message is left out if its file is incomplete or was deleted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def list_messages(self, limit: int) -> list[OutboxMessage]:
        """Return the newest messages, newest first."""
        return await asyncio.to_thread(self._list, limit)

    async def find(self, name: str) -> OutboxMessage | None:
        """Return the message in a file of the folder."""
        return await asyncio.to_thread(self._find, name)

    def _list(self, limit: int) -> list[OutboxMessage]:
        files = [file for kind in (EMAIL, PUSH) for file in self._folder.glob(f"[!.]*{kind}")]
        newest = sorted(files, key=_written_at, reverse=True)[:limit]
        return [message for file in newest if (message := _read(file)) is not None]

    def _find(self, name: str) -> OutboxMessage | None:
        file = self._folder / name
        return _read(file) if file.parent == self._folder and name.endswith((EMAIL, PUSH)) else None


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _read(file: Path) -> OutboxMessage | None:
    try:
        content = file.read_bytes()
        return _push(file, content) if file.name.endswith(PUSH) else _email(file, content)
    except (FileNotFoundError, orjson.JSONDecodeError, KeyError):
        return None


def _push(file: Path, content: bytes) -> OutboxMessage:
    push = orjson.loads(content)
    return OutboxMessage(
        name=file.name,
        is_push=True,
        recipient=push["token"],
        title=push["title"],
        text=push["body"],
        html="",
        data=push["data"],
        written_at=_time(file),
    )


def _email(file: Path, content: bytes) -> OutboxMessage:
    email = BytesParser(EmailMessage, policy=policy.default).parsebytes(content)
    return OutboxMessage(
        name=file.name,
        is_push=False,
        recipient=str(email["To"]),
        title=str(email["Subject"]),
        text=_part(email, "plain"),
        html=_part(email, "html"),
        data={},
        written_at=_time(file),
    )


def _part(email: EmailMessage, kind: str) -> str:
    part = email.get_body((kind,))
    return "" if part is None else str(part.get_content())


def _time(file: Path) -> datetime:
    return datetime.fromtimestamp(_written_at(file), UTC)
