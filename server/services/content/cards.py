"""Turns ids into what is shown: cards of people, posts with their pictures and counters. No N+1: a query a table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from server.ids import PostId, UserId, id_timestamp_ms
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.database import Database, placeholders
from server.services.content.mentions import hashtags_in, mentions_in
from server.services.content.visibility import Visibility
from server.services.records import Image, Post, PostCard, Role, UserCard

AVATAR_SIZE = "large"


class Cards:
    """Reads the rows of many ids at once. `media_url` gives the public address of a key in the media store."""

    def __init__(self, database: Database, visibility: Visibility, media_url: Callable[[str], str]) -> None:
        self._database = database
        self._visibility = visibility
        self._media_url = media_url

    def avatar_url(self, avatar_key: str) -> str | None:
        return self._media_url(f"{avatar_key}/{AVATAR_SIZE}.jpg") if avatar_key else None

    def user(self, row: UserCardRow) -> UserCard:
        return UserCard(
            id=row.id,
            username=row.username,
            full_name=row.full_name,
            avatar_url=self.avatar_url(row.avatar_key),
            is_celebrity=row.role == Role.CELEBRITY,
            revision=row.revision,
        )

    async def users(self, user_ids: Iterable[UserId]) -> dict[UserId, UserCard]:
        """The cards of those who exist, by id."""
        wanted = list(set(user_ids))
        if not wanted:
            return {}
        rows = await self._database.rows(
            f"SELECT {USER_COLUMNS} FROM users u WHERE u.id IN ({placeholders(len(wanted))})", wanted
        )
        return {UserId(row["user_id"]): self.user(UserCardRow.from_row(row)) for row in rows}

    async def posts(self, post_ids: Sequence[PostId], viewer_id: UserId) -> list[Post]:
        """Of these posts those that `viewer_id` may see, as they see them, in the order of `post_ids`; two queries."""
        if not post_ids:
            return []
        some, seen = placeholders(len(post_ids)), self._visibility.condition(viewer_id)
        rows = await self._database.rows(
            f"SELECT p.id, p.caption, p.likes_count, p.comments_count, p.edited_at_ms, p.revision, {USER_COLUMNS},"
            " EXISTS(SELECT 1 FROM likes l WHERE l.post_id = p.id AND l.user_id = ?) AS liked"
            f" FROM posts p JOIN users u ON u.id = p.author_id WHERE p.id IN ({some}) AND {seen.sql}",
            [viewer_id, *post_ids, *seen.parameters],
        )
        images = await self._images(post_ids)
        found = {row["id"]: self._post(row, images.get(row["id"], [])) for row in rows}
        return [found[post_id] for post_id in post_ids if post_id in found]

    async def _images(self, post_ids: Sequence[PostId]) -> dict[int, list[Image]]:
        rows = await self._database.rows(
            "SELECT post_id, media_key, width, height, blurhash, alt_text, variants FROM post_images"
            f" WHERE post_id IN ({placeholders(len(post_ids))}) ORDER BY post_id, position",
            post_ids,
        )
        images: dict[int, list[Image]] = {}
        for row in rows:
            images.setdefault(row["post_id"], []).append(self._image(row))
        return images

    def _image(self, row: Mapping[str, Any]) -> Image:
        names: list[str] = orjson.loads(row["variants"])
        variants = {name: self._media_url(f"{row['media_key']}/{name}.jpg") for name in names}
        return Image(
            variants["large"], row["width"], row["height"], row["blurhash"], row["alt_text"], variants
        )

    def _post(self, row: Mapping[str, Any], images: list[Image]) -> Post:
        card = PostCard(
            id=PostId(row["id"]),
            author_id=UserId(row["user_id"]),
            caption=row["caption"],
            mentions=mentions_in(row["caption"]),
            hashtags=hashtags_in(row["caption"]),
            images=tuple(images),
            created_at_ms=id_timestamp_ms(row["id"]),
            edited_at_ms=row["edited_at_ms"],
        )
        return Post(
            card,
            self.user(UserCardRow.from_row(row)),
            row["likes_count"],
            row["comments_count"],
            liked=bool(row["liked"]),
            revision=row["revision"],
        )
