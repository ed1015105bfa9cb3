"""`python -m seeds` as a person runs it: beside the running program, in production, broken off by Ctrl-C."""

import pytest
from aiohttp import ClientSession

from seeds.__main__ import parse
from seeds.commands import PASSWORD
from server.clock import SystemClock
from server.control import open_seed_context
from server.errors import Unauthenticated
from tests.e2e.conftest import NewProgram
from tests.seeds.tables import SMALL_CAST_NAMES, count, looked_into, wrong_counters
from tests.support.backends import ROOT, Stack
from tests.support.program import Exit, Person, Program
from tests.support.waiting import wait_until

# Full-sized pictures of a whole place take minutes on a busy machine: a few acts show as much.
SMALL_PLACE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from seeds import __main__, cast, photographs

photographs.SIZES = ((240, 160), (160, 200))
cast.CAST = [person for person in cast.CAST if person.username in {SMALL_CAST_NAMES!r}]
"""
TO_THE_END = f"{SMALL_PLACE}sys.exit(__main__.main())\n"
# Ctrl-C comes while the tenth picture is painted: from outside it could come too late.
BROKEN_OFF = f"""{SMALL_PLACE}
import os, signal
from seeds import posts

paint, painted = posts.paint, []


def paint_until_ctrl_c(*arguments):
    painted.append(arguments)
    if len(painted) == 10:
        os.kill(os.getpid(), signal.SIGINT)
    return paint(*arguments)


posts.paint = paint_until_ctrl_c
sys.exit(__main__.main())
"""


@pytest.fixture
def seeds(stack: Stack, new_program: NewProgram) -> Program:
    """A small sample place, made by a process of its own on the database of the stack."""
    script = stack.var_dir / "small_place.py"
    script.write_text(TO_THE_END)
    return new_program(script=script)


async def run(program: Program) -> Exit:
    return await program.spawn().end()


async def test_feeds_and_notifications_of_sample_people_fill_while_the_program_runs(
    stack: Stack, program: Program, seeds: Program, session: ClientSession
) -> None:
    made = await run(seeds)
    assert made.code == 0, made
    assert PASSWORD in made.out
    ben = Person(program, session, "ben", password=PASSWORD)
    answer = await ben.call("POST", "/auth/login", json={"username": "ben", "password": PASSWORD})
    assert answer.status == 200, answer
    ben.token = answer.json["accessToken"]
    followees = await ben.list_all("/feed")
    assert len(followees) > 10
    picture = await ben.call("GET", followees[0]["images"][0]["url"])
    assert (picture.status, picture.headers["Content-Type"]) == (200, "image/jpeg")

    async def all_jobs_are_done() -> bool:
        async with looked_into(stack) as database:
            return await count(database, "jobs", "state <> 'completed' AND queue <> 'maintenance'") == 0

    await wait_until(all_jobs_are_done, 50.0)
    assert {post["id"] for post in await ben.list_all("/feed")} == {post["id"] for post in followees}
    assert await ben.list_all("/notifications")
    times = [post["createdAt"] for post in followees]
    assert times == sorted(times, reverse=True)


async def test_ctrl_c_leaves_what_the_next_run_completes(
    stack: Stack, program: Program, seeds: Program, new_program: NewProgram
) -> None:
    await program.interrupt()
    script = stack.var_dir / "broken_off.py"
    script.write_text(BROKEN_OFF)
    ended = await run(new_program(script=script))
    assert ended.code == 130, ended
    assert "run it again" in ended.err
    assert "Traceback" not in ended.err
    async with looked_into(stack) as database:
        assert await count(database, "posts") >= 3
        assert await wrong_counters(database) == []
    assert (await run(seeds)).code == 0
    assert "nothing was changed" in (await run(seeds)).out


async def test_production_is_refused_without_yes_and_has_no_known_password_with_it(
    stack: Stack, program: Program, seeds: Program, new_program: NewProgram
) -> None:
    script, production = stack.var_dir / "small_place.py", {"APP_ENV": "production", "ALLOW_EMBEDDED": "true"}
    refused = await run(new_program("users", script=script, **production))
    assert (refused.code, "--yes" in refused.err, refused.out) == (2, True, "")
    async with looked_into(stack) as database:
        assert await count(database, "users") == 0
    made = await run(new_program("users", "--yes", script=script, **production))
    assert made.code == 0, made
    assert PASSWORD not in made.out
    async with looked_into(stack) as database:
        assert await count(database, "users") == len(SMALL_CAST_NAMES)
        async with open_seed_context(stack.settings(), database, SystemClock()) as workshop:
            with pytest.raises(Unauthenticated):
                await workshop.services.accounts.authenticate("ben", PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--scale", "3"], "--scale 3 is not within"),
        (["--scale", "many"], "invalid int value"),
        (["--scale", "50", "users"], "leave the steps out"),
        (["usres"], "there is no step 'usres'"),
    ],
)
async def test_a_mistake_in_the_flags_is_told_in_a_sentence(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        parse(arguments)
    assert left.value.code == 2
    assert told in capsys.readouterr().err
