"""R24: an old and a new version run side by side, and the new one is rolled back; no request fails, no job is lost."""

import signal
from pathlib import Path

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import ask, execute, number, people, rounds, states
from tests.chaos.restarts.next_version import COLUMN, NEW_KIND, make_next_version
from tests.chaos.restarts.proxied_load import program_on, under_load
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.nginx import Nginx
from tests.support.program import Program
from tests.support.traffic import Traffic
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("migrated_stack"),
    pytest.mark.parametrize("stack", ["mariadb"], indirect=True),
]

POSTS = 3
# The process that is replaced may leave at once: nginx has the other one, which stays.
LAME_DUCK_S = 1.0
DELIVERED_WITHIN_S = 30.0


async def test_new_version_runs_beside_the_old_one_and_is_rolled_back(
    stack: Stack, new_program: NewProgram, register: Register, nginx: Nginx, report: Report
) -> None:
    script = make_next_version(stack.var_dir / "next-version")
    one, two = nginx.ports
    staying = await program_on(stack, new_program, two, LAME_DUCK_S).start()
    old = await program_on(stack, new_program, one, LAME_DUCK_S).start()
    new = program_on(stack, new_program, one, LAME_DUCK_S, script)
    traffic = await people(staying, register, fans=10)
    async with under_load(nginx, traffic) as load:
        await migrate(new_program, script)
        for _ in range(rounds(1, 5)):
            await replace(old, new)
            traffic.move_to(new)
            await publish(traffic)  # with jobs that the old version does not know
            await load.more(50)
            await replace(new, old)
            traffic.move_to(old)
            await publish(traffic)
            await load.more(50)
        unknown = sum(len(program.logged("job_kind_unknown")) for program in (old, staying))
        assert states(stack, "%")["dead"] == 0
        await replace(old, new)
        traffic.move_to(new)
    await staying.interrupt()
    execute(
        stack, ["UPDATE jobs SET run_at_ms = created_at_ms WHERE state = 'ready'"]
    )  # does not wait a minute
    await wait_until(lambda: delivered(traffic), DELIVERED_WITHIN_S)
    assert (load.errors, load.refusals) == ([], [])
    assert nginx.statuses() <= {200, 201, 499}, nginx.log  # 499: streams that the test closed
    assert number(stack, "SELECT COUNT(*) FROM posts") == len(traffic.posts) + load.published
    assert number(stack, f"SELECT COUNT(*) FROM posts WHERE {COLUMN} = 0") > 0
    assert ask(stack, f"SELECT COUNT(*) FROM jobs WHERE kind = '{NEW_KIND}'") != [["0"]]
    assert states(stack, "%")["dead"] == 0
    report(
        f"R24 {rounds(1, 5)} times a new version beside the old one, and back: {load.statuses.total()} requests,"
        f" 0 failed; the old version met {unknown} jobs that it does not know, 0 lost"
    )


async def migrate(new_program: NewProgram, script: Path) -> None:
    """Migrate the schema with the new version, while the old one runs."""
    ended = await new_program("migrate", script=script, cold=True).spawn().end()
    assert ended.code == 0, ended.err


async def replace(running: Program, following: Program) -> None:
    running.signal(signal.SIGTERM)
    assert (await running.end()).code == 0
    await following.start()


async def publish(traffic: Traffic) -> None:
    for number_ in range(POSTS):
        traffic.posts.append((await traffic.author.publish(photos.small(number_)))["id"])


async def delivered(traffic: Traffic) -> bool:
    """Return whether every feed has the author's posts once, newest first, among those of its owner."""
    wanted = traffic.posts[::-1]
    for fan in traffic.fans:
        if [post["id"] for post in await fan.feed() if post["author"]["id"] == traffic.author.id] != wanted:
            return False
    return True
