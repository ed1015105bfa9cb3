"""Table `post_images`: the pictures of posts, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson
from tortoise import fields
from tortoise.models import Model

from server.ids import MediaId, PostId, UserId
from server.models.content.visibility import public_posts
from server.models.database import Database, placeholders


class PostImageTable(Model):
    """`media_key` is the folder of the renditions in the media store; `variants` is a JSON list of their names.

    `picture_hash` is the perceptual hash. NULL: not computed yet, or the upload had none; empty: it has none.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    post_id: int
    post = fields.ForeignKeyField(
        "models.PostTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    position = fields.SmallIntField()
    media_key = fields.CharField(max_length=100)
    width = fields.IntField()
    height = fields.IntField()
    blurhash = fields.CharField(max_length=64)
    alt_text = fields.CharField(max_length=1000, default="")
    variants = fields.TextField()
    picture_hash = fields.CharField(max_length=32, null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "post_images"
        unique_together = (("post_id", "position"),)
        indexes = (
            ("media_key",),  # The sweep of the media store looks up which folders belong to a row.
            ("picture_hash", "id"),  # Which ones are not computed yet.
        )


@dataclass(frozen=True, slots=True)
class NewPostImage:
    id: MediaId
    post_id: PostId
    position: int
    media_key: str
    width: int
    height: int
    blurhash: str
    alt_text: str
    variants: tuple[str, ...]
    picture_hash: str | None = None


@dataclass(frozen=True, slots=True)
class PostImageRow:
    """A picture; `tags` are the approved ones: users with their positions."""

    id: MediaId
    post_id: PostId
    media_key: str
    width: int
    height: int
    blurhash: str
    alt_text: str
    variants: tuple[str, ...]
    tags: tuple[tuple[UserId, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class FirstImageRow:
    """The first image of a post; `is_public`: everybody may see the post."""

    image: PostImageRow
    is_public: bool


IMAGE_COLUMNS = "post_images.id, post_id, media_key, width, height, blurhash, alt_text, variants"
IS_PUBLIC_POST = f"({public_posts('p').sql})"


@dataclass(frozen=True, slots=True)
class PictureKey:
    media_key: str
    variants: tuple[str, ...]


class PostImageRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, image: NewPostImage) -> None:
        columns: dict[str, Any] = asdict(image)
        columns["variants"] = orjson.dumps(image.variants).decode()
        await PostImageTable.create(**columns)

    async def list_by_posts(self, post_ids: Sequence[PostId]) -> list[PostImageRow]:
        """Return the images of all posts; those of one post follow one another in order."""
        rows = await self._database.rows(
            "SELECT i.id, i.post_id, i.media_key, i.width, i.height, i.blurhash, i.alt_text, i.variants,"
            " t.user_id AS tagged_id, t.x, t.y FROM post_images i"
            " LEFT JOIN post_tags t ON t.image_id = i.id AND t.status = 'approved'"
            f" WHERE i.post_id IN ({placeholders(len(post_ids))}) ORDER BY i.post_id, i.position, t.id",
            post_ids,
        )
        return [_tagged([*tagged]) for _, tagged in groupby(rows, key=itemgetter("id"))]

    async def list_first(self, post_ids: Sequence[PostId]) -> list[FirstImageRow]:
        """Return the first image of each post that has one, in no particular order."""
        rows = await self._database.rows(
            f"SELECT {IMAGE_COLUMNS}, {IS_PUBLIC_POST} AS is_public FROM post_images JOIN posts p ON p.id = post_id"
            f" WHERE post_id IN ({placeholders(len(post_ids))}) AND position ="
            " (SELECT MIN(f.position) FROM post_images f WHERE f.post_id = post_images.post_id)",
            post_ids,
        )
        return [FirstImageRow(_row(row), bool(row["is_public"])) for row in rows]

    async def list_ids(self, post_id: PostId) -> list[MediaId]:
        """Return the ids of a post's images, in order."""
        rows = await self._database.rows(
            "SELECT id FROM post_images WHERE post_id = ? ORDER BY position", [post_id]
        )
        return [MediaId(row["id"]) for row in rows]

    async def list_media_keys(self, post_id: PostId) -> list[str]:
        rows = await self._database.rows("SELECT media_key FROM post_images WHERE post_id = ?", [post_id])
        return [row["media_key"] for row in rows]

    async def list_hashes(self, post_id: PostId) -> list[str]:
        """Return the perceptual hashes of those images of a post that have one."""
        rows = await self._database.rows(
            "SELECT picture_hash FROM post_images WHERE post_id = ? AND picture_hash <> ''", [post_id]
        )
        return [row["picture_hash"] for row in rows]

    async def list_without_hash(self, limit: int) -> list[PictureKey]:
        """Return pictures whose perceptual hash is not computed yet, oldest first."""
        rows = await self._database.rows(
            "SELECT media_key, variants FROM post_images WHERE picture_hash IS NULL ORDER BY id LIMIT ?",
            [limit],
        )
        return [PictureKey(row["media_key"], tuple(orjson.loads(row["variants"]))) for row in rows]

    async def set_hash(self, media_key: str, picture_hash: str) -> None:
        """Set the hash of a picture that has none yet, in all posts that show it."""
        await self._database.execute(
            "UPDATE post_images SET picture_hash = ? WHERE media_key = ? AND picture_hash IS NULL",
            [picture_hash, media_key],
        )

    async def is_used_elsewhere(self, media_key: str, post_id: PostId) -> bool:
        """Return whether another post than `post_id` shows this picture."""
        others = "SELECT 1 FROM post_images WHERE media_key = ? AND post_id <> ? LIMIT 1"
        return bool(await self._database.rows(others, [media_key, post_id]))

    async def add_variants(self, post_id: PostId, media_key: str, names: Sequence[str]) -> bool:
        """Add names to the variants of a picture, unless it has them; return whether the post has the picture.

        The caller holds the lock of the post.
        """
        rows = await self._database.rows(
            "SELECT id, variants FROM post_images WHERE post_id = ? AND media_key = ?", [post_id, media_key]
        )
        for row in rows:
            variants = list(dict.fromkeys([*orjson.loads(row["variants"]), *names]))
            await self._database.execute(
                "UPDATE post_images SET variants = ? WHERE id = ?",
                [orjson.dumps(variants).decode(), row["id"]],
            )
        return bool(rows)

    async def set_alt_text(self, image_id: MediaId, alt_text: str) -> None:
        await PostImageTable.filter(id=image_id).update(alt_text=alt_text)

    async def set_positions(self, post_id: PostId, positions: Mapping[MediaId, int]) -> None:
        """Move all images of a post. The caller holds the lock of the post."""
        # Out of the way first: two images never have the same position, not even between two statements.
        await self._database.execute(
            "UPDATE post_images SET position = -1 - position WHERE post_id = ?", [post_id]
        )
        for image_id, position in positions.items():
            await self._database.execute(
                "UPDATE post_images SET position = ? WHERE id = ?", [position, image_id]
            )

    async def delete(self, image_ids: Sequence[MediaId]) -> None:
        await self._database.execute(
            f"DELETE FROM post_images WHERE id IN ({placeholders(len(image_ids))})", image_ids
        )

    async def delete_by_post(self, post_id: PostId) -> None:
        await self._database.execute("DELETE FROM post_images WHERE post_id = ?", [post_id])


def _row(row: Mapping[str, Any], tags: tuple[tuple[UserId, int, int], ...] = ()) -> PostImageRow:
    return PostImageRow(
        MediaId(row["id"]),
        PostId(row["post_id"]),
        row["media_key"],
        row["width"],
        row["height"],
        row["blurhash"],
        row["alt_text"],
        tuple(orjson.loads(row["variants"])),
        tags,
    )


def _tagged(rows: Sequence[Mapping[str, Any]]) -> PostImageRow:
    """Return a picture from its rows, one per tag, or one without a tag."""
    tags = [(UserId(row["tagged_id"]), row["x"], row["y"]) for row in rows if row["tagged_id"] is not None]
    return _row(rows[0], tuple(tags))
