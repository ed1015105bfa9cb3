"""R2: the API is killed around a commit; committed work takes effect, and nothing else does."""

import random
import time
from typing import Any

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import configuration, number, people, rounds, settled, with_faults
from tests.chaos.fault_injection import FAILPOINTS
from tests.e2e.conftest import NewProgram, Register
from tests.support.traffic import Traffic, assert_complete
from tools.harness.backends import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

DELIVERED_WITHIN_S = 5.0
SOME_WRITES = (25, 60)  # beyond the setup


async def test_kill_around_a_commit_loses_and_invents_nothing(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    config = configuration(stack)
    await new_program("--port=0", "--role=worker", config=config).start()
    slowest_s, acknowledged = 0.0, 0
    turns = [*FAILPOINTS] * rounds(1, 20)
    api = await new_program("--port=0", "--role=api", config=config, **fault(turns[0])).start()
    for turn, failpoint in enumerate(turns):
        traffic = await people(api, register, prefix=f"r{turn}_", fans=3)
        before = writes_in_database(stack) - traffic.acknowledged
        await traffic.run()
        assert (await api.end()).code == -9
        assert traffic.refused == []
        if failpoint == "before_commit":
            assert_nothing_unacknowledged(traffic, writes_in_database(stack) - before)

        following = turns[(turn + 1) % len(turns)]
        restarted = time.monotonic()
        api = await new_program("--port=0", "--role=api", config=config, **fault(following)).start()
        await settled(stack, DELIVERED_WITHIN_S)
        slowest_s = max(slowest_s, time.monotonic() - restarted)
        traffic.move_to(api)
        await assert_complete(traffic, stack)
        acknowledged += traffic.acknowledged
    assert slowest_s < DELIVERED_WITHIN_S
    report(
        f"R2 {stack.name}: {rounds(1, 20)} kills at each of {', '.join(FAILPOINTS)}: {acknowledged} writes"
        f" acknowledged, 0 lost, 0 invented, all delivered within {slowest_s:.1f} s of the restart"
    )


def fault(failpoint: str) -> dict[str, Any]:
    return with_faults(failpoint={"at": failpoint, "nth": random.randint(*SOME_WRITES)})


def writes_in_database(stack: Stack) -> int:
    return sum(number(stack, f"SELECT COUNT(*) FROM {table}") for table in ("posts", "likes", "comments"))


def assert_nothing_unacknowledged(traffic: Traffic, made: int) -> None:
    """Assert that no write before its commit left a trace.

    Writes that other clients committed at the same time may lack their answer: at most one each.
    """
    assert traffic.acknowledged <= made < traffic.acknowledged + len(traffic.unanswered)
