"""The links in letters by which their reader wants no more of them: whose, and of what, proved by a signature."""

import base64
import binascii
import hmac
from urllib.parse import urlsplit

from server.errors import NotFound
from server.ids import UserId
from server.services.records import NotificationType

PATH = "/notifications/unsubscribe"
SIGNATURE_BYTES = 18
USER_BYTES = 7


class UnsubscribeTokens:
    """`secret` signs them. They are good for as long as it is the same, for letters are kept."""

    def __init__(self, secret: bytes, public_url: str) -> None:
        self._secret = hmac.digest(secret, b"links to end a subscription", "sha256")
        self._public_url = public_url

    def unsubscribe_url(self, user_id: UserId, type_: NotificationType) -> str:
        """The address that ends mail about `type_` for this user: RFC 8058's when posted to, a page that asks when
        read."""
        return f"{self._public_url}{PATH}?token={self.token(user_id, type_)}"

    def list_id(self, type_: NotificationType) -> str:
        """The name of such mail, by which mail programs tell it from other mail of ours: RFC 2919."""
        return f"{type_}.notifications.{urlsplit(self._public_url).hostname}"

    def token(self, user_id: UserId, type_: NotificationType) -> str:
        content = user_id.to_bytes(USER_BYTES, "big") + type_.encode()
        return _encoded(self._signature(content) + content)

    def read(self, token: str) -> tuple[UserId, NotificationType]:
        """Whose mail of what `token` is to end. Raises NotFound for one that was not made here."""
        try:
            whole = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (ValueError, binascii.Error) as error:
            raise _unknown() from error
        signature, content = whole[:SIGNATURE_BYTES], whole[SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(content)) or _encoded(whole) != token:
            raise _unknown()
        type_ = NotificationType(content[USER_BYTES:].decode())
        return UserId(int.from_bytes(content[:USER_BYTES], "big")), type_

    def _signature(self, content: bytes) -> bytes:
        return hmac.digest(self._secret, content, "sha256")[:SIGNATURE_BYTES]


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _unknown() -> NotFound:
    return NotFound("This link was not made here, or is not whole.")
