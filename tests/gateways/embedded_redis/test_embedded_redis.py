"""The embedded Redis shared by processes: who starts it, and who takes over from an owner that is gone."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
import redis.asyncio
import redis.exceptions

import server
from server.errors import ConfigurationError, Unavailable
from server.gateways.embedded_redis.embedded_redis import EmbeddedRedis
from server.gateways.embedded_redis.processes import open_lock, try_lock
from tests.support.valkey_processes import counting, is_free, linux, nothing_left, servers
from tools.harness.waiting import wait_until

# Another process: prints what it has, then runs until its standard input is closed.
NEIGHBOUR = """
import asyncio, json, sys
import structlog
from pathlib import Path
from server.gateways.embedded_redis.embedded_redis import EmbeddedRedis

async def main():
    embedded = EmbeddedRedis(Path(sys.argv[1]))
    await embedded.start()
    print(json.dumps({"owner": embedded.is_owner, "pid": embedded.pid, "url": embedded.url}), flush=True)
    supervision = asyncio.create_task(embedded.run())
    await asyncio.to_thread(sys.stdin.read)
    await embedded.stop()
    await supervision

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
asyncio.run(main())
"""


class Neighbour:
    def __init__(self, process: asyncio.subprocess.Process, told: dict[str, object]) -> None:
        self.process = process
        self.is_owner = told["owner"]
        self.url = told["url"]

    @classmethod
    async def start(cls, folder: Path) -> "Neighbour":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", NEIGHBOUR, str(folder)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(server.__file__).parent.parent,
        )
        assert process.stdout is not None
        async with asyncio.timeout(20):
            return cls(process, json.loads(await process.stdout.readline()))

    async def leave(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        async with asyncio.timeout(20):
            return await self.process.wait()

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


Neighbours = Callable[..., Awaitable[Neighbour]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "redis"
    folder.mkdir()
    return folder


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary folder with a short path, for this process and its children."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        monkeypatch.setenv("TMPDIR", name)
        monkeypatch.setattr(tempfile, "tempdir", name)
        yield Path(name)


@pytest.fixture
async def neighbours(folder: Path) -> AsyncIterator[Neighbours]:
    started: list[Neighbour] = []

    async def start(place: Path = folder) -> Neighbour:
        started.append(await Neighbour.start(place))
        return started[-1]

    yield start
    for neighbour in started:
        await neighbour.kill()


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[EmbeddedRedis]:
    """Open the handle of this process and supervise the server."""
    embedded = EmbeddedRedis(folder)
    await embedded.start()
    supervision = asyncio.create_task(embedded.run())
    try:
        yield embedded
    finally:
        await embedded.stop()
        async with asyncio.timeout(5):
            await supervision


@contextlib.asynccontextmanager
async def client(url: str) -> AsyncIterator["redis.asyncio.Redis"]:
    connection = redis.asyncio.from_url(url, decode_responses=True)
    try:
        yield connection
    finally:
        await connection.aclose()


async def put(url: str, key: str, value: str) -> None:
    async with client(url) as connection:
        await connection.set(key, value)


async def read(url: str, key: str) -> str | None:
    async with client(url) as connection:
        return await connection.get(key)


async def read_when_ready(url: str, key: str) -> str | None:
    """Return the value once a server answers again."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(redis.exceptions.ConnectionError):
                return await read(url, key)
            await asyncio.sleep(0.01)


async def test_data_survive_a_restart(folder: Path) -> None:
    async with serving(folder) as embedded:
        assert embedded.is_owner
        await put(embedded.url, "color", "red")
    async with serving(folder) as embedded:
        assert await read(embedded.url, "color") == "red"


async def test_stop_leaves_no_process_and_no_lock(folder: Path) -> None:
    async with serving(folder) as embedded:
        pid = embedded.pid
        assert pid is not None
        assert not is_free(folder / "owner.lock")
        assert not is_free(folder / "server.lock")
    assert nothing_left(folder)
    assert not (folder / "redis.sock").exists()
    assert embedded.pid is None
    assert not embedded.is_owner
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_address_survives_odd_characters_in_the_path(tmp_path: Path) -> None:
    async with serving(tmp_path / "a b%41#?é") as embedded:
        await put(embedded.url, "color", "red")
        assert await read(embedded.url, "color") == "red"


async def test_second_process_shares_the_first_server(folder: Path, neighbours: Neighbours) -> None:
    async with serving(folder) as embedded:
        other = await neighbours()
        assert not other.is_owner
        assert other.url == embedded.url
        await put(embedded.url, "color", "red")
        assert await other.leave() == 0
        assert await read(embedded.url, "color") == "red"


async def test_processes_starting_at_once_agree_on_one_owner(folder: Path, neighbours: Neighbours) -> None:
    together = await asyncio.gather(*(neighbours() for _ in range(3)))
    assert sorted(one.is_owner for one in together) == [False, False, True]


@linux
async def test_acknowledged_writes_survive_the_killed_owner(folder: Path, neighbours: Neighbours) -> None:
    owner = await neighbours()
    acknowledged: list[str] = []

    async def write() -> None:
        async with client(owner.url) as connection:
            with contextlib.suppress(redis.exceptions.RedisError):
                while True:
                    key = f"key:{len(acknowledged)}"
                    await connection.set(key, "written")
                    acknowledged.append(key)

    async with serving(folder) as embedded, counting(folder) as counts:
        assert not embedded.is_owner
        [first] = servers(folder)
        writing = asyncio.create_task(write())
        await wait_until(lambda: len(acknowledged) > 100)
        await owner.kill()
        await wait_until(lambda: embedded.is_owner and embedded.pid not in (None, first))
        assert await read_when_ready(owner.url, acknowledged[-1]) == "written"
        writing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writing
        async with client(owner.url) as connection:
            assert await connection.exists(*acknowledged) == len(acknowledged)
        assert servers(folder) == [embedded.pid]
    assert max(counts) == 1


@linux
async def test_owners_killed_one_after_another_lose_nothing(folder: Path, neighbours: Neighbours) -> None:
    current = await neighbours()
    async with counting(folder) as counts:
        for number in range(4):
            following = await neighbours()
            await put(current.url, f"key:{number}", "kept")
            await current.kill()
            assert await read_when_ready(following.url, f"key:{number}") == "kept"
            current = following
        for number in range(4):
            assert await read_when_ready(current.url, f"key:{number}") == "kept"
    assert max(counts) == 1


async def test_remaining_process_takes_over_from_the_owner(folder: Path, neighbours: Neighbours) -> None:
    owner = await neighbours()
    async with serving(folder) as embedded:
        await put(embedded.url, "color", "red")
        assert await owner.leave() == 0
        await wait_until(lambda: embedded.pid)
        assert await read_when_ready(embedded.url, "color") == "red"


@linux
async def test_server_exits_with_the_last_owner(folder: Path, neighbours: Neighbours) -> None:
    owner = await neighbours()
    await owner.kill()
    await wait_until(lambda: nothing_left(folder))
    assert servers(folder) == []


async def test_dead_server_is_restarted(folder: Path) -> None:
    async with serving(folder) as embedded:
        await put(embedded.url, "color", "red")
        for _ in range(3):
            dead = embedded.pid
            assert dead is not None
            os.kill(dead, signal.SIGKILL)
            await wait_until(lambda dead=dead: embedded.pid not in (None, dead))
            assert await read_when_ready(embedded.url, "color") == "red"


async def test_supervision_survives_a_server_that_cannot_start(folder: Path) -> None:
    async with serving(folder) as embedded:
        await put(embedded.url, "color", "red")
        assert embedded.pid is not None
        base = folder / "appendonlydir" / "appendonly.aof.1.base.rdb"
        whole = base.read_bytes()
        base.write_bytes(b"no data of any engine")
        os.kill(embedded.pid, signal.SIGKILL)
        log = folder / "redis.log"
        await wait_until(lambda: log.read_text().count("Bad file format") > 1)
        base.write_bytes(whole)
        assert await read_when_ready(embedded.url, "color") == "red"


async def test_silent_owner_is_reported(folder: Path) -> None:
    lock = open_lock(folder / "owner.lock")
    assert try_lock(lock)
    with pytest.raises(Unavailable, match="Another process owns"):
        await EmbeddedRedis(folder, start_timeout_s=0.1).start()
    os.close(lock)


def is_private_socket_below(parent: Path, url: str) -> bool:
    address = Path(url.removeprefix("unix://"))
    place = address.parent
    return address.is_socket() and place.parent == parent and place.stat().st_mode & 0o777 == 0o700


async def test_long_path_gets_a_short_private_socket(
    tmp_path: Path, neighbours: Neighbours, temporary: Path
) -> None:
    long = tmp_path / "long" / ("x" * 120) / "redis"
    async with serving(long) as embedded:
        assert is_private_socket_below(temporary, embedded.url)
        other = await neighbours(long)
        assert not other.is_owner
        assert other.url == embedded.url
        await put(embedded.url, "color", "red")
    assert (long / "appendonlydir").is_dir()


async def test_socket_folder_open_to_others_is_refused(tmp_path: Path, temporary: Path) -> None:
    embedded = EmbeddedRedis(tmp_path / ("x" * 120))
    place = temporary / embedded.url.split("/")[-2]
    place.mkdir(mode=0o755)
    with pytest.raises(ConfigurationError, match="open to other users"):
        await embedded.start()


async def test_path_too_long_for_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / ("y" * 120)))
    with pytest.raises(ConfigurationError, match="VAR_DIR"):
        EmbeddedRedis(tmp_path / ("x" * 120))


async def test_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="VAR_DIR"):
        await EmbeddedRedis(tmp_path / "file" / "redis").start()


@linux
@pytest.mark.parametrize("after_ms", [0, 1, 2, 4, 8, 16, 32, 64])
async def test_start_cancelled_at_any_moment_leaves_nothing(folder: Path, after_ms: int) -> None:
    embedded = EmbeddedRedis(folder)
    starting = asyncio.create_task(embedded.start())
    await asyncio.wait({starting}, timeout=after_ms / 1000)
    starting.cancel()
    await asyncio.wait({starting})
    await embedded.stop()
    assert servers(folder) == []
    assert nothing_left(folder)


@linux
@pytest.mark.parametrize("after_ms", [0, 1, 4, 16, 32, 64])
async def test_stop_during_a_restart_leaves_nothing(folder: Path, after_ms: int) -> None:
    embedded = EmbeddedRedis(folder)
    await embedded.start()
    assert embedded.pid is not None
    os.kill(embedded.pid, signal.SIGKILL)
    supervision = asyncio.create_task(embedded.run())
    await asyncio.wait({supervision}, timeout=after_ms / 1000)
    await embedded.stop()
    async with asyncio.timeout(5):
        await supervision
    assert servers(folder) == []
    assert nothing_left(folder)
