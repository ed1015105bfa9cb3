"""Reads the files that settings come from: config.toml and .env."""

import tomllib
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream

from server.configuration.environment import SECRET_KEYS, VARIABLES
from server.errors import ConfigurationError


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of the file. Raises ConfigurationError if it is unreadable or contains a secret."""
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"Cannot find {path}: run from the project folder, or name the file with --config."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"Cannot read {path} ({error.strerror}): make it readable, or name another file with --config."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error
    for key in SECRET_KEYS:
        section, name = key.split(".")
        table: Any = values.get(section)
        if isinstance(table, dict) and name in table:
            variable = next(env for env, target in VARIABLES.items() if target == key)
            raise ConfigurationError(
                f"{path} contains the secret {key}: remove it, and set the environment variable {variable}."
            )
    return values


def read_dotenv(path: Path) -> dict[str, str]:
    """Return the variables of the file, none if it is missing. Raises ConfigurationError if a line is invalid."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"Cannot read {path} ({error.strerror}): make it readable.") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8 text: {error}.") from error
    # dotenv_values skips lines that it cannot parse.
    for line in parse_stream(StringIO(text)):
        if line.error:
            raise ConfigurationError(
                f"Invalid line {line.original.line} in {path}: expected NAME=value, with quotes closed."
            )
    found = dotenv_values(stream=StringIO(text))
    return {name: value for name, value in found.items() if value is not None}
