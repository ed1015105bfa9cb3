"""Silent pushes after notifications were read: to other devices that show a badge, a few seconds later, once."""

import pytest

from server.gateways.push.message import PushOutcome
from server.ids import SessionId, UserId
from server.services.jobs.event_jobs import JobKind
from server.services.notifications.delivery.pushes import PushFailed
from server.services.records import PREFERENCE_TYPES, Channel, Platform
from tools.harness.services import ServiceHarness


async def with_device(
    harness: ServiceHarness, user_id: UserId, token: str, platform: Platform = Platform.IOS
) -> SessionId:
    tokens = await harness.sessions.create(user_id, 0, token, "127.0.0.1")
    principal = await harness.principal(tokens.access_token)
    await harness.devices.register(principal, token, platform)
    return principal.session_id


async def followed(harness: ServiceHarness, user_id: UserId, count: int = 1) -> None:
    """Have new users follow the user, and deliver the pushes about it."""
    for fan in await harness.users(count):
        await harness.follows.follow(fan, user_id)
    await harness.work_off()
    await harness.work_off()


async def silent_pushes(harness: ServiceHarness) -> list[tuple[str, int | None]]:
    """Run the jobs that are due in a few seconds; return the tokens and badges of the silent pushes since then."""
    before = len(harness.push.taken)
    await harness.make_due()
    await harness.work_off(JobKind.PUSH_BADGE)
    taken = harness.push.taken[before:]
    assert all(message.silent and not message.title for _, message in taken)
    return [(token, message.badge) for token, message in taken]


async def test_other_devices_with_a_badge_get_the_count(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    phone = await with_device(harness, ada, "phone")
    await with_device(harness, ada, "tablet", Platform.ANDROID)
    await with_device(harness, ada, "browser", Platform.WEB)
    await with_device(harness, bob, "bob's phone")
    await followed(harness, ada, 3)
    await with_device(harness, ada, "new phone")  # which has shown nothing yet
    first, *_ = await harness.notifications.list_after(ada, 0, 10)
    await harness.notifications.mark_read(ada, [first.id], phone)
    assert await harness.due(JobKind.PUSH_BADGE) == []
    assert await silent_pushes(harness) == [("tablet", 2)]
    assert harness.push.taken[-1][1].data == {"type": "read", "recipientId": str(ada), "unread": "2"}
    await harness.notifications.mark_read_up_to(ada, None, phone)
    assert await silent_pushes(harness) == [("tablet", 0)]


async def test_reading_one_after_another_is_one_push(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    phone = await with_device(harness, ada, "phone")
    await with_device(harness, ada, "tablet")
    await followed(harness, ada, 4)
    for notification in await harness.notifications.list_after(ada, 0, 10):
        await harness.notifications.mark_read(ada, [notification.id], phone)
    assert len(await harness.rows("SELECT id FROM jobs WHERE kind = ?", JobKind.PUSH_BADGE)) == 1
    assert await silent_pushes(harness) == [("tablet", 0)]
    await harness.notifications.mark_read_up_to(ada, None, phone)
    assert await silent_pushes(harness) == []
    await followed(harness, ada)
    await harness.notifications.mark_read_up_to(ada, None, phone)
    assert await silent_pushes(harness) == [("tablet", 0)]


async def test_user_without_pushes_gets_no_silent_ones(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    phone = await with_device(harness, ada, "phone")
    await with_device(harness, ada, "tablet")
    await followed(harness, ada)
    *most, last = PREFERENCE_TYPES
    await harness.preferences.update(ada, {type_: {Channel.PUSH: False} for type_ in most})
    await harness.notifications.mark_read_up_to(ada, None, phone)
    assert await silent_pushes(harness) == [("tablet", 0)]
    await followed(harness, ada)
    await harness.database.execute("UPDATE devices SET badge = 1", [])
    await harness.preferences.update(ada, {last: {Channel.PUSH: False}})
    await harness.notifications.mark_read_up_to(ada, None, phone)
    assert await silent_pushes(harness) == []


async def test_device_that_was_not_reached_is_tried_again(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    phone = await with_device(harness, ada, "phone")
    for name in ("tablet", "watch", "old tablet"):
        await with_device(harness, ada, name)
    await followed(harness, ada)
    await harness.notifications.mark_read_up_to(ada, None, phone)
    harness.push.outcomes = {"watch": PushOutcome.FAILED, "old tablet": PushOutcome.GONE}
    await harness.make_due()
    claim = await harness.claim(JobKind.PUSH_BADGE)
    with pytest.raises(PushFailed):
        await harness.badge_pushes.send(claim)
    assert [token for token, message in harness.push.taken if message.silent] == ["tablet"]
    harness.push.outcomes.clear()
    await harness.badge_pushes.send(claim)
    assert [token for token, message in harness.push.taken if message.silent] == ["tablet", "watch"]
    assert {each["token"] for each in await harness.rows("SELECT token FROM devices")} == {
        "phone",
        "tablet",
        "watch",
    }
