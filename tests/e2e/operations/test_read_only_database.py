"""A database that refuses writes, as a demoted primary does: reads go on, writes are answered with 503."""

import time

import pytest

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

STOPPED_WITHIN_S = 10.0
FAILURES = ("request_crashed", "actor_crashed", "job_failed")


async def has_readiness(person: Person, status: int) -> bool:
    return (await person.call("GET", "/readyz")).status == status


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
async def test_read_only_database_refuses_writes_only(
    new_program: NewProgram, register: Register, migrated_stack: Stack
) -> None:
    mariadb = migrated_stack.mariadb
    assert mariadb is not None
    username = mariadb.grant_plain_user(migrated_stack.database["DB_NAME"])
    program = await new_program("--port=0", DB_USERNAME=username).start()
    ana, bob = await register(program, "ana", "bob")
    follow = f"/users/{bob.id}/follow"
    with mariadb.setting("read_only", 1):
        refused = await ana.call("POST", follow)
        assert (refused.status, refused.json["code"]) == (503, "unavailable")
        assert int(refused.headers["Retry-After"]) >= 1
        assert (await ana.call("GET", f"/users/{bob.id}")).status == 200
        assert (await ana.call("GET", "/feed")).status == 200
        await wait_until(lambda: has_readiness(ana, 503))
        assert "read-only" in (await ana.call("GET", "/readyz")).json["parts"]["database"]
    assert (await ana.call("POST", follow)).status == 200
    await wait_until(lambda: has_readiness(ana, 200))
    await wait_until(lambda: bool(program.logged("database_recovered")))
    assert len(program.logged("database_unavailable")) == 1
    assert not [line for line in program.log if line["message"] in FAILURES]


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
async def test_process_stops_cleanly_on_a_read_only_database(
    new_program: NewProgram, register: Register, migrated_stack: Stack
) -> None:
    mariadb = migrated_stack.mariadb
    assert mariadb is not None
    username = mariadb.grant_plain_user(migrated_stack.database["DB_NAME"])
    program = await new_program("--port=0", DB_USERNAME=username).start()
    ana, bob = await register(program, "ana", "bob")
    post = await ana.publish(photos.small())
    await bob.like(post["id"])
    began = time.monotonic()
    with mariadb.setting("read_only", 1):  # with jobs that are due or running
        assert await program.interrupt() == 0
    assert time.monotonic() - began < STOPPED_WITHIN_S
    assert not [line for line in program.log if line["level"] == "error"]
