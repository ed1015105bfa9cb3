"""Statements that read what an export contains, in pages, over all tables that name a user."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson

from server.clock import isoformat
from server.ids import DraftId, PostId, UserId, id_timestamp_ms
from server.models.conditions import Column
from server.models.content.drafts import DraftRepository, DraftRow
from server.models.content.media import MediaRepository, MediaRow
from server.models.content.places import PlaceRow
from server.models.content.post_options import PostOptions
from server.models.content.posts import options_of
from server.models.content.stored_mentions import unpack_mentions
from server.models.database import Database, placeholders
from server.models.people.visibility import visible_users
from server.models.portability.data_files import DataFile, Kind

ROWS_PER_PAGE = 500


@dataclass(frozen=True, slots=True)
class OwnPostRow:
    """A post of the user. `taken_down`: moderators hid it, `archived`: the user did; both can be restored."""

    id: PostId
    caption: str
    audience: str
    options: PostOptions
    mentions: dict[str, UserId]
    likes_count: int
    comments_count: int
    created_at_ms: int
    edited_at_ms: int | None
    taken_down: bool
    archived: bool
    place: PlaceRow | None


class PersonalDataRepository:
    """Pages are read one after another: a change in between may be in the export or not."""

    def __init__(self, database: Database, rows_per_page: int = ROWS_PER_PAGE) -> None:
        self._database = database
        self._rows_per_page = rows_per_page
        self._media = MediaRepository(database)
        self._drafts = DraftRepository(database)

    async def pages(self, file: DataFile, user_id: UserId) -> AsyncIterator[list[dict[str, Any]]]:
        """Yield the objects of a data file, in pages."""
        columns = ", ".join(
            f"{member.column} AS m{number}" for number, member in enumerate(file.members.values())
        )
        after = -1
        while True:
            rows = await self._database.rows(
                f"SELECT {file.key} AS row_key, {columns} FROM {file.source} WHERE {file.owner} = ?"
                f" AND {file.condition} AND {file.key} > ? ORDER BY {file.key} LIMIT ?",
                [user_id, after, self._rows_per_page],
            )
            if not rows:
                return
            after = rows[-1]["row_key"]
            names = await self._find_names(file, user_id, rows)
            yield [_object(file, row, names) for row in rows]

    async def count_pictures(self, user_id: UserId) -> int:
        """Return how many pictures the user's posts, drafts and unused media have, about."""
        (row,) = await self._database.rows(
            "SELECT (SELECT COUNT(*) FROM post_images i JOIN posts p ON p.id = i.post_id WHERE p.author_id = ?)"
            " + (SELECT COUNT(*) FROM media WHERE owner_id = ?) AS n",
            [user_id, user_id],
        )
        return row["n"]

    async def list_posts(self, user_id: UserId, after_id: int, limit: int) -> list[OwnPostRow]:
        """Return the user's posts, oldest first, without those that the user deleted."""
        rows = await self._database.rows(
            "SELECT p.id, p.caption, p.audience, p.mentions, p.likes_count, p.comments_count, p.published_at_ms,"
            " p.comments_enabled, p.like_count_hidden,"
            " p.edited_at_ms, p.deleted_at_ms IS NOT NULL AS taken_down, p.archived_at_ms, l.id AS place_id,"
            " l.name AS place_name, l.lat, l.lng FROM posts p LEFT JOIN places l ON l.id = p.place_id"
            " WHERE p.author_id = ? AND p.id > ? AND (p.deleted_at_ms IS NULL OR EXISTS(SELECT 1 FROM"
            " moderation_actions a WHERE a.author_id = ? AND a.action = 'take_down' AND a.subject_type = 'post'"
            " AND a.subject_id = p.id)) ORDER BY p.id LIMIT ?",
            [user_id, after_id, user_id, limit],
        )
        return [
            OwnPostRow(
                id=PostId(row["id"]),
                caption=row["caption"],
                audience=row["audience"],
                options=options_of(row),
                mentions=unpack_mentions(row["mentions"]),
                likes_count=row["likes_count"],
                comments_count=row["comments_count"],
                created_at_ms=row["published_at_ms"] or id_timestamp_ms(row["id"]),
                edited_at_ms=row["edited_at_ms"],
                taken_down=bool(row["taken_down"]),
                archived=row["archived_at_ms"] is not None,
                place=None
                if row["place_id"] is None
                else PlaceRow(row["place_id"], row["place_name"], row["lat"], row["lng"]),
            )
            for row in rows
        ]

    async def list_drafts(self, user_id: UserId) -> list[DraftRow]:
        """Return the user's drafts that were not published, oldest first; the number is bounded."""
        return await self._drafts.list_all(user_id)

    async def list_draft_media(self, draft_id: DraftId) -> list[MediaRow]:
        """Return the pictures of a draft in their order."""
        return (await self._media.list_by_drafts([draft_id])).get(draft_id, [])

    async def list_unused_media(self, user_id: UserId) -> list[MediaRow]:
        """Return the user's media that neither a post nor a draft uses; the number is bounded."""
        return await self._media.list_by_owner(user_id)

    async def get_avatar_key(self, user_id: UserId) -> str:
        """Return the folder of the avatar, or an empty text."""
        rows = await self._database.rows("SELECT avatar_key FROM users WHERE id = ?", [user_id])
        return rows[0]["avatar_key"] if rows else ""

    async def find_username(self, user_id: UserId) -> str | None:
        """Return the name of a user whose account was not erased."""
        rows = await self._database.rows(
            "SELECT username FROM users WHERE id = ? AND username <> ''", [user_id]
        )
        return rows[0]["username"] if rows else None

    async def _find_names(
        self, file: DataFile, user_id: UserId, rows: list[dict[str, Any]]
    ) -> dict[int, str]:
        """Return the names of the users in these rows that the user may see."""
        numbers = [n for n, member in enumerate(file.members.values()) if member.kind is Kind.NAME]
        ids = sorted({row[f"m{number}"] for number in numbers for row in rows})
        if not ids:
            return {}
        return await self.get_visible_names(user_id, ids)

    async def get_visible_names(self, viewer_id: UserId, user_ids: list[int]) -> dict[int, str]:
        """Return the names of the users that the viewer may see, or has blocked."""
        visible = visible_users(viewer_id, Column("u.id"))
        found = await self._database.rows(
            f"SELECT u.id, u.username FROM users u WHERE u.id IN ({placeholders(len(user_ids))}) AND ({visible.sql}"
            " OR EXISTS(SELECT 1 FROM blocks WHERE blocker_id = ? AND blocked_id = u.id))",
            [*user_ids, *visible.parameters, viewer_id],
        )
        return {row["id"]: row["username"] for row in found if row["username"]}


def _object(file: DataFile, row: dict[str, Any], names: dict[int, str]) -> dict[str, Any]:
    return {
        name: _value(member.kind, row[f"m{number}"], names)
        for number, (name, member) in enumerate(file.members.items())
    }


def _value(kind: Kind, value: Any, names: dict[int, str]) -> Any:
    if value is None:
        return {} if kind is Kind.NAMES else None
    match kind:
        case Kind.ID:
            return str(value)
        case Kind.FLAG:
            return bool(value)
        case Kind.TIME:
            return isoformat(value)
        case Kind.ID_TIME:
            return isoformat(id_timestamp_ms(value))
        case Kind.NAME:
            return names.get(value)
        case Kind.LIST:
            return orjson.loads(value)
        case Kind.NAMES:
            return {name: str(user_id) for name, user_id in orjson.loads(value).items()}
        case Kind.ALT_TEXTS:
            return [text for _, text in orjson.loads(value)]
        case _:
            return value
