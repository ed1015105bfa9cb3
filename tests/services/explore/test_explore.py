"""Explore: what a viewer gets there, page by page."""

import pytest

from server.errors import InvalidInput
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.services.explore.pages import Explore
from server.services.records import AccountStatus
from tests.services.explore.explores import rank, read_all
from tests.services.feed.feeds import count_queries, count_round_trips
from tools.harness.services import ServiceHarness

NO_REDIS = "redis://127.0.0.1:1"


async def without_redis(harness: ServiceHarness) -> Explore:
    return harness.feeds_on(PipelinedRedis(NO_REDIS, 0.2)).explore


async def shown(harness: ServiceHarness, viewer: UserId) -> set[PostId]:
    """Return what a viewer gets in explore, which is the same without Redis."""
    await harness.redis.delete(f"seen:{viewer}")
    found = await read_all(harness.explore, viewer)
    assert await read_all(await without_redis(harness), viewer) == found
    return set(found)


async def test_explore_has_what_is_news_to_the_viewer(harness: ServiceHarness) -> None:
    ada, bob, eve, ivy = await harness.users(4)
    posts = {user: await harness.post(user) for user in (ada, bob, eve, ivy)}
    await rank(harness)
    assert await shown(harness, ada) == {posts[bob], posts[eve], posts[ivy]}
    await harness.follows.follow(ada, bob)
    assert await shown(harness, ada) == {posts[eve], posts[ivy]}
    await harness.likes.like(ada, posts[eve])
    assert await shown(harness, ada) == {posts[ivy]}
    await harness.follows.unfollow(ada, bob)
    await harness.likes.unlike(ada, posts[eve])
    assert await shown(harness, ada) == {posts[bob], posts[eve], posts[ivy]}
    for avoid, accept in (
        (harness.mutes.mute, harness.mutes.unmute),
        (harness.blocks.block, harness.blocks.unblock),
        (harness.restrictions.restrict, harness.restrictions.unrestrict),
    ):
        await avoid(ada, bob)
        assert await shown(harness, ada) == {posts[eve], posts[ivy]}
        await accept(ada, bob)
        assert await shown(harness, ada) == {posts[bob], posts[eve], posts[ivy]}
    await harness.blocks.block(ivy, ada)
    assert await shown(harness, ada) == {posts[bob], posts[eve]}


async def test_changes_of_posts_and_accounts_apply_at_once(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    first, second, other = await harness.post(bob), await harness.post(bob), await harness.post(eve)
    await rank(harness)
    assert await shown(harness, ada) == {first, second, other}
    await harness.posts.edit(bob, first, None, None, Audience.FOLLOWERS)
    assert await shown(harness, ada) == {second, other}
    await harness.posts.edit(bob, first, None, None, Audience.PUBLIC)
    await harness.profiles.edit(bob, {"is_private": True})
    assert await shown(harness, ada) == {other}
    await harness.profiles.edit(bob, {"is_private": False})
    assert await shown(harness, ada) == {first, second, other}
    await harness.set_status(bob, AccountStatus.SUSPENDED)
    assert await shown(harness, ada) == {other}
    await harness.set_status(bob, AccountStatus.ACTIVE)
    await harness.delete(second)
    assert await shown(harness, ada) == {first, other}
    await harness.work_off()
    assert await shown(harness, ada) == {first, other}
    assert await harness.value("SELECT COUNT(*) FROM explore_candidates") == 2


async def test_relationship_and_likes_are_those_of_the_viewer(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.post(bob)
    await harness.follows.follow(bob, ada)
    await rank(harness)
    for _ in range(2):
        (post,) = (await harness.explore.page(ada, 5)).items
        assert (post.relationship.followed_by, post.relationship.following, post.liked) == (
            True,
            False,
            False,
        )
    await harness.follows.unfollow(bob, ada)
    (post,) = (await harness.explore.page(ada, 5)).items
    assert post.relationship.followed_by is False


async def test_list_stays_in_its_ranking(harness: ServiceHarness) -> None:
    ada, *others = await harness.users(8)
    posts = [await harness.post(user) for user in others]
    await rank(harness)
    first = await harness.explore.page(ada, 3)
    for user in others:
        await harness.post(user)
    await harness.likes.like(others[0], posts[6])
    await rank(harness)
    rest = await harness.explore.page(ada, 10, first.next_cursor)
    assert [post.id for post in (*first.items, *rest.items)] == posts[::-1]
    assert rest.next_cursor is None


async def test_list_goes_on_with_newer_posts_without_its_ranking(harness: ServiceHarness) -> None:
    ada, *others = await harness.users(5)
    for user in others:
        await harness.post(user)
    await rank(harness)
    first = await harness.explore.page(ada, 2)
    later = [await harness.post(user) for user in others]
    await rank(harness)
    newest = await harness.value("SELECT MAX(id) FROM rankings")
    await harness.database.execute("DELETE FROM rankings WHERE id < ?", [newest])
    harness.feeds.rankings.forget()
    await harness.redis.flushdb()
    second = await harness.explore.page(ada, 2, first.next_cursor)
    third = await harness.explore.page(ada, 10, second.next_cursor)
    assert [post.id for post in (*second.items, *third.items)] == later[::-1]
    assert third.next_cursor is None


async def test_passed_posts_are_not_shown_again(harness: ServiceHarness) -> None:
    ada, *others = await harness.users(7)
    posts = [await harness.post(user) for user in others][::-1]
    await rank(harness)
    first = await harness.explore.page(ada, 2)
    assert [post.id for post in (await harness.explore.page(ada, 2)).items] == posts[
        :2
    ]  # as after a lost answer
    second = await harness.explore.page(ada, 2, first.next_cursor)
    assert [post.id for post in second.items] == posts[2:4]
    assert [post.id for post in (await harness.explore.page(ada, 9)).items] == posts[2:]
    await harness.explore.page(ada, 2, second.next_cursor)
    assert [post.id for post in (await harness.explore.page(ada, 9)).items] == posts[4:]
    assert await read_all(harness.explore, others[0], 9) == posts[:-1]
    await harness.redis.delete(f"seen:{ada}")
    assert [post.id for post in (await harness.explore.page(ada, 9)).items] == posts


async def test_explore_starts_again_when_everything_was_seen(harness: ServiceHarness) -> None:
    ada, *others = await harness.users(5)
    posts = [await harness.post(user) for user in others][::-1]
    await rank(harness)
    await harness.redis.sadd(f"seen:{ada}", *posts)
    await harness.redis.expire(f"seen:{ada}", 100)
    assert await read_all(harness.explore, ada, 2) == posts
    new = await harness.post(others[0])
    await rank(harness)
    assert await read_all(harness.explore, ada, 2) == [new]


async def test_cursor_of_another_list_is_refused(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    for _ in range(3):
        await harness.post(bob, "#light")
    await harness.work_off()
    other = (await harness.discovery.captions.search(ada, "light", 1)).next_cursor
    assert other is not None
    for cursor in (other, "x", "AAAAAAAAAAA"):
        with pytest.raises(InvalidInput):
            await harness.explore.page(ada, 2, cursor)


async def test_without_a_ranking_explore_is_empty(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.post(bob)
    page = await harness.explore.page(ada, 10)
    assert (list(page.items), page.next_cursor) == ([], None)


async def test_warm_page_is_one_round_trip_without_queries(harness: ServiceHarness) -> None:
    ada, *others = await harness.users(30)
    for user in others:
        await harness.post(user)
    await rank(harness)
    cursor = (await harness.explore.page(ada, 10)).next_cursor
    for _ in range(2):
        await harness.explore.page(ada, 10, cursor)
    with (
        count_queries(harness.database) as statements,
        count_round_trips(harness.pipelined_redis) as round_trips,
    ):
        page = await harness.explore.page(ada, 10, cursor)
    assert (len(page.items), statements, len(round_trips)) == (10, [], 1)
