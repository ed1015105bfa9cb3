"""Firebase Cloud Messaging: sends one message to one token, once.

firebase-admin builds, checks and encodes the message. Its own client is not used: it repeats a request after 401, 500
and 503, although the first one may have been delivered, and its address is fixed.
This module is imported with the first push.
"""

import hashlib
from base64 import urlsafe_b64encode
from http import HTTPStatus

import firebase_admin
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from firebase_admin import messaging

from server.gateways.http_spans import client_span, set_status
from server.gateways.push.access_token import AccessToken
from server.gateways.push.fcm_errors import parse_error, parse_object
from server.gateways.push.message import FcmResponse, FirebaseAccount, PushMessage, PushOutcome

APNS_ID_BYTES = 64
FCM_HEADERS = {
    "Content-Type": "application/json",
    "X-GOOG-API-FORMAT-VERSION": "2",
    "X-FIREBASE-CLIENT": f"fire-admin-python/{firebase_admin.__version__}",
}


class FcmClient:
    """Create it in a thread, because that takes a tenth of a second; then call `connect` on the event loop."""

    def __init__(self, account: FirebaseAccount) -> None:
        self._url = f"{account.fcm_url.rstrip('/')}/v1/projects/{account.project_id}/messages:send"
        self._access = AccessToken(account)
        self._session: ClientSession | None = None
        self._has_sent = False

    def connect(self) -> None:
        # No limit and no timeout here: the sender bounds both, and a limit would include the sign-ins.
        self._session = ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None))

    async def sign_in(self) -> None:
        """Obtain an access token that is valid for minutes. Raises SignInFailed."""
        assert self._session is not None
        await self._access.renew(self._session)

    async def send(self, message: PushMessage, token: str) -> FcmResponse:
        """Send a message to a token; the reason in the response contains neither of them."""
        assert self._session is not None
        body = f'{{"message": {compose_fcm_message(message, token)}}}'.encode()
        headers = {**FCM_HEADERS, "Authorization": f"Bearer {self._access.token}"}
        try:
            with client_span("POST FCM", self._url, headers) as span:
                posting = self._session.post(self._url, data=body, headers=headers, allow_redirects=False)
                async with posting as response:
                    status, content = response.status, await response.read()
                set_status(span, status)
        except (ClientError, OSError, RuntimeError) as error:
            return FcmResponse(PushOutcome.FAILED, f"no response, {type(error).__name__}", unavailable=True)
        if status != HTTPStatus.OK:
            return self._failure(status, content)
        if not parse_object(content):
            return FcmResponse(PushOutcome.FAILED, "malformed response, HTTP 200", unavailable=True)
        self._has_sent = True
        return FcmResponse(PushOutcome.SENT)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _failure(self, status: int, content: bytes) -> FcmResponse:
        error = parse_error(status, content)
        if error.is_sender_id_mismatch and not self._has_sent:
            # Our account may be another project's, rather than every device.
            return FcmResponse(PushOutcome.REFUSED, error.reason)
        if error.is_unauthenticated:
            self._access.discard()
        unavailable = error.outcome is PushOutcome.FAILED and not error.is_platform_rejection
        return FcmResponse(error.outcome, error.reason, unavailable)


def compose_fcm_message(message: PushMessage, token: str) -> messaging.Message:
    """Return the message for each platform; its `str` is JSON.

    There is no `collapse_key`, because FCM drops messages if a device has more than four of them.
    """
    if message.silent:
        return _compose_silent(message, token)
    tag = message.group or message.key
    aps = messaging.Aps(thread_id=message.group or None, badge=message.badge)
    composed = messaging.Message(
        data=dict(message.data),
        notification=messaging.Notification(message.title, message.body),
        android=messaging.AndroidConfig(notification=messaging.AndroidNotification(tag=tag)),
        apns=messaging.APNSConfig(
            headers={"apns-collapse-id": _apns_id(message.key)}, payload=messaging.APNSPayload(aps)
        ),
        webpush=messaging.WebpushConfig(
            headers={"Topic": _topic(tag)}, notification=messaging.WebpushNotification(tag=tag)
        ),
    )
    # As an argument it is deprecated in favour of installation ids, but clients register tokens.
    composed.token = token
    return composed


def _compose_silent(message: PushMessage, token: str) -> messaging.Message:
    """Return a message that shows nothing. With a badge APNs calls it an alert, although nothing is alerted."""
    aps = messaging.Aps(badge=message.badge, content_available=True)
    headers = {
        "apns-collapse-id": _apns_id(message.key),
        "apns-push-type": "alert" if message.badge is not None else "background",
        "apns-priority": "5",
    }
    composed = messaging.Message(
        data=dict(message.data),
        android=messaging.AndroidConfig(priority="normal"),
        apns=messaging.APNSConfig(headers=headers, payload=messaging.APNSPayload(aps)),
    )
    composed.token = token
    return composed


def _apns_id(key: str) -> str:
    return key if len(key.encode()) <= APNS_ID_BYTES else hashlib.sha256(key.encode()).hexdigest()


def _topic(tag: str) -> str:
    """Return a topic of 32 characters of base64url (RFC 8030).

    For an unreachable browser, a push service keeps only the newest message of a topic.
    """
    return urlsafe_b64encode(hashlib.sha256(tag.encode()).digest()[:24]).decode()
