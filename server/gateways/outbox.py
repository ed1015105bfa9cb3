"""Atomic writes to the outbox folder, where messages are files if no server is configured."""

import re
import secrets
from pathlib import Path

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
