"""Table `post_tags`: users that authors tagged in the pictures of their posts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import MediaId, PostId, UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import Column, Condition
from server.models.content.visibility import visible_posts
from server.models.database import Database, placeholders
from server.models.people.visibility import taggable_users


class TagStatus(StrEnum):
    """A removed tag stays as a row, so that the author cannot tag the user in the picture again."""

    PENDING = "pending"
    APPROVED = "approved"
    REMOVED = "removed"


class TagPermission(StrEnum):
    """Values of the setting that decides who may tag a user."""

    EVERYONE = "everyone"
    FOLLOWING = "following"
    NOBODY = "nobody"


class PostTagTable(Model):
    """`x` and `y` are ten-thousandths of the width and the height, from the upper left corner."""

    id = fields.BigIntField(primary_key=True, generated=False)
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    image_id: int
    image = fields.ForeignKeyField(
        "models.PostImageTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    x = fields.SmallIntField()
    y = fields.SmallIntField()
    status = fields.CharField(max_length=8)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "post_tags"
        unique_together = (("image_id", "user_id"),)
        indexes = (("user_id", "status", "post_id"), ("post_id", "id"))


@dataclass(frozen=True, slots=True)
class TagRow:
    id: int
    image_id: MediaId
    user_id: UserId
    x: int
    y: int
    status: TagStatus


@dataclass(frozen=True, slots=True)
class ShownTagRow:
    """A tag with its user."""

    tag: TagRow
    user: UserCardRow


@dataclass(frozen=True, slots=True)
class TagSettingsRow:
    permission: TagPermission
    manual: bool


class TagRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, post_id: PostId, tag: TagRow) -> None:
        await PostTagTable.create(post_id=post_id, **asdict(tag))

    async def move(self, tag_id: int, x: int, y: int) -> None:
        await self._database.execute("UPDATE post_tags SET x = ?, y = ? WHERE id = ?", [x, y, tag_id])

    async def delete(self, tag_ids: Sequence[int]) -> None:
        await self._database.execute(
            f"DELETE FROM post_tags WHERE id IN ({placeholders(len(tag_ids))})", tag_ids
        )

    async def delete_by_user(self, post_id: PostId, user_id: UserId) -> None:
        await self._database.execute(
            "DELETE FROM post_tags WHERE post_id = ? AND user_id = ?", [post_id, user_id]
        )

    async def set_status(
        self, post_id: PostId, user_id: UserId, previous: Sequence[TagStatus], status: TagStatus
    ) -> bool:
        """Change the status of a user's tags in a post; return whether there were any with a previous one."""
        changed = await self._database.execute(
            "UPDATE post_tags SET status = ? WHERE post_id = ? AND user_id = ?"
            f" AND status IN ({placeholders(len(previous))})",
            [status, post_id, user_id, *previous],
        )
        return changed > 0

    async def exists(self, post_id: PostId, user_id: UserId, status: TagStatus) -> bool:
        return bool(
            await self._database.rows(
                "SELECT 1 FROM post_tags WHERE post_id = ? AND user_id = ? AND status = ? LIMIT 1",
                [post_id, user_id, status],
            )
        )

    async def list_by_post(self, post_id: PostId) -> list[TagRow]:
        """Return all tags of a post, removed ones included; their number is bounded."""
        rows = await self._database.rows(
            "SELECT id AS tag_id, image_id, user_id AS tagged_id, x, y, status FROM post_tags WHERE post_id = ?",
            [post_id],
        )
        return [_tag(row) for row in rows]

    async def list_shown(self, post_id: PostId, visible: Condition) -> list[ShownTagRow]:
        """Return the tags `t` of a post that satisfy `visible`, in the order of the pictures."""
        rows = await self._database.rows(
            f"SELECT t.id AS tag_id, t.image_id, t.user_id AS tagged_id, t.x, t.y, t.status, {USER_COLUMNS}"
            " FROM post_tags t JOIN post_images i ON i.id = t.image_id JOIN users u ON u.id = t.user_id"
            f" WHERE t.post_id = ? AND {visible.sql} ORDER BY i.position, t.id",
            [post_id, *visible.parameters],
        )
        return [ShownTagRow(_tag(row), UserCardRow.from_row(row)) for row in rows]

    async def list_post_ids(
        self, user_id: UserId, status: TagStatus, visible: Condition, before_id: int, limit: int
    ) -> list[PostId]:
        """Return the posts `p` with tags `t` of a user in a status that satisfy `visible`, newest first."""
        rows = await self._database.rows(
            "SELECT DISTINCT t.post_id FROM post_tags t JOIN posts p ON p.id = t.post_id WHERE t.user_id = ?"
            f" AND t.status = ? AND t.post_id < ? AND {visible.sql} ORDER BY t.post_id DESC LIMIT ?",
            [user_id, status, before_id, *visible.parameters, limit],
        )
        return [PostId(row["post_id"]) for row in rows]

    async def list_posts_between(self, author_id: UserId, user_id: UserId, limit: int) -> list[PostId]:
        """Return posts of an author in which a user is tagged, in no particular order."""
        rows = await self._database.rows(
            "SELECT DISTINCT t.post_id FROM post_tags t JOIN posts p ON p.id = t.post_id"
            " WHERE t.user_id = ? AND t.status IN (?, ?) AND p.author_id = ? LIMIT ?",
            [user_id, TagStatus.PENDING, TagStatus.APPROVED, author_id, limit],
        )
        return [PostId(row["post_id"]) for row in rows]

    async def find_taggable(
        self, author_id: UserId, post_id: PostId, user_ids: Sequence[UserId]
    ) -> dict[UserId, TagStatus]:
        """Return the users that the author may tag in a post, which they must see, with the status of a new tag."""
        user = Column("u.id")
        allowed, visible = taggable_users(author_id, user), visible_posts(user, "p")
        rows = await self._database.rows(
            "SELECT u.id, u.approves_tags FROM users u JOIN posts p ON p.id = ?"
            f" WHERE u.id IN ({placeholders(len(user_ids))}) AND {allowed.sql} AND {visible.sql}",
            [post_id, *user_ids, *allowed.parameters, *visible.parameters],
        )
        return {
            UserId(row["id"]): TagStatus.PENDING
            if row["approves_tags"] and row["id"] != author_id
            else TagStatus.APPROVED
            for row in rows
        }

    async def get_settings(self, user_id: UserId) -> TagSettingsRow:
        """Return the settings of an existing user."""
        (row,) = await self._database.rows(
            "SELECT tags_from, approves_tags FROM users WHERE id = ?", [user_id]
        )
        return TagSettingsRow(TagPermission(row["tags_from"]), bool(row["approves_tags"]))

    async def set_settings(self, user_id: UserId, settings: TagSettingsRow) -> None:
        await self._database.execute(
            "UPDATE users SET tags_from = ?, approves_tags = ? WHERE id = ?",
            [settings.permission, int(settings.manual), user_id],
        )


def _tag(row: Mapping[str, Any]) -> TagRow:
    return TagRow(
        row["tag_id"],
        MediaId(row["image_id"]),
        UserId(row["tagged_id"]),
        row["x"],
        row["y"],
        TagStatus(row["status"]),
    )
