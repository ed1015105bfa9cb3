"""The outbox folder, where messages are files if no server is configured: atomic writes, and erasure."""

import asyncio
import contextlib
import re
import secrets
from collections.abc import Collection
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from pathlib import Path

import orjson

UNSAFE_IN_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]")


def write_atomically(file: Path, content: bytes) -> None:
    """Write `content` to `file` atomically, readable only by its owner. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        draft.touch(mode=0o600)
        draft.write_bytes(content)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


class Outbox:
    """The messages in `folder`, which need not exist."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def erase(self, user_id: int, addresses: Collection[str]) -> int:
        """Delete the e-mails to these addresses and the pushes to or about a user. Return how many."""
        return await asyncio.to_thread(self._erase, user_id, {address.casefold() for address in addresses})

    async def find_pushes(self, user_id: int) -> list[str]:
        """Return the names of the files with pushes to or about a user."""
        return [file.name for file in await asyncio.to_thread(self._pushes, user_id)]

    def _erase(self, user_id: int, addresses: Collection[str]) -> int:
        erased = [*self._pushes(user_id), *(self._emails(addresses) if addresses else ())]
        for file in erased:
            file.unlink(missing_ok=True)
        return len(erased)

    def _pushes(self, user_id: int) -> list[Path]:
        found: list[Path] = []
        for file in self._folder.glob("*.push.json"):
            with contextlib.suppress(FileNotFoundError, orjson.JSONDecodeError):
                data = orjson.loads(file.read_bytes())["data"]
                if str(user_id) in (data.get("recipientId"), data.get("actorId")):
                    found.append(file)
        return found

    def _emails(self, addresses: Collection[str]) -> list[Path]:
        found: list[Path] = []
        for file in self._folder.glob("*.eml"):
            with contextlib.suppress(FileNotFoundError), file.open("rb") as content:
                recipient = parseaddr(str(BytesHeaderParser().parse(content)["To"]))[1]
                if recipient.casefold() in addresses:
                    found.append(file)
        return found
