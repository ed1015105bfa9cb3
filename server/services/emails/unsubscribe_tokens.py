"""Signed tokens in the unsubscribe links of e-mails: whose e-mails of which type to end."""

import hmac
from urllib.parse import urlsplit

import jwt

from server.errors import NotFound
from server.ids import UserId
from server.services.records import NotificationType

UNSUBSCRIBE_PATH = "/notifications/unsubscribe"
SIGNATURE_ALGORITHM = "HS256"
# Access and refresh tokens have another audience, and other keys sign them.
UNSUBSCRIBE_AUDIENCE = "unsubscribe"
TOKEN_HEADERS = {"typ": "unsubscribe+jwt"}


class UnsubscribeTokens:
    """Tokens do not expire, because e-mails are kept; they are valid while `secret` stays the same."""

    def __init__(self, secret: bytes, public_url: str) -> None:
        self._key = hmac.digest(secret, b"unsubscribe tokens", "sha256")
        self._public_url = public_url

    def unsubscribe_url(self, user_id: UserId, type_: NotificationType) -> str:
        """Return the address that ends a user's e-mails of a type.

        A POST ends them at once (RFC 8058); a GET shows a confirmation page.
        """
        return f"{self._public_url}{UNSUBSCRIBE_PATH}?token={self.encode(user_id, type_)}"

    def list_id(self, type_: NotificationType) -> str:
        """Return the name by which mail programs recognize e-mails of a type (RFC 2919)."""
        return f"{type_}.notifications.{urlsplit(self._public_url).hostname}"

    def encode(self, user_id: UserId, type_: NotificationType) -> str:
        claims = {"aud": UNSUBSCRIBE_AUDIENCE, "sub": str(user_id), "type": type_.value}
        return jwt.encode(claims, self._key, SIGNATURE_ALGORITHM, TOKEN_HEADERS)

    def decode(self, token: str) -> tuple[UserId, NotificationType]:
        """Return whose e-mails of which type a token ends. Raises NotFound for a token not issued here."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                [SIGNATURE_ALGORITHM],
                options={"require": ["sub"]},
                audience=UNSUBSCRIBE_AUDIENCE,
            )
            user_id, type_ = UserId(int(claims["sub"])), NotificationType(claims["type"])
        except (jwt.InvalidTokenError, UnicodeError, KeyError, ValueError) as error:
            raise _unknown() from error
        # Base64 has several spellings of the same bytes, and a header may have another type.
        if token != self.encode(user_id, type_):
            raise _unknown()
        return user_id, type_


def _unknown() -> NotFound:
    return NotFound("This unsubscribe link is incomplete or invalid.")
