"""Notification jobs: each activity notifies once, sequences have no gaps, and own activities are ignored."""

import asyncio
from collections import Counter

import orjson
import pytest
from redis.asyncio import Redis

from server.ids import PostId, UserId
from server.models.notifications.activities import ActivityRepository
from server.paging import PageRequest, decode_cursor
from server.services.jobs.claims import LeaseLost
from server.services.jobs.event_jobs import JobKind
from server.services.records import Notification, NotificationType
from tools.harness.services import ServiceHarness


async def notifications_of(harness: ServiceHarness, user_id: UserId) -> list[Notification]:
    """Return a user's notifications, oldest first."""
    return await harness.notifications.list_after(user_id, 0, 1000)


async def run_concurrently(harness: ServiceHarness, limit: int = 20) -> None:
    """Run the due notification jobs concurrently."""
    gate = asyncio.Semaphore(limit)
    handlers = harness.handlers()

    async def run(job_id: int) -> None:
        async with gate:
            claim = await harness.jobs.claim(job_id)  # pyright: ignore[reportArgumentType]
            assert claim is not None
            await handlers[claim.kind](claim)

    await asyncio.gather(*map(run, await harness.due(*NOTIFY)))


NOTIFY = (JobKind.NOTIFY_LIKE, JobKind.NOTIFY_COMMENT, JobKind.NOTIFY_FOLLOW)


async def test_like_comment_and_follow_notify(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    comment = await harness.comments.add(bob, post_id, "Nice.", None)
    await harness.follows.follow(bob, ada)
    await harness.work_off(*NOTIFY)
    notifications = await notifications_of(harness, ada)
    assert [(n.sequence, n.type, n.actor.id, n.post_id, n.comment_id, n.read) for n in notifications] == [
        (1, NotificationType.LIKE, bob, post_id, None, False),
        (2, NotificationType.COMMENT, bob, post_id, comment.id, False),
        (3, NotificationType.FOLLOW, bob, None, None, False),
    ]
    assert await notifications_of(harness, bob) == []


@pytest.mark.usefixtures("immediate_emails")
async def test_repeated_likes_are_one_notification(
    harness: ServiceHarness,
) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    for _ in range(64):
        await harness.likes.like(bob, post_id)
        await harness.likes.unlike(bob, post_id)
    await harness.likes.like(bob, post_id)
    assert len(await harness.due(JobKind.NOTIFY_LIKE)) == 129
    await run_concurrently(harness)
    assert [n.sequence for n in await notifications_of(harness, ada)] == [1]
    assert await harness.notifications.get_last_sequence(ada) == 1
    assert len(await harness.due(JobKind.EMAIL)) == 1


async def test_undone_like_and_follow_do_not_notify(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    await harness.likes.unlike(bob, post_id)
    await harness.follows.follow(bob, ada)
    await harness.follows.unfollow(bob, ada)
    await harness.work_off(*NOTIFY)
    assert await notifications_of(harness, ada) == []
    assert await harness.due(*NOTIFY) == []


async def test_own_activities_do_not_notify(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    post_id = await harness.post(ada)
    await harness.likes.like(ada, post_id)
    comment = await harness.comments.add(ada, post_id, "Me, @ada.", None)
    await harness.comments.add(ada, post_id, "And me, @ada.", comment.id)
    await harness.work_off(*NOTIFY)
    assert await notifications_of(harness, ada) == []
    assert await harness.notifications.list_last_sequences([ada]) == {}


async def test_comment_notifies_each_user_once(harness: ServiceHarness) -> None:
    ada, bob, eve, joe = [await harness.user(name) for name in ("ada", "bob", "eve", "joe")]
    post_id = await harness.post(ada)
    first = await harness.comments.add(bob, post_id, "First!", None)
    await harness.work_off(*NOTIFY)
    await harness.comments.add(eve, post_id, "@ada @bob @joe @eve @nobody @JOE", first.id)
    await harness.work_off(*NOTIFY)
    assert [n.type for n in await notifications_of(harness, ada)] == [
        NotificationType.COMMENT,
        NotificationType.COMMENT,
    ]
    assert [n.type for n in await notifications_of(harness, bob)] == [NotificationType.REPLY]
    assert [n.type for n in await notifications_of(harness, joe)] == [NotificationType.MENTION]
    assert await notifications_of(harness, eve) == []


async def test_reply_takes_precedence_over_comment(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    post_id = await harness.post(ada)
    first = await harness.comments.add(ada, post_id, "Mine.", None)
    await harness.comments.add(bob, post_id, "@ada, no.", first.id)
    await harness.work_off(*NOTIFY)
    assert [n.type for n in await notifications_of(harness, ada)] == [NotificationType.REPLY]


async def test_concurrent_jobs_leave_no_gap_in_sequences(harness: ServiceHarness) -> None:
    ada, *fans = await harness.users(21)
    post_ids = [await harness.post(ada) for _ in range(3)]
    for post_id in post_ids:
        await asyncio.gather(*(harness.likes.like(fan, post_id) for fan in fans))
    await run_concurrently(harness, limit=20)
    assert [n.sequence for n in await notifications_of(harness, ada)] == list(range(1, 61))
    assert await harness.notifications.get_last_sequence(ada) == 60


async def test_concurrent_comments_to_same_users_all_notify(harness: ServiceHarness) -> None:
    names = ["ada", "bob", "eve", "joe"]
    people = [await harness.user(name) for name in names]
    guests = await harness.users(10)
    post_id = await harness.post(people[0])
    for guest in guests:
        await harness.comments.add(guest, post_id, "@eve @joe @bob", None)
    await run_concurrently(harness)
    for person in people:
        assert [n.sequence for n in await notifications_of(harness, person)] == list(range(1, 11))


async def test_job_with_lost_lease_has_no_effect(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.likes.like(bob, await harness.post(ada))
    first = await harness.claim(JobKind.NOTIFY_LIKE)
    await harness.expire_leases()
    await harness.jobs.reclaim()
    second = await harness.claim(JobKind.NOTIFY_LIKE)
    with pytest.raises(LeaseLost):
        await harness.notification_jobs.handle_like(first)
    assert await notifications_of(harness, ada) == []
    await harness.notification_jobs.handle_like(second)
    assert len(await notifications_of(harness, ada)) == 1


async def test_deleted_post_row_does_not_notify(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    await harness.comments.add(bob, post_id, "Nice.", None)
    await harness.database.execute("DELETE FROM posts WHERE id = ?", [post_id])
    await harness.work_off(*NOTIFY)
    assert await notifications_of(harness, ada) == []
    assert await harness.due(*NOTIFY) == []


async def test_pages_are_ordered_by_sequence(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    for _ in range(7):
        await harness.likes.like(bob, await harness.post(ada))
    await harness.work_off(JobKind.NOTIFY_LIKE)
    first = await harness.notifications.list_page(ada, PageRequest(4))
    assert [n.sequence for n in first.items] == [7, 6, 5, 4]
    assert first.next_cursor is not None
    rest = await harness.notifications.list_page(ada, PageRequest(4, decode_cursor(first.next_cursor)))
    assert ([n.sequence for n in rest.items], rest.next_cursor) == ([3, 2, 1], None)
    assert [n.sequence for n in await harness.notifications.list_after(ada, 5, 1)] == [6]


async def test_committed_notification_is_published(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    async with harness.redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe("notification-like", f"user-signals:{ada}")
        await harness.likes.like(bob, post_id)
        await harness.work_off(JobKind.NOTIFY_LIKE)
        received: Counter[str] = Counter()
        async with asyncio.timeout(10):
            while received.total() < 2:
                message = await pubsub.get_message(timeout=1)
                if message:
                    received[message["channel"].decode()] += 1
                    if message["channel"] == b"notification-like":
                        announced = orjson.loads(message["data"])
    assert received == {"notification-like": 1, f"user-signals:{ada}": 1}
    assert (announced["fromUserId"], announced["toUserId"]) == (str(bob), str(ada))
    assert PostId(int(announced["postId"])) == post_id


async def test_notification_is_stored_without_redis(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.likes.like(bob, await harness.post(ada))
    async with Redis.from_url("unix:///nowhere/redis.sock") as nowhere:
        away = ServiceHarness(harness.database, nowhere, harness.redis_url, harness.folder)
        await away.work_off(JobKind.NOTIFY_LIKE)
        await away.close()
    assert len(await notifications_of(harness, ada)) == 1


async def test_reply_to_a_reply_notifies_its_author(harness: ServiceHarness) -> None:
    author, asker, answerer = await harness.users(3)
    post_id = await harness.post(author)
    first = await harness.comments.add(asker, post_id, "where?", None)
    reply = await harness.comments.add(answerer, post_id, "there", first.id)
    await harness.comments.add(asker, post_id, "thanks", reply.id)
    await harness.work_off()
    told = [each.type for each in await harness.notifications.list_after(answerer, 0, 10)]
    assert told == [NotificationType.REPLY]


async def test_activities_on_a_deleted_post_do_not_notify(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    await harness.comments.add(bob, post_id, "late", None)
    await harness.delete(post_id)
    await harness.work_off(JobKind.NOTIFY_LIKE, JobKind.NOTIFY_COMMENT)
    assert await notifications_of(harness, ada) == []
    assert await harness.rows("SELECT id FROM notifications") == []


async def test_notifications_disappear_with_post_and_comment(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    first, second = await harness.post(ada), await harness.post(ada)
    await harness.likes.like(bob, first)
    comment = await harness.comments.add(bob, second, "here", None)
    await harness.follows.follow(bob, ada)
    await harness.work_off()
    assert len(await notifications_of(harness, ada)) == 3
    await harness.delete(first)
    await harness.comments.delete(bob, second, comment.id)
    (left,) = (await harness.notifications.list_page(ada, PageRequest())).items
    assert left.type == "follow"
    assert [each.id for each in await harness.notifications.list_after(ada, 0, 10)] == [left.id]


async def test_edit_of_the_words_keeps_a_pending_mention(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edit comes between the job's first look at the caption and its transaction, and emits no event."""
    ada, bob = await harness.user("ada"), await harness.user("bob")
    post = await harness.posts.publish(ada, "With @bob", [])
    read = ActivityRepository.list_mentioned_in_caption

    async def edit_meanwhile(self: ActivityRepository, post_id: PostId, mention: str) -> set[UserId]:
        found = await read(self, post_id, mention)
        await harness.posts.edit(ada, post_id, "With @bob, in spring", None)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(ActivityRepository, "list_mentioned_in_caption", edit_meanwhile)
        assert await harness.work_off(JobKind.NOTIFY_MENTIONED) == 1
    await harness.work_off(JobKind.NOTIFY_MENTIONED)
    assert [(n.type, n.post_id) for n in await notifications_of(harness, bob)] == [
        (NotificationType.MENTION, post.id)
    ]
