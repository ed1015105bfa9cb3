"""One Valkey process: configuration, orphaned servers, damaged data."""

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis.asyncio

from server.errors import ConfigurationError, Unavailable
from server.gateways.embedded_redis import valkey_engine, valkey_server
from server.gateways.embedded_redis.processes import open_lock, try_lock
from server.gateways.embedded_redis.valkey_server import ValkeyServer
from tests.support.valkey_processes import counting, is_free, linux, servers
from tools.harness.waiting import wait_until


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "redis"
    folder.mkdir()
    return folder


def a_server(folder: Path) -> ValkeyServer:
    return ValkeyServer(folder, folder / "redis.sock", start_timeout_s=5)


@contextlib.asynccontextmanager
async def connected(folder: Path) -> AsyncIterator["redis.asyncio.Redis"]:
    connection = redis.asyncio.Redis(unix_socket_path=str(folder / "redis.sock"), decode_responses=True)
    try:
        yield connection
    finally:
        await connection.aclose()


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator["redis.asyncio.Redis"]:
    server = a_server(folder)
    await server.start()
    try:
        async with connected(folder) as connection:
            yield connection
    finally:
        await server.stop(5)


async def test_listens_only_on_its_socket_and_evicts_nothing(folder: Path) -> None:
    async with running(folder) as connection:
        names = ("port", "maxmemory-policy", "appendonly", "appendfsync", "save", "unixsocketperm")
        assert await connection.config_get(*names) == {
            "port": "0",
            "maxmemory-policy": "noeviction",
            "appendonly": "yes",
            "appendfsync": "no",
            "save": "",
            "unixsocketperm": "700",
        }


async def test_runs_in_its_own_session(folder: Path) -> None:
    server = a_server(folder)
    await server.start()
    assert server.pid is not None
    assert os.getsid(server.pid) == server.pid
    await server.stop(5)


@linux
async def test_inherits_no_secret_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "canary-in-the-environment")
    async with running(folder):
        [pid] = servers(folder)
        environment = os.open(f"/proc/{pid}/environ", os.O_RDONLY)
        assert b"canary" not in os.read(environment, 65536)
        os.close(environment)


async def test_stop_flushes_and_leaves_nothing(folder: Path) -> None:
    server = a_server(folder)
    await server.start()
    await server.stop(5)
    assert server.exit_code == 0
    assert server.pid is None
    assert is_free(folder / "server.lock")
    assert not (folder / "redis.sock").exists()
    assert "Calling fsync() on the AOF file" in server.log_file.read_text()


async def test_unresponsive_server_is_killed_at_the_deadline(folder: Path) -> None:
    server = a_server(folder)
    await server.start()
    assert server.pid is not None
    os.kill(server.pid, signal.SIGSTOP)
    await server.stop(0.1)
    assert server.exit_code == -signal.SIGKILL
    assert is_free(folder / "server.lock")


async def test_nothing_starts_after_stop(folder: Path) -> None:
    server = a_server(folder)
    await server.stop(5)
    with pytest.raises(Unavailable):
        await server.start()
    assert is_free(folder / "server.lock")


@pytest.fixture
def orphan(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server whose owner is gone, on a platform without a parent death signal."""
    lock = open_lock(folder / "server.lock")
    assert try_lock(lock)
    command = valkey_engine.arguments(valkey_engine.find_binary(), folder, folder / "redis.sock")
    orphan = subprocess.Popen(command, stdout=subprocess.DEVNULL, pass_fds=(lock,))
    os.close(lock)
    yield orphan
    orphan.kill()
    orphan.wait()


@linux
@pytest.mark.parametrize("responsive", [True, False])
async def test_orphaned_server_is_stopped_before_a_new_one_starts(
    folder: Path, orphan: subprocess.Popen[bytes], responsive: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_server, "ORPHAN_GRACE_S", 2.0 if responsive else 0.2)
    await wait_until((folder / "redis.sock").exists)
    async with connected(folder) as connection:
        await connection.set("color", "red")
    if not responsive:
        orphan.send_signal(signal.SIGSTOP)
    async with counting(folder) as counts, running(folder) as connection:
        assert orphan.wait(timeout=5) == (0 if responsive else -signal.SIGKILL)
        assert await connection.get("color") == "red"
        assert len(servers(folder)) == 1
    assert max(counts) == 1


@linux
async def test_no_server_starts_while_another_holds_the_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(valkey_server, "ORPHAN_GRACE_S", 0.1)
    lock = open_lock(folder / "server.lock")
    assert try_lock(lock)
    with pytest.raises(Unavailable, match="does not stop"):
        await a_server(folder).start()
    assert servers(folder) == []
    os.close(lock)


@pytest.mark.parametrize("damage", ["cut", "zeros", "garbage"])
async def test_damaged_end_of_the_file_loses_only_that_end(folder: Path, damage: str) -> None:
    async with running(folder) as connection:
        await connection.set("color", "red")
        await connection.set("last", "one")
    [newest] = (folder / "appendonlydir").glob("*.incr.aof")
    whole = newest.read_bytes()
    ends = {"cut": whole[:-3], "zeros": whole + bytes(4096), "garbage": whole[:-3] + b"%%%%\r\n"}
    newest.write_bytes(ends[damage])
    async with running(folder) as connection:
        assert await connection.get("color") == "red"
        await connection.set("color", "blue")
    async with running(folder) as connection:
        assert await connection.get("color") == "blue"
    assert damage == "cut" or (folder / "damaged.aof").read_bytes() == ends[damage]


async def test_unrepairable_data_are_reported_with_the_log(folder: Path) -> None:
    async with running(folder) as connection:
        await connection.set("color", "red")
    [base] = (folder / "appendonlydir").glob("*.base.rdb")
    base.write_bytes(b"no data of any engine")
    with pytest.raises(ConfigurationError) as raised:
        await a_server(folder).start()
    assert "Bad file format" in raised.value.detail
    assert "REDIS_HOST" in raised.value.detail
    assert is_free(folder / "server.lock")


async def test_server_that_does_not_answer_is_killed(folder: Path, tmp_path: Path) -> None:
    server = ValkeyServer(folder, folder / "redis.sock", start_timeout_s=0)
    with pytest.raises(Unavailable, match="did not answer"):
        await server.start()
    assert server.pid is None
    assert is_free(folder / "server.lock")


async def test_data_of_a_newer_engine_are_not_touched(folder: Path) -> None:
    async with running(folder):
        pass
    record = folder / "engine.json"
    assert json.loads(record.read_bytes())["engine"] == "valkey"
    record.write_text(json.dumps({"engine": "valkey", "version": "99.0.0"}))
    with pytest.raises(ConfigurationError, match=r"valkey 99\.0\.0"):
        await a_server(folder).start()
    assert json.loads(record.read_bytes())["version"] == "99.0.0"


@pytest.mark.parametrize("text", ["", "[]", '{"engine": "valkey", "version": "new"}'])
async def test_damaged_engine_record_is_replaced(folder: Path, text: str) -> None:
    record = folder / "engine.json"
    record.write_text(text)
    async with running(folder):
        assert json.loads(record.read_bytes())["version"].startswith("9")


async def test_missing_executable_suggests_redis_host(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey_engine, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="set REDIS_HOST"):
        await a_server(folder).start()


async def test_broken_executable_is_reported(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = folder / "valkey-server"
    broken.write_bytes(b"no program")
    broken.chmod(0o700)
    monkeypatch.setattr(valkey_server, "find_binary", lambda: broken)
    with pytest.raises(ConfigurationError, match="REDIS_HOST"):
        await a_server(folder).start()


async def test_log_file_stays_bounded(folder: Path) -> None:
    log = folder / "redis.log"
    log.write_bytes(b"x" * (valkey_server.MAX_LOG_BYTES + 1))
    async with running(folder):
        assert log.stat().st_size < valkey_server.MAX_LOG_BYTES
