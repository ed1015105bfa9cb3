"""Public posts and profiles can be read without an account, and nothing else."""

import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program

ON_EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
READS = ("/users/@ana", "/users/{user}", "/posts?userId=@ana", "/posts/{post}", "/posts/{post}/comments")


@pytest.fixture
def reader(program: Program, session: ClientSession) -> Person:
    """Return a client without an account."""
    return Person(program, session, username="")


async def test_reader_without_an_account_sees_what_everybody_may_see(
    register: Register, program: Program, reader: Person
) -> None:
    ana, ben = await register(program, "ana", "ben")
    post = await ana.publish(photos.small(), caption="The last light #sunset")
    for audience in ("followers", "close_friends"):
        hidden = await ana.publish(photos.small(), caption="#sunset")
        await ana.request("PATCH", f"/posts/{hidden['id']}", json={"audience": audience})
        assert (await reader.call("GET", f"/posts/{hidden['id']}")).status == 404
        assert await reader.request("GET", f"/posts?ids={hidden['id']},{post['id']}") == {
            "items": [await reader.request("GET", f"/posts/{post['id']}")],
            "nextCursor": None,
        }
    await ben.like(post["id"])
    comment = await ben.comment(post["id"], "Well seen")

    profile = await reader.request("GET", "/users/@ana?include=posts")
    assert profile["postsCount"] == 1
    assert not any(profile["relationship"].values())
    assert [each["id"] for each in profile["posts"]["items"]] == [post["id"]]
    assert [each["id"] for each in await reader.list_all("/posts?userId=@ana")] == [post["id"]]
    seen = await reader.request("GET", f"/posts/{post['id']}?include=comments")
    assert (seen["likesCount"], seen["liked"], seen["commentsCount"]) == (1, False, 1)
    assert [each["id"] for each in seen["comments"]["items"]] == [comment["id"]]
    assert (await reader.call("GET", seen["images"][0]["url"])).status == 200
    assert (await reader.request("GET", "/hashtags/sunset"))["tag"] == "sunset"
    assert [each["id"] for each in await reader.list_all("/hashtags/sunset/posts")] in ([], [post["id"]])


async def test_private_account_does_not_exist_without_an_account(
    register: Register, program: Program, reader: Person
) -> None:
    (ana,) = await register(program, "ana")
    post = await ana.publish(photos.small())
    await ana.request("PATCH", "/users/profile", json={"isPrivate": True})
    missing = (await reader.call("GET", "/users/@anna")).json
    for path in READS:
        answer = await reader.call("GET", path.format(user=ana.id, post=post["id"]))
        assert answer.status == 404, path
    assert (await reader.call("GET", "/users/@ana")).json == {**missing, "instance": "/users/@ana"}


async def test_pending_comments_and_restricted_users_stay_hidden(
    register: Register, program: Program, reader: Person
) -> None:
    ana, ben = await register(program, "ana", "ben")
    post = await ana.publish(photos.small())
    assert (await ana.call("POST", f"/users/{ben.id}/restrict")).ok
    await ben.comment(post["id"], "Only for us")
    assert await reader.list_all(f"/posts/{post['id']}/comments") == []


@ON_EMBEDDED
async def test_other_routes_need_an_account(register: Register, program: Program, reader: Person) -> None:
    (ana,) = await register(program, "ana")
    post = await ana.publish(photos.small())
    for path in ("/feed", "/posts", f"/posts/{post['id']}/likes", "/users/@ana/followers", "/search?q=ana"):
        assert (await reader.call("GET", path)).status == 401, path
    # A token that is sent must be valid, so that a client notices that its own has expired.
    expired = await reader.call("GET", "/users/@ana", headers={"Authorization": "Bearer none"})
    assert expired.status == 401


@ON_EMBEDDED
async def test_answers_for_all_readers_may_be_cached(
    register: Register, program: Program, reader: Person
) -> None:
    (ana,) = await register(program, "ana")
    post = await ana.publish(photos.small())
    for template in READS:
        path = template.format(user=ana.id, post=post["id"])
        answer = await reader.call("GET", path)
        assert answer.headers["Cache-Control"] == "public, max-age=60", path
        assert "Authorization" in answer.headers["Vary"], path
        again = await reader.call("GET", path, headers={"If-None-Match": answer.headers["ETag"]})
        assert again.status == 304, path
        own = await ana.call("GET", path)
        assert own.headers["Cache-Control"] == "private, no-cache", path
        assert "Authorization" in own.headers["Vary"], path


@ON_EMBEDDED
async def test_without_public_reads_every_read_needs_an_account(
    new_program: NewProgram, register: Register, session: ClientSession
) -> None:
    program = await new_program("--port=0", PUBLIC_READS="false").start()
    (ana,) = await register(program, "ana")
    post = await ana.publish(photos.small())
    reader = Person(program, session, username="")
    for path in READS:
        assert (await reader.call("GET", path.format(user=ana.id, post=post["id"]))).status == 401, path
