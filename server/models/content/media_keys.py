"""Keys of the media store that rows of `post_images`, `media`, `uploads` and `users` refer to."""

from collections.abc import Sequence

from server.models.database import Database, placeholders


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
        """Return which of these keys a post image, unused media, an upload or an avatar has."""
        some = placeholders(len(media_keys))
        rows = await self._database.rows(
            f"SELECT media_key FROM post_images WHERE media_key IN ({some})"
            f" UNION SELECT media_key FROM media WHERE media_key IN ({some})"
            f" UNION SELECT folder FROM uploads WHERE folder IN ({some})"
            f" UNION SELECT avatar_key FROM users WHERE avatar_key IN ({some})",
            [*media_keys] * 4,
        )
        return {row["media_key"] for row in rows}
