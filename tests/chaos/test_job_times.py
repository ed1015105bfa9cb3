"""R13, R14: jobs run once and on time, however long they take and whatever the process clocks say."""

from collections import Counter

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import (
    FULL,
    LEASE_S,
    NewJob,
    busy,
    configuration,
    insert_jobs,
    more,
    people,
    recorded,
    rounds,
    settled,
    some_jobs,
    states,
    with_faults,
)
from tests.e2e.conftest import NewProgram, Register
from tests.support.traffic import assert_complete
from tools.harness.backends import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

ON_TIME_MS = 1000
DELAYED = rounds(200, 1000)
WITHIN_MS = rounds(2_500, 20_000)
TIMEOUT_S = 60.0
WRONG_BY_MS = 300_000
LONG_JOB_S = rounds(4, 60)


async def test_job_longer_than_its_lease_runs_once(
    stack: Stack, new_program: NewProgram, report: Report
) -> None:
    record, config = stack.var_dir / "record", configuration(stack)
    # The embedded stack has one worker process; its own dispatcher must not reclaim the job either.
    workers = [
        await new_program("--role=worker", config=config, **with_faults(record=record)).start()
        for _ in range(1 if stack.name == "embedded" else 2)
    ]
    insert_jobs(stack, [NewJob(1000, "chaos.sleep", payload=f'{{"ms": {LONG_JOB_S * 1000}}}')])
    took_s = await settled(stack, LONG_JOB_S + 10)
    assert took_s > LONG_JOB_S - 1
    assert states(stack, "chaos.sleep") == {"completed": 1}
    assert len(recorded(record)) == 1
    report(
        f"R13 {stack.name}: a job of {LONG_JOB_S} s under a lease of {LEASE_S:g} s, {len(workers)} worker(s): ran once"
    )


async def test_delayed_and_retried_jobs_run_on_time(
    stack: Stack, new_program: NewProgram, report: Report
) -> None:
    record, config = stack.var_dir / "record", configuration(stack)
    await new_program("--role=worker", config=config, **with_faults(record=record)).start()
    insert_jobs(stack, delayed_jobs())
    await settled(stack, TIMEOUT_S)
    latest_ms = assert_each_on_time(stack, record)
    report(
        f"Delays {stack.name}: {DELAYED} delayed jobs, half of them retried, none early, {latest_ms} ms late at most"
    )


async def test_wrong_clocks_run_jobs_once_and_on_time(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    record, config = stack.var_dir / "record", configuration(stack)
    slow, fast = ({"record": record, "clock_ms": by_ms} for by_ms in (-WRONG_BY_MS, WRONG_BY_MS))
    await new_program("--role=worker", config=config, **with_faults(**fast)).start()
    if stack.name == "mariadb":
        await new_program("--role=worker", config=config, **with_faults(**slow)).start()
    api = await new_program("--port=0", "--role=api", config=config, **with_faults(**slow)).start()
    traffic = await people(api, register)
    insert_jobs(stack, delayed_jobs())
    async with busy(traffic):
        await more(traffic, 100)
    await settled(stack, TIMEOUT_S)
    latest_ms = assert_each_on_time(stack, record)
    await assert_complete(traffic, stack)
    report(
        f"R14 {stack.name}: clocks of the processes 10 minutes apart, {DELAYED} delayed jobs and {traffic.acknowledged}"
        f" writes, none early, lost or doubled, {latest_ms} ms late at most"
    )


def delayed_jobs() -> list[NewJob]:
    """Return delayed jobs, half of which fail once and wait for their backoff."""
    steady = some_jobs("chaos.note", DELAYED // 2, first=1000, within_ms=WITHIN_MS)
    return steady + some_jobs("chaos.raise_once", DELAYED // 2, first=100_000, within_ms=WITHIN_MS)


def assert_each_on_time(stack: Stack, record: object) -> int:
    """Assert that no attempt runs twice or early. Return the maximum delay in milliseconds."""
    assert states(stack, "chaos.%") == {"completed": DELAYED}
    runs = recorded(record)
    assert Counter(run["kind"] for run in runs) == {
        "chaos.note": DELAYED // 2,
        "chaos.raise_once": DELAYED // 2 * 2,
    }
    assert max(Counter((run["id"], run["attempt"]) for run in runs).values()) == 1
    late_ms = [run["now_ms"] - run["run_at_ms"] for run in runs]
    assert min(late_ms) >= 0
    if FULL:  # how late is a question to the machine, and not to each run of the suite
        assert max(late_ms) <= ON_TIME_MS
    return max(late_ms)
