"""The folder of a backup: its manifest, the rows of each table, the pictures and the secrets.

`manifest.json` names every file with its SHA-256. `tables/NAME.jsonl` has the columns in the first line and a row in
each of the others. `media/` has the pictures by key, listed in `media.jsonl`.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from server.errors import ConfigurationError

FORMAT = 1
_TABLE = re.compile("[a-z_]+")
MANIFEST, MEDIA_LIST, SECRETS = "manifest.json", "media.jsonl", "secrets.json"
READ_BYTES = 1024 * 1024

# The name of the step, how much of it is done, and how much there is; 0 if that is unknown.
OnProgress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The contents of a backup. `tables`: the number of rows by table. `files`: SHA-256 by path, without pictures.

    `schema`: the number of its newest migration. `installation`: the id that the database shares with its media store.
    """

    format: int
    created_at: str
    version: str
    schema: int
    installation: str
    tables: dict[str, int]
    pictures: int
    files: dict[str, str]

    def write(self, folder: Path) -> None:
        (folder / MANIFEST).write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """A line of `media.jsonl`."""

    key: str
    size: int
    sha256: str


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a backup. Raises ConfigurationError."""
    try:
        content: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes())
        if content["format"] != FORMAT:
            raise ConfigurationError(
                f"The backup {folder} has the format {content['format']}, but this version reads {FORMAT}: use the"
                " version that made it."
            )
        if not all(_TABLE.fullmatch(table) for table in content["tables"]):
            raise ValueError("a name is not that of a table")
        return Manifest(**content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{folder} is not a backup: it has no readable {MANIFEST}.") from error


def read_pictures(folder: Path) -> Iterator[StoredPicture]:
    """Yield what `media.jsonl` lists."""
    with (folder / MEDIA_LIST).open("rb") as lines:
        for line in lines:
            yield StoredPicture(**orjson.loads(line))


def verify(folder: Path, on_progress: OnProgress) -> Manifest:
    """Compare every file with the manifest, and return it. Raises ConfigurationError with the first difference."""
    manifest = read_manifest(folder)
    for done, (path, expected) in enumerate(manifest.files.items()):
        on_progress("verifying tables", done, len(manifest.files))
        _compare(folder, path, expected)
    for done, picture in enumerate(read_pictures(folder)):
        on_progress("verifying pictures", done, manifest.pictures)
        _compare(folder, f"media/{picture.key}", picture.sha256)
    return manifest


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _compare(folder: Path, path: str, expected: str) -> None:
    try:
        found = hash_file(folder / path)
    except OSError as error:
        raise ConfigurationError(
            f"The backup {folder} is broken: {path} cannot be read ({error.strerror}); use another backup."
        ) from error
    if found != expected:
        raise ConfigurationError(
            f"The backup {folder} is broken: {path} has another checksum; use another backup."
        )
