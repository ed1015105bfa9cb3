"""A Redis that answers and refuses writes: two processes show nothing that could not be corrected in it."""

import os
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import NewProgram, Register
from tests.support.failover import PATIENT, REFUSALS, ImpairedRedis, redis_outages, refusing, replaced
from tests.support.inputs.photos import small
from tests.support.program import Person, Program, config_file
from tools.harness.backends import Stack, start_redis
from tools.harness.servers import RedisServer
from tools.harness.waiting import wait_until

KINDS = tuple(REFUSALS) if os.environ.get("CHAOS") == "full" else ("READONLY", "OOM")
FAILURES = ("request_crashed", "actor_crashed", "job_failed", "cache_update_rejected")
CAUGHT_UP_S = 20.0


@pytest.fixture
def redis(stack: Stack) -> Iterator[RedisServer]:
    server = start_redis(stack.var_dir / "own-redis", enable_protected_configs="yes")
    yield server
    server.stop()


async def is_ready(person: Person, status: int = 200) -> bool:
    return (await person.call("GET", "/readyz")).status == status


async def notifications_of(person: Person, count: int) -> bool:
    return len(await person.notifications()) == count


async def reads_feed_from_redis(program: Program, person: Person) -> bool:
    def pages(text: str) -> str:
        return next(
            line
            for line in text.splitlines()
            if line.startswith('photofeed_feed_pages_total{source="redis"}')
        )

    metrics = [(await person.call("GET", "/metrics")).content.decode()]
    await person.feed()
    metrics.append((await person.call("GET", "/metrics")).content.decode())
    return pages(metrics[0]) != pages(metrics[1])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
@pytest.mark.usefixtures("migrated_stack")
async def test_nothing_stale_is_shown_while_redis_refuses_writes(
    stack: Stack, new_program: NewProgram, register: Register, redis: RedisServer, kind: str
) -> None:
    config = config_file(stack.var_dir, PATIENT)
    one = await new_program("--port=0", config=config, REDIS_PORT=str(redis.port)).start()
    other = await new_program("--port=0", "--role=api", config=config, REDIS_PORT=str(redis.port)).start()
    ana, bob = await register(one, "ana", "bob")
    away, lost = [await ana.on_another_device(other) for _ in range(2)]
    await ana.follow(bob)
    deleted = (await bob.publish(small()))["id"]
    kept = (await bob.publish(small(), caption="before"))["id"]
    for device in (ana, away):
        await wait_until(lambda device=device: _feed_has(device, kept, deleted))
    with refusing(redis, kind):
        await _changes_show_at_once(bob, ana, away, lost, deleted, kept)
        for person in (ana, away):
            await wait_until(lambda person=person: is_ready(person, 503))
        reason = (await ana.call("GET", "/readyz")).json["parts"]["redis"]
        # redis-py removes some of the codes. A replica without its primary answers writes with READONLY.
        codes = (kind.partition(",")[0], "permission", "Link with MASTER", "READONLY")
        assert any(code in reason for code in codes)
        # A follow and a like; their jobs run although Redis refuses the signals.
        await wait_until(lambda: notifications_of(bob, 2), CAUGHT_UP_S)
    for person in (ana, away):
        await wait_until(lambda person=person: is_ready(person))
    assert (await lost.call("GET", "/users/profile")).status == 401
    await wait_until(lambda: reads_feed_from_redis(other, away), CAUGHT_UP_S)
    assert [post["id"] for post in await away.feed()] == [kept]
    for program in (one, other):
        await wait_until(lambda program=program: _recovered(program))
        assert len(redis_outages(program)) == 1
        assert not [line for line in program.log if line["message"] in FAILURES]


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
@pytest.mark.usefixtures("migrated_stack")
async def test_requests_are_served_while_a_cluster_is_down(
    stack: Stack, new_program: NewProgram, register: Register, redis: RedisServer
) -> None:
    config = config_file(stack.var_dir, PATIENT)
    program = await new_program("--port=0", config=config, REDIS_PORT=str(redis.port)).start()
    ana, bob = await register(program, "ana", "bob")
    device = await ana.on_another_device()
    await ana.follow(bob)
    kept = (await bob.publish(small()))["id"]
    await wait_until(lambda: _feed_has(ana, kept))
    with replaced(redis, ImpairedRedis.cluster_down(redis)):
        await wait_until(lambda: is_ready(ana, 503))
        # Before it, the connections to the former server end.
        await wait_until(lambda: _names_the_cluster(ana))
        assert (await device.call("POST", "/auth/logout", json={"refreshToken": device.refresh_token})).ok
        assert (await device.call("GET", "/users/profile")).status == 401
        await ana.like(kept)
        assert [post["likesCount"] for post in await ana.feed()] == [1]
        await wait_until(lambda: notifications_of(bob, 2), CAUGHT_UP_S)
    await wait_until(lambda: is_ready(ana))
    await wait_until(lambda: reads_feed_from_redis(program, ana), CAUGHT_UP_S)
    assert (await device.call("GET", "/users/profile")).status == 401
    await wait_until(lambda: _recovered(program))
    assert len(redis_outages(program)) == 1
    assert not [line for line in program.log if line["message"] in FAILURES]


async def _changes_show_at_once(
    bob: Person, ana: Person, away: Person, lost: Person, deleted: str, kept: str
) -> None:
    """Sign out and change posts with one process; check with the other one, at once."""
    assert (await ana.call("POST", "/auth/change-password", json=_new_password(ana))).status in (200, 204)
    assert (await lost.call("GET", "/users/profile")).status == 401
    assert (await away.call("GET", "/users/profile")).status == 401
    away.password = ana.password
    await away.sign_in()
    assert (await bob.call("DELETE", f"/posts/{deleted}")).ok
    assert [post["id"] for post in await away.feed()] == [kept]
    await bob.request("PUT", f"/posts/{kept}", json={"caption": "after"})
    await ana.like(kept)
    (post,) = await away.feed()
    assert (post["caption"], post["likesCount"], post["liked"]) == ("after", 1, True)
    signed_out = await ana.on_another_device(away.program)
    body = {"refreshToken": signed_out.refresh_token}
    assert (
        await Person(ana.program, ana.session, "", token=signed_out.token).call(
            "POST", "/auth/logout", json=body
        )
    ).ok
    assert (await signed_out.call("GET", "/users/profile")).status == 401


def _new_password(person: Person) -> dict[str, str]:
    old, new = person.password, f"{person.password} changed"
    person.password = new
    return {"oldPassword": old, "newPassword": new}


async def _feed_has(person: Person, *post_ids: str) -> bool:
    return {post["id"] for post in await person.feed()} == set(post_ids)


async def _names_the_cluster(person: Person) -> bool:
    return "CLUSTERDOWN" in (await person.call("GET", "/readyz")).json["parts"]["redis"]


async def _recovered(program: Program) -> bool:
    return len(program.logged("redis_recovered")) == len(program.logged("redis_unavailable")) > 0
