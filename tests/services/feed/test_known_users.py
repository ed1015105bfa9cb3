"""Users that the caches of the feed describe: as the rule in SQL gives them, after every change and without Redis."""

from collections.abc import Awaitable, Callable

import pytest

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import UserId
from server.models.conditions import Column
from server.paging import PageRequest
from server.services.records import AccountStatus, RelatedUser
from tests.services.feed.feeds import count_queries
from tools.harness.services import ServiceHarness

Change = Callable[[ServiceHarness, UserId, UserId], Awaitable[object]]


CHANGES: dict[str, Change] = {
    "follow": lambda h, viewer, other: h.follows.follow(viewer, other),
    "followed back": lambda h, viewer, other: h.follows.follow(other, viewer),
    "unfollow": lambda h, viewer, other: h.follows.unfollow(viewer, other),
    "unfollowed": lambda h, viewer, other: h.follows.unfollow(other, viewer),
    "mute": lambda h, viewer, other: h.mutes.mute(viewer, other),
    "unmute": lambda h, viewer, other: h.mutes.unmute(viewer, other),
    "rename": lambda h, _, other: h.profiles.edit(other, {"full_name": "Another Name"}),
    "restrict": lambda h, viewer, other: h.restrictions.restrict(viewer, other),
    "private": lambda h, _, other: h.profiles.edit(other, {"is_private": True}),
    "request": lambda h, viewer, other: h.follows.follow(viewer, other),
    "block": lambda h, viewer, other: h.blocks.block(viewer, other),
    "unblock": lambda h, viewer, other: h.blocks.unblock(viewer, other),
    "blocked": lambda h, viewer, other: h.blocks.block(other, viewer),
    "unblocked": lambda h, viewer, other: h.blocks.unblock(other, viewer),
}


async def by_the_rule(harness: ServiceHarness, viewer: UserId, users: list[UserId]) -> list[RelatedUser]:
    visible = harness.visibility.users(viewer, Column("u.id"))
    return await harness.cards.list_related(viewer, users, visible)


@pytest.mark.parametrize("with_feed", [True, False])
async def test_every_change_shows_at_once(harness: ServiceHarness, with_feed: bool) -> None:
    viewer, other, *more = await harness.users(5)
    users = [more[0], other, viewer, *more[1:]]
    others = harness.feeds_on(harness.pipelined_redis).users  # another process
    for name, change in CHANGES.items():
        for known in (harness.feeds.users, others):
            await known.list_visible(viewer, users)
        await change(harness, viewer, other)
        if with_feed:
            await harness.feed.page(viewer, PageRequest())
        expected = await by_the_rule(harness, viewer, users)
        for known in (harness.feeds.users, others, harness.feeds.users):
            assert await known.list_visible(viewer, users) == expected, name


async def test_hidden_users_are_left_out(harness: ServiceHarness) -> None:
    viewer, other, third = await harness.users(3)
    users = harness.feeds.users
    assert len(await users.list_visible(viewer, [third, other])) == 2
    await harness.set_status(other, AccountStatus.SUSPENDED)
    assert [each.card.id for each in await users.list_visible(viewer, [third, other])] == [third]
    await harness.set_status(other, AccountStatus.ACTIVE)
    assert [each.card.id for each in await users.list_visible(viewer, [third, other])] == [third, other]


async def test_known_users_cost_no_statement(harness: ServiceHarness) -> None:
    viewer, friend, *others = await harness.users(5)
    await harness.follows.follow(viewer, friend)
    await harness.feed.page(viewer, PageRequest())
    users = [*others, friend]
    await harness.feeds.users.list_visible(viewer, users)
    with count_queries(harness.database) as statements:
        found = await harness.feeds.users.list_visible(viewer, users)
        assert await harness.feeds.users.list_visible(viewer, []) == []
    assert [each.card.id for each in found] == users
    assert [each.relationship.following for each in found] == [False, False, False, True]
    assert not statements


async def test_without_redis_the_rule_decides(harness: ServiceHarness) -> None:
    viewer, other, blocker = await harness.users(3)
    await harness.blocks.block(blocker, viewer)
    users = harness.feeds_on(PipelinedRedis("redis://127.0.0.1:1", 0.2)).users
    found = await users.list_visible(viewer, [other, blocker])
    assert [each.card.id for each in found] == [other]
