"""Keys of the media store that rows refer to."""

from collections.abc import Sequence

from server.ids import UserId
from server.models.conditions import Condition
from server.models.database import Database, placeholders

# `post_images i` with `posts p`, up to the condition on the post.
SHOWING = "post_images i JOIN posts p ON p.id = i.post_id WHERE i.media_key = ?"


class MediaKeyRepository:
    """Finds references to stored media."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_newest(self, limit: int) -> list[str]:
        """Return the keys of the newest pictures of posts that are not deleted, and of avatars, `limit` of each."""
        rows = await self._database.rows(
            "SELECT i.media_key FROM post_images i JOIN posts p ON p.id = i.post_id"
            " WHERE p.deleted_at_ms IS NULL ORDER BY p.id DESC LIMIT ?",
            [limit],
        )
        avatars = await self._database.rows(
            "SELECT avatar_key AS media_key FROM users WHERE avatar_key <> '' ORDER BY id DESC LIMIT ?",
            [limit],
        )
        return [row["media_key"] for row in (*rows, *avatars)]

    async def list_referenced(self, media_keys: Sequence[str]) -> set[str]:
        """Return which of these keys a post image, unused media, an upload, an export or an avatar has."""
        some = placeholders(len(media_keys))
        rows = await self._database.rows(
            f"SELECT media_key FROM post_images WHERE media_key IN ({some})"
            f" UNION SELECT media_key FROM media WHERE media_key IN ({some})"
            f" UNION SELECT folder FROM uploads WHERE folder IN ({some})"
            f" UNION SELECT folder FROM exports WHERE folder IN ({some})"
            f" UNION SELECT avatar_key FROM users WHERE avatar_key IN ({some})",
            [*media_keys] * 5,
        )
        return {row["media_key"] for row in rows}

    async def list_in_drafts(self, media_keys: Sequence[str]) -> set[str]:
        """Return which of these keys the media of a draft have."""
        rows = await self._database.rows(
            f"SELECT media_key FROM media WHERE media_key IN ({placeholders(len(media_keys))})"
            " AND draft_id IS NOT NULL",
            media_keys,
        )
        return {row["media_key"] for row in rows}

    async def is_shown(self, media_key: str, visible: Condition) -> bool:
        """Return whether a post `p` that satisfies `visible` shows this picture."""
        return bool(
            await self._database.rows(
                f"SELECT 1 FROM {SHOWING} AND {visible.sql} LIMIT 1", [media_key, *visible.parameters]
            )
        )

    async def is_visible(self, media_key: str, viewer_id: UserId, visible: Condition) -> bool:
        """Return whether an active user may see this picture.

        That is: a post `p` that satisfies `visible` shows it, the user uploaded it for a later post or a draft, or the
        user is a moderator, who also sees what was taken down.
        """
        return bool(
            await self._database.rows(
                "SELECT 1 FROM users u WHERE u.id = ? AND u.status = 'active' AND (u.role IN ('moderator', 'admin')"
                f" OR EXISTS(SELECT 1 FROM {SHOWING} AND {visible.sql})"
                " OR EXISTS(SELECT 1 FROM media m WHERE m.media_key = ? AND m.owner_id = u.id))",
                [viewer_id, media_key, *visible.parameters, media_key],
            )
        )
