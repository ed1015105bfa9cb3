"""Reads the settings: `config.toml` holds the defaults, the environment overrides, secrets come from it alone.

Opens nothing else. A mistake in a key, a value or a name is a ConfigurationError whose detail says where it is and what
to write instead.
"""

import difflib
import os
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import BaseModel, SecretStr, ValidationError

from server.errors import ConfigurationError
from server.settings import Settings

MIN_SECRET = 32
SAMPLE_SECRETS = frozenset({"your_jwt_secret_key", "your_jwt_refresh_secret_key", "secret", "changeme"})

# The names of the environment, and the key of config.toml that each overrides.
ENVIRONMENT: Mapping[str, str] = {
    "APP_ENV": "app.env",
    "HOST": "app.host",
    "PORT": "app.port",
    "PUBLIC_URL": "app.public_url",
    "CLIENT_URL": "app.client_url",
    "VAR_DIR": "app.var_dir",
    "ALLOW_EMBEDDED": "app.allow_embedded",
    "WORKER_PORT": "app.worker_port",
    "API_DOCS": "app.docs",
    "METRICS_TOKEN": "app.metrics_token",
    "CORS_ORIGINS": "app.cors_origins",
    "TRUSTED_PROXIES": "app.trusted_proxies",
    "THROTTLE_ENABLED": "throttle.enabled",
    "THROTTLE_TTL": "throttle.ttl_ms",
    "THROTTLE_LIMIT": "throttle.limit",
    "DB_HOST": "database.host",
    "DB_PORT": "database.port",
    "DB_USERNAME": "database.username",
    "DB_PASSWORD": "database.password",
    "DB_NAME": "database.name",
    "DB_POOL_SIZE": "database.pool_size",
    "REDIS_HOST": "redis.host",
    "REDIS_PORT": "redis.port",
    "REDIS_USERNAME": "redis.username",
    "REDIS_PASSWORD": "redis.password",
    "REDIS_DB": "redis.db",
    "REDIS_URL": "redis.url",
    "REDIS_FEEDS_URL": "redis.feeds_url",
    "FEED_CELEBRITY_THRESHOLD": "feed.celebrity_threshold",
    "JWT_SECRET": "auth.jwt_secret",
    "JWT_REFRESH_SECRET": "auth.jwt_refresh_secret",
    "BCRYPT_COST": "auth.bcrypt_cost",
    "PASSWORD_RESET_URL": "auth.reset_url",
    "EMAIL_HOST": "email.host",
    "EMAIL_PORT": "email.port",
    "EMAIL_USER": "email.username",
    "EMAIL_PASS": "email.password",
    "EMAIL_FROM": "email.sender",
    "EMAIL_TLS": "email.tls",
    "FIREBASE_PROJECT_ID": "push.project_id",
    "FIREBASE_CLIENT_EMAIL": "push.client_email",
    "FIREBASE_PRIVATE_KEY": "push.private_key",
    "UPLOAD_DEST": "uploads.dest",
    "MEDIA_URL": "uploads.media_url",
    "MAX_FILE_SIZE": "uploads.max_file_bytes",
    "FEED_WORKER_CONCURRENCY": "queues.feed.concurrency",
    "NOTIFICATION_WORKER_CONCURRENCY": "queues.notifications.concurrency",
    "FEED_RATE_PER_S": "queues.feed.rate_per_s",
    "NOTIFICATION_RATE_PER_S": "queues.notifications.rate_per_s",
    "QUEUE_LEASE_MS": "queues.lease_ms",
    "LOG_LEVEL": "log.level",
    "LOG_FORMAT": "log.format",
    "NODE_ID": "ids.node",
}

# One name of the brief that stands for the same key of several queues; the queue's own name wins over it.
SHARED_ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "QUEUE_CONCURRENCY": ("queues.feed.concurrency", "queues.notifications.concurrency"),
    "QUEUE_MAX_ATTEMPTS": ("queues.feed.max_attempts", "queues.notifications.max_attempts"),
    "QUEUE_BACKOFF_DELAY": ("queues.feed.backoff_ms", "queues.notifications.backoff_ms"),
}

SECRET_KEYS = frozenset(
    {
        "app.metrics_token",
        "database.password",
        "redis.password",
        "auth.jwt_secret",
        "auth.jwt_refresh_secret",
        "email.password",
        "push.private_key",
    },
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings, and what a person should be told about how they were read."""

    settings: Settings
    warnings: tuple[str, ...] = field(default=())


def load(
    config: Path = Path("config.toml"),
    environ: Mapping[str, str] | None = None,
    dotenv: Path = Path(".env"),
    overrides: Mapping[str, str] | None = None,
) -> Loaded:
    """Read `config`, then `dotenv`, then the environment, then `overrides` (dotted keys, from flags); later wins.

    Raises ConfigurationError for an unreadable file, an unknown key, a value of the wrong kind, a secret in
    `config`, and for whatever may not run in production.
    """
    values = _read_toml(config)
    file_env = _read_dotenv(dotenv)
    _refuse_mistyped(file_env, dotenv)
    process_env = os.environ if environ is None else environ
    merged = {**file_env, **process_env}
    origins: dict[str, str] = {}

    def told(name: str) -> str:
        return f"environment variable {name}" if process_env.get(name) else f"{dotenv}: {name}"

    for name, keys in SHARED_ENVIRONMENT.items():
        if merged.get(name):
            for key in keys:
                _put(values, key, merged[name])
                origins[key] = told(name)
    for name, key in ENVIRONMENT.items():
        if merged.get(name):
            _put(values, key, merged[name])
            origins[key] = told(name)
    for key, text in (overrides or {}).items():
        _put(values, key, text)
        origins[key] = f"flag --{key.rpartition('.')[2]}"
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, config, origins)) from error
    _check_firebase(settings)
    settings = _with_secrets(settings)
    return Loaded(settings, tuple(_suspicious(process_env)))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            values = tomllib.load(file)
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"{path} was not found: start from the project's folder, or name the file with --config."
        ) from error
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}): let this user read it, or name another file with --config."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}. Mend that line.") from error
    for key in SECRET_KEYS:
        section, name = key.split(".")
        table: Any = values.get(section)
        if isinstance(table, dict) and name in table:
            variable = next(env for env, target in ENVIRONMENT.items() if target == key)
            raise ConfigurationError(
                f"{path} holds the secret {key}: remove it there and set the environment variable {variable}."
            )
    return values


def _read_dotenv(path: Path) -> dict[str, str]:
    """What the file sets; nothing without a file. The library itself passes over the lines that it cannot read."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error.strerror}): let this user read it."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not text in UTF-8: {error}.") from error
    for line in parse_stream(StringIO(text)):
        if line.error:
            raise ConfigurationError(
                f"{path}, line {line.original.line}: write NAME=value, and close what is quoted. Mend that line."
            )
    found = dotenv_values(stream=StringIO(text))
    return {name: value for name, value in found.items() if value is not None}


def _put(values: dict[str, Any], key: str, text: str) -> None:
    *tables, name = key.split(".")
    for table in tables:
        inner: Any = values.setdefault(table, {})
        if not isinstance(inner, dict):
            raise ConfigurationError(f"config.toml: {table} must be a table, written [{table}].")
        values = inner  # pyright: ignore[reportUnknownVariableType] - TOML is untyped
    values[name] = text


def _refuse_mistyped(names: Iterable[str], file: Path) -> None:
    for name in names:
        guess = _near(name, _known_names())
        if guess:
            raise ConfigurationError(f"{file}: {name} is not a setting; did you mean {guess}?")


def _suspicious(environ: Mapping[str, str]) -> Iterable[str]:
    for name in environ:
        guess = _near(name, _known_names())
        if guess and guess not in environ:
            yield f"environment variable {name} is not a setting and is ignored; did you mean {guess}?"


def _known_names() -> set[str]:
    return {*ENVIRONMENT, *SHARED_ENVIRONMENT}


def _near(name: str, known: Iterable[str], cutoff: float = 0.85) -> str | None:
    known = set(known)
    if name in known:
        return None
    return next(iter(difflib.get_close_matches(name, known, n=1, cutoff=cutoff)), None)


def _explain(error: ValidationError, config: Path, origins: Mapping[str, str]) -> str:
    sentences: list[str] = []
    for problem in error.errors():
        path = [str(part) for part in problem["loc"]]
        key = ".".join(path)
        # A value with commas is wrong in one of its items, which has a number and no name.
        names = (".".join(path[:length]) for length in range(len(path), 0, -1))
        where = next((origins[name] for name in names if name in origins), f"{config}: {key}")
        if problem["type"] == "extra_forbidden":
            guess = _near(path[-1], _keys_of(path[:-1]), cutoff=0.6)
            hint = (
                f"; did you mean {guess}?"
                if guess
                else ": remove it, or look it up in docs/configuration.md."
            )
            sentences.append(f"{config}: unknown key {key}{hint}")
        else:
            reason = problem["msg"].removeprefix("Value error, ")
            sentences.append(f"{where} cannot be {problem['input']!r}: {reason[:1].lower()}{reason[1:]}.")
    return " ".join(sentences)


def _keys_of(path: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in path:
        annotation = model.model_fields[part].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def _check_firebase(settings: Settings) -> None:
    push = settings.push
    key = push.private_key.get_secret_value()
    given = {
        "FIREBASE_PROJECT_ID": push.project_id,
        "FIREBASE_CLIENT_EMAIL": push.client_email,
        "FIREBASE_PRIVATE_KEY": key,
    }
    missing = [name for name, value in given.items() if not value]
    if missing and len(missing) < len(given):
        raise ConfigurationError(
            f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set, and Firebase needs all of"
            f" {', '.join(given)}: take them from the JSON file of a service account, or set none of them."
        )
    if key and not _is_rsa_key(key):
        raise ConfigurationError(
            "FIREBASE_PRIVATE_KEY is no RSA private key without a password: copy private_key out of the JSON file of a"
            " service account, from -----BEGIN PRIVATE KEY----- to -----END PRIVATE KEY-----, with each \\n in it."
        )


def _is_rsa_key(pem: str) -> bool:
    # 7 MB and 13 ms, which whoever has no key need not pay.
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        return isinstance(load_pem_private_key(pem.encode(), password=None), RSAPrivateKey)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False


def _with_secrets(settings: Settings) -> Settings:
    if settings.app.env == "production":
        _check_production(settings)
        return settings
    auth = settings.auth
    if auth.jwt_secret.get_secret_value() and auth.jwt_refresh_secret.get_secret_value():
        return settings
    made = _development_secrets(settings.app.var_dir / "secrets.json")
    chosen = {
        "jwt_secret": auth.jwt_secret
        if auth.jwt_secret.get_secret_value()
        else SecretStr(made["JWT_SECRET"]),
        "jwt_refresh_secret": auth.jwt_refresh_secret
        if auth.jwt_refresh_secret.get_secret_value()
        else SecretStr(made["JWT_REFRESH_SECRET"]),
    }
    return settings.model_copy(update={"auth": auth.model_copy(update=chosen)})


def _check_production(settings: Settings) -> None:
    access = settings.auth.jwt_secret.get_secret_value()
    refresh = settings.auth.jwt_refresh_secret.get_secret_value()
    advice = 'make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
    for name, secret in (("JWT_SECRET", access), ("JWT_REFRESH_SECRET", refresh)):
        if not secret:
            raise ConfigurationError(f"{name} is not set, and production needs it: {advice}")
        if secret in SAMPLE_SECRETS:
            raise ConfigurationError(f"{name} is a sample value that everybody knows: {advice}")
        if len(secret) < MIN_SECRET:
            raise ConfigurationError(f"{name} has fewer than {MIN_SECRET} characters: {advice}")
    if access == refresh:
        raise ConfigurationError(f"JWT_SECRET and JWT_REFRESH_SECRET are equal, and must differ: {advice}")
    if settings.app.allow_embedded:
        return
    for embedded, part, name in (
        (settings.embedded_database, "the embedded SQLite database", "DB_HOST"),
        (settings.embedded_redis, "the embedded Redis", "REDIS_HOST"),
        (settings.writes_emails_to_outbox, "a folder in the place of a mail server", "EMAIL_HOST"),
    ):
        if embedded:
            raise ConfigurationError(
                f"{name} is not set, so production would run on {part}: set {name}, or ALLOW_EMBEDDED=true if meant."
            )


def _development_secrets(path: Path) -> dict[str, str]:
    """Random secrets, made once and kept, so that tokens outlive a restart; two first starts at once agree."""
    fresh = {name: secrets.token_urlsafe(48) for name in ("JWT_SECRET", "JWT_REFRESH_SECRET")}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_once(path, orjson.dumps(fresh))
        kept = orjson.loads(path.read_bytes())
        return {name: str(kept[name]) for name in fresh}
    except OSError as error:
        raise ConfigurationError(
            f"The secrets cannot be kept in {path} ({error.strerror}): set VAR_DIR to a folder that this user may"
            " write to, or JWT_SECRET and JWT_REFRESH_SECRET."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{path} is damaged: delete it, and everybody signs in again.") from error


def _write_once(path: Path, content: bytes) -> None:
    """Give `path` this content, readable by its owner alone, unless it exists."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    draft.write_bytes(content)
    try:
        os.link(draft, path)  # fails when the file is there, unlike a rename
    except FileExistsError:
        pass
    finally:
        draft.unlink()
