"""Notifications in the app, live, by push and by e-mail, and their preferences."""

import asyncio
from collections.abc import Awaitable, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from aiohttp import ClientSession, ClientTimeout

from server.gateways.push.web_push.encryption import decode
from tests.e2e.conftest import NewProgram, Register
from tests.support.accounts import verify_addresses
from tests.support.fakes.push_service import Browser
from tests.support.inputs import photos
from tests.support.program import Person, Program, config_file
from tests.support.sse_reader import Reader
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

CHANNELS = ("push", "email", "inApp")
TYPES = (
    "comment",
    "like",
    "follow",
    "mention",
    "reply",
    "follow_request",
    "follow_accepted",
    "tag",
    "comment_like",
)


def emails_to(stack: Stack, to: Person) -> list[EmailMessage]:
    """Return the e-mails about notifications to a user, oldest first."""
    files = sorted((stack.var_dir / "outbox").glob("*.eml"), key=lambda file: file.stat().st_mtime_ns)
    found = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    return [
        each
        for each in found
        if isinstance(each, EmailMessage) and to.username in str(each["To"]) and each["List-Id"]
    ]


def pushes(stack: Stack) -> list[dict[str, Any]]:
    return [orjson.loads(file.read_bytes()) for file in (stack.var_dir / "outbox").glob("*.push.json")]


def at_least(count: int, found: Callable[[], list[Any]]) -> Callable[[], Awaitable[list[Any]]]:
    async def look() -> list[Any]:
        return found() if len(found()) >= count else []

    return look


async def notified(person: Person, count: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]]:
        items = await person.notifications()
        return items if len(items) >= count else []

    return await wait_until(look)


async def unread(person: Person) -> int:
    return (await person.request("GET", "/notifications/unread-count"))["count"]


async def test_likes_of_a_post_are_one_notification(program: Program, register: Register) -> None:
    ana, *fans = await register(program, "ana", "ben", "cleo", "dora")
    post = await ana.publish(photos.small())
    for fan in fans:
        await fan.like(post["id"])
    await fans[0].comment(post["id"], "Where was that, @dora?")
    await fans[1].follow(ana)

    async def all_told() -> bool:
        items = await ana.notifications()
        return len(items) == 3 and any(each["othersCount"] == 2 for each in items)

    await wait_until(all_told)
    assert await unread(ana) == 3
    (likes,) = await ana.list_all("/notifications?types=like")
    assert likes["othersCount"] == 2
    picture = post["images"][0]
    assert likes["post"] == {
        "id": post["id"],
        "thumbnailUrl": picture["thumbnail"]["url"],
        "blurhash": picture["blurhash"],
    }
    for query in ("types=follow,comment", "types=follow&types=comment", "types=follow%2Ccomment"):
        items = await ana.request("GET", f"/notifications?{query}")
        assert {each["type"] for each in items["items"]} == {"follow", "comment"}, query
    assert await ana.request("POST", "/notifications/read", json={"ids": [likes["id"]]}) == {"count": 2}
    assert {each["type"] for each in await ana.list_all("/notifications?unread=true")} == {
        "follow",
        "comment",
    }
    assert await ana.request("POST", "/notifications/read", json={"all": True}) == {"count": 0}
    (mention,) = await notified(fans[2], 1)
    assert (mention["type"], mention["read"]) == ("mention", False)
    assert await fans[2].request("POST", "/notifications/read", json={"upTo": mention["id"]}) == {"count": 0}
    for body in ({}, {"all": False}, {"all": True, "upTo": mention["id"]}, {"ids": []}, {"ids": ["x"]}):
        assert (await ana.call("POST", "/notifications/read", json=body)).status == 422, body
    assert (await ana.call("POST", "/notifications/read", json={"upTo": mention["id"]})).status == 422
    for query in (
        "types=likes",
        "types=",
        "types=like%0A",
        "unread=yes",
        "types=like,,follow",
        "limit=1&limit=2",
    ):
        assert (await ana.call("GET", f"/notifications?{query}")).status == 422, query


async def test_activity_arrives_on_every_wanted_channel(
    program: Program, register: Register, stack: Stack
) -> None:
    ana, ben = await register(program, "ana", "ben")
    await verify_addresses(stack)
    await ana.choose_immediate_emails()
    await ana.request("POST", "/devices", json={"token": "phone-of-ana", "platform": "android"})
    post = await ana.publish(photos.small())
    async with ana.stream() as heard:
        await ben.comment(post["id"], "Where was that?")
        live = await heard.event()
    assert live.event == "comment"
    shown = orjson.loads(live.data)
    assert (shown["actor"]["username"], shown["comment"]["content"]) == ("ben", "Where was that?")
    assert shown["post"]["thumbnailUrl"] == post["images"][0]["thumbnail"]["url"]
    (email,) = await wait_until(at_least(1, lambda: emails_to(stack, ana)))
    (push,) = await wait_until(at_least(1, lambda: pushes(stack)))
    assert "ben commented on your post" in email["Subject"]
    assert "Where was that?" in email.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "phone-of-ana" in str(push)
    assert post["id"] in str(push)

    nothing = dict.fromkeys(CHANNELS, False)
    wanted = await ana.request("PUT", "/notifications/preferences", json={"comment": nothing})
    assert wanted == {
        "emailFrequency": "immediately",
        **{each: nothing if each == "comment" else dict.fromkeys(CHANNELS, True) for each in TYPES},
    }
    assert await ana.request("GET", "/notifications/preferences") == wanted
    await ben.comment(post["id"], "Never mind.")
    await ben.like(post["id"])
    assert len(await notified(ana, 2)) == 2
    await wait_until(at_least(2, lambda: emails_to(stack, ana)))
    await wait_until(at_least(2, lambda: pushes(stack)))
    assert [each["type"] for each in await ana.notifications()] == ["like", "comment"]
    assert "liked" in emails_to(stack, ana)[1]["Subject"]


async def test_browser_subscribes_with_the_key_of_the_server(
    program: Program, register: Register, stack: Stack
) -> None:
    ana, ben = await register(program, "ana", "ben")
    config = await ana.request("GET", "/config")
    assert len(decode(config["push"]["vapidPublicKey"])) == 65
    browser = Browser("https://fcm.googleapis.com/fcm/send/abc")
    subscription = browser.as_json()
    keys = subscription["keys"]
    body = {"platform": "web", "subscription": subscription}
    assert (await ana.request("POST", "/devices", json=body))["platform"] == "web"
    await ben.follow(ana)
    (push,) = await wait_until(at_least(1, lambda: pushes(stack)))
    assert (push["token"], push["title"]) == (browser.endpoint, "ben started following you")
    for refused in (
        {**body, "platform": "ios"},
        {**body, "token": "a token"},
        {"platform": "web"},
        {**body, "subscription": {**subscription, "endpoint": "https://169.254.169.254/latest"}},
        {**body, "subscription": {**subscription, "keys": {**keys, "auth": "short"}}},
        {**body, "subscription": {"endpoint": browser.endpoint}},
    ):
        assert (await ana.call("POST", "/devices", json=refused)).status == 422, refused
    assert (await ana.call("DELETE", "/devices", json={"token": browser.endpoint})).status == 204


async def test_other_devices_learn_of_new_posts_and_of_reading(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    phone = await ana.on_another_device()
    await ana.follow(ben)
    await notified(ben, 1)
    async with ana.stream() as first, phone.stream() as second, ben.stream() as own:
        post = await ben.publish(photos.small())
        for heard in (first, second):
            event = await heard.event()
            assert (event.id, event.event, event.data) == ("", "feed", f'{{"postId":"{post["id"]}"}}')
        assert (await ana.feed())[0]["id"] == post["id"]
        await ben.follow(ana)
        for heard in (first, second):
            assert (await heard.event()).id == "1"
        assert await phone.request("POST", "/notifications/read", json={"all": True}) == {"count": 0}
        for heard in (first, second):
            event = await heard.event()
            assert (event.id, event.event, event.data) == ("", "read", '{"count":0}')
        assert await phone.request("POST", "/notifications/read", json={"all": True}) == {"count": 0}
        await ben.comment(post["id"], "At last, @ana")
        assert [(await heard.event()).event for heard in (first, second)] == ["mention", "mention"]
        await ana.like(post["id"])
        assert (await own.event()).event == "like"  # and no post of one's own


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"likes": {"email": False}},
        {"like": {}},
        {"like": {"email": "no"}},
        {"like": {"sms": True}},
        {"like": None},
        {"like": False},
        {"emailFrequency": "weekly"},
        {"emailFrequency": None},
        {"emailFrequency": True},
    ],
)
@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_invalid_preferences_are_refused(
    program: Program, register: Register, body: dict[str, Any]
) -> None:
    (ana,) = await register(program, "ana")
    assert (await ana.call("PUT", "/notifications/preferences", json=body)).status == 422


async def test_unsubscribe_link_stops_the_emails(program: Program, register: Register, stack: Stack) -> None:
    ana, ben, cleo = await register(program, "ana", "ben", "cleo")
    await verify_addresses(stack)
    await ana.choose_immediate_emails()
    await ben.follow(ana)
    (email,) = await wait_until(at_least(1, lambda: emails_to(stack, ana)))
    assert email["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = email["List-Unsubscribe"].strip("<>")
    assert link in email.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    path = f"{urlsplit(link).path}?{urlsplit(link).query}"
    anybody = Person(program, ana.session, username="")

    page = await anybody.call("GET", path)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert b"<form" in page.content
    assert (await ana.request("GET", "/notifications/preferences"))["follow"]["email"] is True

    body = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):
        done = await anybody.call("POST", path, data=body)
        assert done.status == 200
    assert (await ana.request("GET", "/notifications/preferences"))["follow"] == {
        "push": True,
        "email": False,
        "inApp": True,
    }
    await cleo.follow(ana)
    assert len(await notified(ana, 2)) == 2
    post = await ana.publish(photos.small())
    await cleo.like(post["id"])
    await wait_until(at_least(2, lambda: emails_to(stack, ana)))
    assert "liked" in emails_to(stack, ana)[-1]["Subject"]
    assert (await anybody.call("GET", f"{path}&utm_source=email")).status == 200
    for made_up in (path[:-1], "/notifications/unsubscribe?token=%00", "/notifications/unsubscribe"):
        for method in ("GET", "POST"):
            broken = await anybody.call(method, made_up)
            assert (broken.status, broken.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
            assert b"invalid or incomplete" in broken.content


@pytest.mark.usefixtures("migrated_stack")
async def test_notifications_are_summed_up_once_a_day(
    new_program: NewProgram, register: Register, stack: Stack
) -> None:
    config = config_file(stack.var_dir, {"digests_every_s = 60.0": "digests_every_s = 0.2"})
    program = await new_program("--port=0", config=config).start()
    ana, ben = await register(program, "ana", "ben")
    await verify_addresses(stack)
    assert (await ana.request("GET", "/notifications/preferences"))["emailFrequency"] == "daily"
    post = await ana.publish(photos.small())
    await ben.like(post["id"])
    await notified(ana, 1)
    await ben.comment(post["id"], "Where was that?")
    await notified(ana, 2)
    assert emails_to(stack, ana) == []
    # What waits is sent at once to a user who does not want to wait any more.
    await ana.choose_immediate_emails()
    (email,) = await wait_until(at_least(1, lambda: emails_to(stack, ana)), 30)
    assert email["Subject"] == "1 comment and 1 like"
    assert f"/p/{post['id']}" in email.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    link = email["List-Unsubscribe"].strip("<>")
    path = f"{urlsplit(link).path}?{urlsplit(link).query}"
    page = await ana.call("POST", path, data={"List-Unsubscribe": "One-Click"})
    assert (page.status, b"your notifications" in page.content) == (200, True)
    wanted = await ana.request("GET", "/notifications/preferences")
    assert wanted["emailFrequency"] == "never"
    assert await ana.request("PUT", "/notifications/preferences", json={"emailFrequency": "never"}) == wanted


async def test_browser_opens_the_stream_with_a_ticket(
    program: Program, register: Register, session: ClientSession
) -> None:
    ana, ben = await register(program, "ana", "ben")
    ticket = (await ana.request("POST", "/notifications/stream-ticket"))["ticket"]
    url = f"{program.url}/notifications/stream?ticket={ticket}"
    async with session.get(url, timeout=ClientTimeout(total=None)) as response:
        assert response.status == 200
        heard = Reader(response)
        await heard.block()
        await ben.follow(ana)
        assert (await heard.event()).event == "follow"
        async with session.get(url) as again:
            assert again.status == 401
    await ben.like((await ana.publish(photos.small()))["id"])
    await notified(ana, 2)
    ticket = (await ana.request("POST", "/notifications/stream-ticket"))["ticket"]
    url = f"{program.url}/notifications/stream?ticket={ticket}&lastEventId=1"
    async with session.get(url, timeout=ClientTimeout(total=None)) as response:
        assert (await Reader(response).event()).event == "like"
    assert ticket not in program.out
    for path in ("/notifications", "/feed"):
        fresh = (await ana.request("POST", "/notifications/stream-ticket"))["ticket"]
        async with session.get(f"{program.url}{path}?ticket={fresh}") as response:
            assert response.status == 401, path
    async with session.get(f"{program.url}/notifications/stream?ticket={ana.token}") as response:
        assert response.status == 401


async def test_device_of_a_new_user_gets_no_old_pushes(
    program: Program, register: Register, stack: Stack
) -> None:
    ana, ben, cleo = await register(program, "ana", "ben", "cleo")
    await verify_addresses(stack)
    await ana.choose_immediate_emails()
    phone = {"token": "the-phone", "platform": "ios"}
    first = await ana.request("POST", "/devices", json=phone)
    assert set(first) == {"id", "platform", "createdAt"}
    assert await ana.request("POST", "/devices", json=phone) == first
    refused = await ben.call("POST", "/devices", json=phone)
    assert (refused.status, refused.json["code"]) == (409, "device_in_use")
    assert (await ana.call("DELETE", "/devices", json=phone)).status == 204
    assert await ben.request("POST", "/devices", json=phone) != first
    await cleo.follow(ana)
    await cleo.follow(ben)
    (push,) = await wait_until(at_least(1, lambda: pushes(stack)))
    assert ben.id in str(push)
    await wait_until(at_least(1, lambda: emails_to(stack, ana)))
    assert len(pushes(stack)) == 1
    assert (await ana.call("DELETE", "/devices", json={"token": "the-phone"})).status == 204
    await cleo.comment((await ben.publish(photos.small()))["id"], "Yours now?")
    await wait_until(at_least(2, lambda: pushes(stack)))
    assert (await ben.call("DELETE", "/devices", json=phone)).status == 204


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": "phone"},
        {"token": "", "platform": "ios"},
        {"token": "a phone", "platform": "ios"},
        {"token": "phone\n", "platform": "ios"},
        {"token": "x" * 2049, "platform": "ios"},
        {"token": "phone", "platform": "symbian"},
        {"token": 7, "platform": "ios"},
        {"token": "phone", "platform": "ios", "userId": "1"},
    ],
)
@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_invalid_device_is_refused(program: Program, register: Register, body: dict[str, Any]) -> None:
    (ana,) = await register(program, "ana")
    assert (await ana.call("POST", "/devices", json=body)).status == 422


async def test_64_likes_and_unlikes_notify_once(program: Program, register: Register, stack: Stack) -> None:
    ana, ben = await register(program, "ana", "ben")
    await verify_addresses(stack)
    await ana.choose_immediate_emails()
    await ana.request("POST", "/devices", json={"token": "phone", "platform": "ios"})
    post = await ana.publish(photos.small())
    async with ana.stream() as heard:
        # Within the write limit of 60 per minute.
        await asyncio.gather(
            *(
                ben.call("POST" if number % 2 else "DELETE", f"/posts/{post['id']}/likes")
                for number in range(58)
            )
        )
        await ben.like(post["id"])
        assert (await heard.event()).event == "like"
        await ben.comment(post["id"], "done")
        assert (await heard.event()).event == "comment"
    await wait_until(at_least(2, lambda: emails_to(stack, ana)))
    await wait_until(at_least(2, lambda: pushes(stack)))
    assert [(each["type"], each["othersCount"]) for each in await ana.notifications()] == [
        ("comment", 0),
        ("like", 0),
    ]
    assert (len(emails_to(stack, ana)), len(pushes(stack)), await unread(ana)) == (2, 2, 2)


async def test_own_activity_does_not_notify(program: Program, register: Register, stack: Stack) -> None:
    ana, ben = await register(program, "ana", "ben")
    await verify_addresses(stack)
    await ana.choose_immediate_emails()
    await ana.request("POST", "/devices", json={"token": "phone", "platform": "ios"})
    post = await ana.publish(photos.small(), caption="me, @ana")
    await ana.like(post["id"])
    await ana.comment(post["id"], "@ana again")
    await ben.like(post["id"])
    assert [each["actor"]["username"] for each in await notified(ana, 1)] == ["ben"]
    await wait_until(at_least(1, lambda: emails_to(stack, ana)))
    await wait_until(at_least(1, lambda: pushes(stack)))
    assert (len(emails_to(stack, ana)), len(pushes(stack)), emails_to(stack, ben)) == (1, 1, [])
