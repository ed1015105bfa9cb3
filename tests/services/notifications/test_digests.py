"""E-mails that sum up notifications: what is in them, when they are due, and failed attempts."""

import asyncio
import re

import pytest

from server.gateways.email.email import Email, EmailFailed
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.ids import NotificationId, UserId, min_id_at
from server.models.notifications.digests import EmailFrequency
from server.services.emails.delivery import EmailBudget, EmailKind, EmailLimits
from server.services.emails.unsubscribe_tokens import AllNotifications
from server.services.jobs.event_jobs import JobKind
from server.services.notifications.delivery.digest_items import MAX_ITEMS
from server.services.notifications.digest_times import DAY_MS, HOUR_MS, DigestTimes
from server.services.notifications.digests import LOST_AFTER_MS, MAX_ENTRIES
from server.services.records import AccountStatus, Channel, NotificationType
from tests.support.email_links import link_token
from tests.support.jobs import claim_maintenance_job
from tools.harness.services import DIGEST_TIMES, ServiceHarness

DELIVERIES = {JobKind.EMAIL, JobKind.EMAIL_DIGEST, JobKind.PUSH}


async def create_notifications(harness: ServiceHarness) -> None:
    """Run all due jobs except deliveries."""
    await harness.work_off(*(kind for kind in JobKind if kind not in DELIVERIES))


async def make_due(harness: ServiceHarness) -> int:
    """Let the time of every digest come; return how many jobs that adds."""
    await harness.database.execute("UPDATE inboxes SET digest_due_at_ms = 1 WHERE digest_due_at_ms > 0")
    before = len(await harness.due(JobKind.EMAIL_DIGEST))
    await enqueue(harness)
    return len(await harness.due(JobKind.EMAIL_DIGEST)) - before


async def enqueue(harness: ServiceHarness) -> None:
    await harness.digests.enqueue_due(await claim_maintenance_job(harness, JobKind.FIND_DUE_DIGESTS))


async def send_digests(harness: ServiceHarness) -> list[Email]:
    """Send the digests of all notifications so far, as if their time had come; return the new e-mails."""
    sent = len(harness.email.sent)
    await create_notifications(harness)
    await make_due(harness)
    await harness.work_off(JobKind.EMAIL_DIGEST)
    return harness.email.sent[sent:]


async def due_at_ms(harness: ServiceHarness, user_id: UserId) -> int | None:
    return await harness.value("SELECT digest_due_at_ms FROM inboxes WHERE user_id = ?", user_id)


async def entries(harness: ServiceHarness) -> int:
    return await harness.value("SELECT COUNT(*) FROM digest_entries")


async def test_digest_sums_up_what_is_unread(harness: ServiceHarness) -> None:
    ada, *fans = [await harness.user(name) for name in ("ada", "bob", "eve", "joe")]
    post_id = await harness.post(ada)
    for fan in fans:
        await harness.likes.like(fan, post_id)
        await create_notifications(harness)
    await harness.comments.add(fans[0], post_id, "Where was that?", None)
    await create_notifications(harness)
    for fan in fans[:2]:
        await harness.follows.follow(fan, ada)
        await create_notifications(harness)
    assert harness.email.sent == []
    (email,) = await send_digests(harness)
    assert (email.to, email.subject) == ("ada@example.com", "2 new followers, 1 comment and 3 likes")
    assert email.list_id == "digest.notifications.photos.test"
    assert re.fullmatch(r"digest-\d+", email.key)
    for line in (
        "eve and 1 other started following you.",
        "bob commented on your post.",
        "> Where was that?",
        "joe and 2 others liked your post.",
        f"https://pages.test/posts/{post_id}",
        f"https://pages.test/users/{ada}",
        "You receive daily e-mails about your notifications.",
    ):
        assert line in email.text
        assert line.removeprefix("> ").replace("'", "&#39;") in email.html
    assert email.unsubscribe_url in email.text
    assert await entries(harness) == 0
    assert await send_digests(harness) == []


async def test_nothing_is_sent_if_everything_was_read(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.likes.like(bob, await harness.post(ada))
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    await harness.notifications.mark_read_up_to(ada, None)
    assert await make_due(harness) == 1
    await harness.work_off(JobKind.EMAIL_DIGEST)
    assert harness.email.sent == []
    assert (await entries(harness), await due_at_ms(harness, ada)) == (0, None)


@pytest.mark.parametrize(
    "reason",
    ["blocked", "blocks", "muted", "suspended", "undone", "post deleted", "unwanted", "read", "unsubscribed"],
)
async def test_what_must_not_be_seen_is_left_out(harness: ServiceHarness, reason: str) -> None:
    """The rule is asked when the digest is sent, and a comment of another user stays in it."""
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    liked, commented = await harness.post(ada), await harness.post(ada)
    await harness.likes.like(bob, liked)
    await create_notifications(harness)
    await harness.comments.add(eve, commented, "hello", None)
    await create_notifications(harness)
    await make_due(harness)
    match reason:
        case "blocked":
            await harness.blocks.block(ada, bob)
        case "blocks":
            await harness.blocks.block(bob, ada)
        case "muted":
            await harness.mutes.mute(ada, bob)
        case "suspended":
            await harness.set_status(bob, AccountStatus.SUSPENDED)
        case "undone":
            await harness.likes.unlike(bob, liked)
            await create_notifications(harness)
        case "post deleted":
            await harness.delete(liked)
        case "unwanted":
            await harness.preferences.update(ada, {NotificationType.LIKE: {Channel.EMAIL: False}})
        case "read":
            (like,) = await harness.rows("SELECT id FROM notifications WHERE type = 'like'")
            await harness.notifications.mark_read(ada, [NotificationId(like["id"])])
        case _:
            token = harness.unsubscribe_tokens.encode(
                harness.suppressions.hash("ada@example.com"), NotificationType.LIKE
            )
            await harness.preferences.unsubscribe(token)
    await harness.work_off(JobKind.EMAIL_DIGEST)
    (email,) = harness.email.sent
    assert email.subject == "1 comment"
    for text in (email.text, email.html):
        assert "bob" not in text
        assert "liked" not in text


async def test_hidden_people_are_not_counted(harness: ServiceHarness) -> None:
    ada, bob, eve, joe = [await harness.user(name) for name in ("ada", "bob", "eve", "joe")]
    post_id = await harness.post(ada)
    for fan in (bob, eve, joe):
        await harness.likes.like(fan, post_id)
        await create_notifications(harness)
    await harness.blocks.block(joe, ada)
    await harness.mutes.mute(ada, bob)
    await make_due(harness)
    await harness.work_off(JobKind.EMAIL_DIGEST)
    (email,) = harness.email.sent
    assert email.subject == "1 like"
    assert "eve liked your post." in email.text
    assert "joe" not in email.text


async def test_like_stays_in_place_of_one_that_was_undone(harness: ServiceHarness) -> None:
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    post_id = await harness.post(ada)
    for fan in (bob, eve):
        await harness.likes.like(fan, post_id)
        await create_notifications(harness)
    assert await entries(harness) == 1
    await harness.likes.unlike(bob, post_id)
    (email,) = await send_digests(harness)
    assert "eve liked your post." in email.text
    await harness.likes.like(bob, post_id)  # was not in the digest
    (email,) = await send_digests(harness)
    assert "eve and 1 other liked your post." in email.text


async def test_activity_is_in_one_digest(harness: ServiceHarness) -> None:
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    (email,) = await send_digests(harness)
    assert "bob liked your post." in email.text
    await harness.likes.unlike(bob, post_id)
    await create_notifications(harness)
    await harness.likes.like(bob, post_id)
    assert await send_digests(harness) == []
    await harness.likes.like(eve, post_id)
    (email,) = await send_digests(harness)
    assert (email.subject, "eve liked your post." in email.text) == ("1 like", True)


async def test_likes_before_reading_are_not_in_the_digest(harness: ServiceHarness) -> None:
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    await create_notifications(harness)
    await harness.notifications.mark_read_up_to(ada, None)
    await harness.likes.like(eve, post_id)
    (email,) = await send_digests(harness)
    assert (email.subject, "bob" in email.text) == ("1 like", False)


async def test_likes_hidden_in_app_are_summed_up(harness: ServiceHarness) -> None:
    ada, *fans = await harness.users(4)
    await harness.preferences.update(ada, {NotificationType.LIKE: {Channel.IN_APP: False}})
    post_id = await harness.post(ada)
    for fan in fans:
        await harness.likes.like(fan, post_id)
        await create_notifications(harness)
    (email,) = await send_digests(harness)
    assert email.subject == "3 likes"
    assert "and 2 others liked your post." in email.text


async def test_words_of_others_are_neither_subject_nor_link(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob.example.com")
    post_id = await harness.post(ada)
    await harness.comments.add(bob, post_id, "win at https://evil.example/now\n\nHello", None)
    (email,) = await send_digests(harness)
    assert email.subject == "1 comment"
    for text in (email.text, email.html):
        assert "bob.example.com" not in text
        assert "https://evil" not in text
        assert "evil.example" not in text


async def test_notifications_share_one_digest(harness: ServiceHarness) -> None:
    ada, *fans = await harness.users(5)
    post_id = await harness.post(ada)
    await asyncio.gather(*(harness.likes.like(fan, post_id) for fan in fans))
    await asyncio.gather(*(harness.follows.follow(fan, ada) for fan in fans))
    await create_notifications(harness)
    assert await entries(harness) == 5
    assert await make_due(harness) == 1
    await asyncio.gather(*(enqueue(harness) for _ in range(3)))
    assert len(await harness.due(JobKind.EMAIL_DIGEST)) == 1
    await harness.work_off(JobKind.EMAIL_DIGEST)
    assert len(harness.email.sent) == 1


async def test_concurrent_schedules_insert_one_job_per_digest(harness: ServiceHarness) -> None:
    star, *users = await harness.users(8)
    for user in users:
        await harness.follows.follow(star, user)
    await create_notifications(harness)
    await harness.database.execute("UPDATE inboxes SET digest_due_at_ms = 1")
    claims = [await claim_maintenance_job(harness, JobKind.FIND_DUE_DIGESTS) for _ in range(3)]
    await asyncio.gather(*(harness.digests.enqueue_due(claim) for claim in claims))
    assert len(await harness.due(JobKind.EMAIL_DIGEST)) == len(users)
    await harness.work_off(JobKind.EMAIL_DIGEST)
    assert len({email.to for email in harness.email.sent}) == len(harness.email.sent) == len(users)


async def test_first_notification_sets_the_time(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    began_ms = harness.clock.now_ms()
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    expected = DIGEST_TIMES.next_ms(EmailFrequency.DAILY, ada, began_ms)
    assert await due_at_ms(harness, ada) == expected
    await harness.follows.follow(eve, ada)
    await create_notifications(harness)
    assert await due_at_ms(harness, ada) == expected
    await enqueue(harness)
    assert await harness.due(JobKind.EMAIL_DIGEST) == []


async def test_failed_digest_is_repeated_unchanged(harness: ServiceHarness) -> None:
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    await make_due(harness)
    claim = await harness.claim(JobKind.EMAIL_DIGEST)
    harness.email.refuses = [EmailFailed("It may have been sent nevertheless.")]
    with pytest.raises(EmailFailed):
        await harness.digest_emails.send(claim)
    await harness.jobs.fail(claim, "unavailable")
    await harness.follows.follow(eve, ada)
    await create_notifications(harness)
    assert await due_at_ms(harness, ada) is None  # no other digest while this one is unfinished
    assert await make_due(harness) == 0
    await harness.make_due()
    await harness.work_off(JobKind.EMAIL_DIGEST)
    (first,) = harness.email.sent
    assert first.key == f"digest-{claim.payload['digest_id']}"
    assert ("bob" in first.text, "eve" in first.text) == (True, False)
    assert await due_at_ms(harness, ada) is not None
    (second,) = await send_digests(harness)
    assert ("bob" in second.text, "eve" in second.text) == (False, True)


async def test_lease_lost_after_sending_repeats_the_same_email(harness: ServiceHarness) -> None:
    """As if the worker had been killed between the SMTP server's answer and the commit."""
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    await make_due(harness)
    claim = await harness.claim(JobKind.EMAIL_DIGEST)
    await harness.jobs.save_progress(claim, {"entries": await harness.digest_rows.list_entries(ada, 10)})
    await harness.expire_leases()
    await harness.jobs.reclaim()
    await harness.make_due()
    again = await harness.claim(JobKind.EMAIL_DIGEST)
    await harness.digest_emails.send(again)
    (email,) = harness.email.sent
    assert email.key == f"digest-{claim.payload['digest_id']}"
    assert "started following you" in email.text
    assert await entries(harness) == 0


async def test_lost_digest_is_replaced_by_the_next_one(harness: ServiceHarness) -> None:
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    await make_due(harness)
    claim = await harness.claim(JobKind.EMAIL_DIGEST)
    long_ago = min_id_at(harness.clock.now_ms() - LOST_AFTER_MS) - 1
    await harness.database.execute("UPDATE inboxes SET digest_id = ?", [long_ago])
    await harness.follows.follow(eve, ada)
    (email,) = await send_digests(harness)
    assert "eve and 1 other started following you." in email.text
    await harness.digest_emails.send(claim)  # an operator retries the old one
    assert len(harness.email.sent) == 1


async def test_changed_frequency_moves_the_digest(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    began_ms = harness.clock.now_ms()
    assert await harness.preferences.get_email_frequency(ada) is EmailFrequency.DAILY
    await harness.preferences.update(ada, {}, EmailFrequency.HOURLY)
    assert await harness.preferences.get_email_frequency(ada) is EmailFrequency.HOURLY
    due = await due_at_ms(harness, ada)
    assert due is not None
    assert began_ms < due <= harness.clock.now_ms() + HOUR_MS
    await harness.preferences.update(ada, {}, EmailFrequency.NEVER)
    assert (await due_at_ms(harness, ada), await entries(harness)) == (None, 0)
    await harness.likes.like(bob, await harness.post(ada))
    assert await send_digests(harness) == []
    assert await due_at_ms(harness, ada) is None


async def test_immediate_emails_follow_what_waited(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    await harness.preferences.update(ada, {}, EmailFrequency.IMMEDIATELY)
    await enqueue(harness)
    await harness.work_off(JobKind.EMAIL_DIGEST)
    await harness.likes.like(bob, await harness.post(ada))
    await create_notifications(harness)
    await harness.work_off(JobKind.EMAIL)
    assert [email.subject for email in harness.email.sent] == ["1 new follower", "bob liked your post"]
    assert "You receive e-mails about your notifications." in harness.email.sent[0].text


async def test_never_stops_a_digest_that_has_begun(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    await make_due(harness)
    await harness.preferences.update(ada, {}, EmailFrequency.NEVER)
    await harness.work_off(JobKind.EMAIL_DIGEST)
    assert harness.email.sent == []


async def test_unsubscribing_from_digests_ends_all_of_them(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    await harness.follows.follow(bob, ada)
    (email,) = await send_digests(harness)
    token = email.unsubscribe_url.partition("?token=")[2]
    assert harness.preferences.get_unsubscribe_type(token) is AllNotifications.TOPIC
    assert await harness.preferences.unsubscribe(token) is AllNotifications.TOPIC
    assert await harness.preferences.get_email_frequency(ada) is EmailFrequency.NEVER
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    assert await send_digests(harness) == []
    # Another choice in the account does not reach the address before its owner confirms it.
    await harness.preferences.update(ada, {}, EmailFrequency.IMMEDIATELY)
    assert await harness.preferences.get_email_frequency(ada) is EmailFrequency.NEVER
    await harness.comments.add(bob, post_id, "hello", None)
    await create_notifications(harness)
    await harness.work_off()
    assert [each.subject for each in harness.email.sent[1:]] == ["Confirm your e-mail address"]
    await harness.email_verification.verify(link_token(harness.email.sent[-1]))
    assert await harness.preferences.get_email_frequency(ada) is EmailFrequency.IMMEDIATELY


async def test_digest_over_the_budget_waits_for_the_next_time(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    limit = Limit("digests", 1, 3_600_000)
    counter = RateLimits(harness.pipelined_redis)
    harness.send_emails_through(
        harness.email, EmailBudget(counter, EmailLimits({EmailKind.NOTIFICATION: limit}, {}))
    )
    await harness.follows.follow(bob, ada)
    assert len(await send_digests(harness)) == 1
    await harness.likes.like(bob, await harness.post(ada))
    assert await send_digests(harness) == []
    assert await entries(harness) == 1
    assert await due_at_ms(harness, ada) is not None
    harness.send_emails_through(harness.email)
    (email,) = await send_digests(harness)
    assert email.subject == "1 like"


async def test_only_active_users_with_an_address_get_digests(harness: ServiceHarness) -> None:
    ada, eve, bob = await harness.users(3)
    for user in (ada, eve):
        await harness.follows.follow(bob, user)
    await create_notifications(harness)
    await make_due(harness)
    await harness.set_status(ada, AccountStatus.SUSPENDED)
    await harness.database.execute("UPDATE users SET email = '' WHERE id = ?", [eve])
    await harness.work_off(JobKind.EMAIL_DIGEST)
    assert (harness.email.sent, await entries(harness)) == ([], 0)


async def test_long_digests_are_cut(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    posts = [await harness.post(ada) for _ in range(MAX_ITEMS + 2)]
    for post_id in posts:
        await harness.likes.like(bob, post_id)
    (email,) = await send_digests(harness)
    assert email.subject == f"{MAX_ITEMS}+ likes"
    assert email.text.count("View the post:") == MAX_ITEMS
    assert "There are more notifications in the app." in email.text
    assert await send_digests(harness) == []


async def test_number_of_entries_is_bounded(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    for number in range(MAX_ENTRIES - 1):
        await harness.digest_rows.insert_entry(ada, NotificationId(number + 1))
    await harness.likes.like(bob, await harness.post(ada))
    await create_notifications(harness)
    assert await entries(harness) == MAX_ENTRIES
    (email,) = await send_digests(harness)
    assert "There are more notifications in the app." in email.text
    assert await entries(harness) == 0


def test_daily_times_are_spread_over_the_hours() -> None:
    times, now_ms = DigestTimes(22, 2), 20_000 * DAY_MS + 9 * HOUR_MS
    due = [times.next_ms(EmailFrequency.DAILY, UserId(n << 13), now_ms) for n in range(1, 1001)]
    hours = [at_ms // HOUR_MS % 24 for at_ms in due]
    assert set(hours) == {22, 23, 0, 1}
    assert all(now_ms < at_ms <= now_ms + DAY_MS for at_ms in due)
    assert all(150 < hours.count(hour) < 350 for hour in set(hours))
    whole_day = DigestTimes(5, 5)
    assert (
        len({whole_day.next_ms(EmailFrequency.DAILY, UserId(n), now_ms) // HOUR_MS for n in range(999)}) > 20
    )


@pytest.mark.parametrize("frequency", [EmailFrequency.HOURLY, EmailFrequency.DAILY])
def test_next_time_is_the_same_until_it_has_come(frequency: EmailFrequency) -> None:
    times, user, period_ms = DigestTimes(16, 20), UserId(77), HOUR_MS
    if frequency is EmailFrequency.DAILY:
        period_ms = DAY_MS
    first = times.next_ms(frequency, user, 20_000 * DAY_MS)
    assert times.next_ms(frequency, user, first - 1) == first
    assert times.next_ms(frequency, user, first) == first + period_ms
