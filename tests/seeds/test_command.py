"""`python -m seeds` beside the running program, in production, and interrupted by Ctrl-C."""

import pytest
from aiohttp import ClientSession

from seeds.__main__ import parse
from seeds.commands import PASSWORD
from server.clock import SystemClock
from server.control import open_seed_context
from server.errors import Unauthenticated
from tests.e2e.conftest import NewProgram
from tests.seeds.database_checks import FEW_USERNAMES, count, open_for_inspection, wrong_counters
from tests.support.program import Exit, Person, Program
from tools.harness.backends import ROOT, Stack
from tools.harness.waiting import wait_until

# Few users and small pictures: the full sample data takes minutes on a busy machine.
FEW_SAMPLES = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from seeds import __main__, photographs, sample_users

photographs.SIZES = ((240, 160), (160, 200))
sample_users.SAMPLE_USERS = [
    user for user in sample_users.SAMPLE_USERS if user.username in {FEW_USERNAMES!r}
]
"""
COMPLETE = f"{FEW_SAMPLES}sys.exit(__main__.main())\n"
# Ctrl-C comes while the tenth picture is painted; sent from outside it could come too late.
INTERRUPTED = f"""{FEW_SAMPLES}
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
    """Return the seeder as a separate process with few users on the database of the stack."""
    script = stack.var_dir / "few_samples.py"
    script.write_text(COMPLETE)
    return new_program(script=script)


async def run(program: Program) -> Exit:
    return await program.spawn().end()


async def test_running_program_processes_sample_data(
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

    async def all_jobs_completed() -> bool:
        """Return whether there are no jobs besides maintenance, and the publication of the scheduled post."""
        async with open_for_inspection(stack) as database:
            waiting = "state <> 'completed' AND queue NOT IN ('maintenance', 'posts')"
            return await count(database, "jobs", waiting) == 0

    await wait_until(all_jobs_completed, 50.0)
    assert {post["id"] for post in await ben.list_all("/feed")} == {post["id"] for post in followees}
    assert await ben.list_all("/notifications")
    times = [post["createdAt"] for post in followees]
    assert times == sorted(times, reverse=True)


async def test_next_run_completes_after_ctrl_c(
    stack: Stack, program: Program, seeds: Program, new_program: NewProgram
) -> None:
    await program.interrupt()
    script = stack.var_dir / "interrupted.py"
    script.write_text(INTERRUPTED)
    ended = await run(new_program(script=script))
    assert ended.code == 130, ended
    assert "run the command again" in ended.err
    assert "Traceback" not in ended.err
    async with open_for_inspection(stack) as database:
        assert await count(database, "posts") >= 3
        assert await wrong_counters(database) == []
    assert (await run(seeds)).code == 0
    assert "nothing was changed" in (await run(seeds)).out


async def test_production_needs_yes_and_gets_random_passwords(
    stack: Stack, program: Program, seeds: Program, new_program: NewProgram
) -> None:
    script = stack.var_dir / "few_samples.py"
    production = {
        "APP_ENV": "production",
        "ALLOW_EMBEDDED": "true",
        "PUBLIC_URL": "https://photos.example.com",
        "METRICS_TOKEN": "a token of the tests",
        "TRUSTED_PROXIES": "none",
    }
    refused = await run(new_program("users", script=script, **production))
    assert (refused.code, "--yes" in refused.err, refused.out) == (2, True, "")
    async with open_for_inspection(stack) as database:
        assert await count(database, "users") == 0
    made = await run(new_program("users", "--yes", script=script, **production))
    assert made.code == 0, made
    assert PASSWORD not in made.out
    async with open_for_inspection(stack) as database:
        assert await count(database, "users") == len(FEW_USERNAMES)
        async with open_seed_context(stack.settings(), database, SystemClock()) as context:
            with pytest.raises(Unauthenticated):
                await context.services.password_authentication.authenticate("ben", PASSWORD)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--scale", "3"], "--scale 3 is not between"),
        (["--scale", "many"], "invalid int value"),
        (["--scale", "50", "users"], "omit the steps"),
        (["usres"], "unknown step 'usres'"),
    ],
)
async def test_invalid_flags_exit_with_a_message(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exited:
        parse(arguments)
    assert exited.value.code == 2
    assert message in capsys.readouterr().err
