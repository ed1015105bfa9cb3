"""Explore, as clients see it."""

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Program, config_file
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

EVERY_SECOND = {"explore_every_s = 120.0": "explore_every_s = 0.5"}


async def test_explore_shows_and_explains_posts_of_others(
    migrated_stack: Stack, new_program: NewProgram, register: Register
) -> None:
    config = config_file(migrated_stack.var_dir, EVERY_SECOND)
    program = await new_program("--port=0", config=config).start()
    ana, ben, cleo = await register(program, "ana", "ben", "cleo")
    post_id = (await ana.publish(photos.small(), caption="Dawn"))["id"]
    other_id = (await cleo.publish(photos.small(), caption="Dusk"))["id"]

    async def ranked() -> bool:
        return len(await ben.list_all("/explore")) == 2

    await wait_until(ranked, timeout_s=60)
    explained = await ben.request("GET", f"/explore/explain?postId={post_id}")
    assert (explained["inExplore"], explained["reason"], explained["rank"]) == (True, "ranked", 2)
    assert (explained["likesCount"], explained["engagement"]) == (0, 0)
    page = await ben.request("GET", "/explore?limit=1")
    assert [post["id"] for post in page["items"]] == [other_id]
    cursor = page["nextCursor"]
    page = await ben.request("GET", f"/explore?limit=1&cursor={cursor}")
    assert ([post["id"] for post in page["items"]], page["nextCursor"]) == ([post_id], None)
    assert [post["id"] for post in await ben.list_all("/explore")] == [post_id]  # the other one was passed
    assert (await ben.call("GET", f"/search?q=ana&cursor={cursor}")).status == 422
    await ben.request("POST", f"/users/{ana.id}/follow")
    await ben.request("POST", f"/posts/{other_id}/likes")
    assert await ben.list_all("/explore") == []
    explained = await ben.request("GET", f"/explore/explain?postId={post_id}")
    assert (explained["inExplore"], explained["reason"]) == (False, "followed")


async def test_followed_hashtag_comes_into_the_feed(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    assert await ben.request("POST", "/hashtags/Dawn/follow") == {
        "tag": "dawn",
        "postsCount": 0,
        "following": True,
    }
    post_id = (await ana.publish(photos.small(), caption="Early #dawn"))["id"]

    async def arrived() -> bool:
        return [post["id"] for post in await ben.list_all("/feed")] == [post_id]

    await wait_until(arrived)
    explained = await ben.request("GET", f"/feed/explain?postId={post_id}")
    assert (explained["inFeed"], explained["reason"]) == (True, "hashtag")
    assert (await ben.request("GET", "/hashtags/dawn"))["following"] is True
    assert (await ana.request("GET", "/hashtags/dawn"))["following"] is False
    assert [each["tag"] for each in await ben.list_all("/hashtags/following")] == ["dawn"]
    assert (await ben.request("DELETE", "/hashtags/dawn/follow"))["following"] is False
    assert await ben.list_all("/feed") == []


async def test_suggestions_and_trends_are_listed(program: Program, register: Register) -> None:
    ana, ben, cleo = await register(program, "ana", "ben", "cleo")
    await ana.follow(ben)
    await ben.follow(cleo)
    (found,) = await ana.list_all("/users/suggestions")
    assert (found["user"]["username"], found["reason"], found["detail"]) == (
        "cleo",
        "followed_by",
        "Followed by ben",
    )
    assert [user["username"] for user in found["followedBy"]] == ["ben"]
    assert (await ana.call("DELETE", f"/users/suggestions/dismissed/{cleo.id}")).status == 204
    assert await ana.list_all("/users/suggestions") == []
    assert (await ana.call("POST", f"/users/suggestions/dismissed/{cleo.id}")).status == 204
    assert len(await ana.list_all("/users/suggestions")) == 1
    assert await ana.list_all("/hashtags/trending") == []
    explained = await ana.request("GET", "/hashtags/trending/explain?tag=dawn")
    assert (explained["trending"], explained["reason"]) == (False, "unused")
    assert (await ana.call("GET", "/hashtags/trending/explain?tag=two+words")).status == 404
