"""Loads the settings. Later sources override earlier ones: config.toml, .env, the environment, flags.

An invalid key, value or variable raises ConfigurationError, which says where it is and what to write instead.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from server.configuration.checks import (
    check_database_tls,
    check_firebase,
    check_passkeys,
    check_production,
    check_providers,
    check_shutdown,
    check_web_push,
    unreachable_addresses,
)
from server.configuration.development_secrets import with_development_secrets
from server.configuration.environment import FILE_VARIABLES, SHARED_VARIABLES, VARIABLES
from server.configuration.explanations import Source, explain, similar_name
from server.configuration.secret_files import read_secret_files
from server.configuration.sources import read_dotenv, read_toml
from server.errors import ConfigurationError
from server.settings import Settings

KNOWN_VARIABLES = frozenset({*VARIABLES, *SHARED_VARIABLES, *FILE_VARIABLES})


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and warnings about how they were read."""

    settings: Settings
    warnings: tuple[str, ...] = field(default=())


def load(
    config: Path = Path("config.toml"),
    environ: Mapping[str, str] | None = None,
    dotenv: Path = Path(".env"),
    overrides: Mapping[str, str] | None = None,
) -> Loaded:
    """Read `config`, `dotenv`, `environ` (by default the process's) and `overrides` (dotted keys, from flags).

    Raises ConfigurationError for an unreadable file, an unknown key, an invalid value, a secret in `config`, and
    settings that are not allowed in production. Secrets may be in files that `*_FILE` variables name.
    """
    values = read_toml(config)
    file_variables = read_dotenv(dotenv)
    _refuse_misspelt(file_variables, dotenv)
    variables = os.environ if environ is None else environ
    sources: dict[str, Source] = {}
    given = {**file_variables, **variables}
    secrets = read_secret_files(given)
    for key, name, text in _assignments({**given, **secrets}):
        _put(values, key, text)
        place = given[f"{name}_FILE"] if name in secrets else dotenv
        sources[key] = Source(name, "the environment" if variables.get(name) else str(place))
    for key, text in (overrides or {}).items():
        _put(values, key, text)
        sources[key] = Source(f"--{key.rpartition('.')[2]}")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(explain(error, config, sources)) from error
    check_firebase(settings)
    check_web_push(settings)
    check_database_tls(settings)
    check_providers(settings)
    check_shutdown(settings)
    check_passkeys(settings)
    if settings.app.env == "production":
        check_production(settings)
    else:
        settings = with_development_secrets(settings)
    return Loaded(settings, (*_misspelt(variables), *unreachable_addresses(settings)))


def _assignments(variables: Mapping[str, str]) -> Iterable[tuple[str, str, str]]:
    """Yield (key, variable, text) for each variable that is set and not empty, shared ones first."""
    for name, keys in SHARED_VARIABLES.items():
        if variables.get(name):
            yield from ((key, name, variables[name]) for key in keys)
    for name, key in VARIABLES.items():
        if variables.get(name):
            yield key, name, variables[name]


def _put(values: dict[str, Any], key: str, text: str) -> None:
    *tables, name = key.split(".")
    for table in tables:
        inner: Any = values.setdefault(table, {})
        if not isinstance(inner, dict):
            raise ConfigurationError(
                f"Invalid key {table} in config.toml: it must be a table, written [{table}]."
            )
        values = inner  # pyright: ignore[reportUnknownVariableType] - TOML is untyped
    values[name] = text


def _refuse_misspelt(names: Iterable[str], file: Path) -> None:
    for name in names:
        if guess := similar_name(name, KNOWN_VARIABLES):
            raise ConfigurationError(f"Unknown setting {name} in {file}: did you mean {guess}?")


def _misspelt(variables: Mapping[str, str]) -> Iterable[str]:
    for name in variables:
        guess = similar_name(name, KNOWN_VARIABLES)
        if guess and guess not in variables:
            yield f"{name} is ignored: did you mean {guess}?"
