"""Table `comment_settings`: who may comment on a user's posts, and words whose comments wait for approval."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson
from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.database import Database, DuplicateKey, SerializationFailure
from server.models.people.visibility import IS_FOLLOWED
from server.models.rules import select


class Commenters(StrEnum):
    """Users who may comment on the posts of another one."""

    EVERYONE = "everyone"
    FOLLOWERS = "followers"


class CommentSettingsTable(Model):
    """One row per user who changed a setting. `hidden_words` is a JSON array."""

    user_id = fields.BigIntField(primary_key=True, generated=False)
    allowed_from = fields.CharField(max_length=16)
    hidden_words = fields.TextField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "comment_settings"


@dataclass(frozen=True, slots=True)
class CommentSettingsRow:
    allowed_from: Commenters = Commenters.EVERYONE
    hidden_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CommenterRow:
    """Facts that decide about a comment of one user on a post of another one."""

    settings: CommentSettingsRow
    is_restricted: bool
    is_follower: bool


class CommentSettingsRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: UserId) -> CommentSettingsRow:
        rows = await self._database.rows(
            "SELECT allowed_from, hidden_words FROM comment_settings WHERE user_id = ?", [user_id]
        )
        return _settings(rows[0]["allowed_from"], rows[0]["hidden_words"]) if rows else CommentSettingsRow()

    async def find_commenter(self, owner_id: UserId, commenter_id: UserId) -> CommenterRow:
        """Return the owner's settings and relationship to a user who comments on a post of the owner."""
        follows = select([IS_FOLLOWED], viewer=commenter_id, user=owner_id)
        (row,) = await self._database.rows(
            "SELECT (SELECT allowed_from FROM comment_settings WHERE user_id = ?) AS allowed_from,"
            " (SELECT hidden_words FROM comment_settings WHERE user_id = ?) AS hidden_words,"
            " EXISTS(SELECT 1 FROM restrictions WHERE owner_id = ? AND restricted_id = ?) AS is_restricted,"
            f" {follows.sql}",
            [owner_id, owner_id, owner_id, commenter_id, *follows.parameters],
        )
        return CommenterRow(
            _settings(row["allowed_from"], row["hidden_words"]),
            bool(row["is_restricted"]),
            bool(row[IS_FOLLOWED.name]),
        )

    async def lock_user(self, user_id: UserId) -> None:
        """Lock the user's row until the commit."""
        await self._database.rows(f"SELECT id FROM users WHERE id = ?{self._database.for_update}", [user_id])

    async def set(self, user_id: UserId, allowed_from: Commenters, hidden_words: Sequence[str]) -> None:
        """Store the settings of a user whose row is locked."""
        words = orjson.dumps(hidden_words).decode()
        stored = CommentSettingsTable.filter(user_id=user_id)
        if await stored.update(allowed_from=allowed_from, hidden_words=words):
            return
        try:
            await CommentSettingsTable.create(user_id=user_id, allowed_from=allowed_from, hidden_words=words)
        except DuplicateKey as error:
            raise SerializationFailure("Another request set these settings at the same time.") from error


def _settings(allowed_from: str | None, hidden_words: str | None) -> CommentSettingsRow:
    if allowed_from is None or hidden_words is None:
        return CommentSettingsRow()
    return CommentSettingsRow(Commenters(allowed_from), tuple(orjson.loads(hidden_words)))
