"""Firebase Cloud Messaging through firebase-admin: one message to one token, and never a second time.

It is imported with the first push. firebase-admin writes the messages and reads the answers. What it would send them
with is replaced: its own client sends again after 500, 503 and 401, whatever became of the first time; it asks for its
access token with a blocking call, and its credentials start a thread that asks Google for more.
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
AUDIENCE = "https://oauth2.googleapis.com/token"  # Google's name, at whichever address it is spoken to
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_TTL_S = 3600  # the longest that Google takes
RENEWED_BEFORE_S = 225.0  # its end, as google-auth does it
APNS_ID_BYTES = 64


class SignInFailed(AppError):
    """The token server was not reached, or gave no access token. Nothing was sent."""

    code = "push_sign_in_failed"


class Firebase:
    """An app of firebase-admin, with a name of its own. Making it takes a tenth of a second: do it in a thread. Then
    `connect`, on the loop that is to send.
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
        # There is no other way to another address or another client.
        self._service: Any = messaging._get_messaging_service(self._app)  # pyright: ignore[reportPrivateUsage]
        self._service._fcm_url = (
            f"{account.fcm_url.rstrip('/')}/v1/projects/{account.project_id}/messages:send"
        )
        self._access = AccessToken(account, certificate)
        self._session: ClientSession | None = None
        self._has_sent = False

    def connect(self) -> None:
        # Its own limit would count those who sign in; timeouts are the senders'.
        self._session = ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None))
        self._service._async_client = _Once(self._session, self._access)

    async def sign_in(self) -> None:
        """Have an access token that is good for minutes. Raises SignInFailed."""
        assert self._session is not None
        await self._access.renew(self._session)

    async def send(self, message: PushMessage, token: str) -> FcmResponse:
        """Its reason tells neither of the token nor of the message."""
        try:
            batch = await messaging.send_each_async([compose(message, token)], app=self._app)
        except exceptions.FirebaseError as error:  # it could not make sense of the answer
            return FcmResponse(PushOutcome.FAILED, reason_of(error), away=True)
        error = cast("exceptions.FirebaseError | None", batch.responses[0].exception)
        if error is None:
            self._has_sent = True
            return FcmResponse(PushOutcome.SENT)
        if isinstance(error, messaging.SenderIdMismatchError) and not self._has_sent:
            # Rather than every device it may be our account that belongs to another project.
            return FcmResponse(PushOutcome.REFUSED, reason_of(error))
        # Apple or a browser's maker does not take us; the devices of others may be reached.
        of_one_platform = isinstance(error, messaging.ThirdPartyAuthError)
        if isinstance(error, exceptions.UnauthenticatedError) and not of_one_platform:
            self._access.forget()
        outcome = outcome_of(error)
        return FcmResponse(
            outcome, reason_of(error), away=outcome is PushOutcome.FAILED and not of_one_platform
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        # It runs a loop of its own to close its client.
        await asyncio.to_thread(firebase_admin.delete_app, self._app)


class AccessToken:
    """What proves to FCM who sends: asked for once for all who wait, and kept until shortly before its end."""

    def __init__(self, account: FirebaseAccount, certificate: credentials.Certificate) -> None:
        self._account = account
        self._signer: Any = certificate.signer
        self._asking = asyncio.Lock()
        self._good_until_s = 0.0
        self.token = ""

    async def renew(self, session: ClientSession) -> None:
        """Raises SignInFailed."""
        async with self._asking:
            began_s = time.monotonic()
            if began_s < self._good_until_s:
                return
            try:
                answer = await self._ask(session)
                self.token = str(answer["access_token"])
                self._good_until_s = began_s + float(answer["expires_in"]) - RENEWED_BEFORE_S
            except (ClientError, OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
                raise _not_signed_in(type(error).__name__) from error

    def forget(self) -> None:
        """FCM does not take it: have another the next time."""
        self._good_until_s = 0.0

    async def _ask(self, session: ClientSession) -> Mapping[str, Any]:
        """RFC 7523, as Google asks for it. Over google-auth's own, which blocks, and sleeps between its attempts."""
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
            raise _not_signed_in(f"it answered {response.status}: {why}")
        return answer


class _Once:
    """Has the face of firebase-admin's own client, and sends each request once."""

    def __init__(self, session: ClientSession, access: AccessToken) -> None:
        self._session = session
        self._access = access

    async def request(self, method: str, url: str, headers: Mapping[str, str], json: Any) -> httpx.Response:
        """Raises httpx.HTTPError, which firebase-admin expects."""
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
        """The session is closed by whoever opened it."""


def compose(message: PushMessage, token: str) -> messaging.Message:
    """The message in the form of each platform. No `collapse_key`: of more than four FCM drops some."""
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
    # Not as an argument, of which it warns: it wants installation ids, and clients hand in registration tokens.
    composed.token = token
    return composed


def _apns_id(key: str) -> str:
    return key if len(key.encode()) <= APNS_ID_BYTES else hashlib.sha256(key.encode()).hexdigest()


def _topic(tag: str) -> str:
    """RFC 8030: 32 characters of base64url. A push service keeps the newest of a topic for a browser that is away."""
    return urlsafe_b64encode(hashlib.sha256(tag.encode()).digest()[:24]).decode()


def _not_signed_in(why: str) -> SignInFailed:
    return SignInFailed(f"The token server of Firebase gave no access token ({why}).")
