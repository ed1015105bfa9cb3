"""Signed tokens in the unsubscribe links of e-mails: which address no longer gets e-mails of which type."""

import hmac
import re
from enum import StrEnum
from urllib.parse import urlsplit

import jwt

from server.errors import NotFound
from server.services.records import NotificationType

UNSUBSCRIBE_PATH = "/notifications/unsubscribe"
SIGNATURE_ALGORITHM = "HS256"
# Access and refresh tokens have another audience, and other keys sign them.
UNSUBSCRIBE_AUDIENCE = "unsubscribe"
ADDRESS_HASH = re.compile(r"[0-9a-f]{32}")
TOKEN_HEADERS = {"typ": "unsubscribe+jwt"}


class AllNotifications(StrEnum):
    """The topic of digests. An address that unsubscribes from it gets no e-mails about notifications at all."""

    TOPIC = "digest"


EmailTopic = NotificationType | AllNotifications


class UnsubscribeTokens:
    """Tokens do not expire, because e-mails are kept; they are valid while `secret` stays the same."""

    def __init__(self, secret: bytes, public_url: str) -> None:
        self._key = hmac.digest(secret, b"unsubscribe tokens", "sha256")
        self._public_url = public_url

    def unsubscribe_url(self, address_hash: str, type_: EmailTopic) -> str:
        """Return the URL that ends e-mails of a type to an address.

        A POST ends them at once (RFC 8058); a GET shows a confirmation page.
        """
        return f"{self._public_url}{UNSUBSCRIBE_PATH}?token={self.encode(address_hash, type_)}"

    def list_id(self, type_: EmailTopic) -> str:
        """Return the name by which mail programs recognize e-mails of a type (RFC 2919)."""
        return f"{type_}.notifications.{urlsplit(self._public_url).hostname}"

    def encode(self, address_hash: str, type_: EmailTopic) -> str:
        claims = {"aud": UNSUBSCRIBE_AUDIENCE, "sub": address_hash, "type": type_.value}
        return jwt.encode(claims, self._key, SIGNATURE_ALGORITHM, TOKEN_HEADERS)

    def decode(self, token: str) -> tuple[str, EmailTopic]:
        """Return the address hash and the type of a token. Raises NotFound for a token not issued here."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                [SIGNATURE_ALGORITHM],
                options={"require": ["sub"]},
                audience=UNSUBSCRIBE_AUDIENCE,
            )
            address_hash, type_ = str(claims["sub"]), _topic(claims["type"])
        except (jwt.InvalidTokenError, UnicodeError, KeyError, ValueError) as error:
            raise _unknown() from error
        if not ADDRESS_HASH.fullmatch(address_hash):
            raise _unknown()
        # Base64 has several spellings of the same bytes, and a header may have another type.
        if token != self.encode(address_hash, type_):
            raise _unknown()
        return address_hash, type_


def _topic(value: str) -> EmailTopic:
    return AllNotifications.TOPIC if value == AllNotifications.TOPIC else NotificationType(value)


def _unknown() -> NotFound:
    return NotFound("This unsubscribe link is incomplete or invalid.")
