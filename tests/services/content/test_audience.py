"""Audiences of posts: who sees them, in every read, as soon as the audience or the list of close friends changes."""

import pytest

from server.errors import Forbidden, NotFound
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.models.content.visibility import POSTS
from server.models.people.visibility import Denial
from server.paging import PageRequest
from server.services.content.audiences import DETAILS, VisibleTo
from server.services.content.visibility import Grant
from server.services.jobs.event_jobs import JobKind
from tests.services.feed.feeds import cached_ids, count_queries
from tools.harness.services import CELEBRITY_THRESHOLD, ServiceHarness

PAGE = PageRequest()
FOLLOWERS, CLOSE_FRIENDS, PUBLIC = Audience.FOLLOWERS, Audience.CLOSE_FRIENDS, Audience.PUBLIC


async def feed_of(harness: ServiceHarness, user_id: UserId) -> list[PostId]:
    return [post.id for post in (await harness.feed.page(user_id, PAGE)).items]


async def posts_of(harness: ServiceHarness, viewer_id: UserId, author_id: UserId) -> list[PostId]:
    return [post.id for post in (await harness.posts.list_by_author(viewer_id, author_id, PAGE)).items]


async def publish(harness: ServiceHarness, author_id: UserId, audience: Audience) -> PostId:
    post_id = await harness.post(author_id, audience=audience)
    await harness.work_off(JobKind.FAN_OUT)
    return post_id


async def test_followers_post_is_hidden_from_others(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    await harness.follows.follow(bob, ada)
    post_id = await publish(harness, ada, FOLLOWERS)
    for viewer in (ada, bob):
        assert (await harness.posts.get(viewer, post_id)).card.audience is FOLLOWERS
        assert await posts_of(harness, viewer, ada) == [post_id]
        assert (await harness.profiles.get(viewer, ada)).posts_count == 1
    for use in (harness.posts.get, harness.likes.like):
        with pytest.raises(NotFound):
            await use(eve, post_id)
    assert await posts_of(harness, eve, ada) == []
    assert (await harness.profiles.get(eve, ada)).posts_count == 0
    assert (await harness.profiles.get_own(ada)).posts_count == 1
    await harness.follows.unfollow(bob, ada)
    assert await feed_of(harness, bob) == await posts_of(harness, bob, ada) == []


async def test_only_close_friends_get_the_post_in_their_window(harness: ServiceHarness) -> None:
    ada, bob, eve, zoe = await harness.users(4)
    for follower in (bob, eve):
        await harness.follows.follow(follower, ada)
    for friend in (bob, zoe):
        await harness.close_friends.add(ada, friend)
    for reader in (ada, bob, eve, zoe):
        assert await feed_of(harness, reader) == []
    post_id = await publish(harness, ada, CLOSE_FRIENDS)
    assert [await feed_of(harness, reader) for reader in (ada, bob, eve, zoe)] == [
        [post_id],
        [post_id],
        [],
        [],
    ]
    assert [await cached_ids(harness, reader) for reader in (bob, eve, zoe)] == [[post_id], [], []]
    # A public account's close friend need not follow it.
    assert await posts_of(harness, zoe, ada) == [post_id]
    assert await posts_of(harness, eve, ada) == []


async def test_cached_relations_hide_no_post_for_close_friends(harness: ServiceHarness) -> None:
    ada, bob, zoe = await harness.users(3)
    await harness.close_friends.add(ada, zoe)
    public = await publish(harness, ada, PUBLIC)
    secret = await publish(harness, ada, CLOSE_FRIENDS)
    newest = await publish(harness, ada, PUBLIC)
    for _ in range(3):  # the first reads store counters, cards, and how the readers relate to the author
        assert await posts_of(harness, zoe, ada) == [newest, secret, public]
        assert await posts_of(harness, bob, ada) == [newest, public]
    await harness.close_friends.remove(ada, zoe)
    await harness.close_friends.add(ada, bob)
    assert await posts_of(harness, zoe, ada) == [newest, public]
    assert await posts_of(harness, bob, ada) == [newest, secret, public]


async def test_leaving_the_list_hides_posts_at_once(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await harness.close_friends.add(ada, bob)
    await harness.close_friends.add(ada, bob)
    post_id = await publish(harness, ada, CLOSE_FRIENDS)
    assert await feed_of(harness, bob) == [post_id]
    assert [each.card.id for each in (await harness.close_friends.list_friends(ada, PAGE)).items] == [bob]
    assert (await harness.close_friends.list_friends(bob, PAGE)).items == []
    await harness.close_friends.remove(ada, bob)
    assert await feed_of(harness, bob) == []
    with pytest.raises(NotFound):
        await harness.posts.get(bob, post_id)
    await harness.close_friends.add(ada, bob)
    assert await feed_of(harness, bob) == [post_id]


async def test_narrower_audience_hides_the_post_from_windows(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    for follower in (bob, eve):
        await harness.follows.follow(follower, ada)
    await harness.close_friends.add(ada, bob)
    for reader in (ada, bob, eve):
        assert await feed_of(harness, reader) == []
    post_id = await publish(harness, ada, PUBLIC)
    for reader in (ada, bob, eve):
        assert await feed_of(harness, reader) == [post_id]
    await harness.posts.edit(ada, post_id, None, None, CLOSE_FRIENDS)
    assert [await feed_of(harness, reader) for reader in (ada, bob, eve)] == [[post_id], [post_id], []]
    assert post_id in (await cached_ids(harness, eve) or ())  # hidden by its counters
    page = await harness.feed.page(bob, PAGE)
    assert page.items[0].card.audience is CLOSE_FRIENDS
    await harness.posts.edit(ada, post_id, None, None, PUBLIC)
    await harness.work_off(JobKind.FAN_OUT)
    assert await feed_of(harness, eve) == [post_id]


async def test_wider_audience_brings_the_post_into_windows(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    assert await feed_of(harness, bob) == []
    post_id = await publish(harness, ada, CLOSE_FRIENDS)
    newer = await publish(harness, ada, PUBLIC)
    assert await feed_of(harness, bob) == [newer]
    await harness.posts.edit(ada, post_id, None, None, FOLLOWERS)
    await harness.work_off(JobKind.FAN_OUT)
    assert await feed_of(harness, bob) == await cached_ids(harness, bob) == [newer, post_id]


async def test_merged_posts_of_celebrities_are_filtered(harness: ServiceHarness) -> None:
    ada = await harness.user()
    fans = await harness.users(CELEBRITY_THRESHOLD)
    for fan in fans:
        await harness.follows.follow(fan, ada)
    friend, stranger = fans[:2]
    await harness.close_friends.add(ada, friend)
    for reader in (friend, stranger):
        await feed_of(harness, reader)
    public = await publish(harness, ada, PUBLIC)
    secret = await publish(harness, ada, CLOSE_FRIENDS)
    assert await feed_of(harness, friend) == [secret, public]
    assert await feed_of(harness, stranger) == [public]
    # Without counters, SQL decides once; from then on the page is cached.
    await harness.redis.delete("counts")
    assert await feed_of(harness, stranger) == [public]
    with count_queries(harness.database) as queries:
        assert await feed_of(harness, stranger) == [public]
    assert queries == []


async def test_block_ends_close_friendship(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.close_friends.add(ada, bob)
    await harness.close_friends.add(bob, ada)
    await harness.blocks.block(ada, bob)
    await harness.blocks.unblock(ada, bob)
    for owner in (ada, bob):
        assert (await harness.close_friends.list_friends(owner, PAGE)).items == []


async def test_private_accounts_close_friend_must_follow(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.profiles.edit(ada, {"is_private": True})
    await harness.close_friends.add(ada, bob)
    post_id = await publish(harness, ada, CLOSE_FRIENDS)
    assert await posts_of(harness, bob, ada) == []
    await harness.follows.follow(bob, ada)
    await harness.follow_requests.accept(ada, bob)
    assert await posts_of(harness, bob, ada) == await feed_of(harness, bob) == [post_id]


async def test_mention_reaches_those_who_may_see_the_post(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    await harness.follows.follow(bob, ada)
    await harness.work_off(JobKind.NOTIFY_FOLLOW)
    post_id = (await harness.posts.publish(ada, "With @bob", [], None, CLOSE_FRIENDS)).id
    await harness.work_off(JobKind.NOTIFY_MENTIONED)
    assert (await harness.notifications.list_page(bob, PAGE)).items == []
    await harness.posts.edit(ada, post_id, None, None, FOLLOWERS)
    await harness.work_off(JobKind.NOTIFY_MENTIONED)
    assert [each.post_id for each in (await harness.notifications.list_page(bob, PAGE)).items] == [post_id]
    await harness.posts.edit(ada, post_id, None, None, CLOSE_FRIENDS)
    assert (await harness.notifications.list_page(bob, PAGE)).items == []
    assert await harness.notifications.count_unread(bob) == 0


async def test_author_reads_who_sees_a_post(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    await harness.follows.follow(bob, ada)
    await harness.close_friends.add(ada, bob)
    post_id = await harness.post(ada)
    explain = harness.audiences.explain

    found = await explain(ada, post_id, eve)
    assert (found.visible_to, found.people_count) == (VisibleTo.EVERYONE, None)
    assert found.member is not None
    assert (found.member.visible, found.member.reason) == (True, Grant.EVERYONE)

    await harness.posts.edit(ada, post_id, None, None, FOLLOWERS)
    found = await explain(ada, post_id, eve)
    assert (found.visible_to, found.people_count) == (VisibleTo.FOLLOWERS, 1)
    assert found.member is not None
    assert (found.member.visible, found.member.reason) == (
        False,
        Denial.NOT_FOLLOWER,
    )

    await harness.posts.edit(ada, post_id, None, None, CLOSE_FRIENDS)
    found = await explain(ada, post_id, bob)
    assert (found.visible_to, found.people_count) == (VisibleTo.CLOSE_FRIENDS, 1)
    assert found.member is not None
    assert found.member.reason is Grant.CLOSE_FRIEND
    assert (await harness.audiences.explain_to(eve, post_id)).reason is Denial.NOT_CLOSE_FRIEND

    await harness.profiles.edit(ada, {"is_private": True})
    await harness.posts.edit(ada, post_id, None, None, PUBLIC)
    assert (await explain(ada, post_id)).visible_to is VisibleTo.FOLLOWERS
    with pytest.raises(Forbidden):
        await explain(bob, post_id)
    with pytest.raises(NotFound):
        await explain(eve, post_id)
    of_post = {Denial(each.denial) for each in POSTS}
    for reason in (*Grant, *of_post):
        assert DETAILS[reason]
