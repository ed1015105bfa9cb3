"""An account from its deletion, and a change of mind, to its erasure."""

import sqlite3

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import config_file
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_deleted_account_returns_by_a_sign_in_and_is_erased_later(
    migrated_stack: Stack, new_program: NewProgram, register: Register, session: ClientSession
) -> None:
    config = config_file(migrated_stack.var_dir, {"erasures_every_s = 3600.0": "erasures_every_s = 0.5"})
    program = await new_program("--port=0", config=config).start()
    ana, bob = await register(program, "ana", "bob")
    await bob.follow(ana)
    post = await ana.publish(photos.small())
    image = post["images"][0]["sources"][0]["url"]
    body = {"password": ana.password}

    assert (await ana.call("POST", "/users/profile/deactivate", json=body)).status == 204
    assert (await ana.call("GET", "/users/profile")).status == 401
    assert (await bob.call("GET", f"/posts/{post['id']}")).status == 404
    await ana.sign_in()
    assert (await bob.call("GET", f"/posts/{post['id']}")).status == 200

    deleted = await ana.call("DELETE", "/users/profile", json=body)
    assert deleted.status == 202
    assert deleted.json["deletedAt"] > post["createdAt"]
    assert (await ana.call("DELETE", "/users/profile", json=body)).status == 401
    assert (await bob.call("GET", "/users/@ana")).status == 404

    with sqlite3.connect(migrated_stack.sqlite_file, timeout=5) as database:
        database.execute("UPDATE users SET delete_after_ms = 1 WHERE delete_after_ms > 1")
    database.close()
    await wait_until(lambda: bool(program.logged("account_erased")), 20.0, "the erasure")
    assert (await bob.request("GET", "/users/profile"))["followingCount"] == 0
    async with session.get(image) as response:
        assert response.status == 404
    found = await new_program("doctor", "account", ana.id, config=config).spawn().end()
    assert (found.code, found.out.strip()) == (0, f"Nothing is left of user {ana.id}.")
    found = await new_program("doctor", "account", "bob", config=config).spawn().end()
    assert found.code == 1
    assert "users.id, " in found.out
    login = {"username": "ana", "password": ana.password}
    assert (await bob.call("POST", "/auth/login", json=login)).status == 401
