"""Delivery by push and e-mail: recipients, content, and failed attempts."""

import asyncio
from dataclasses import replace

import pytest

from server.errors import Conflict, InvalidInput
from server.gateways.email.email import EmailFailed, EmailRefused
from server.gateways.push.message import PushOutcome
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.ids import PostId, SessionId, UserId
from server.models.notifications.devices import DeviceRepository
from server.services.content.share_links import ShareLinks
from server.services.emails.delivery import EmailBudget, EmailKind, EmailLimits
from server.services.jobs.claims import Claim
from server.services.jobs.event_jobs import JobKind
from server.services.notifications.channel_requests import MAX_AGE_MS
from server.services.notifications.delivery.activity_links import ActivityLinks
from server.services.notifications.delivery.pushes import PushFailed
from server.services.notifications.devices import MAX_PER_USER, SILENT_MS, Devices
from server.services.records import Channel, NotificationType, Platform, Principal, Role
from tests.support.fakes.push_service import Browser
from tools.harness.services import TOKEN_RULES, ServiceHarness


async def signed_in(harness: ServiceHarness, user_id: UserId) -> Principal:
    """Return the session of a new device."""
    tokens = await harness.sessions.create(user_id, 0, "a phone", "127.0.0.1")
    return await harness.principal(tokens.access_token)


async def with_phone(harness: ServiceHarness, user_id: UserId, token: str) -> Principal:
    principal = await signed_in(harness, user_id)
    await harness.devices.register(principal, token, Platform.IOS)
    return principal


async def create_notifications(harness: ServiceHarness) -> None:
    """Run all due jobs except deliveries."""
    await harness.work_off(*(kind for kind in JobKind if kind not in {JobKind.PUSH, JobKind.EMAIL}))


def pushed(harness: ServiceHarness) -> list[str]:
    """Return the tokens that received a push, in order."""
    return [token for token, _ in harness.push.taken]


@pytest.mark.usefixtures("immediate_emails")
async def test_comment_is_pushed_and_emailed(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    await with_phone(harness, ada, "ada's phone")
    post_id = await harness.post(ada)
    comment = await harness.comments.add(bob, post_id, "Where was that?", None)
    await create_notifications(harness)
    await harness.work_off()
    ((token, message),) = harness.push.taken
    (notification,) = await harness.notifications.list_after(ada, 0, 10)
    assert token == "ada's phone"
    assert (message.title, message.body) == ("bob commented on your post", "Where was that?")
    assert message.badge == await harness.notifications.count_unread(ada) == 1
    assert message.data == {
        "notificationId": str(notification.id),
        "recipientId": str(ada),
        "type": "comment",
        "actorId": str(bob),
        "postId": str(post_id),
        "commentId": str(comment.id),
        "link": f"https://pages.test/posts/{post_id}",
    }
    (email,) = harness.email.sent
    assert email.to == "ada@example.com"
    assert email.subject.startswith("bob commented on your post")
    assert email.list_id == "comment.notifications.photos.test"
    assert email.key == message.key == f"notification-{notification.id}"
    for shown in (
        "Where was that?",
        f"https://pages.test/posts/{post_id}",
        "/notifications/unsubscribe?token=",
    ):
        assert shown in email.text
    text = harness.metrics.render().decode()
    for channel in ("in_app", "push", "email", "live"):
        assert f'deliveries_total{{channel="{channel}",outcome="delivered"}} 1.0' in text


@pytest.mark.usefixtures("immediate_emails")
async def test_each_type_has_its_own_subject(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    await harness.follows.follow(bob, ada)
    first = await harness.comments.add(ada, post_id, "mine", None)
    await harness.comments.add(bob, post_id, "an answer", first.id)
    other = await harness.posts.publish(bob, "with @ada", [])
    await harness.comments.add(bob, other.id, "do you see, @ada?", None)
    await create_notifications(harness)
    await harness.work_off()
    assert [email.subject.rstrip(".") for email in harness.email.sent] == [
        "bob liked your post",
        "bob started following you",
        "bob replied to your comment",
        "bob mentioned you in a post",
        "bob mentioned you in a comment",
    ]


@pytest.mark.usefixtures("immediate_emails")
async def test_email_greets_by_full_name(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.database.execute("UPDATE users SET full_name = ? WHERE id = ?", ["Ada Lovelace", ada])
    await harness.follows.follow(bob, ada)
    await harness.follows.follow(ada, bob)
    await create_notifications(harness)
    await harness.work_off()
    assert [email.text.partition("\n")[0] for email in harness.email.sent] == [
        "Hello Ada Lovelace,",
        "Hello user2,",
    ]


async def test_signed_out_device_gets_no_push(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    first = await with_phone(harness, ada, "phone")
    await with_phone(harness, ada, "tablet")
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    await harness.sessions.end(ada, first.session_id)
    await harness.work_off()
    assert pushed(harness) == ["tablet"]


async def test_taken_over_device_gets_no_push_of_previous_user(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    await with_phone(harness, ada, "the phone")
    await harness.follows.follow(eve, ada)
    await create_notifications(harness)  # ada's push is pending, and she is still signed in
    with pytest.raises(Conflict) as refused:
        await with_phone(harness, bob, "the phone")
    assert refused.value.code == "device_in_use"
    await harness.database.execute("UPDATE devices SET registered_at_ms = registered_at_ms - ?", [SILENT_MS])
    await with_phone(harness, bob, "the phone")
    await harness.work_off()
    assert pushed(harness) == []
    await harness.follows.follow(eve, bob)
    await create_notifications(harness)
    await harness.work_off()
    ((_, message),) = harness.push.taken
    assert message.data["recipientId"] == str(bob)


async def test_device_of_an_ended_session_can_be_registered(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    principal = await with_phone(harness, ada, "the phone")
    await harness.sessions.end(ada, principal.session_id)
    await with_phone(harness, bob, "the phone")
    assert await harness.rows("SELECT user_id FROM devices") == [{"user_id": bob}]


async def test_unregistered_device_gets_no_push(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await with_phone(harness, ada, "the phone")
    await harness.devices.unregister(bob, "the phone")
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    assert len(await harness.due(JobKind.PUSH)) == 1
    await harness.devices.unregister(ada, "the phone")
    await harness.work_off()
    assert pushed(harness) == []


async def test_user_without_device_gets_no_push_job(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    assert await harness.due(JobKind.PUSH) == []


async def test_only_the_newest_devices_are_kept(harness: ServiceHarness) -> None:
    ada = await harness.user()
    principal = await signed_in(harness, ada)
    for number in range(MAX_PER_USER + 2):
        await harness.devices.register(principal, f"phone {number}", Platform.ANDROID)
    tokens = {row["token"] for row in await harness.rows("SELECT token FROM devices")}
    assert tokens == {f"phone {number}" for number in range(2, MAX_PER_USER + 2)}


async def test_registering_again_keeps_the_device(harness: ServiceHarness) -> None:
    ada = await harness.user()
    first = await harness.devices.register(await signed_in(harness, ada), "phone", Platform.IOS)
    second = await signed_in(harness, ada)
    assert await harness.devices.register(second, "phone", Platform.IOS) == first
    assert await harness.value("SELECT session_id FROM devices") == second.session_id


async def test_gone_devices_are_deleted(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    for token in ("dead", "alive"):
        await with_phone(harness, ada, token)
    harness.push.outcomes["dead"] = PushOutcome.GONE
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    await harness.work_off()
    assert pushed(harness) == ["alive"]
    assert [row["token"] for row in await harness.rows("SELECT token FROM devices")] == ["alive"]


async def test_push_is_retried_for_failed_devices_only(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    for token in ("reached", "unavailable"):
        await with_phone(harness, ada, token)
    harness.push.outcomes["unavailable"] = PushOutcome.FAILED
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    claim = await harness.claim(JobKind.PUSH)
    with pytest.raises(PushFailed, match="1 of 2"):
        await harness.pushes.send(claim)
    await harness.jobs.fail(claim, "unavailable")
    harness.push.outcomes.clear()
    await harness.make_due()
    await harness.work_off(JobKind.PUSH)
    assert pushed(harness) == ["reached", "unavailable"]
    assert (await harness.job(claim.id))["state"] == "completed"


@pytest.mark.usefixtures("immediate_emails")
async def test_failed_email_is_retried_and_refused_one_is_not(
    harness: ServiceHarness,
) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    claim = await harness.claim(JobKind.EMAIL)
    harness.email.refuses = [EmailFailed("unavailable"), EmailRefused("never")]
    with pytest.raises(EmailFailed):
        await harness.notification_emails.send(claim)
    await harness.notification_emails.send(claim)
    assert (await harness.job(claim.id))["state"] == "completed"
    text = harness.metrics.render().decode()
    for outcome in ("retried", "refused"):
        assert f'deliveries_total{{channel="email",outcome="{outcome}"}} 1.0' in text


@pytest.mark.usefixtures("immediate_emails")
@pytest.mark.parametrize("gone", ["taken back", "read", "unwanted", "deleted"])
async def test_obsolete_notification_is_not_delivered(harness: ServiceHarness, gone: str) -> None:
    ada, bob = await harness.users(2)
    await with_phone(harness, ada, "phone")
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    await create_notifications(harness)
    match gone:
        case "taken back":
            await harness.likes.unlike(bob, post_id)
            await create_notifications(harness)
        case "read":
            await harness.notifications.mark_read_up_to(ada, None)
        case "unwanted":
            nothing = {Channel.PUSH: False, Channel.EMAIL: False}
            await harness.preferences.update(ada, {NotificationType.LIKE: nothing})
        case _:
            await harness.delete(post_id)
    assert len(await harness.due(JobKind.PUSH, JobKind.EMAIL)) == 2
    await harness.work_off()
    assert (harness.push.taken, harness.email.sent) == ([], [])
    assert await harness.due(JobKind.PUSH, JobKind.EMAIL) == []


@pytest.mark.usefixtures("immediate_emails")
async def test_repeated_like_is_delivered_once_per_channel(
    harness: ServiceHarness,
) -> None:
    ada, bob = await harness.users(2)
    await with_phone(harness, ada, "phone")
    post_id = await harness.post(ada)
    for _ in range(3):
        await harness.likes.like(bob, post_id)
        await create_notifications(harness)
        await harness.likes.unlike(bob, post_id)
        await create_notifications(harness)
    assert len(await harness.due(JobKind.PUSH)) == len(await harness.due(JobKind.EMAIL)) == 1
    await harness.work_off(JobKind.PUSH)
    assert harness.push.taken == []
    for _ in range(3):
        await harness.likes.like(bob, post_id)
        await create_notifications(harness)
        await harness.work_off()
        await harness.likes.unlike(bob, post_id)
        await create_notifications(harness)
    assert (len(harness.push.taken), len(harness.email.sent)) == (1, 1)


@pytest.mark.usefixtures("immediate_emails")
async def test_unread_likes_of_a_post_are_delivered_once(
    harness: ServiceHarness,
) -> None:
    ada, *fans = await harness.users(5)
    await with_phone(harness, ada, "phone")
    post_id = await harness.post(ada)
    for fan in fans[:3]:
        await harness.likes.like(fan, post_id)
        await create_notifications(harness)
    await harness.work_off()
    assert (len(harness.email.sent), len(harness.push.taken)) == (1, 1)
    await harness.notifications.mark_read_up_to(ada, None)
    await harness.likes.like(fans[3], post_id)
    await create_notifications(harness)
    await harness.work_off()
    assert len(harness.push.taken) == 2
    assert harness.push.taken[1][1].title.endswith("and 3 others liked your post")


@pytest.mark.usefixtures("immediate_emails")
async def test_grouped_like_is_delivered_for_a_retracted_one(
    harness: ServiceHarness,
) -> None:
    ada, bob, eve = await harness.users(3)
    await with_phone(harness, ada, "phone")
    post_id = await harness.post(ada)
    for fan in (bob, eve):
        await harness.likes.like(fan, post_id)
        await create_notifications(harness)
    await harness.likes.unlike(bob, post_id)
    await create_notifications(harness)
    for _ in range(2):
        await harness.work_off(JobKind.PUSH, JobKind.EMAIL)
    ((_, message),) = harness.push.taken
    assert message.data["actorId"] == str(eve)
    assert len(harness.email.sent) == 1
    assert await harness.due() == []


@pytest.mark.usefixtures("immediate_emails")
async def test_new_device_is_notified_of_the_next_like(harness: ServiceHarness) -> None:
    ada, bob, eve, joe = await harness.users(4)
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    await create_notifications(harness)
    await harness.work_off()
    assert (len(harness.email.sent), len(harness.push.taken)) == (1, 0)
    await with_phone(harness, ada, "a new phone")
    for fan in (eve, joe):
        await harness.likes.like(fan, post_id)
        await create_notifications(harness)
        await harness.work_off()
    assert (len(harness.email.sent), len(harness.push.taken)) == (1, 1)
    assert harness.push.taken[0][1].title.endswith("and 1 other liked your post")


@pytest.mark.usefixtures("immediate_emails")
async def test_likes_hidden_in_app_are_delivered_once_an_hour(
    harness: ServiceHarness,
) -> None:
    ada, *fans = await harness.users(6)
    await harness.preferences.update(ada, {NotificationType.LIKE: {Channel.IN_APP: False}})
    post_id = await harness.post(ada)
    for fan in fans[:4]:
        await harness.likes.like(fan, post_id)
        await create_notifications(harness)
    await harness.work_off()
    assert len(harness.email.sent) == 1
    await harness.database.execute("UPDATE notifications SET created_at_ms = created_at_ms - 3600000")
    await harness.likes.like(fans[4], post_id)
    await create_notifications(harness)
    await harness.work_off()
    assert len(harness.email.sent) == 2


@pytest.mark.usefixtures("immediate_emails")
async def test_email_counts_the_likes_at_sending_time(harness: ServiceHarness) -> None:
    ada, *fans = await harness.users(5)
    post_id = await harness.post(ada)
    for fan in fans:
        await harness.likes.like(fan, post_id)
        await create_notifications(harness)
    for fan in fans[1:3]:
        await harness.likes.unlike(fan, post_id)
        await create_notifications(harness)
    await harness.work_off()
    (email,) = harness.email.sent
    assert "and 1 other liked your post" in email.subject


async def test_idle_session_gets_no_pushes(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    principal = await with_phone(harness, ada, "phone")
    idle_ms = (TOKEN_RULES.refresh_idle_s + 1) * 1000
    await harness.database.execute(
        "UPDATE sessions SET last_used_at_ms = last_used_at_ms - ? WHERE id = ?",
        [idle_ms, principal.session_id],
    )
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    assert await harness.due(JobKind.PUSH) == []


async def test_devices_of_ended_sessions_are_deleted_first(harness: ServiceHarness) -> None:
    ada = await harness.user()
    await with_phone(harness, ada, "mine")
    for number in range(MAX_PER_USER):
        principal = await with_phone(harness, ada, f"phone {number}")
        await harness.sessions.end(ada, principal.session_id)
    await with_phone(harness, ada, "mine as well")
    assert {row["token"] for row in await harness.rows("SELECT token FROM devices")} == {
        "mine",
        "mine as well",
    }


@pytest.mark.usefixtures("immediate_emails")
async def test_emails_are_limited_per_recipient_and_per_actor(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    limits = EmailLimits(
        {EmailKind.NOTIFICATION: Limit("emails_to", 3, 3600)},
        {EmailKind.NOTIFICATION: Limit("emails_by", 2, 3600)},
    )
    harness.send_emails_through(harness.email, EmailBudget(RateLimits(harness.pipelined_redis), limits))
    for actor in (bob, bob, bob, eve, eve):
        await harness.likes.like(actor, await harness.post(ada))
    await create_notifications(harness)
    await harness.work_off()
    assert [email.subject.split()[0] for email in harness.email.sent] == ["user2", "user2", "user3"]
    assert 'channel="email",outcome="limited"} 2.0' in harness.metrics.render().decode()
    assert len(await harness.notifications.list_after(ada, 0, 10)) == 5


async def test_old_activity_is_listed_but_not_delivered(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await with_phone(harness, ada, "phone")
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    # The id of a row contains its time of creation.
    await harness.database.execute("UPDATE likes SET id = id - ?", [(MAX_AGE_MS + 1000) << 12])
    await create_notifications(harness)
    (notification,) = await harness.notifications.list_after(ada, 0, 10)
    assert harness.clock.now_ms() - notification.created_at_ms > MAX_AGE_MS
    assert await harness.due(JobKind.PUSH, JobKind.EMAIL) == []


@pytest.mark.usefixtures("immediate_emails")
async def test_both_are_tried_for_a_day_and_are_dead_emails_then(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    patient = harness.jobs_that_try_for(86_400_000)
    claim = await harness.claim(JobKind.EMAIL)
    assert await patient.fail(replace(claim, attempts=500), "unavailable") == "ready"
    await harness.make_due()
    again: Claim = await harness.claim(JobKind.EMAIL)
    old = replace(again, created_at_ms=again.created_at_ms - 86_400_000)
    assert await patient.fail(old, "still unavailable") == "dead"


async def test_device_is_deleted_with_its_session(harness: ServiceHarness) -> None:
    ada = await harness.user()
    principal = await with_phone(harness, ada, "phone")
    await harness.database.execute("DELETE FROM sessions WHERE id = ?", [principal.session_id])
    assert await harness.rows("SELECT id FROM devices") == []


async def test_concurrent_registration_leaves_one_owner(harness: ServiceHarness) -> None:
    people = await harness.users(8)
    principals = [await signed_in(harness, each) for each in people]
    results = await asyncio.gather(
        *(harness.devices.register(each, "phone", Platform.WEB) for each in principals),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Conflict) for result in results) == len(people) - 1
    (row,) = await harness.rows("SELECT user_id, session_id FROM devices")
    assert Principal(row["user_id"], SessionId(row["session_id"]), Role.USER) in principals


async def test_browser_subscribes_with_its_keys(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    principal = await signed_in(harness, ada)
    browser, other = Browser("https://push.test/1"), Browser("https://eu.push.test/2")
    first = await harness.devices.register(principal, browser.subscription, Platform.WEB)
    await harness.devices.register(principal, other.subscription, Platform.WEB)
    renewed = replace(browser.subscription, auth=other.auth)
    assert await harness.devices.register(principal, renewed, Platform.WEB) == first
    await harness.follows.follow(bob, ada)
    await create_notifications(harness)
    await harness.work_off()
    assert pushed(harness) == [browser.endpoint, other.endpoint]
    (row,) = await harness.rows("SELECT p256dh, auth FROM devices WHERE id = ?", first.id)
    assert row == {"p256dh": browser.p256dh, "auth": other.auth}
    harness.push.outcomes = {other.endpoint: PushOutcome.GONE}
    await harness.follows.follow(await harness.user("eve"), ada)
    await create_notifications(harness)
    await harness.work_off()
    assert await harness.rows("SELECT token FROM devices") == [{"token": browser.endpoint}]
    await harness.devices.unregister(ada, browser.endpoint)
    assert await harness.rows("SELECT token FROM devices") == []


async def test_subscription_needs_a_known_service_and_keys(harness: ServiceHarness) -> None:
    principal = await signed_in(harness, await harness.user("ada"))
    good = Browser("https://push.test/1").subscription
    for bad, field in (
        (replace(good, endpoint="https://intranet.example/1"), "subscription.endpoint"),
        (replace(good, endpoint="http://push.test/1"), "subscription.endpoint"),
        (replace(good, p256dh="A" * 87), "subscription.keys"),
        (replace(good, auth="AAAA"), "subscription.keys"),
    ):
        with pytest.raises(InvalidInput) as refused:
            await harness.devices.register(principal, bad, Platform.WEB)
        assert list(refused.value.fields) == [field]
    disabled = Devices(
        DeviceRepository(harness.database), harness.unit_of_work, harness.active_sessions, None
    )
    with pytest.raises(InvalidInput) as refused:
        await disabled.register(principal, good, Platform.WEB)
    assert refused.value.code == "web_push_disabled"


def test_without_a_client_links_lead_to_share_pages() -> None:
    pages = ActivityLinks("", ShareLinks("https://photos.test", enabled=True))
    assert pages.post(PostId(7)) == "https://photos.test/p/7"
    assert pages.profile(UserId(8), "ana") == "https://photos.test/@ana"
    client = ActivityLinks("https://pages.test/", ShareLinks("https://photos.test", enabled=True))
    assert client.post(PostId(7)) == "https://pages.test/posts/7"
    assert client.profile(UserId(8), "ana") == "https://pages.test/users/8"
