"""Shutdown stages: their deadlines, and that of the whole shutdown."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from structlog.testing import capture_logs

from server.assembly.shutdown import ShutdownStages


@asynccontextmanager
async def hanging() -> AsyncGenerator[None]:
    yield
    await asyncio.Event().wait()


async def test_hanging_stages_end_within_the_total_time() -> None:
    stages, closed = ShutdownStages(total_s=0.2), list[str]()

    @asynccontextmanager
    async def closing() -> AsyncGenerator[None]:
        yield
        closed.append("last")

    await stages.enter("last", closing())
    for number in range(10):
        await stages.enter(f"stage {number}", hanging(), 60.0)
    stages.begin()
    began = time.monotonic()
    with capture_logs() as logs:
        await stages.aclose()
    assert time.monotonic() - began < 30.0  # of 600 s
    assert closed == ["last"]
    assert not stages.clean
    missed = [line["stage"] for line in logs if line["event"] == "deadline_missed"]
    assert missed == [f"stage {number}" for number in reversed(range(10))]


async def test_first_begin_starts_the_time() -> None:
    stages = ShutdownStages(total_s=0.0)
    await stages.enter("slow", hanging(), 60.0)
    stages.begin()
    stages.begin()
    await stages.aclose()
    assert not stages.clean
