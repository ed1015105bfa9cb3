"""The notification list: grouped likes, retractions, and the unread count."""

import random
from collections.abc import Sequence

import pytest

from server.errors import InvalidInput
from server.ids import NotificationId, PostId, UserId
from server.paging import PageRequest, decode_cursor
from server.services.jobs.event_jobs import JobKind
from server.services.jobs.retention import DAY_MS, RetentionPeriods
from server.services.records import Channel, Notification, NotificationType
from tests.support.jobs import build_retention, claim_maintenance_job
from tools.harness.services import ServiceHarness


async def listed(harness: ServiceHarness, user_id: UserId) -> Sequence[Notification]:
    """Return a user's list, newest first."""
    return (await harness.notifications.list_page(user_id, PageRequest(100))).items


async def liked(harness: ServiceHarness, post_id: PostId, *fans: UserId) -> None:
    for fan in fans:
        await harness.likes.like(fan, post_id)
    await harness.work_off()


async def test_likes_of_a_post_are_grouped(harness: ServiceHarness) -> None:
    ada, *fans = await harness.users(14)
    first, second = await harness.post(ada), await harness.post(ada)
    await liked(harness, first, *fans)
    await liked(harness, second, fans[0])
    assert [(each.post_id, each.actor.id, each.others_count) for each in await listed(harness, ada)] == [
        (second, fans[0], 0),
        (first, fans[-1], 12),
    ]
    # Read one by one, only the newest of a group counts the others.
    assert [each.others_count for each in await harness.notifications.list_after(ada, 0, 100)] == [
        *[0] * 12,
        12,
        0,
    ]
    assert await harness.notifications.count_unread(ada) == 2


async def test_retracted_like_leaves_the_group(harness: ServiceHarness) -> None:
    ada, bob, eve, joe = await harness.users(4)
    post_id = await harness.post(ada)
    await liked(harness, post_id, bob, eve, joe)
    await harness.likes.unlike(bob, post_id)
    await harness.work_off()
    assert [(each.actor.id, each.others_count) for each in await listed(harness, ada)] == [(joe, 1)]
    await harness.likes.unlike(joe, post_id)
    await harness.work_off()
    assert [(each.actor.id, each.others_count) for each in await listed(harness, ada)] == [(eve, 0)]
    await harness.likes.unlike(eve, post_id)
    await harness.work_off()
    assert await listed(harness, ada) == []
    assert await harness.notifications.count_unread(ada) == 0


async def test_repeated_like_returns_to_its_place(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    await liked(harness, post_id, bob, eve)
    for fan in (bob, eve):
        await harness.likes.unlike(fan, post_id)
        await harness.work_off()
    await liked(harness, post_id, bob)
    assert [(each.actor.id, each.others_count) for each in await listed(harness, ada)] == [(bob, 0)]
    await liked(harness, post_id, eve)
    assert [(each.actor.id, each.others_count) for each in await listed(harness, ada)] == [(eve, 1)]
    assert await harness.notifications.get_last_sequence(ada) == 2


async def test_unfollow_retracts_the_notification(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await harness.work_off()
    await harness.follows.unfollow(bob, ada)
    await harness.work_off()
    assert await listed(harness, ada) == []
    await harness.follows.follow(bob, ada)
    await harness.work_off()
    assert [each.type for each in await listed(harness, ada)] == [NotificationType.FOLLOW]


async def test_deleted_comment_deletes_its_notifications(harness: ServiceHarness) -> None:
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    post_id = await harness.post(ada)
    first = await harness.comments.add(bob, post_id, "look, @eve", None)
    await harness.comments.add(eve, post_id, "nice", first.id)
    await harness.work_off()
    assert [len(await listed(harness, each)) for each in (ada, bob, eve)] == [2, 1, 1]
    await harness.comments.delete(bob, post_id, first.id)
    await harness.work_off()
    assert await harness.rows("SELECT id FROM notifications") == []


async def test_deleted_post_deletes_its_notifications(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await liked(harness, post_id, bob)
    await harness.comments.add(bob, post_id, "nice", None)
    await harness.work_off()
    await harness.delete(post_id)
    assert await harness.notifications.count_unread(ada) == 0
    await harness.work_off()
    assert await harness.rows("SELECT id FROM notifications") == []


async def test_caption_notifies_mentioned_users_once(harness: ServiceHarness) -> None:
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    post = (await harness.posts.publish(ada, "with @bob, @ada and @nobody", [])).id
    await harness.work_off()
    await harness.posts.edit(ada, post, "with @bob and @eve", None)
    await harness.work_off()
    for person in (bob, eve):
        assert [(each.type, each.post_id, each.comment_id) for each in await listed(harness, person)] == [
            (NotificationType.MENTION, post, None)
        ]
    assert await listed(harness, ada) == []


async def test_removed_mention_is_retracted(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    post = (await harness.posts.publish(ada, "with @bob", [])).id
    await harness.work_off()
    await harness.posts.edit(ada, post, "never mind", None)
    await harness.work_off()
    assert await listed(harness, bob) == []
    await harness.posts.edit(ada, post, "with @bob after all", None)
    await harness.work_off()
    assert len(await listed(harness, bob)) == 1


async def test_last_edit_wins_in_any_job_order(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    post = (await harness.posts.publish(ada, "with @bob", [])).id
    await harness.posts.edit(ada, post, "never mind", None)
    first, second = await harness.due(JobKind.NOTIFY_MENTIONED)
    for job_id in (second, first):
        claim = await harness.jobs.claim(job_id)
        assert claim is not None
        await harness.notification_jobs.handle_mentions(claim)
    assert await listed(harness, bob) == []


@pytest.mark.parametrize(
    ("unwanted", "told"),
    [
        ([], NotificationType.COMMENT),
        ([NotificationType.COMMENT], NotificationType.MENTION),
        ([NotificationType.COMMENT, NotificationType.MENTION], None),
    ],
)
async def test_comment_with_mention_uses_a_wanted_type(
    harness: ServiceHarness, unwanted: list[NotificationType], told: NotificationType | None
) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    await harness.preferences.update(ada, {each: dict.fromkeys(Channel, False) for each in unwanted})
    await harness.comments.add(bob, await harness.post(ada), "hello @ada", None)
    await harness.work_off()
    assert [each.type for each in await listed(harness, ada)] == ([] if told is None else [told])


async def test_marking_a_grouped_like_marks_the_listed_one(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    await liked(harness, post_id, bob, eve)
    first, _ = await harness.notifications.list_after(ada, 0, 10)
    assert await harness.notifications.mark_read(ada, [first.id]) == 0
    assert [each.read for each in await listed(harness, ada)] == [True]


async def test_mark_read_up_to_works_in_batches(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.services.notifications.notifications.MARK_READ_BATCH", 2)
    ada, *fans = await harness.users(6)
    for fan in fans:
        await harness.follows.follow(fan, ada)
    await harness.work_off()
    assert await harness.notifications.mark_read_up_to(ada, None) == 0


async def test_group_is_recounted_after_pruning(
    harness: ServiceHarness,
) -> None:
    ada, *fans = await harness.users(6)
    post_id = await harness.post(ada)
    await liked(harness, post_id, *fans)
    kept = RetentionPeriods(notifications_ms=10 * DAY_MS)
    for each in await harness.notifications.list_after(ada, 0, 3):
        await harness.database.execute(
            "UPDATE notifications SET id = id - ? WHERE id = ?", [(10 * DAY_MS + 1000) << 12, each.id]
        )
    retention = build_retention(harness, periods=kept)
    await retention.sweep_notifications(await claim_maintenance_job(harness, JobKind.SWEEP_NOTIFICATIONS))
    assert [(each.actor.id, each.others_count) for each in await listed(harness, ada)] == [(fans[4], 1)]
    await harness.likes.unlike(fans[0], post_id)
    await harness.likes.unlike(fans[3], post_id)
    await harness.work_off()
    assert [(each.actor.id, each.others_count) for each in await listed(harness, ada)] == [(fans[4], 0)]


async def test_list_can_be_filtered_by_type_and_unread(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_ids = [await harness.post(ada) for _ in range(3)]
    for post_id in post_ids:
        await liked(harness, post_id, bob)
        await harness.comments.add(bob, post_id, "nice", None)
        await harness.work_off()
    likes = await harness.notifications.list_page(ada, PageRequest(2), {NotificationType.LIKE})
    assert [each.post_id for each in likes.items] == [post_ids[2], post_ids[1]]
    assert likes.next_cursor is not None
    rest = await harness.notifications.list_page(
        ada, PageRequest(2, decode_cursor(likes.next_cursor)), {NotificationType.LIKE}
    )
    assert ([each.post_id for each in rest.items], rest.next_cursor) == ([post_ids[0]], None)
    assert await harness.notifications.mark_read(ada, [likes.items[0].id]) == 5
    new = await harness.notifications.list_page(ada, PageRequest(10), unread=True)
    assert len(new.items) == 5
    assert likes.items[0].id not in {each.id for each in new.items}
    both = await harness.notifications.list_page(
        ada, PageRequest(10), {NotificationType.LIKE, NotificationType.COMMENT}, unread=True
    )
    assert both == new


async def test_reading_a_like_reads_its_group(harness: ServiceHarness) -> None:
    ada, bob, eve, joe = await harness.users(4)
    post_id = await harness.post(ada)
    await liked(harness, post_id, bob, eve)
    (told,) = await listed(harness, ada)
    assert await harness.notifications.mark_read(ada, [told.id]) == 0
    await harness.likes.unlike(eve, post_id)
    await harness.work_off()
    assert [(each.actor.id, each.read) for each in await listed(harness, ada)] == [(bob, True)]
    await liked(harness, post_id, joe)
    assert [(each.actor.id, each.read) for each in await listed(harness, ada)] == [(joe, False)]
    assert await harness.notifications.count_unread(ada) == 1


async def test_mark_read_up_to_one_or_all(harness: ServiceHarness) -> None:
    ada, *fans = await harness.users(6)
    for fan in fans:
        await harness.follows.follow(fan, ada)
    await harness.work_off()
    told = await listed(harness, ada)
    assert await harness.notifications.mark_read_up_to(ada, told[2].id) == 2
    assert [each.read for each in await listed(harness, ada)] == [False, False, True, True, True]
    assert await harness.notifications.mark_read_up_to(ada, None) == 0
    assert await harness.notifications.mark_read_up_to(ada, told[4].id) == 0


@pytest.mark.usefixtures("immediate_emails")
async def test_hidden_notifications_are_not_marked_read(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    await harness.preferences.update(ada, {NotificationType.FOLLOW: {Channel.IN_APP: False}})
    await harness.follows.follow(bob, ada)
    await harness.follows.follow(eve, ada)
    await harness.work_off(JobKind.NOTIFY_FOLLOW)
    (unseen, _) = await harness.rows("SELECT id FROM notifications ORDER BY id")
    assert await harness.notifications.mark_read_up_to(ada, None) == 0
    assert await harness.notifications.mark_read_up_to(ada, NotificationId(unseen["id"])) == 0
    await harness.work_off()
    assert len(harness.email.sent) == 2


async def test_other_users_notifications_are_not_marked_read(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    await harness.follows.follow(bob, ada)
    await harness.work_off()
    (told,) = await listed(harness, ada)
    await harness.notifications.mark_read(eve, [told.id, NotificationId(1)])
    with pytest.raises(InvalidInput):
        await harness.notifications.mark_read_up_to(eve, told.id)
    await harness.notifications.mark_read_up_to(eve, None)
    assert await harness.notifications.count_unread(ada) == 1


@pytest.mark.usefixtures("immediate_emails")
async def test_type_hidden_in_app_uses_other_channels_only(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    await harness.preferences.update(ada, {NotificationType.LIKE: {Channel.IN_APP: False}})
    post_id = await harness.post(ada)
    await liked(harness, post_id, bob)
    assert (await listed(harness, ada), await harness.notifications.list_after(ada, 0, 10)) == ([], [])
    assert await harness.notifications.count_unread(ada) == 0
    await harness.work_off()
    assert len(harness.email.sent) == 1
    await harness.preferences.update(ada, {NotificationType.LIKE: {Channel.IN_APP: True}})
    await liked(harness, post_id, eve)
    assert [(each.sequence, each.actor.id, each.others_count) for each in await listed(harness, ada)] == [
        (1, eve, 0)
    ]
    await harness.likes.unlike(bob, post_id)
    await harness.work_off()
    await liked(harness, post_id, bob)
    assert [(each.actor.id, each.others_count) for each in await listed(harness, ada)] == [(eve, 0)]


@pytest.mark.parametrize("seed", range(4))
async def test_random_likes_and_job_orders_agree_in_the_end(harness: ServiceHarness, seed: int) -> None:
    chance = random.Random(seed)
    ada, *fans = await harness.users(6)
    post_id = await harness.post(ada)
    standing: set[UserId] = set()
    handlers = harness.handlers()
    for _ in range(60):
        fan = chance.choice(fans)
        match chance.randrange(6):
            case 0 | 1:
                await harness.likes.like(fan, post_id)
                standing.add(fan)
            case 2:
                await harness.likes.unlike(fan, post_id)
                standing.discard(fan)
            case 3:
                await harness.notifications.mark_read_up_to(ada, None)
            case _:
                due = await harness.due()
                if due:
                    claim = await harness.jobs.claim(chance.choice(due))
                    assert claim is not None
                    await handlers[claim.kind](claim)
    await harness.work_off()
    await harness.work_off()
    found = await listed(harness, ada)
    assert len(found) == bool(standing)
    if standing:
        assert found[0].others_count == len(standing) - 1
        assert {each.actor.id for each in await harness.notifications.list_after(ada, 0, 100)} == standing
        assert found[0].sequence == max(
            each.sequence for each in await harness.notifications.list_after(ada, 0, 100)
        )
    numbers = [row["sequence"] for row in await harness.rows("SELECT sequence FROM notifications")]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
