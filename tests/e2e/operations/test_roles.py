"""The roles api and worker as two processes that share the embedded Redis."""

import pytest

from tests.e2e.conftest import NewProgram, Register, quick_leases
from tests.support.inputs import photos
from tests.support.program import Person, Program
from tests.support.valkey_processes import servers
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True)


@pytest.mark.parametrize("first", ["api", "worker"])
async def test_either_role_survives_the_owner_of_the_embedded_redis(
    new_program: NewProgram, register: Register, stack: Stack, first: str
) -> None:
    config = quick_leases(stack)
    roles = {
        role: new_program("--port=0", f"--role={role}", config=config, LOG_LEVEL="debug")
        for role in ("api", "worker")
    }
    api = roles["api"]
    owner, other = roles[first], roles["worker" if first == "api" else "api"]
    await owner.start()
    await other.start()
    assert len(owner.logged("embedded_redis_started")) == 1
    assert len(other.logged("embedded_redis_shared")) == 1
    ana, bob = await register(api, "ana", "bob")
    await ana.publish(photos.small())
    await bob.follow(ana)
    assert len(await bob.feed()) == 1  # now the feed is cached in Redis
    await post_and_like_arrive(ana, bob)

    # A killed owner takes Redis with it; the other process starts it again, and the restarted one connects to it.
    await owner.kill()
    await publish_during_takeover(api, ana)
    await wait_until(lambda: _has_logged(other, "embedded_redis_restarted"))
    await owner.start()
    assert len(owner.logged("embedded_redis_shared")) == 1
    await post_and_like_arrive(ana, bob)

    # After an orderly stop the other process owns Redis again.
    assert await other.interrupt() == 0
    await publish_during_takeover(api, ana)
    await wait_until(lambda: _has_logged(owner, "embedded_redis_restarted"))
    await other.start()
    assert len(other.logged("embedded_redis_shared")) == 1
    await post_and_like_arrive(ana, bob)

    assert len(servers(stack.var_dir / "redis")) == 1
    assert [await program.interrupt() for program in (owner, other)] == [0, 0]
    assert servers(stack.var_dir / "redis") == []
    assert [program.err for program in roles.values()] == ["", ""]


async def test_second_process_of_a_role_is_refused(new_program: NewProgram, stack: Stack) -> None:
    await new_program("--port=0").start()
    seconds = {role: new_program("--port=0", f"--role={role}").spawn() for role in ("api", "worker", "all")}
    for role, second in seconds.items():
        refused = await second.end()
        assert refused.code == 2
        assert refused.err.startswith("error: Another process (pid ")
        assert (
            f"already runs the role {'api' if role == 'all' else role} on {stack.var_dir}: stop it"
            in refused.err
        )
        assert refused.err.count("\n") == 1
        assert "Traceback" not in refused.out


async def post_and_like_arrive(author: Person, follower: Person) -> None:
    """Assert that a new post reaches the follower's feed, and its like the author's stream."""
    post = await author.publish(photos.small())

    async def in_feed() -> bool:
        return [each["id"] for each in await follower.feed()].count(post["id"]) == 1

    await wait_until(in_feed)
    async with author.stream() as stream:
        await follower.like(post["id"])
        while post["id"] not in (await stream.event()).data:
            pass  # late notifications from before


async def publish_during_takeover(api: Program, author: Person) -> None:
    """Assert that writes succeed with and without Redis."""
    if api.running:
        for _ in range(5):
            await author.publish(photos.small())


async def _has_logged(program: Program, message: str) -> bool:
    return bool(program.logged(message))
