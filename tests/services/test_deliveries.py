"""Pushes and letters: to whom they go, what is in them, and what becomes of them when they are not taken."""

import asyncio
from dataclasses import replace

import pytest

from server.gateways.mail import MailFailed, MailRefused
from server.gateways.push_message import PushOutcome
from server.gateways.throttle import Limit, Throttle
from server.ids import SessionId, UserId
from server.services.deliveries.letters import Budget, NotificationLetters
from server.services.deliveries.notices import Notices
from server.services.deliveries.pushes import PushFailed
from server.services.devices import MOST_EACH
from server.services.jobs import Claim
from server.services.notifications.ledger import NEWS_MS
from server.services.reactions import JobKind
from server.services.records import Channel, NotificationType, Platform, Principal, Role
from tests.house import TOKEN_RULES, House


async def signed_in(house: House, user_id: UserId) -> Principal:
    """A device that somebody is signed in on."""
    tokens = await house.sessions.open(user_id, 0, "a phone", "127.0.0.1")
    return await house.principal(tokens.access_token)


async def with_a_phone(house: House, user_id: UserId, token: str) -> Principal:
    principal = await signed_in(house, user_id)
    await house.devices.register(principal, token, Platform.IOS)
    return principal


async def told(house: House) -> None:
    """Run the jobs that tell people of things, and leave those that deliver them."""
    await house.work_off(*(kind for kind in JobKind if kind not in {JobKind.PUSH, JobKind.MAIL}))


def pushed(house: House) -> list[str]:
    """Whose devices got something, in the order in which they did."""
    return [token for token, _ in house.push.taken]


async def test_a_comment_is_pushed_and_mailed_with_all_that_a_client_needs(house: House) -> None:
    ada, bob = await house.user("ada"), await house.user("bob")
    await with_a_phone(house, ada, "ada's phone")
    post_id = await house.post(ada)
    comment = await house.comments.add(bob, post_id, "Where was that?", None)
    await told(house)
    await house.work_off()
    ((token, message),) = house.push.taken
    (notification,) = await house.notifications.since(ada, 0, 10)
    assert token == "ada's phone"
    assert (message.title, message.body) == ("bob commented on your post", "Where was that?")
    assert message.data == {
        "notificationId": str(notification.id),
        "recipientId": str(ada),
        "type": "comment",
        "actorId": str(bob),
        "postId": str(post_id),
        "commentId": str(comment.id),
        "link": f"https://pages.test/posts/{post_id}",
    }
    (letter,) = house.mail.letters
    assert letter.to == "ada@example.com"
    assert letter.subject.startswith("bob commented on your post")
    assert letter.list_id == "comment.notifications.photos.test"
    assert letter.key == message.key == f"notification-{notification.id}"
    for shown in (
        "Where was that?",
        f"https://pages.test/posts/{post_id}",
        "/notifications/unsubscribe?token=",
    ):
        assert shown in letter.text
    text = house.metrics.render().decode()
    for channel in ("in_app", "push", "email", "live"):
        assert f'deliveries_total{{channel="{channel}",outcome="delivered"}} 1.0' in text


async def test_each_kind_has_words_of_its_own(house: House) -> None:
    ada, bob = await house.user("ada"), await house.user("bob")
    post_id = await house.post(ada)
    await house.likes.like(bob, post_id)
    await house.follows.follow(bob, ada)
    first = await house.comments.add(ada, post_id, "mine", None)
    await house.comments.add(bob, post_id, "an answer", first.id)
    other = await house.posts.publish(bob, "with @ada", [])
    await house.comments.add(bob, other.id, "do you see, @ada?", None)
    await told(house)
    await house.work_off()
    assert [letter.subject.rstrip(".") for letter in house.mail.letters] == [
        "bob liked your post",
        "bob started following you",
        "bob replied to your comment",
        "bob mentioned you in a post",
        "bob mentioned you in a comment",
    ]


async def test_a_push_goes_to_nobody_who_is_signed_out(house: House) -> None:
    ada, bob = await house.users(2)
    first = await with_a_phone(house, ada, "phone")
    await with_a_phone(house, ada, "tablet")
    await house.follows.follow(bob, ada)
    await told(house)
    await house.sessions.end(ada, first.session_id)
    await house.work_off()
    assert pushed(house) == ["tablet"]


async def test_a_device_that_changed_hands_gets_nothing_of_who_had_it(house: House) -> None:
    ada, bob, eve = await house.users(3)
    await with_a_phone(house, ada, "the phone")
    await house.follows.follow(eve, ada)
    await told(house)  # the push to ada is on its way, and she is signed in still
    await with_a_phone(house, bob, "the phone")
    await house.work_off()
    assert pushed(house) == []
    await house.follows.follow(eve, bob)
    await told(house)
    await house.work_off()
    ((_, message),) = house.push.taken
    assert message.data["recipientId"] == str(bob)


async def test_a_device_that_is_forgotten_gets_nothing(house: House) -> None:
    ada, bob = await house.users(2)
    await with_a_phone(house, ada, "the phone")
    await house.devices.forget(bob, "the phone")
    await house.follows.follow(bob, ada)
    await told(house)
    assert len(await house.due(JobKind.PUSH)) == 1
    await house.devices.forget(ada, "the phone")
    await house.work_off()
    assert pushed(house) == []


async def test_whoever_has_no_device_causes_no_push(house: House) -> None:
    ada, bob = await house.users(2)
    await house.follows.follow(bob, ada)
    await told(house)
    assert await house.due(JobKind.PUSH) == []


async def test_of_many_devices_the_newest_are_kept(house: House) -> None:
    ada = await house.user()
    principal = await signed_in(house, ada)
    for number in range(MOST_EACH + 2):
        await house.devices.register(principal, f"phone {number}", Platform.ANDROID)
    tokens = {row["token"] for row in await house.rows("SELECT token FROM devices")}
    assert tokens == {f"phone {number}" for number in range(2, MOST_EACH + 2)}


async def test_a_device_that_is_registered_again_is_the_same_one(house: House) -> None:
    ada = await house.user()
    first = await house.devices.register(await signed_in(house, ada), "phone", Platform.IOS)
    second = await signed_in(house, ada)
    assert await house.devices.register(second, "phone", Platform.IOS) == first
    assert await house.value("SELECT session_id FROM devices") == second.session_id


async def test_dead_devices_are_forgotten_and_the_others_keep_theirs(house: House) -> None:
    ada, bob = await house.users(2)
    for token in ("dead", "alive"):
        await with_a_phone(house, ada, token)
    house.push.outcomes["dead"] = PushOutcome.GONE
    await house.follows.follow(bob, ada)
    await told(house)
    await house.work_off()
    assert pushed(house) == ["alive"]
    assert [row["token"] for row in await house.rows("SELECT token FROM devices")] == ["alive"]


async def test_a_push_is_tried_again_only_where_it_did_not_arrive(house: House) -> None:
    ada, bob = await house.users(2)
    for token in ("reached", "away"):
        await with_a_phone(house, ada, token)
    house.push.outcomes["away"] = PushOutcome.FAILED
    await house.follows.follow(bob, ada)
    await told(house)
    claim = await house.claim(JobKind.PUSH)
    with pytest.raises(PushFailed, match="1 of 2"):
        await house.pushes.send(claim)
    await house.jobs.fail(claim, "away")
    house.push.outcomes.clear()
    await house.make_due()
    await house.work_off(JobKind.PUSH)
    assert pushed(house) == ["reached", "away"]
    assert (await house.job(claim.id))["state"] == "completed"


async def test_a_letter_that_is_not_taken_is_tried_again_and_one_that_is_refused_is_not(house: House) -> None:
    ada, bob = await house.users(2)
    await house.follows.follow(bob, ada)
    await told(house)
    claim = await house.claim(JobKind.MAIL)
    house.mail.refuses = [MailFailed("away"), MailRefused("never")]
    with pytest.raises(MailFailed):
        await house.letters.send(claim)
    await house.letters.send(claim)
    assert (await house.job(claim.id))["state"] == "completed"
    text = house.metrics.render().decode()
    for outcome in ("retried", "refused"):
        assert f'deliveries_total{{channel="email",outcome="{outcome}"}} 1.0' in text


@pytest.mark.parametrize("gone", ["taken back", "read", "unwanted", "deleted"])
async def test_what_is_no_longer_wanted_when_its_turn_comes_is_not_sent(house: House, gone: str) -> None:
    ada, bob = await house.users(2)
    await with_a_phone(house, ada, "phone")
    post_id = await house.post(ada)
    await house.likes.like(bob, post_id)
    await told(house)
    match gone:
        case "taken back":
            await house.likes.unlike(bob, post_id)
            await told(house)
        case "read":
            await house.notifications.read_up_to(ada, None)
        case "unwanted":
            nothing = {Channel.PUSH: False, Channel.EMAIL: False}
            await house.preferences.change(ada, {NotificationType.LIKE: nothing})
        case _:
            await house.delete(post_id)
    assert len(await house.due(JobKind.PUSH, JobKind.MAIL)) == 2
    await house.work_off()
    assert (house.push.taken, house.mail.letters) == ([], [])
    assert await house.due(JobKind.PUSH, JobKind.MAIL) == []


async def test_what_comes_back_is_sent_by_the_ways_that_it_was_taken_back_from_in_time(house: House) -> None:
    ada, bob = await house.users(2)
    await with_a_phone(house, ada, "phone")
    post_id = await house.post(ada)
    for _ in range(3):
        await house.likes.like(bob, post_id)
        await told(house)
        await house.likes.unlike(bob, post_id)
        await told(house)
    assert len(await house.due(JobKind.PUSH)) == len(await house.due(JobKind.MAIL)) == 1
    await house.work_off(JobKind.PUSH)
    assert house.push.taken == []
    for _ in range(3):
        await house.likes.like(bob, post_id)
        await told(house)
        await house.work_off()
        await house.likes.unlike(bob, post_id)
        await told(house)
    assert (len(house.push.taken), len(house.mail.letters)) == (1, 1)


async def test_many_likes_that_nobody_has_read_of_yet_are_one_letter_and_one_push(house: House) -> None:
    ada, *fans = await house.users(5)
    await with_a_phone(house, ada, "phone")
    post_id = await house.post(ada)
    for fan in fans[:3]:
        await house.likes.like(fan, post_id)
        await told(house)
    await house.work_off()
    assert (len(house.mail.letters), len(house.push.taken)) == (1, 1)
    await house.notifications.read_up_to(ada, None)
    await house.likes.like(fans[3], post_id)
    await told(house)
    await house.work_off()
    assert len(house.push.taken) == 2
    assert house.push.taken[1][1].title.endswith("and 3 others liked your post")


async def test_a_like_beside_one_that_is_taken_back_before_it_is_sent_is_sent_instead(house: House) -> None:
    ada, bob, eve = await house.users(3)
    await with_a_phone(house, ada, "phone")
    post_id = await house.post(ada)
    for fan in (bob, eve):
        await house.likes.like(fan, post_id)
        await told(house)
    await house.likes.unlike(bob, post_id)
    await told(house)
    for _ in range(2):
        await house.work_off(JobKind.PUSH, JobKind.MAIL)
    ((_, message),) = house.push.taken
    assert message.data["actorId"] == str(eve)
    assert len(house.mail.letters) == 1
    assert await house.due() == []


async def test_a_way_that_was_not_told_of_the_others_is_told_of_the_next(house: House) -> None:
    ada, bob, eve, joe = await house.users(4)
    post_id = await house.post(ada)
    await house.likes.like(bob, post_id)
    await told(house)
    await house.work_off()
    assert (len(house.mail.letters), len(house.push.taken)) == (1, 0)
    await with_a_phone(house, ada, "a new phone")
    for fan in (eve, joe):
        await house.likes.like(fan, post_id)
        await told(house)
        await house.work_off()
    assert (len(house.mail.letters), len(house.push.taken)) == (1, 1)
    assert house.push.taken[0][1].title.endswith("and 1 other liked your post")


async def test_who_sees_none_of_it_in_the_app_hears_of_likes_of_a_post_once_an_hour(house: House) -> None:
    ada, *fans = await house.users(6)
    await house.preferences.change(ada, {NotificationType.LIKE: {Channel.IN_APP: False}})
    post_id = await house.post(ada)
    for fan in fans[:4]:
        await house.likes.like(fan, post_id)
        await told(house)
    await house.work_off()
    assert len(house.mail.letters) == 1
    await house.database.execute("UPDATE notifications SET created_at_ms = created_at_ms - 3600000")
    await house.likes.like(fans[4], post_id)
    await told(house)
    await house.work_off()
    assert len(house.mail.letters) == 2


async def test_a_letter_counts_those_who_are_there_when_it_is_written(house: House) -> None:
    ada, *fans = await house.users(5)
    post_id = await house.post(ada)
    for fan in fans:
        await house.likes.like(fan, post_id)
        await told(house)
    for fan in fans[1:3]:
        await house.likes.unlike(fan, post_id)
        await told(house)
    await house.work_off()
    (letter,) = house.mail.letters
    assert "and 1 other liked your post" in letter.subject


async def test_a_session_that_was_left_alone_gets_no_pushes(house: House) -> None:
    ada, bob = await house.users(2)
    principal = await with_a_phone(house, ada, "phone")
    idle_ms = (TOKEN_RULES.refresh_idle_s + 1) * 1000
    await house.database.execute(
        "UPDATE sessions SET last_used_at_ms = last_used_at_ms - ? WHERE id = ?",
        [idle_ms, principal.session_id],
    )
    await house.follows.follow(bob, ada)
    await told(house)
    assert await house.due(JobKind.PUSH) == []


async def test_devices_of_sessions_that_ended_give_way_to_others(house: House) -> None:
    ada = await house.user()
    await with_a_phone(house, ada, "mine")
    for number in range(MOST_EACH):
        principal = await with_a_phone(house, ada, f"phone {number}")
        await house.sessions.end(ada, principal.session_id)
    await with_a_phone(house, ada, "mine as well")
    assert {row["token"] for row in await house.rows("SELECT token FROM devices")} == {"mine", "mine as well"}


async def test_letters_to_one_person_and_because_of_one_are_bounded(house: House) -> None:
    ada, bob, eve = await house.users(3)
    throttle = Throttle(house.wire)
    house.letters = NotificationLetters(
        house.jobs,
        Notices(house.database, house.unit_of_work, house.visibility),
        house.mail,
        house.links,
        "https://pages.test",
        Budget(throttle, Limit("letters_to", 3, 3600), Limit("letters_by", 2, 3600)),
        house.metrics,
    )
    for actor in (bob, bob, bob, eve, eve):
        await house.likes.like(actor, await house.post(ada))
    await told(house)
    await house.work_off()
    assert [letter.subject.split()[0] for letter in house.mail.letters] == ["user2", "user2", "user3"]
    assert 'channel="email",outcome="limited"} 2.0' in house.metrics.render().decode()
    assert len(await house.notifications.since(ada, 0, 10)) == 5


async def test_what_is_long_past_is_listed_and_no_more(house: House) -> None:
    ada, bob = await house.users(2)
    await with_a_phone(house, ada, "phone")
    post_id = await house.post(ada)
    await house.likes.like(bob, post_id)
    # The id of a row tells when it was made: see seeds, where history is written.
    await house.database.execute("UPDATE likes SET id = id - ?", [(NEWS_MS + 1000) << 12])
    await told(house)
    (notification,) = await house.notifications.since(ada, 0, 10)
    assert house.clock.now_ms() - notification.created_at_ms > NEWS_MS
    assert await house.due(JobKind.PUSH, JobKind.MAIL) == []


async def test_both_are_tried_for_a_day_and_are_dead_letters_then(house: House) -> None:
    ada, bob = await house.users(2)
    await house.follows.follow(bob, ada)
    await told(house)
    patient = house.jobs_that_try_for(86_400_000)
    claim = await house.claim(JobKind.MAIL)
    assert await patient.fail(replace(claim, attempts=500), "away") == "ready"
    await house.make_due()
    again: Claim = await house.claim(JobKind.MAIL)
    old = replace(again, created_at_ms=again.created_at_ms - 86_400_000)
    assert await patient.fail(old, "still away") == "dead"


async def test_a_registration_ends_with_its_session(house: House) -> None:
    ada = await house.user()
    principal = await with_a_phone(house, ada, "phone")
    await house.database.execute("DELETE FROM sessions WHERE id = ?", [principal.session_id])
    assert await house.rows("SELECT id FROM devices") == []


async def test_a_token_that_two_register_at_once_is_of_one_of_them(house: House) -> None:
    people = await house.users(8)
    principals = [await signed_in(house, each) for each in people]
    await asyncio.gather(*(house.devices.register(each, "phone", Platform.WEB) for each in principals))
    (row,) = await house.rows("SELECT user_id, session_id FROM devices")
    assert Principal(row["user_id"], SessionId(row["session_id"]), Role.USER) in principals
