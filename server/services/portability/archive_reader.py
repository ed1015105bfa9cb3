"""ZIP archives that anybody may have made: checked as a whole before anything in them is used.

Entries are never extracted by their names. All methods block: call them in a thread.
"""

import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Self

from server.services.portability.imported_account import InvalidArchive

MAX_ENTRIES = 200_000
MAX_DIRECTORY_BYTES = 64 * 1024 * 1024
MAX_NAME = 1000
MAX_JSON_BYTES = 128 * 1024 * 1024
# Real texts are compressed to a twentieth, and pictures hardly at all; a bomb reaches a thousandth.
MAX_RATIO = 200
RATIO_FROM_BYTES = 1024 * 1024
COPIED_BYTES = 1024 * 1024
SIGNATURE_BYTES = 32
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_TAIL_BYTES = 65_535 + _END.size + _LOCATOR.size
READ_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError)


class BadEntry(Exception):
    """An entry is damaged: its bytes do not have the checksum that the archive states."""


class ArchiveReader:
    """An open archive whose entries have acceptable names and sizes. Use `open`, and then as a context manager."""

    def __init__(self, archive: zipfile.ZipFile, entries: Mapping[str, zipfile.ZipInfo]) -> None:
        self._archive = archive
        self._entries = entries

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open and check an archive. Raises InvalidArchive."""
        try:
            with path.open("rb") as file:
                _check_directory(file, path.name)
            archive = zipfile.ZipFile(path)
        except FileNotFoundError as error:
            raise InvalidArchive(f"There is no file {path}.") from error
        except IsADirectoryError as error:
            raise InvalidArchive(f"{path} is a folder: pass the ZIP file as it was downloaded.") from error
        except PermissionError as error:
            raise InvalidArchive(f"{path} cannot be read: check its permissions.") from error
        except (*READ_ERRORS, ValueError, struct.error) as error:
            raise _not_a_zip(path.name) from error
        try:
            return cls(archive, _checked_entries(archive, path))
        except BaseException:
            archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    @property
    def names(self) -> list[str]:
        """The names of all files, in the order of the archive."""
        return list(self._entries)

    def has(self, name: str) -> bool:
        return name in self._entries

    def size(self, name: str) -> int:
        """Return the size that the archive states; no more bytes are ever read."""
        return self._entries[name].file_size

    def read_json_file(self, name: str) -> bytes:
        """Return the bytes of a JSON file. Raises InvalidArchive."""
        if self.size(name) > MAX_JSON_BYTES:
            raise InvalidArchive(
                f"{name} has {self.size(name):,} bytes, and at most {MAX_JSON_BYTES:,} are read: the archive is no"
                " export of an account."
            )
        try:
            return self._archive.read(self._entries[name])
        except READ_ERRORS as error:
            raise InvalidArchive(f"{name} is damaged: download the archive again.") from error

    def verify(self, name: str) -> bytes:
        """Read a file to its end, and return its first bytes. Raises BadEntry if it is damaged."""
        try:
            with self._archive.open(self._entries[name]) as file:
                first = file.read(SIGNATURE_BYTES)
                while file.read(COPIED_BYTES):
                    pass
        except READ_ERRORS as error:
            raise BadEntry(name) from error
        return first

    def copy(self, name: str, target: Path) -> None:
        """Write a file to `target`. Raises BadEntry."""
        try:
            source = self._archive.open(self._entries[name])
        except READ_ERRORS as error:
            raise BadEntry(name) from error
        with source, target.open("wb") as file:
            try:
                shutil.copyfileobj(source, file, COPIED_BYTES)
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise BadEntry(name) from error


def _check_directory(file: IO[bytes], name: str) -> None:
    """Check how much memory the list of entries needs, before `zipfile` reads it. Raises InvalidArchive."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _TAIL_BYTES))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        raise _not_a_zip(name)
    _, _, _, _, entries, directory, _, _ = _END.unpack_from(tail, at)
    locator = tail[max(0, at - _LOCATOR.size) : at]
    if locator.startswith(b"PK\x06\x07") and len(locator) == _LOCATOR.size:
        file.seek(_LOCATOR.unpack(locator)[2])
        end = file.read(_END_64.size)
        if len(end) < _END_64.size or not end.startswith(b"PK\x06\x06"):
            raise _not_a_zip(name)
        *_, entries, directory, _ = _END_64.unpack(end)
    if entries > MAX_ENTRIES or directory > MAX_DIRECTORY_BYTES:
        raise _too_many(name, entries)


def _checked_entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the files by name. Raises InvalidArchive for anything that no export contains."""
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise _too_many(path.name, len(infos))
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _check_entry(info)
        if info.is_dir():
            continue
        if info.filename in entries:
            raise _unsafe(f"It has two files named {_shown(info.filename)}")
        entries[info.filename] = info
    archive_bytes = path.stat().st_size
    packed = sum(info.compress_size for info in entries.values())
    unpacked = sum(info.file_size for info in entries.values())
    if packed > archive_bytes:  # files that share their bytes
        raise _unsafe("Its files are larger than the archive")
    if unpacked > RATIO_FROM_BYTES and unpacked > MAX_RATIO * archive_bytes:
        raise _unsafe(f"It would unpack to {unpacked:,} bytes")
    return entries


def _check_entry(info: zipfile.ZipInfo) -> None:
    name = info.filename
    if info.flag_bits & 1:
        raise InvalidArchive(
            "The archive is encrypted: unpack it with its password, and pack it again without."
        )
    if len(name) > MAX_NAME or not name.isprintable() or "\\" in name:
        raise _unsafe(f"It has a file named {_shown(name)}")
    parts = name.removesuffix("/").split("/")
    if name.startswith("/") or ".." in parts or "" in parts or ":" in parts[0]:
        raise _unsafe(f"It has a file outside its folder, {_shown(name)}")
    mode = info.external_attr >> 16
    if mode and not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_IFMT(mode) == 0):
        raise _unsafe(f"{_shown(name)} is a link or a device")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InvalidArchive(
            f"{_shown(name)} is compressed by a method that is not supported: pack the archive again as a plain ZIP."
        )
    if info.file_size > RATIO_FROM_BYTES and info.file_size > MAX_RATIO * max(1, info.compress_size):
        raise _unsafe(f"{_shown(name)} would unpack to {info.file_size:,} bytes from {info.compress_size:,}")


def _not_a_zip(name: str) -> InvalidArchive:
    return InvalidArchive(f"{name} is not a ZIP archive, or it is incomplete: download it again.")


def _too_many(name: str, entries: int) -> InvalidArchive:
    return InvalidArchive(
        f"{name} lists {entries:,} files, and at most {MAX_ENTRIES:,} are read: it is no export of an account."
    )


def _unsafe(problem: str) -> InvalidArchive:
    return InvalidArchive(f"{problem}, which no export does: use the archive as it was downloaded.")


def _shown(name: str) -> str:
    return ascii(name[:80])
