"""Explore, as clients see it."""

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import config_file
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
