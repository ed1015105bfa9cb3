"""Sends pushes to browsers through the push services that their subscriptions name."""

import asyncio
import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ssl import SSLContext
from urllib.parse import urlsplit

import orjson
import structlog
from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from server.gateways.http_spans import client_span, set_status
from server.gateways.push.message import PushMessage, PushOutcome, WebSubscription
from server.gateways.push.web_push.encryption import encrypt
from server.gateways.push.web_push.push_hosts import PushHosts
from server.gateways.push.web_push.vapid import Vapid

log = structlog.get_logger(__name__)

TTL_S = 86_400  # as long as a push is retried
MAX_PAYLOAD_BYTES = 3000  # push services accept 4,096 with the overhead of the encryption
MAX_CONCURRENT = 100
# After three failures in a row, a service gets one request per pause, until it answers again.
FAILURES_BEFORE_PAUSE = 3
FIRST_PAUSE_S, MAX_PAUSE_S = 0.5, 10.0
MAX_RETRY_AFTER_S = 3600.0
UNREACHABLE = (ClientError, OSError, RuntimeError, TimeoutError)


class WebPushSender:
    """Each push service fails by itself: while it does, its pushes fail at once and others are sent."""

    def __init__(
        self, vapid: Vapid, hosts: PushHosts, timeout_s: float, tls: SSLContext | None = None
    ) -> None:
        self._vapid = vapid
        self._hosts = hosts
        self._timeout_s = timeout_s
        self._tls = tls
        self._session: ClientSession | None = None
        self._slots = asyncio.Semaphore(MAX_CONCURRENT)
        self._services: dict[str, _Service] = {}

    async def send(self, message: PushMessage, subscriptions: Sequence[WebSubscription]) -> list[PushOutcome]:
        """Send a message once to each subscription; return an outcome per subscription, in order."""
        content = compose_payload(message)
        async with asyncio.TaskGroup() as group:
            sending = [group.create_task(self._send_one(message, content, each)) for each in subscriptions]
        return [task.result() for task in sending]

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _send_one(
        self, message: PushMessage, content: bytes, subscription: WebSubscription
    ) -> PushOutcome:
        endpoint = subscription.endpoint
        if not self._hosts.allows(endpoint):
            return _refused(message, "host not allowed")
        service = self._services.setdefault(urlsplit(endpoint).netloc, _Service())
        if not service.admits(time.monotonic()):
            return PushOutcome.FAILED
        headers = {
            "TTL": str(TTL_S),
            "Urgency": "normal",
            "Topic": _topic(message.group or message.key),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "Authorization": self._vapid.authorization(endpoint),
        }
        body = encrypt(content, subscription.p256dh, subscription.auth)
        try:
            # No redirects: they could lead to an address that is not allowed. No trace context: the push services are
            # chosen by browsers.
            with client_span("POST push service", endpoint) as span:
                async with (
                    asyncio.timeout(self._timeout_s),
                    self._slots,
                    self._opened().post(
                        endpoint, data=body, headers=headers, allow_redirects=False
                    ) as response,
                ):
                    status, retry_after = response.status, response.headers.get("Retry-After", "")
                    set_status(span, status)
        except UNREACHABLE as error:
            service.failed(time.monotonic())
            log.info("web_push_failed", key=message.key, reason=type(error).__name__)
            return PushOutcome.FAILED
        return _outcome(message, status, service, retry_after)

    def _opened(self) -> ClientSession:
        if self._session is None:
            connector = TCPConnector(limit=0, ssl=self._tls or True)
            self._session = ClientSession(
                connector=connector, timeout=ClientTimeout(total=None), cookie_jar=DummyCookieJar()
            )
        return self._session


class _Service:
    """Failures and pauses of one push service."""

    def __init__(self) -> None:
        self._failures = 0
        self._paused_until_s = 0.0

    def admits(self, now_s: float) -> bool:
        """Return whether to send a request now. During failures the first caller after a pause tries."""
        if now_s < self._paused_until_s:
            return False
        if self._failures >= FAILURES_BEFORE_PAUSE:
            self._pause(now_s)
        return True

    def succeeded(self) -> None:
        self._failures, self._paused_until_s = 0, 0.0

    def failed(self, now_s: float, retry_after_s: float = 0.0) -> None:
        self._failures += 1
        if self._failures >= FAILURES_BEFORE_PAUSE:
            self._pause(now_s)
        self._paused_until_s = max(self._paused_until_s, now_s + retry_after_s)

    def _pause(self, now_s: float) -> None:
        exponent = min(10, self._failures - FAILURES_BEFORE_PAUSE)
        self._paused_until_s = now_s + min(MAX_PAUSE_S, FIRST_PAUSE_S * 2**exponent)


def compose_payload(message: PushMessage) -> bytes:
    """Return what the service worker of a client gets: JSON of at most MAX_PAYLOAD_BYTES."""
    payload = {
        "title": message.title,
        "body": message.body,
        "tag": message.group or message.key,
        "badge": message.badge,
        "data": dict(message.data),
    }
    content = orjson.dumps(payload)
    return content if len(content) <= MAX_PAYLOAD_BYTES else orjson.dumps({**payload, "body": ""})


def _outcome(message: PushMessage, status: int, service: _Service, retry_after: str) -> PushOutcome:
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        service.failed(time.monotonic(), _seconds(retry_after))
        log.info("web_push_failed", key=message.key, reason=f"HTTP {status}")
        return PushOutcome.FAILED
    service.succeeded()
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return PushOutcome.SENT
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return PushOutcome.GONE
    return _refused(message, f"HTTP {status}")


def _refused(message: PushMessage, reason: str) -> PushOutcome:
    log.warning("push_refused", key=message.key, reason=reason)
    return PushOutcome.REFUSED


def _seconds(retry_after: str) -> float:
    """Return the delay that a Retry-After asks for, in seconds or as a date; at most an hour."""
    try:
        asked = (
            float(retry_after)
            if retry_after.isdecimal()
            else parsedate_to_datetime(retry_after).timestamp() - time.time()
        )
    except (ValueError, TypeError):
        return 0.0
    return min(MAX_RETRY_AFTER_S, max(0.0, asked))


def _topic(tag: str) -> str:
    """Return a topic of 32 characters; a push service keeps the newest message of a topic for an absent browser."""
    return urlsafe_b64encode(hashlib.sha256(tag.encode()).digest()[:24]).decode()
