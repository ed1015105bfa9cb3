"""Several processes on one port: their supervisor, merged metrics, and reloads without failed requests."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from socket import socket
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.keep_alive import KeepAlive, Outcome
from tests.e2e.conftest import NewProgram, Register
from tests.support.failover import PATIENT
from tests.support.program import Person, Program, config_file
from tests.support.traffic import Traffic, assert_complete
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = [pytest.mark.usefixtures("migrated_stack"), pytest.mark.timeout(180)]  # cold starts

CLIENTS = 8
PAUSE_S = 0.04
TWO = ("--port=0", "--processes=2")
EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)


async def reload(program: Program, outcome: str = "reloaded") -> None:
    before = len(program.logged(outcome))
    program.signal(signal.SIGHUP)
    await wait_until(lambda: _has(len(program.logged(outcome)) > before), 60.0)


async def _has(truth: bool) -> bool:
    return truth


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids(program: Program) -> list[int]:
    return [line["pid"] for line in program.logged("process_ready")]


@asynccontextmanager
async def steady_load(program: Program, person: Person) -> AsyncIterator[Counter[Outcome]]:
    """Send requests during the block, half of the clients with a new connection for each."""
    outcomes, ended = Counter[Outcome](), asyncio.Event()

    async def use(number: int) -> None:
        client = KeepAlive(program.port, person.token)
        while not ended.is_set():
            await client.request("GET", "/feed")
            if number % 2:
                await client.close()
            await asyncio.sleep(PAUSE_S)
        await client.close()
        outcomes.update(client.outcomes)
        assert set(client.statuses) == {200}

    tasks = [asyncio.create_task(use(number)) for number in range(CLIENTS)]
    try:
        yield outcomes
    finally:
        ended.set()
        await asyncio.gather(*tasks)


async def figures(person: Person, name: str) -> float:
    """Return the sum of all samples of a metric."""
    text = (await person.call("GET", "/metrics", headers={"Connection": "close"})).content.decode()
    families = text_string_to_metric_families(text)
    return sum(sample.value for family in families for sample in family.samples if sample.name == name)


async def test_reload_under_load_fails_no_request(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    config = config_file(stack.var_dir, {"enabled = true": "enabled = false", **PATIENT})
    program = await new_program(*TWO, config=config).start()
    (ana,) = await register(program, "ana")
    first = pids(program)
    async with ana.stream() as stream, steady_load(program, ana) as outcomes:
        text = config.read_text()
        config.write_text(text.replace("max_files = 10\n", "max_files = 7\n"))
        await reload(program)
        assert (await ana.request("GET", "/config"))["images"]["maxFiles"] == 7
        assert (await stream.rest())[-1].retry  # the server ended it: its client connects again

        # A mistake changes nothing.
        config.write_text(text.replace("max_files = 10\n", "max_files = -1\n"))
        await reload(program, "reload_refused")
        assert "max_files" in program.logged("reload_refused")[-1]["detail"]
    assert set(outcomes) == {Outcome.ANSWERED}, outcomes
    assert outcomes[Outcome.ANSWERED] > 100
    replaced = pids(program)
    assert len(replaced) == 4
    await wait_until(lambda: _has(not any(is_running(pid) for pid in first)))
    assert await program.interrupt() == 0
    assert program.logged("stopped")[0]["clean"]
    assert not any(is_running(pid) for pid in replaced)


@EMBEDDED
async def test_writes_of_several_processes_are_complete(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    program = await new_program(*TWO).start()
    author, observer, *fans = await register(program, "author", "observer", "fan_a", "fan_b", "fan_c")
    traffic = Traffic(author, fans, observer)
    await traffic.follow_author()
    running = asyncio.create_task(traffic.run())
    await wait_until(lambda: _has(traffic.acknowledged >= 60))
    traffic.stop()
    await running
    assert (traffic.refused, traffic.unanswered) == ([], [])
    await assert_complete(traffic, stack)
    assert await program.interrupt() == 0


@EMBEDDED
async def test_metrics_are_those_of_all_processes(
    stack: Stack, new_program: NewProgram, register: Register
) -> None:
    program = await new_program(*TWO).start()
    (ana,) = await register(program, "ana")
    assert await figures(ana, "photofeed_processes") == 2

    async def used_by(count: int) -> None:
        for _ in range(count):
            assert (await ana.call("GET", "/healthz", headers={"Connection": "close"})).ok

    before = await figures(ana, "photofeed_http_requests_total")
    await used_by(40)
    # The scrapes are requests, too.
    assert await figures(ana, "photofeed_http_requests_total") == before + 41

    os.kill(pids(program)[0], signal.SIGKILL)
    await wait_until(lambda: _has(len(pids(program)) == 3), 60.0)
    assert program.logged("process_ended")[0]["exit_code"] == -signal.SIGKILL
    after = await figures(ana, "photofeed_http_requests_total")
    assert after >= before + 41  # a restart does not look like one of the whole group
    assert await figures(ana, "photofeed_process_restarts_total") == 1
    assert await program.interrupt() == 0


@EMBEDDED
async def test_processes_end_with_their_supervisor(new_program: NewProgram, register: Register) -> None:
    program = await new_program(*TWO).start()
    members = pids(program)
    port = program.port
    await program.kill()
    await wait_until(lambda: _has(not any(is_running(pid) for pid in members)))
    with closing(socket()) as free:
        free.bind(("127.0.0.1", port))


@EMBEDDED
async def test_second_signal_ends_all_processes(stack: Stack, new_program: NewProgram) -> None:
    config = config_file(stack.var_dir, {"requests_s = 10.0": "lame_duck_s = 12.0\nrequests_s = 10.0"})
    program = await new_program(*TWO, config=config).start()
    program.signal(signal.SIGTERM)
    await wait_until(lambda: _has(bool(program.logged("stopping"))))
    program.signal(signal.SIGINT)
    assert (await program.end()).code == 128 + signal.SIGINT
    await wait_until(lambda: _has(not any(is_running(pid) for pid in pids(program))))


@EMBEDDED
async def test_worker_processes_share_their_port(new_program: NewProgram, session: ClientSession) -> None:
    with closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = new_program("--role=worker", "--processes=2", WORKER_PORT=str(port)).spawn()
    await wait_until(lambda: _has(bool(program.logged("ready"))), 60.0)
    async with session.get(f"http://127.0.0.1:{port}/metrics") as response:
        assert "photofeed_processes 2.0" in await response.text()
    assert await program.interrupt() == 0


@EMBEDDED
@pytest.mark.parametrize(
    ("arguments", "environ", "reason"),
    [
        (TWO, {"NODE_ID": "3"}, "NODE_ID is set, but --processes starts several processes"),
        (TWO, {"REDIS_URL": "redis://127.0.0.1:1/0"}, "No Redis answers at redis://127.0.0.1:1/0"),
        (("--processes=0",), {}, "invalid number '0': expected 1 to 64"),
        (("--processes=many",), {}, "invalid number 'many': expected 1 to 64"),
        (("--member=1",), {}, "--member is for processes that --processes starts."),
    ],
)
async def test_unusable_start_is_one_sentence(
    new_program: NewProgram, arguments: tuple[str, ...], environ: dict[str, Any], reason: str
) -> None:
    ended = await new_program(*arguments, **environ).spawn().end()
    assert ended.code == 2
    assert reason in ended.err
    assert "Traceback" not in ended.err + ended.out
