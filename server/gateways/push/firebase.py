"""Firebase Cloud Messaging through firebase-admin: one request per message and token, never repeated.

The module is imported with the first push. firebase-admin composes messages and parses responses; its HTTP client is
replaced. That client repeats requests after 500, 503 and 401, even if FCM accepted the first one. It also gets its
access token with a blocking call, and its credentials start a thread that requests more of them.
"""

import asyncio
import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from http import HTTPStatus
from secrets import token_hex
from typing import Any, cast

import firebase_admin
import httpx
from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from firebase_admin import credentials, exceptions, messaging
from google.auth import jwt

from server.errors import AppError
from server.gateways.push.firebase_answers import json_of, outcome_of, reason_of
from server.gateways.push.message import FcmResponse, FirebaseAccount, PushMessage, PushOutcome

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
AUDIENCE = "https://oauth2.googleapis.com/token"  # Google's name, whatever token_uri is
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_TTL_S = 3600  # maximum of Google
RENEWED_BEFORE_S = 225.0  # before its expiry, as in google-auth
APNS_ID_BYTES = 64


class SignInFailed(AppError):
    """The token server is unavailable or returned no access token. Nothing was sent."""

    code = "push_sign_in_failed"


class Firebase:
    """An app of firebase-admin with a unique name.

    Creating it takes 0.1 s: do it in a thread, then call `connect` on the loop that sends.
    """

    def __init__(self, account: FirebaseAccount) -> None:
        certificate = credentials.Certificate(
            {
                "type": "service_account",
                "project_id": account.project_id,
                "client_email": account.client_email,
                "private_key": account.private_key,
                "token_uri": account.token_uri,
            }
        )
        options = {"projectId": account.project_id}
        self._app = firebase_admin.initialize_app(certificate, options, f"push-{token_hex(8)}")
        # firebase-admin has no public way to set another address or client.
        self._service: Any = messaging._get_messaging_service(self._app)  # pyright: ignore[reportPrivateUsage]
        self._service._fcm_url = (
            f"{account.fcm_url.rstrip('/')}/v1/projects/{account.project_id}/messages:send"
        )
        self._access = AccessToken(account, certificate)
        self._session: ClientSession | None = None
        self._has_sent = False

    def connect(self) -> None:
        # The default limit would count sign-ins as well; callers set the timeouts.
        self._session = ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None))
        self._service._async_client = _Once(self._session, self._access)

    async def sign_in(self) -> None:
        """Ensure a valid access token. Raises SignInFailed."""
        assert self._session is not None
        await self._access.renew(self._session)

    async def send(self, message: PushMessage, token: str) -> FcmResponse:
        """Send one message. The reason in the response contains neither token nor message."""
        try:
            batch = await messaging.send_each_async([compose(message, token)], app=self._app)
        except exceptions.FirebaseError as error:  # an invalid response
            return FcmResponse(PushOutcome.FAILED, reason_of(error), unavailable=True)
        error = cast("exceptions.FirebaseError | None", batch.responses[0].exception)
        if error is None:
            self._has_sent = True
            return FcmResponse(PushOutcome.SENT)
        if isinstance(error, messaging.SenderIdMismatchError) and not self._has_sent:
            # Before the first success our account may belong to another project, rather than every device.
            return FcmResponse(PushOutcome.REFUSED, reason_of(error))
        # Apple or a browser vendor rejects us; devices of other platforms may work.
        of_one_platform = isinstance(error, messaging.ThirdPartyAuthError)
        if isinstance(error, exceptions.UnauthenticatedError) and not of_one_platform:
            self._access.invalidate()
        outcome = outcome_of(error)
        return FcmResponse(
            outcome, reason_of(error), unavailable=outcome is PushOutcome.FAILED and not of_one_platform
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        # It runs a separate loop to close its client.
        await asyncio.to_thread(firebase_admin.delete_app, self._app)


class AccessToken:
    """The access token for FCM, requested once for concurrent callers and kept until shortly before its expiry."""

    def __init__(self, account: FirebaseAccount, certificate: credentials.Certificate) -> None:
        self._account = account
        self._signer: Any = certificate.signer
        self._lock = asyncio.Lock()
        self._valid_until_s = 0.0
        self.token = ""

    async def renew(self, session: ClientSession) -> None:
        """Request a new token unless the current one is valid. Raises SignInFailed."""
        async with self._lock:
            started_s = time.monotonic()
            if started_s < self._valid_until_s:
                return
            try:
                answer = await self._request(session)
                self.token = str(answer["access_token"])
                self._valid_until_s = started_s + float(answer["expires_in"]) - RENEWED_BEFORE_S
            except (ClientError, OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
                raise _not_signed_in(type(error).__name__) from error

    def invalidate(self) -> None:
        """Discard a token that FCM rejected."""
        self._valid_until_s = 0.0

    async def _request(self, session: ClientSession) -> Mapping[str, Any]:
        """Request a token as in RFC 7523. google-auth's own call blocks, and sleeps between attempts."""
        now = int(time.time())
        claims = {
            "iss": self._account.client_email,
            "scope": SCOPE,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + ASSERTION_TTL_S,
        }
        assertion = jwt.encode(self._signer, claims).decode()
        form = {"grant_type": JWT_GRANT, "assertion": assertion}
        async with session.post(self._account.token_uri, data=form, allow_redirects=False) as response:
            answer = json_of(await response.read())
        if response.status != HTTPStatus.OK:
            why = f"{answer.get('error', 'no reason')}, {answer.get('error_description', 'no more')}"
            raise _not_signed_in(f"HTTP {response.status}: {why}")
        return answer


class _Once:
    """Replacement for firebase-admin's client that sends each request once."""

    def __init__(self, session: ClientSession, access: AccessToken) -> None:
        self._session = session
        self._access = access

    async def request(self, method: str, url: str, headers: Mapping[str, str], json: Any) -> httpx.Response:
        """Send a request. Raises httpx.HTTPError, which firebase-admin expects."""
        signed = {**headers, "Authorization": f"Bearer {self._access.token}"}
        sending = self._session.request(method, url, headers=signed, json=json, allow_redirects=False)
        try:
            async with sending as response:
                body = await response.read()
        except (ClientError, OSError) as error:
            raise httpx.TransportError(type(error).__name__) from error
        request = httpx.Request(method, url)
        return httpx.Response(response.status, content=body, request=request).raise_for_status()

    async def aclose(self) -> None:
        """Do nothing: `Firebase` closes the session."""


def compose(message: PushMessage, token: str) -> messaging.Message:
    """Return the message for all platforms, without `collapse_key`, of which FCM keeps only four per device."""
    tag = message.group or message.key
    thread = messaging.Aps(thread_id=message.group or None)
    composed = messaging.Message(
        data=dict(message.data),
        notification=messaging.Notification(message.title, message.body),
        android=messaging.AndroidConfig(notification=messaging.AndroidNotification(tag=tag)),
        apns=messaging.APNSConfig(
            headers={"apns-collapse-id": _apns_id(message.key)}, payload=messaging.APNSPayload(thread)
        ),
        webpush=messaging.WebpushConfig(
            headers={"Topic": _topic(tag)}, notification=messaging.WebpushNotification(tag=tag)
        ),
    )
    # Not as an argument, which is deprecated in favour of installation ids: clients register tokens.
    composed.token = token
    return composed


def _apns_id(key: str) -> str:
    return key if len(key.encode()) <= APNS_ID_BYTES else hashlib.sha256(key.encode()).hexdigest()


def _topic(tag: str) -> str:
    """Return 32 characters of base64url (RFC 8030). A push service keeps the newest message per topic."""
    return urlsafe_b64encode(hashlib.sha256(tag.encode()).digest()[:24]).decode()


def _not_signed_in(why: str) -> SignInFailed:
    return SignInFailed(f"Firebase's token server returned no access token ({why}).")
