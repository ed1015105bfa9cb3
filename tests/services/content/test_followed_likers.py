"""Likers that the viewer follows, shown with posts: `Liked by ana and 24 others`."""

import pytest

from server.ids import PostId, UserId
from server.models.content import followed_likers
from server.paging import PageRequest
from server.services.content import cards
from server.services.records import AccountStatus
from tests.services.feed.feeds import count_queries, count_round_trips, reader_and_author
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def likers(harness: ServiceHarness, viewer: UserId, post_id: PostId) -> list[UserId]:
    liked_by = (await harness.posts.get(viewer, post_id)).liked_by
    assert liked_by is not None
    return [user.card.id for user in liked_by]


async def liked_by_followees(
    harness: ServiceHarness, viewer: UserId, number: int
) -> tuple[PostId, list[UserId]]:
    """Return a post and the followees of the viewer who like it, newest like first."""
    author, *friends = await harness.users(1 + number)
    post_id = await harness.post(author)
    for friend in friends:
        await harness.follows.follow(viewer, friend)
        await harness.likes.like(friend, post_id)
    return post_id, friends[::-1]


@pytest.fixture(params=["few", "many"])
def _likes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each like count as few, or as many."""
    monkeypatch.setattr(cards, "FEW_LIKES", 100 if request.param == "few" else 0)


@pytest.mark.usefixtures("_likes")
async def test_two_newest_likers_that_the_viewer_follows_are_shown(harness: ServiceHarness) -> None:
    viewer, stranger = await harness.users(2)
    post_id, friends = await liked_by_followees(harness, viewer, 3)
    await harness.likes.like(stranger, post_id)
    await harness.likes.like(viewer, post_id)
    assert await likers(harness, viewer, post_id) == friends[:2]
    assert await likers(harness, stranger, post_id) == []
    await harness.likes.unlike(friends[0], post_id)
    assert await likers(harness, viewer, post_id) == friends[1:]
    await harness.follows.unfollow(viewer, friends[1])
    assert await likers(harness, viewer, post_id) == friends[2:]


@pytest.mark.usefixtures("_likes")
async def test_hidden_and_muted_likers_are_not_shown(harness: ServiceHarness) -> None:
    viewer = await harness.user()
    post_id, friends = await liked_by_followees(harness, viewer, 4)
    await harness.mutes.mute(viewer, friends[0])
    await harness.blocks.block(friends[1], viewer)
    await harness.set_status(friends[2], AccountStatus.SUSPENDED)
    assert await likers(harness, viewer, post_id) == friends[3:]
    await harness.mutes.unmute(viewer, friends[0])
    assert await likers(harness, viewer, post_id) == [friends[0], friends[3]]


async def test_popular_posts_show_those_followed_last(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "FEW_LIKES", 0)
    monkeypatch.setattr(followed_likers, "MAX_FOLLOWEES", 2)
    viewer = await harness.user()
    post_id, friends = await liked_by_followees(harness, viewer, 3)
    await harness.follows.follow(viewer, await harness.user())
    assert await likers(harness, viewer, post_id) == friends[:1]


async def test_likers_of_a_list_cost_one_query(harness: ServiceHarness) -> None:
    viewer, author, friend = await harness.users(3)
    await harness.follows.follow(viewer, friend)
    posts = [await harness.post(author) for _ in range(4)]
    with count_queries(harness.database) as statements:
        found = await harness.posts.list_by_ids(viewer, posts)
    assert [post.liked_by for post in found] == [()] * 4
    without = len(statements)
    for post_id in posts[:3]:
        await harness.likes.like(friend, post_id)
    with count_queries(harness.database) as statements:
        found = await harness.posts.list_by_ids(viewer, posts)
    assert len(statements) == without + 1
    assert [[user.card.id for user in post.liked_by or ()] for post in found] == [[friend]] * 3 + [[]]
    assert {user.relationship.following for post in found for user in post.liked_by or ()} == {True}
    listed = await harness.posts.list_by_author(viewer, author, PAGE)
    assert [bool(post.liked_by) for post in listed.items] == [False, True, True, True]


async def test_feed_has_likers_only_on_request(harness: ServiceHarness) -> None:
    reader, author, posts = await reader_and_author(harness)
    await harness.likes.like(author, posts[0])
    await harness.feed.page(reader, PAGE)
    with count_queries(harness.database) as statements, count_round_trips(harness.pipelined_redis) as calls:
        page = await harness.feed.page(reader, PAGE)
        assert (statements, len(calls)) == ([], 1)
        assert {post.liked_by for post in page.items} == {None}
        shown = await harness.feed.add_likers(reader, page)
        assert (len(statements), len(calls)) == (1, 1)
    assert [[user.card.id for user in post.liked_by or ()] for post in shown.items] == [[]] * 4 + [[author]]
    assert {post.liked_by for post in (await harness.feed.page(reader, PAGE)).items} == {None}
