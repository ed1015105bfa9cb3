"""The OAuth access token of the Firebase service account (RFC 7523)."""

import asyncio
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError, ClientSession
from firebase_admin import credentials
from google.auth import jwt

from server.errors import AppError
from server.gateways.push.fcm_errors import parse_object
from server.gateways.push.message import FirebaseAccount

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
ASSERTION_AUDIENCE = "https://oauth2.googleapis.com/token"  # Google's name, also behind another address
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_TTL_S = 3600  # Google's maximum
RENEWED_BEFORE_S = 225.0  # its expiry, as google-auth does


class SignInFailed(AppError):
    """The token server was not reached, or did not issue an access token. No push was sent."""

    code = "push_sign_in_failed"


class AccessToken:
    """An access token, requested once for all concurrent callers and kept until shortly before its expiry.

    google-auth would request it with a blocking call, and sleep between its attempts.
    """

    def __init__(self, account: FirebaseAccount) -> None:
        """Parse the private key, which takes a tenth of a second."""
        self._account = account
        self._certificate = credentials.Certificate(
            {
                "type": "service_account",
                "project_id": account.project_id,
                "client_email": account.client_email,
                "private_key": account.private_key,
                "token_uri": account.token_uri,
            }
        )
        self._requesting = asyncio.Lock()
        self._valid_until_s = 0.0
        self.token = ""

    async def renew(self, session: ClientSession) -> None:
        """Request a token unless there is a valid one. Raises SignInFailed."""
        async with self._requesting:
            started_s = time.monotonic()
            if started_s < self._valid_until_s:
                return
            try:
                answer = await self._request(session)
                self.token = str(answer["access_token"])
                self._valid_until_s = started_s + float(answer["expires_in"]) - RENEWED_BEFORE_S
            except (ClientError, OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
                raise _sign_in_failed(type(error).__name__) from error

    def discard(self) -> None:
        """Request another token next time, because FCM rejected this one."""
        self._valid_until_s = 0.0

    async def _request(self, session: ClientSession) -> Mapping[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self._account.client_email,
            "scope": SCOPE,
            "aud": ASSERTION_AUDIENCE,
            "iat": now,
            "exp": now + ASSERTION_TTL_S,
        }
        signer: Any = self._certificate.signer
        form = {"grant_type": JWT_GRANT, "assertion": jwt.encode(signer, claims).decode()}
        async with session.post(self._account.token_uri, data=form, allow_redirects=False) as response:
            answer = parse_object(await response.read())
        if response.status != HTTPStatus.OK:
            error, description = (
                answer.get("error", "no error"),
                answer.get("error_description", "no details"),
            )
            raise _sign_in_failed(f"HTTP {response.status}, {error}, {description}")
        return answer


def _sign_in_failed(reason: str) -> SignInFailed:
    return SignInFailed(f"Firebase's token server issued no access token ({reason}).")
