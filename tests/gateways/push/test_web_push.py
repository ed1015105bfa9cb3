"""Web Push through a local push service that verifies the sender, and browsers that decrypt."""

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from server.gateways.push.device_sender import DeviceSender, EndpointSender
from server.gateways.push.message import PushMessage, PushOutcome
from server.gateways.push.senders import OutboxPushSender
from server.gateways.push.web_push.push_hosts import PushHosts
from server.gateways.push.web_push.vapid import Vapid, derive_key
from server.gateways.push.web_push.web_push_sender import MAX_PAYLOAD_BYTES, WebPushSender, compose_payload
from tests.support.fakes.push_service import PushService

SENT, GONE, REFUSED, FAILED = (
    PushOutcome.SENT,
    PushOutcome.GONE,
    PushOutcome.REFUSED,
    PushOutcome.FAILED,
)
MESSAGE = PushMessage("notification-1", "ben liked your post", "", {"postId": "7"}, group="likes-7", badge=3)
OpenSender = Callable[..., WebPushSender]


@pytest.fixture
async def started(tmp_path: Path) -> AsyncIterator[tuple[PushService, Path]]:
    service, authority = await PushService.start(tmp_path)
    yield service, authority
    await service.close()


@pytest.fixture
def service(started: tuple[PushService, Path]) -> PushService:
    return started[0]


@pytest.fixture
async def open_sender(started: tuple[PushService, Path]) -> AsyncIterator[OpenSender]:
    service, authority = started
    opened: list[WebPushSender] = []

    def open_(*hosts: str, timeout_s: float = 10.0) -> WebPushSender:
        tls = ssl.create_default_context(cafile=str(authority))
        vapid = Vapid(derive_key("a secret"), "mailto:push@photos.example")
        opened.append(WebPushSender(vapid, PushHosts(hosts or (service.host,)), timeout_s, tls))
        return opened[-1]

    yield open_
    for sender in opened:
        await sender.close()


async def test_browser_gets_what_the_message_says(service: PushService, open_sender: OpenSender) -> None:
    browsers = [service.browser(name) for name in ("ana", "ben")]
    sender = open_sender()
    assert await sender.send(MESSAGE, [each.subscription for each in browsers]) == [SENT, SENT]
    assert await sender.send(MESSAGE, []) == []
    for browser, received in zip(browsers, sorted(service.received, key=lambda each: each.path), strict=True):
        assert orjson.loads(browser.decrypt(received.body)) == {
            "title": "ben liked your post", "body": "", "tag": "likes-7", "badge": 3, "data": {"postId": "7"},
        }  # fmt: skip
        assert received.headers["Urgency"] == "normal"
    first, second = service.received
    assert first.headers["Topic"] == second.headers["Topic"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, SENT),
        (201, SENT),
        (202, SENT),
        (404, GONE),
        (410, GONE),
        (400, REFUSED),
        (403, REFUSED),
        (413, REFUSED),
        (301, REFUSED),
        (307, REFUSED),
        (429, FAILED),
        (500, FAILED),
        (503, FAILED),
    ],
)
async def test_status_decides_the_outcome(
    service: PushService, open_sender: OpenSender, status: int, outcome: PushOutcome
) -> None:
    service.statuses["troubled"] = status
    service.headers["Location"] = f"https://{service.host}/wpush/elsewhere"
    sender = open_sender()
    both = [service.browser(name).subscription for name in ("troubled", "other")]
    assert await sender.send(MESSAGE, both) == [outcome, SENT]
    assert sorted(service.requests) == ["other", "troubled"]


@pytest.mark.parametrize("after", ["120", "Wed, 21 Oct 2065 07:28:00 GMT"])
async def test_retry_after_pauses_the_service(
    service: PushService, open_sender: OpenSender, after: str
) -> None:
    sender, browser = open_sender(), service.browser("ana").subscription
    service.statuses["ana"], service.headers["Retry-After"] = 429, after
    assert await sender.send(MESSAGE, [browser]) == [FAILED]
    service.statuses.clear()
    assert await sender.send(MESSAGE, [browser]) == [FAILED]
    assert service.requests == ["ana"]


async def test_failing_service_gets_one_request_per_pause(
    service: PushService, open_sender: OpenSender
) -> None:
    sender = open_sender(service.host, "127.0.0.1:9")
    browsers = [service.browser(f"{number}").subscription for number in range(20)]
    unreachable = [replace(each, endpoint=f"https://127.0.0.1:9/{each.endpoint[-1]}") for each in browsers]
    for number in range(20):
        assert await sender.send(MESSAGE, [unreachable[number], browsers[number]]) == [FAILED, SENT]
    await service.close()
    for _ in range(3):
        assert await sender.send(MESSAGE, browsers[:1]) == [FAILED]
    await service.open()

    requests = len(service.requests)
    assert await sender.send(MESSAGE, browsers) == [FAILED] * 20
    assert len(service.requests) == requests


async def test_push_to_another_host_is_not_sent(service: PushService, open_sender: OpenSender) -> None:
    sender = open_sender("push.test")
    assert await sender.send(MESSAGE, [service.browser("ana").subscription]) == [REFUSED]
    assert service.requests == []


async def test_timeout_fails_the_push(service: PushService, open_sender: OpenSender) -> None:
    service.hangs = True
    sender = open_sender(timeout_s=0.5)
    assert await sender.send(MESSAGE, [service.browser("ana").subscription]) == [FAILED]


async def test_unknown_certificate_fails_the_push(service: PushService) -> None:
    vapid = Vapid(derive_key("a secret"), "mailto:push@photos.example")
    sender = WebPushSender(vapid, PushHosts([service.host]), 10.0)
    assert await sender.send(MESSAGE, [service.browser("ana").subscription]) == [FAILED]
    await sender.close()


def test_payload_is_bounded() -> None:
    message = replace(MESSAGE, body="é" * 1000)
    assert len(compose_payload(message)) <= MAX_PAYLOAD_BYTES
    assert orjson.loads(compose_payload(message))["body"] == message.body
    longest = replace(message, body="ي" * 2000)
    assert len(compose_payload(longest)) <= MAX_PAYLOAD_BYTES
    assert orjson.loads(compose_payload(longest))["title"] == MESSAGE.title


async def test_outbox_gets_pushes_of_both_kinds(service: PushService, tmp_path: Path) -> None:
    outbox = OutboxPushSender(tmp_path / "outbox")
    sender = DeviceSender(outbox, EndpointSender(outbox))
    browser = service.browser("ana").subscription
    assert await sender.send(MESSAGE, ["first", browser, "second"]) == [SENT] * 3
    files: list[dict[str, Any]] = [
        orjson.loads(each.read_bytes()) for each in (tmp_path / "outbox").iterdir()
    ]
    assert {each["token"] for each in files} == {"first", "second", browser.endpoint}
    await sender.close()
