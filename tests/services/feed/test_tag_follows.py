"""Followed hashtags: their public posts come into the feed."""

import pytest

from server.errors import Conflict, NotFound
from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.paging import PageRequest
from server.services.discovery import hashtag_follows
from server.services.feed.explanations import Explanations, Reason
from server.services.records import AccountStatus
from tests.services.feed.feeds import count_queries, count_round_trips, read_all
from tools.harness.services import WINDOW, ServiceHarness

TAG = "light"


async def feed(harness: ServiceHarness, reader: UserId) -> list[PostId]:
    """Return the feed after all jobs; it is the same without Redis."""
    while await harness.work_off():
        pass
    found = await read_all(harness.feed, reader)
    await harness.redis.delete(f"feed:{reader}")
    assert await read_all(harness.feed, reader) == found
    assert await harness.feed_queries.list_below(reader, 1 << 53, 1000) == found
    return found


async def test_public_posts_of_a_followed_hashtag_are_in_the_feed(harness: ServiceHarness) -> None:
    reader, followed, stranger = await harness.users(3)
    await harness.follows.follow(reader, followed)
    old = await harness.post(stranger, f"#{TAG}")
    own = await harness.post(followed, f"#{TAG} #other")
    plain = await harness.post(stranger, "nothing")
    assert await feed(harness, reader) == [own]
    found = await harness.discovery.hashtag_follows.follow(reader, "#LIGHT")
    assert (found.tag, found.following, found.posts_count) == (TAG, True, 2)
    assert await feed(harness, reader) == [own, old]
    new = await harness.post(stranger, f"#{TAG}")
    narrow = await harness.post(stranger, f"#{TAG}", audience=Audience.FOLLOWERS)
    assert await feed(harness, reader) == [new, own, old]
    await harness.posts.edit(stranger, new, "no hashtag any more", None)
    await harness.posts.edit(stranger, plain, f"#{TAG}", None)
    assert await feed(harness, reader) == [plain, own, old]
    await harness.posts.edit(stranger, narrow, None, None, Audience.PUBLIC)
    await harness.delete(old)
    assert await feed(harness, reader) == [narrow, plain, own]
    await harness.discovery.hashtag_follows.unfollow(reader, TAG)
    assert await feed(harness, reader) == [own]


async def test_changes_of_people_apply_at_once(harness: ServiceHarness) -> None:
    reader, one, other = await harness.users(3)
    await harness.discovery.hashtag_follows.follow(reader, TAG)
    first, second = await harness.post(one, f"#{TAG}"), await harness.post(other, f"#{TAG}")
    assert await feed(harness, reader) == [second, first]

    async def shown() -> list[PostId]:
        return await read_all(harness.feed, reader, 5)

    for change, undo in (
        (harness.mutes.mute, harness.mutes.unmute),
        (harness.blocks.block, harness.blocks.unblock),
    ):
        await change(reader, other)
        assert await shown() == [first]
        await undo(reader, other)
        assert await shown() == [second, first]
    await harness.blocks.block(other, reader)
    assert await shown() == [first]
    await harness.blocks.unblock(other, reader)
    await harness.profiles.edit(other, {"is_private": True})
    assert await shown() == [first]
    await harness.profiles.edit(other, {"is_private": False})
    assert await feed(harness, reader) == [second, first]
    await harness.set_status(other, AccountStatus.SUSPENDED)
    assert await shown() == [first]
    await harness.set_status(other, AccountStatus.ACTIVE)
    assert await feed(harness, reader) == [second, first]
    await harness.follows.follow(other, reader)
    (post, _) = (await harness.feed.page(reader, PageRequest())).items
    assert (post.relationship.followed_by, post.relationship.following) == (True, False)


async def test_posts_below_the_window_come_from_the_database(harness: ServiceHarness) -> None:
    reader, followed, stranger = await harness.users(3)
    await harness.follows.follow(reader, followed)
    await harness.discovery.hashtag_follows.follow(reader, TAG)
    posts: list[PostId] = []
    for _ in range(WINDOW):
        posts += [await harness.post(stranger, f"#{TAG}"), await harness.post(followed)]
    assert await feed(harness, reader) == posts[::-1]


async def test_warm_page_with_hashtags_is_one_round_trip(harness: ServiceHarness) -> None:
    reader, stranger = await harness.users(2)
    await harness.discovery.hashtag_follows.follow(reader, TAG)
    await harness.post(stranger, f"#{TAG}")
    await feed(harness, reader)
    for _ in range(3):
        await harness.feed.page(reader, PageRequest())
    with (
        count_queries(harness.database) as statements,
        count_round_trips(harness.pipelined_redis) as round_trips,
    ):
        page = await harness.feed.page(reader, PageRequest())
    assert (len(page.items), statements, len(round_trips)) == (1, [], 1)


async def test_explanation_names_the_hashtag(harness: ServiceHarness) -> None:
    reader, stranger = await harness.users(2)
    explanations = Explanations(
        harness.feed_queries, harness.visibility, TimelineAudit(harness.pipelined_redis)
    )
    post_id = await harness.post(stranger, f"#{TAG}")
    await harness.work_off()
    assert (await explanations.explain(reader, post_id)).reason is Reason.NOT_FOLLOWED
    await harness.discovery.hashtag_follows.follow(reader, TAG)
    found = await explanations.explain(reader, post_id)
    assert (found.reason, found.in_feed, found.followed) == (Reason.HASHTAG, True, False)


async def test_follows_are_listed_and_bounded(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashtag_follows, "MAX_FOLLOWED", 2)
    (ada,) = await harness.users(1)
    follows = harness.discovery.hashtag_follows
    for tag in ("one", "two", "Two"):
        await follows.follow(ada, tag)
    listed = await follows.list_followed(ada, PageRequest())
    assert [row.tag for row in listed.items] == ["two", "one"]
    with pytest.raises(Conflict):
        await follows.follow(ada, "three")
    with pytest.raises(NotFound):
        await follows.follow(ada, "two words")
    await follows.unfollow(ada, "one")
    await follows.unfollow(ada, "never_seen")
    assert (await follows.follow(ada, "three")).following is True
