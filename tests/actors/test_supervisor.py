"""Actors that crash, return and are stopped."""

import asyncio

import pytest
from structlog.testing import capture_logs

from server.actors import supervisor as module
from server.actors.supervisor import Supervisor
from server.metrics import Metrics
from tools.harness.waiting import wait_until


@pytest.fixture(autouse=True)
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the backoff."""
    monkeypatch.setattr(module, "FIRST_BACKOFF_S", 0.01)


async def test_crashed_actor_is_restarted() -> None:
    supervisor = Supervisor(Metrics())
    runs = 0

    async def crash_twice() -> None:
        nonlocal runs
        runs += 1
        if runs <= 2:
            raise ValueError(f"crash {runs}")
        await asyncio.Event().wait()

    with capture_logs() as logs:
        actor = supervisor.start("crasher", crash_twice)
        await wait_until(lambda: runs == 3)
    assert (actor.state, actor.restarts) == ("running", 2)
    assert [entry["error"] for entry in logs if entry["event"] == "actor_crashed"] == ["crash 1", "crash 2"]
    assert supervisor.actors == [actor]
    await supervisor.stop(actor)
    assert actor.state == "stopped"


async def test_backoff_doubles_up_to_its_maximum(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_BACKOFF_S", 0.1)
    monkeypatch.setattr(module, "MAX_BACKOFF_S", 0.2)
    supervisor = Supervisor(Metrics())

    async def crash() -> None:
        raise ValueError

    with capture_logs() as logs:
        actor = supervisor.start("crasher", crash)
        await wait_until(lambda: actor.restarts == 3)
        await supervisor.stop(actor)
    backoffs = [entry["restart_in_s"] for entry in logs if entry["event"] == "actor_crashed"]
    assert backoffs == [0.1, 0.2, 0.2]


async def test_state_is_restarting_during_the_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_BACKOFF_S", 60)
    supervisor = Supervisor(Metrics())

    async def crash() -> None:
        raise ValueError

    with capture_logs():
        actor = supervisor.start("crasher", crash)
        await wait_until(lambda: actor.state == "restarting")
    await supervisor.stop(actor)
    assert actor.state == "stopped"


async def test_actor_that_returns_is_not_restarted() -> None:
    supervisor = Supervisor(Metrics())
    runs = 0

    async def run() -> None:
        nonlocal runs
        runs += 1

    actor = supervisor.start("once", run)
    await wait_until(lambda: actor.state == "stopped")
    assert (runs, actor.restarts) == (1, 0)
    await supervisor.stop(actor)


async def test_stop_waits_for_the_cleanup_of_actors() -> None:
    supervisor = Supervisor(Metrics())
    cleaned_up: list[str] = []

    async def run(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned_up.append(name)

    actors = [supervisor.start(name, lambda name=name: run(name)) for name in ("one", "two", "three")]
    await wait_until(lambda: all(actor.state == "running" for actor in actors))
    await asyncio.sleep(0)
    await supervisor.stop(*actors[:2])
    assert sorted(cleaned_up) == ["one", "two"]
    assert [actor.state for actor in actors] == ["stopped", "stopped", "running"]
    await supervisor.stop(*actors)
    assert sorted(cleaned_up) == ["one", "three", "two"]
