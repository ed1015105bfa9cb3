"""Hashtags: their counts, their pages, and search for them."""

from functools import partial

import pytest

from server.errors import NotFound
from server.ids import ActionId, PostId, UserId
from server.models.audience import Audience
from server.paging import PageRequest
from server.services.records import AccountStatus
from tests.services.discovery.names import INDEXING
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def count(harness: ServiceHarness, tag: str) -> int:
    await harness.work_off(*INDEXING)
    return (await harness.discovery.hashtags.get(tag)).posts_count


async def page(harness: ServiceHarness, viewer: UserId, tag: str) -> list[PostId]:
    return [post.id for post in (await harness.discovery.hashtags.list_posts(viewer, tag, PAGE)).items]


async def tags_found(harness: ServiceHarness, text: str) -> list[str]:
    await harness.work_off(*INDEXING)
    return [each.tag for each in (await harness.discovery.hashtags.search(text, 20)).items]


async def test_every_spelling_leads_to_one_hashtag(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    posts = [
        await harness.post(ada, f"Evening #{tag} #x{tag}") for tag in ("Sunset", "SUNSET", "ｓｕｎｓｅｔ")
    ]
    assert await count(harness, "sunset") == 3
    for tag in ("sunset", "SunSet", "#sunset", "ＳＵＮＳＥＴ"):
        assert await page(harness, ada, tag) == posts[::-1]
    assert (await harness.discovery.hashtags.get("SUNSET")).tag == "sunset"
    assert (await harness.discovery.hashtags.get("nobody_used_this")).posts_count == 0
    assert await page(harness, ada, "nobody_used_this") == []
    for text in ("12345", "two words", "a-b", "", "🌅", "a" * 101, "a#b"):
        with pytest.raises(NotFound):
            await harness.discovery.hashtags.get(text)
        with pytest.raises(NotFound):
            await harness.discovery.hashtags.list_posts(ada, text, PAGE)


async def test_count_has_the_posts_that_everyone_may_see(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    await harness.follows.follow(bob, ada)
    post_id = await harness.post(ada, "#light and #shadow")
    other = await harness.post(eve, "#light")
    assert await count(harness, "light") == 2
    await harness.profiles.edit(ada, {"is_private": True})
    assert await page(harness, eve, "light") == [other]  # at once, before any job
    assert await count(harness, "light") == 1
    assert await tags_found(harness, "shadow") == []
    assert await page(harness, bob, "light") == [other, post_id]
    await harness.profiles.edit(ada, {"is_private": False})
    assert await count(harness, "light") == 2
    await harness.set_status(ada, AccountStatus.SUSPENDED)
    assert await page(harness, bob, "light") == [other]
    assert (await count(harness, "light"), await count(harness, "shadow")) == (1, 0)
    await harness.set_status(ada, AccountStatus.ACTIVE)
    assert await tags_found(harness, "shadow") == ["shadow"]
    await harness.blocks.block(ada, eve)
    assert await page(harness, eve, "light") == [other]
    assert await count(harness, "light") == 2


async def test_narrower_audience_is_not_counted(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    await harness.follows.follow(bob, ada)
    post_id = await harness.post(ada, "#light")
    assert await count(harness, "light") == 1
    await harness.posts.edit(ada, post_id, None, None, Audience.FOLLOWERS)
    assert (await page(harness, eve, "light"), await page(harness, bob, "light")) == ([], [post_id])
    assert await count(harness, "light") == 0
    await harness.profiles.edit(ada, {"full_name": "Ada"})
    assert await count(harness, "light") == 0
    await harness.posts.edit(ada, post_id, None, None, Audience.PUBLIC)
    assert await count(harness, "light") == 1


async def test_edit_deletion_and_take_down_change_the_count(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    post_id = await harness.post(ada, "#light #dawn")
    kept = await harness.post(ada, "#dusk")
    assert (await count(harness, "light"), await count(harness, "dawn")) == (1, 1)
    await harness.posts.edit(ada, post_id, "Now #dusk and #light", None)
    assert [await count(harness, tag) for tag in ("light", "dawn", "dusk")] == [1, 0, 2]
    assert await tags_found(harness, "dawn") == []
    await harness.delete(post_id)
    assert await page(harness, ada, "dusk") == [kept]
    assert [await count(harness, tag) for tag in ("light", "dawn", "dusk")] == [0, 0, 1]
    action = ActionId(harness.ids.next())
    await harness.unit_of_work.run(partial(harness.posts.take_down, kept, action))
    assert await count(harness, "dusk") == 0
    await harness.unit_of_work.run(partial(harness.posts.restore, kept, action))
    assert await count(harness, "dusk") == 1
    await harness.delete(kept)
    assert await count(harness, "dusk") == 0
    assert await harness.value("SELECT COUNT(*) AS n FROM hashtag_posts") == 0


async def test_popular_hashtags_come_first(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    for tag, posts in (
        ("sunset", 5),
        ("sun", 1),
        ("sunrise", 2),
        ("midsun", 20),
        ("sonne", 1),
        ("日の出", 1),
    ):
        for _ in range(posts):
            await harness.post(ada, f"#{tag}")
    assert await tags_found(harness, "sun") == ["sun", "sunset", "sunrise", "midsun"]
    assert await tags_found(harness, "#SUNS") == ["sunset"]
    assert await tags_found(harness, "sunzet") == ["sunset"]
    assert await tags_found(harness, "出") == ["日の出"]
    assert await tags_found(harness, "%") == []


async def test_pages_of_a_hashtag_neither_repeat_nor_skip(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    posts = [await harness.post(author, "#light") for author in (ada, bob) * 6]
    await harness.work_off(*INDEXING)
    await harness.profiles.edit(bob, {"is_private": True})
    listed: list[PostId] = []
    after: int | None = None
    for _ in range(3):
        found = await harness.discovery.hashtags.list_posts(ada, "light", PageRequest(2, after))
        listed += [post.id for post in found.items]
        after = listed[-1]
    assert found.next_cursor is None
    assert listed == posts[::-1][1::2]
