"""Search, hashtags and recent searches, as clients see them."""

import asyncio
from typing import Any
from urllib.parse import quote

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program
from tools.harness.waiting import wait_until


async def names(person: Person, path: str) -> list[str]:
    items: list[dict[str, Any]] = await person.list_all(path)
    return [each["user"]["username"] if "user" in each else each["username"] for each in items]


async def test_people_hashtags_and_posts_are_searched(
    program: Program, register: Register, new_program: NewProgram
) -> None:
    ana, ben, cleo = await register(program, "ana", "ben", "cleo")
    await ana.request("PUT", "/users/profile", json={"fullName": "山田 Ána"})
    post_id = (await ana.publish(photos.small(), caption="The last light #Sunset"))["id"]

    async def indexed() -> bool:
        tag = await ben.request("GET", "/hashtags/sunset")
        return bool(tag["postsCount"] == 1 and await names(ben, f"/search?q={quote('山')}"))

    await wait_until(indexed)
    assert await names(ben, "/users?prefix=an") == ["ana"]
    assert await names(ben, "/users?prefix=%40AN") == ["ana"]
    (user,) = await ben.list_all("/search?q=ana")
    assert (user["type"], user["user"]["relationship"]["following"]) == ("user", False)
    (tag,) = await ben.list_all("/search?q=suns&type=hashtags")
    assert tag == {"type": "hashtag", "hashtag": {"tag": "sunset", "postsCount": 1}}
    (post,) = await ben.list_all("/search?q=last+lig&type=posts")
    assert (post["type"], post["post"]["id"]) == ("post", post_id)
    assert [post["id"] for post in await ben.list_all("/hashtags/SUNSET/posts")] == [post_id]

    assert (await ana.call("POST", f"/users/{ben.id}/block")).status == 204
    for path in ("/users?prefix=an", "/search?q=ana", "/search?q=last&type=posts", "/hashtags/sunset/posts"):
        assert await ben.list_all(path) == [], path
        assert len(await cleo.list_all(path)) == 1, path
    ended = await new_program("doctor", "search").spawn().end()
    assert (ended.code, "No differences" in ended.out) == (0, True), ended.out
    ended = await new_program("search", "rebuild").spawn().end()
    assert (ended.code, "3 users, 1 posts" in ended.out) == (0, True), ended.out + ended.err
    assert await names(cleo, "/search?q=ana") == ["ana"]


async def test_bad_search_input_is_refused(program: Program, register: Register) -> None:
    ana, *_ = await register(program, "ana", *(f"bob{n}" for n in range(3)))

    async def indexed() -> bool:
        return len(await ana.list_all("/users?prefix=bob")) == 3

    await wait_until(indexed)
    page = (await ana.call("GET", "/search?q=bob&limit=2")).json
    assert (len(page["items"]), page["nextCursor"] is not None) == (2, True)
    refused = [
        "/search",
        "/search?q=",
        "/search?q=%20%20",
        f"/search?q={'a' * 1000}",
        "/search?q=ana&type=planets",
        "/search?q=ana&q=ben",
        "/search?q=ana&type=users&type=posts",
        "/search?q=a%00b",
        "/search?q=ana&limit=0",
        "/search?q=ana&unknown=1",
        "/search?q=ana&cursor=AAAA",
        f"/search?q=bo&cursor={page['nextCursor']}",
        f"/search?q=bob&type=hashtags&cursor={page['nextCursor']}",
        f"/search?q=bob&type=posts&cursor={page['nextCursor']}",
        "/users",
        "/users?prefix=",
        f"/users?prefix={'a' * 1000}",
        "/users?prefix=a&prefix=b",
        "/hashtags/sunset/posts?limit=101",
    ]
    answers = await asyncio.gather(*(ana.call("GET", path) for path in refused))
    assert [path for path, answer in zip(refused, answers, strict=True) if answer.status != 422] == []
    rest = (await ana.call("GET", f"/search?q=bob&limit=2&cursor={page['nextCursor']}")).json
    assert (len(rest["items"]), rest["nextCursor"]) == (1, None)
    for text in ("%", "_", "*", '"', "+", "-", "\\", "NEAR", "' OR 1=1 --", "🌅", "(", "a" * 100):
        for kind in ("users", "hashtags", "posts"):
            assert await ana.list_all(f"/search?q={quote(text)}&type={kind}") == [], text
    for tag in ("12345", "a%20b", "%F0%9F%8C%85", "a" * 101):
        assert (await ana.call("GET", f"/hashtags/{tag}")).status == 404


async def test_recent_searches_are_kept_and_cleared(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    for text in ("sunset", "ben", "sunset"):
        kept = await ana.request("POST", "/search/recent", json={"q": text})
        assert kept["q"] == text
    recent = await ana.list_all("/search/recent")
    assert [each["q"] for each in recent] == ["sunset", "ben"]
    assert await ben.list_all("/search/recent") == []
    assert (await ben.call("DELETE", f"/search/recent/{recent[0]['id']}")).status == 204
    assert (await ana.call("DELETE", f"/search/recent/{recent[1]['id']}")).status == 204
    assert [each["q"] for each in await ana.list_all("/search/recent")] == ["sunset"]
    assert (await ana.call("DELETE", "/search/recent")).status == 204
    assert await ana.list_all("/search/recent") == []
    for body in ({}, {"q": ""}, {"q": "a" * 101}, {"q": 1}, {"q": "a", "type": "users"}):
        assert (await ana.call("POST", "/search/recent", json=body)).status == 422
