"""Reads secrets from the files that `*_FILE` variables name, as orchestrators mount them."""

from collections.abc import Mapping
from pathlib import Path

from server.configuration.environment import FILE_VARIABLES
from server.errors import ConfigurationError

MAX_SECRET_BYTES = 65_536


def read_secret_files(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets in the files that `variables` names, by the variable that each replaces.

    One trailing line break is removed. Raises ConfigurationError, which never repeats the content, if a secret is given
    twice, or if its file is unreadable, empty, larger than 64 KiB, or not UTF-8.
    """
    secrets: dict[str, str] = {}
    for file_variable, name in FILE_VARIABLES.items():
        path = variables.get(file_variable)
        if not path:
            continue
        if variables.get(name):
            raise ConfigurationError(f"{name} and {file_variable} ({path}) are both set: remove one of them.")
        secrets[name] = _read(file_variable, path)
    return secrets


def _read(name: str, path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_SECRET_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ConfigurationError(
            f"{name}: cannot read {path!r} ({reason}): name a file that this process may read."
        ) from error
    if len(content) > MAX_SECRET_BYTES:
        raise ConfigurationError(f"{name}: {path!r} is larger than 64 KiB: name a file with the secret only.")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        # Not chained: the error quotes the content.
        raise ConfigurationError(f"{name}: {path!r} is not UTF-8: save it as UTF-8 text.") from None
    text = text.removesuffix("\n").removesuffix("\r")
    if not text:
        raise ConfigurationError(f"{name}: {path!r} is empty: write the secret into it.")
    return text
