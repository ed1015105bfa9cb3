"""Blocks and mutes: what ends, what is hidden, and what stays secret."""

import pytest

from server.errors import Conflict, InvalidInput, NotFound
from server.ids import PostId, UserId
from server.paging import PageRequest
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus, Relationship
from tools.harness.services import ServiceHarness

PAGE = PageRequest()
NOTIFY = (JobKind.NOTIFY_LIKE, JobKind.NOTIFY_COMMENT, JobKind.NOTIFY_FOLLOW, JobKind.RETRACT_BLOCKED)


async def shown_actors(harness: ServiceHarness, user_id: UserId) -> list[UserId]:
    await harness.work_off(*NOTIFY)
    return [each.actor.id for each in (await harness.notifications.list_page(user_id, PAGE)).items]


async def feed_of(harness: ServiceHarness, user_id: UserId) -> list[PostId]:
    return [post.id for post in (await harness.feed.page(user_id, PAGE)).items]


async def test_block_ends_follows_in_both_directions(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(ada, bob)
    await harness.follows.follow(bob, ada)
    post_id = await harness.post(ada)
    assert await feed_of(harness, bob) == [post_id]
    for _ in range(2):
        await harness.blocks.block(ada, bob)
    assert await feed_of(harness, bob) == []
    own = await harness.profiles.get_own(ada)
    assert (own.followers_count, own.following_count) == (0, 0)
    blocked = (await harness.blocks.list_blocked(ada, PAGE)).items
    assert [each.card.id for each in blocked] == [bob]
    assert blocked[0].relationship == Relationship(False, False, False, True, False)


async def test_blocked_users_do_not_find_each_others_posts(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    posts = {user: await harness.post(user) for user in (ada, bob, eve)}
    await harness.blocks.block(ada, bob)
    for viewer, author in ((ada, bob), (bob, ada)):
        for use in (harness.posts.get, harness.likes.like, harness.likes.unlike):
            with pytest.raises(NotFound):
                await use(viewer, posts[author])
    assert (await harness.posts.list_by_author(ada, bob, PAGE)).items == []
    with pytest.raises(NotFound):  # as for the profile
        await harness.posts.list_by_author(bob, ada, PAGE)
    for viewer in (ada, bob):
        assert (await harness.posts.get(viewer, posts[eve])).id == posts[eve]


@pytest.mark.parametrize("reason", ["suspended", "blocks"])
async def test_hidden_user_can_be_unblocked(harness: ServiceHarness, reason: str) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    await harness.blocks.block(ada, bob)
    if reason == "suspended":
        await harness.set_status(bob, AccountStatus.SUSPENDED)
    else:
        await harness.database.execute(
            "INSERT INTO blocks (id, blocker_id, blocked_id) VALUES (1, ?, ?)", [bob, ada]
        )
    await harness.blocks.unblock(ada, bob)
    assert await harness.value("SELECT COUNT(*) FROM blocks WHERE blocker_id = ?", ada) == 0
    with pytest.raises(NotFound):  # as for the profile, because there is no block to remove
        await harness.blocks.unblock(ada, "bob")


async def test_blocked_user_does_not_find_the_profile(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    await harness.blocks.block(ada, bob)
    for find in (harness.profiles.get, harness.follows.follow, harness.blocks.block, harness.mutes.mute):
        for name in (ada, "ada"):
            with pytest.raises(NotFound):
                await find(bob, name)
    profile = await harness.profiles.get(ada, "bob")
    assert profile.relationship == Relationship(False, False, False, True, False)
    with pytest.raises(Conflict) as refused:
        await harness.follows.follow(ada, bob)
    assert refused.value.code == "blocked"
    await harness.blocks.unblock(ada, bob)
    assert (await harness.follows.follow(bob, "ada")).following


async def test_comments_and_likes_of_blocked_users_are_hidden(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(eve)
    first = await harness.comments.add(ada, post_id, "Mine", None)
    await harness.comments.add(bob, post_id, "Reply", first.id)
    await harness.comments.add(bob, post_id, "Yours", None)
    for user in (ada, bob):
        await harness.likes.like(user, post_id)
    await harness.blocks.block(bob, ada)
    for viewer, authors in ((ada, [ada]), (bob, [bob]), (eve, [bob, ada])):
        comments = (await harness.comments.list_by_post(viewer, post_id, PAGE)).items
        assert [comment.author.id for comment in comments] == authors
        likers = (await harness.likes.list_likers(viewer, post_id, PAGE)).items
        assert [user.card.id for user in likers] == authors
    assert (await harness.comments.list_replies(ada, post_id, first.id, PAGE)).items == []
    with pytest.raises(NotFound):
        await harness.comments.list_replies(bob, post_id, first.id, PAGE)
    with pytest.raises(NotFound):
        await harness.comments.add(bob, post_id, "Another", first.id)


async def test_block_hides_notifications_and_corrects_groups(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    for user in (eve, bob):
        await harness.likes.like(user, post_id)
    await harness.follows.follow(bob, ada)
    assert await shown_actors(harness, ada) == [bob, bob]
    assert await harness.notifications.count_unread(ada) == 2
    await harness.blocks.block(ada, bob)
    hidden = (await harness.notifications.list_page(ada, PAGE)).items
    assert bob not in [each.actor.id for each in hidden]  # before any job has run
    assert await shown_actors(harness, ada) == [eve]
    assert await harness.notifications.count_unread(ada) == 1


async def test_blocked_users_do_not_notify_each_other(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.user("ada"), await harness.user("bob"), await harness.user("eve")
    post_id = await harness.post(eve)
    await harness.blocks.block(ada, bob)
    await harness.comments.add(bob, post_id, "Look, @ada", None)
    await harness.comments.add(ada, post_id, "Look, @bob", None)
    await harness.work_off(JobKind.NOTIFY_COMMENT, JobKind.NOTIFY_MENTIONED)
    assert await shown_actors(harness, ada) == await shown_actors(harness, bob) == []
    assert await shown_actors(harness, eve) == [ada, bob]


async def test_mentions_in_private_posts_reach_followers_only(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.user("ada"), await harness.user("bob"), await harness.user("eve")
    await harness.follows.follow(bob, ada)
    await harness.profiles.edit(ada, {"is_private": True})
    await harness.posts.edit(ada, await harness.post(ada), "With @bob and @eve", None)
    await harness.work_off(JobKind.NOTIFY_MENTIONED)
    assert await shown_actors(harness, bob) == [ada]
    assert await shown_actors(harness, eve) == []


async def test_muted_authors_leave_the_feed(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(ada, bob)
    before = await harness.post(bob)
    assert await feed_of(harness, ada) == [before]
    await harness.mutes.mute(ada, bob)
    assert await feed_of(harness, ada) == []
    after = await harness.post(bob)
    await harness.work_off(JobKind.FAN_OUT)
    assert await feed_of(harness, ada) == []
    assert (await harness.posts.get(ada, after)).id == after
    page = await harness.posts.list_by_author(ada, bob, PAGE)
    assert [post.id for post in page.items] == [after, before]
    await harness.mutes.unmute(ada, bob)
    assert await feed_of(harness, ada) == [after, before]


async def test_muted_users_do_not_notify(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.mutes.mute(ada, bob)
    await harness.likes.like(bob, post_id)
    await harness.comments.add(bob, post_id, "Nice", None)
    assert await shown_actors(harness, ada) == []
    seen = await harness.profiles.get(bob, ada)
    assert seen.relationship == Relationship(False, False, False, False, False)
    muted = (await harness.mutes.list_muted(ada, PAGE)).items
    assert [each.card.id for each in muted] == [bob]
    await harness.mutes.unmute(ada, bob)
    await harness.comments.add(bob, post_id, "Again", None)
    assert await shown_actors(harness, ada) == [bob]


async def test_oneself_cannot_be_blocked_or_muted(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    for act in (harness.blocks.block, harness.mutes.mute, harness.follows.follow):
        with pytest.raises(InvalidInput) as refused:
            await act(ada, "ada")
        assert refused.value.code == "own_account"


async def test_lists_leave_out_users_whose_profile_is_hidden(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    await harness.mutes.mute(ada, bob)
    await harness.blocks.block(ada, bob)
    await harness.mutes.mute(ada, eve)
    lists = (harness.mutes.list_muted, harness.blocks.list_blocked)

    async def read() -> list[list[UserId]]:
        return [[each.card.id for each in (await read(ada, PAGE)).items] for read in lists]

    assert await read() == [[eve, bob], [bob]]
    await harness.blocks.block(eve, ada)
    assert await read() == [[bob], [bob]]
    await harness.set_status(bob, AccountStatus.DEACTIVATED)
    assert await read() == [[], []]
