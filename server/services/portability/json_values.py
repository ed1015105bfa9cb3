"""Typed access to JSON of unknown origin: a wrong shape is an InvalidArchive that names the file and the member."""

from collections.abc import Mapping
from typing import Any, cast

import orjson

from server.services.portability.archive_reader import ArchiveReader
from server.services.portability.imported_account import InvalidArchive


def load(archive: ArchiveReader, name: str) -> Any:
    """Return the JSON value in a file. Raises InvalidArchive."""
    try:
        return orjson.loads(archive.read_json_file(name))
    except orjson.JSONDecodeError as error:
        raise InvalidArchive(f"{name} is not valid JSON ({error}): download the archive again.") from error


def as_list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise wrong_shape(where, "a list")
    return cast(list[Any], value)


def as_object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise wrong_shape(where, "an object")
    return cast(Mapping[str, Any], value)


def as_text(value: Any, where: str) -> str:
    """Return a text; None counts as an empty one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise wrong_shape(where, "a text")
    return value


def as_number(value: Any, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_shape(where, "a whole number")
    return value


def wrong_shape(where: str, expected: str) -> InvalidArchive:
    return InvalidArchive(
        f"{where} is not {expected}: the archive is damaged, or was made by another version. Request a new one."
    )
