"""The journey of an app store's reviewer: report a post, block its author, delete the account; nothing is left."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis

from tests.chaos.environment import ask, execute, redis_of, settled
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program, config_file, photo_form
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

# A former name stays reserved, so that no one can pass for its owner; the audit log outlives what it names. Completed
# jobs keep the id, which leads to nothing, until they are deleted.
KEPT_TABLES = {"former_usernames", "moderation_actions", "jobs"}


@pytest.mark.timeout(180)
async def test_reviewer_reports_blocks_and_leaves_without_a_trace(
    migrated_stack: Stack, new_program: NewProgram, register: Register
) -> None:
    config = config_file(migrated_stack.var_dir, {"erasures_every_s = 3600.0": "erasures_every_s = 0.5"})
    program = await new_program("--port=0", config=config).start()
    rita, ana, ben, mod = await register(program, "rita", "ana", "ben", "mod1")
    assert (await new_program("role", "mod1", "moderator", config=config).spawn().end()).code == 0
    pictures = await use_the_app(rita, ana, ben)
    await report(rita, mod)
    await block(rita, ana, ben)
    await delete_account(migrated_stack, program, rita)
    await check_nothing_is_left(migrated_stack, new_program, config, rita, ben, pictures)


async def use_the_app(rita: Person, ana: Person, ben: Person) -> list[str]:
    """Let all three publish, follow, like and comment; return the addresses of the reviewer's pictures."""
    posts = {
        person.username: await person.publish(photos.small(), caption="Hello @rita")
        for person in (rita, ana, ben)
    }
    for one, other in ((rita, ana), (ana, rita), (ben, rita), (rita, ben), (ben, ana)):
        await one.follow(other)
    for person in (rita, ana, ben):
        for post in posts.values():
            await person.like(post["id"])
            await person.comment(post["id"], f"Well seen, says @{person.username}")
    await rita.request("POST", "/devices", json={"token": "the-token-of-rita", "platform": "ios"})
    await rita.request("POST", "/users/avatar", data=photo_form(photos.small(), field="avatar"))
    unused = await rita.request("POST", "/media", data=photo_form(photos.small(7), field="file"))
    await ana.like((await rita.publish(photos.small(9)))["id"])

    async def notified() -> bool:
        return {each["actor"]["username"] for each in await rita.notifications()} >= {"ana", "ben"}

    await wait_until(notified)
    avatar = (await rita.request("GET", "/users/profile"))["avatarUrl"]
    own = [image["url"] for post in await rita.list_all("/posts") for image in post["images"]]
    return [*own, avatar, unused["image"]["url"]]


async def report(rita: Person, mod: Person) -> None:
    post_id = next(post["id"] for post in await rita.feed() if post["author"]["username"] == "ana")
    body = {"subjectType": "post", "subjectId": post_id, "reason": "harassment", "comment": "Again"}
    assert (await rita.call("POST", "/reports", json=body)).status == 201
    (case,) = await mod.list_all("/moderation/reports")
    assert (case["subjectId"], case["author"]["username"]) == (post_id, "ana")


async def block(rita: Person, ana: Person, ben: Person) -> None:
    """Block the author: nothing of her is shown from the next request on, and to her nothing of the reviewer."""
    ana_post = (await ana.list_all("/posts"))[0]["id"]
    ben_post = (await ben.list_all("/posts"))[0]["id"]
    lists = ("/feed", "/notifications", f"/posts/{ben_post}/comments", f"/posts/{ben_post}/likes")
    for path in lists:
        assert "ana" in names_in(await rita.list_all(path)), path
    assert (await rita.call("POST", f"/users/{ana.id}/block")).status == 204
    for path in lists:
        found = names_in(await rita.list_all(path))
        assert "ana" not in found, path
        assert "ben" in found, path
    for path in (f"/posts/{ana_post}", f"/posts/{ana_post}/comments"):
        assert (await rita.call("GET", path)).status == 404
    assert (await ana.call("GET", "/users/@rita")).status == 404
    assert "rita" not in names_in([*await ana.feed(), *await ana.notifications()])
    assert [each["username"] for each in await rita.list_all("/blocks")] == ["ana"]


def names_in(items: list[dict[str, Any]]) -> set[str]:
    """Return the users of a list of posts, comments, notifications or users."""
    users = (item.get("author") or item.get("actor") or item for item in items)
    return {user["username"] for user in users}


async def delete_account(stack: Stack, program: Program, rita: Person) -> None:
    """Delete the account, and wait for its erasure, whose time of grace is over."""
    assert (await rita.call("DELETE", "/users/profile", json={"password": rita.password})).status == 202
    assert (await rita.call("GET", "/users/profile")).status == 401
    execute(stack, [f"UPDATE users SET delete_after_ms = 1 WHERE id = {rita.id}"])
    await wait_until(lambda: bool(program.logged("account_erased")), 30.0, "the erasure")


async def check_nothing_is_left(
    stack: Stack, new_program: NewProgram, config: Path, rita: Person, ben: Person, pictures: list[str]
) -> None:
    def media_left() -> list[str]:
        keys = [urlsplit(url).path.removeprefix("/media/").rpartition("/")[0] for url in pictures]
        return [key for key in keys if (stack.var_dir / "media" / key).exists()]

    await wait_until(lambda: not media_left(), what="the deletion of the pictures")
    for url in pictures:
        assert (await ben.call("GET", url)).status == 404, url
    await settled(stack, 30.0)
    assert not list(rows_naming(stack, rita))
    assert f"{rita.username}@" not in str(ask(stack, "SELECT * FROM jobs"))
    with redis_of(stack) as redis:
        assert not list(keys_naming(redis, rita))
    assert not list(files_naming(stack.var_dir / "outbox", rita))
    found = await new_program("doctor", "account", rita.id, config=config).spawn().end()
    assert (found.code, found.out.strip()) == (0, f"Nothing is left of user {rita.id}.")
    assert "rita" not in names_in([*await ben.feed(), *await ben.notifications()])
    assert (await ben.request("GET", "/users/profile"))["followersCount"] == 0


def rows_naming(stack: Stack, person: Person) -> Iterator[str]:
    """Yield the rows of all tables with a value that is the id or has the name or the address."""
    if stack.mariadb is not None:
        tables = ask(
            stack,
            f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{stack.database['DB_NAME']}'",
        )
    else:
        tables = ask(stack, "SELECT name FROM sqlite_master WHERE type = 'table'")
    for (table,) in tables:
        if table not in KEPT_TABLES:
            for row in ask(stack, f"SELECT * FROM {table}"):
                if any(names(value, person) for value in row):
                    yield f"{table}: {row}"


def keys_naming(redis: Redis, person: Person) -> Iterator[Any]:
    """Yield the keys that name the person themselves, or in their value."""
    for key in redis.scan_iter():
        kind = redis.type(key)
        read = {
            "string": lambda key=key: redis.get(key),
            "hash": lambda key=key: redis.hgetall(key),
            "zset": lambda key=key: redis.zrange(key, 0, -1),
            "set": lambda key=key: redis.smembers(key),
            "list": lambda key=key: redis.lrange(key, 0, -1),
            "stream": lambda key=key: redis.xrange(key),
        }[kind if isinstance(kind, str) else kind.decode()]
        if names(f"{key!r} {read()!r}", person):
            yield key


def files_naming(folder: Path, person: Person) -> Iterator[Path]:
    """Yield the messages to the person, and the pushes about what the person did."""
    for file in folder.iterdir():
        content = file.read_text()
        if f"{person.username}@example.com" in content or (file.suffix == ".json" and person.id in content):
            yield file


def names(text: str, person: Person) -> bool:
    return person.id in text or f"{person.username}@example.com" in text
