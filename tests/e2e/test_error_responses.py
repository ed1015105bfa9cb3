"""Startup errors: one helpful sentence and exit code 2."""

import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.e2e.conftest import NewProgram
from tests.support.program import Exit
from tools.harness.backends import Stack

ON_EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
ON_MARIADB = pytest.mark.parametrize("stack", ["mariadb"], indirect=True)

LONG, OTHER = "a secret of production, long enough by far", "another secret of production, long enough too"
CLOSED_PORT = "1"
CANARY = "canary-that-no-message-may-repeat"


def assert_refused(ended: Exit, *fragments: str) -> None:
    assert ended.code == 2, ended
    (sentence,) = ended.err.splitlines()
    assert sentence.startswith("error: ")
    for fragment in fragments:
        assert fragment in sentence
    assert_quiet(ended)


def assert_quiet(ended: Exit) -> None:
    for forbidden in ("Traceback", CANARY, LONG, OTHER):
        assert forbidden not in ended.err + ended.out


@ON_EMBEDDED
@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        (["--prot=80"], "unrecognized arguments: --prot=80"),
        (["--role=boss"], "'api', 'worker', 'all'"),
        (["mirgate"], "'serve', 'migrate'"),
    ],
    ids=["unknown flag", "unknown role", "unknown command"],
)
async def test_invalid_flags_are_named(new_program: NewProgram, arguments: list[str], fragment: str) -> None:
    ended = await new_program(*arguments, cold=True).spawn().end()
    assert ended.code == 2
    assert fragment in ended.err.splitlines()[-1]
    assert_quiet(ended)


@ON_EMBEDDED
@pytest.mark.parametrize(
    ("environ", "fragments"),
    [
        ({"PORT": "abc"}, ["Invalid PORT 'abc'", "integer"]),
        ({"PORT": "70000"}, ["Invalid PORT '70000'", "65535"]),
        ({"BCRYPT_COST": "99"}, ["BCRYPT_COST", "15"]),
        ({"LOG_LEVEL": "loud"}, ["LOG_LEVEL", "'info'"]),
        ({"APP_ENV": "prod"}, ["APP_ENV", "'production'"]),
        ({"REDIS_URL": f"http://:{CANARY}@localhost"}, ["REDIS_URL", "redis://"]),
        ({"REDIS_HOST": "127.0.0.1", "REDIS_PORT": CLOSED_PORT, "REDIS_PASSWORD": CANARY}, ["REDIS_HOST"]),
        (
            {"DB_HOST": "127.0.0.1", "DB_PORT": CLOSED_PORT, "DB_PASSWORD": CANARY},
            ["DB_HOST", "that it runs"],
        ),
        ({"FIREBASE_PRIVATE_KEY": CANARY}, ["FIREBASE_PROJECT_ID", "FIREBASE_CLIENT_EMAIL", "not set"]),
        (
            {"FIREBASE_PROJECT_ID": "p", "FIREBASE_CLIENT_EMAIL": "a@b.c", "FIREBASE_PRIVATE_KEY": CANARY},
            ["FIREBASE_PRIVATE_KEY", "service account"],
        ),
        ({"VAR_DIR": "/proc/none"}, ["/proc/none", "VAR_DIR"]),
        ({"VAR_DIR": "/proc/none", "JWT_SECRET": None, "APP_ENV": None}, ["/proc/none", "VAR_DIR"]),
    ],
    ids=[
        "port not a number",
        "port too high",
        "cost too high",
        "log level",
        "app env",
        "redis url",
        "no redis",
        "no database",
        "half of Firebase",
        "no key for Firebase",
        "folder",
        "folder of the secrets",
    ],
)
async def test_invalid_environment_values_are_named(
    new_program: NewProgram, environ: Mapping[str, str | None], fragments: list[str]
) -> None:
    ended = await new_program(**{"PORT": "0", **environ}).spawn().end()
    assert_refused(ended, *fragments)


@ON_EMBEDDED
@pytest.mark.parametrize(
    ("line", "fragments"),
    [
        ("prot = 3000", ["Unknown key app.prot", "did you mean port?"]),
        ("favourite_colour = 1", ["Unknown key app.favourite_colour"]),
        ("port = 'abc'", ["Invalid app.port 'abc'"]),
        ("port = = 3000", ["is not valid TOML", "line"]),
        (f"port = 3000\n[auth]\njwt_secret = '{CANARY}'\n[more]", ["auth.jwt_secret", "JWT_SECRET"]),
    ],
    ids=["misspelt key", "unknown key", "wrong type", "no TOML", "a secret"],
)
async def test_invalid_configuration_keys_are_named(
    new_program: NewProgram, stack: Stack, line: str, fragments: list[str]
) -> None:
    file = stack.var_dir / "config.toml"
    file.write_text(f"[app]\n{line}\n")
    ended = await new_program(config=file, PORT=None).spawn().end()
    assert_refused(ended, str(file), *fragments)


@ON_EMBEDDED
@pytest.mark.parametrize("kind", ["missing", "a folder", "not text"])
async def test_unreadable_configuration_is_named(new_program: NewProgram, stack: Stack, kind: str) -> None:
    file = _unreadable(stack.var_dir / "config.toml", kind)
    assert_refused(await new_program(config=file).spawn().end(), str(file))


@ON_EMBEDDED
@pytest.mark.parametrize(
    ("environ", "fragments"),
    [
        ({"JWT_SECRET": None}, ["JWT_SECRET is not set"]),
        ({"JWT_REFRESH_SECRET": None}, ["JWT_REFRESH_SECRET is not set"]),
        ({"JWT_SECRET": "short"}, ["JWT_SECRET is shorter than 32 characters"]),
        ({"JWT_SECRET": "your_jwt_secret_key"}, ["JWT_SECRET is a published sample value"]),
        ({"JWT_REFRESH_SECRET": LONG}, ["must differ"]),
        ({}, ["DB_HOST is not set", "ALLOW_EMBEDDED=true"]),
        ({"DB_HOST": "127.0.0.1"}, ["REDIS_HOST is not set", "ALLOW_EMBEDDED=true"]),
        (
            {"DB_HOST": "127.0.0.1", "REDIS_HOST": "127.0.0.1"},
            ["EMAIL_HOST is not set", "ALLOW_EMBEDDED=true"],
        ),
        ({"ALLOW_EMBEDDED": "true"}, ["PUBLIC_URL is not set", "https://photos.example.com"]),
        (
            {"ALLOW_EMBEDDED": "true", "PUBLIC_URL": "https://photos.example.com"},
            ["METRICS_TOKEN is not set", "/metrics"],
        ),
        (
            {
                "ALLOW_EMBEDDED": "true",
                "PUBLIC_URL": "https://photos.example.com",
                "METRICS_TOKEN": CANARY,
            },
            ["TRUSTED_PROXIES is not set", "or none"],
        ),
    ],
    ids=[
        "no secret",
        "no refresh secret",
        "short",
        "sample",
        "equal",
        "embedded database",
        "embedded redis",
        "no mail server",
        "no public url",
        "no metrics token",
        "no proxies",
    ],
)
async def test_production_refuses_development_defaults(
    new_program: NewProgram, environ: Mapping[str, str | None], fragments: list[str]
) -> None:
    production = {"APP_ENV": "production", "JWT_SECRET": LONG, "JWT_REFRESH_SECRET": OTHER, **environ}
    assert_refused(await new_program("--port=0", **production).spawn().end(), *fragments)


@ON_EMBEDDED
async def test_port_in_use_is_named(new_program: NewProgram) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        ended = await new_program(f"--port={port}").spawn().end()
    assert_refused(ended, f"127.0.0.1:{port}", "in use", "--port")


@ON_MARIADB
@pytest.mark.parametrize(
    ("environ", "fragments"),
    [
        ({"DB_PASSWORD": CANARY}, ["Access denied for 'photofeed'", "DB_PASSWORD"]),
        ({"DB_NAME": "nowhere"}, ["No database 'nowhere'", "DB_NAME"]),
        ({}, ["migration", "run.py migrate"]),
    ],
    ids=["wrong password", "no such database", "not migrated"],
)
async def test_unusable_database_is_named(
    new_program: NewProgram, environ: Mapping[str, str], fragments: list[str]
) -> None:
    assert_refused(await new_program("--port=0", **environ).spawn().end(), *fragments)


def _unreadable(file: Path, kind: str) -> Path:
    if kind == "a folder":
        file.mkdir()
    elif kind == "not text":
        file.write_bytes(b"\xff\xfe\x00")
    return file
