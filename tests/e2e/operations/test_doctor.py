"""`python run.py doctor feeds` beside a running program."""

from tests.chaos.environment import redis_of, settled
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Program
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until


async def test_doctor_finds_and_repairs_wrong_feeds(
    stack: Stack, program: Program, new_program: NewProgram, register: Register
) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ben.follow(ana)
    posts = [(await ana.publish(photos.small()))["id"] for _ in range(3)]

    async def arrived() -> bool:
        return [post["id"] for post in await ben.feed()] == posts[::-1]

    await wait_until(arrived)
    await settled(
        stack, 60
    )  # The fan-out of a post adds it to the feed, also after the feed was built from SQL.

    async def doctor(*arguments: str) -> tuple[int, str, str]:
        ended = await new_program("doctor", "feeds", *arguments).spawn().end()
        return ended.code, ended.out, ended.err

    with redis_of(stack) as redis:
        redis.zrem(f"feed:{ben.id}", posts[1])
    assert [post["id"] for post in await ben.feed()] == [posts[2], posts[0]]
    for arguments in ((), ("--user", "BEN")):
        code, out, _ = await doctor(*arguments)
        assert code == 1
        assert f"ben  missing 1: {posts[1]}" in " ".join(out.split()).replace("ben missing", "ben  missing")
        assert "--fix" in out
    assert (await doctor("--user", "ana"))[0] == 0
    code, out, _ = await doctor("--fix")
    assert (code, "deleted" in out) == (0, True)
    assert [post["id"] for post in await ben.feed()] == posts[::-1]
    code, out, _ = await doctor()
    assert (code, "No differences" in out) == (0, True), out

    code, out, err = await doctor("--user", "nobody")
    assert (code, out, err) == (2, "", "error: There is no user 'nobody'.\n")
    assert await program.interrupt() == 0


async def test_doctor_reports_an_unavailable_redis(program: Program, new_program: NewProgram) -> None:
    ended = (
        await new_program("doctor", "feeds", cold=True, REDIS_URL="unix:///nowhere/redis.sock").spawn().end()
    )
    assert ended.code == 2
    assert "Redis does not answer" in ended.err
    assert "Traceback" not in ended.err
