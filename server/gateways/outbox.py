"""What a folder takes in the place of a server: each message is a file there that a person can open."""

import re
import secrets
from pathlib import Path

UNSAFE_IN_PER_NAME = re.compile(r"[^A-Za-z0-9._-]")


def write_whole(file: Path, content: bytes) -> None:
    """Give `file` this content, whole or not at all, readable by its owner alone. Raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        draft.touch(mode=0o600)
        draft.write_bytes(content)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)
