"""Signed tokens with which a person appeals against a decision of moderators without a session."""

import hmac

import jwt

from server.errors import InvalidInput
from server.ids import ActionId, UserId

SIGNATURE_ALGORITHM = "HS256"
APPEAL_AUDIENCE = "appeal"
TOKEN_HEADERS = {"typ": "appeal+jwt"}
APPEAL_MS = 30 * 86_400_000


def appealable_until_ms(decided_at_ms: int) -> int:
    """Return until when a person can appeal against a decision."""
    return decided_at_ms + APPEAL_MS


class AppealTokens:
    """A token names a decision and the person concerned, and is good for nothing else.

    It does not expire by itself: an appeal is refused when its time is over, and after the first one.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hmac.digest(secret, b"appeal tokens", "sha256")

    def encode(self, user_id: UserId, action_id: ActionId) -> str:
        claims = {"aud": APPEAL_AUDIENCE, "sub": str(user_id), "decision": action_id}
        return jwt.encode(claims, self._key, SIGNATURE_ALGORITHM, TOKEN_HEADERS)

    def decode(self, token: str) -> tuple[UserId, ActionId]:
        """Return the person and the decision. Raises InvalidInput for a token not issued here."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                [SIGNATURE_ALGORITHM],
                options={"require": ["sub"]},
                audience=APPEAL_AUDIENCE,
            )
            return UserId(int(claims["sub"])), ActionId(int(claims["decision"]))
        except (jwt.InvalidTokenError, UnicodeError, KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                "This link to appeal is incomplete or invalid.",
                code="invalid_appeal_token",
                fields={"token": ["Unknown or incomplete."]},
            ) from error
