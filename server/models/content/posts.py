"""Table `posts`: published posts with their captions and counters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import ActionId, PlaceId, PostId, UserId, id_timestamp_ms
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.audience import Audience
from server.models.conditions import Column, Condition
from server.models.content.places import PlaceRow
from server.models.content.post_options import PostOptions
from server.models.content.stored_mentions import pack_mentions, unpack_mentions
from server.models.database import Database, placeholders
from server.models.people.relationships import RelationshipRow, relationship_columns


class PostTable(Model):
    """`deleted_at_ms` hides a post at once.

    A job deletes the rows of a deleted post in batches. A post that moderators took down keeps them, so that it can be
    restored; `hidden_by_id` is then their action in the audit log.

    `revision` increases with each visible change, counters included: caches keep the higher one. Renditions were added
    to the pictures, or tags changed, at `pictures_changed_at_ms`; null if never.

    `archived_at_ms` hides a post from everybody but its author, who may restore it.

    `pinned_at_ms` lets a post come first in its author's list. A hidden post is not pinned.

    While `comments_enabled` is 0, comments are refused, and existing ones are hidden. While `like_count_hidden` is 1,
    only the author sees how many likes the post has.

    `place_id` is no foreign key: a place is deleted with its last post.

    `published_at_ms` is set for imported posts whose id has another time.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    author_id: int
    author = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    caption = fields.TextField()
    mentions = fields.TextField(null=True)
    likes_count = fields.IntField(default=0)
    comments_count = fields.IntField(default=0)
    edited_at_ms = fields.BigIntField(null=True)
    pictures_changed_at_ms = fields.BigIntField(null=True)
    revision = fields.IntField(default=0, db_default=0)
    deleted_at_ms = fields.BigIntField(null=True)
    audience = fields.CharField(max_length=16, default="public", db_default="public")
    comments_enabled = fields.SmallIntField(default=1, db_default=1)
    like_count_hidden = fields.SmallIntField(default=0, db_default=0)
    hidden_by_id: fields.Field[int | None] = fields.BigIntField(null=True)
    published_at_ms: fields.Field[int | None] = fields.BigIntField(null=True)
    archived_at_ms: fields.Field[int | None] = fields.BigIntField(null=True)
    pinned_at_ms: fields.Field[int | None] = fields.BigIntField(null=True)
    place_id: fields.Field[int | None] = fields.BigIntField(null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "posts"
        indexes = (
            ("author_id", "id"),
            ("author_id", "archived_at_ms"),
            ("author_id", "pinned_at_ms"),
            ("place_id", "id"),
        )


OPTIONS = "p.comments_enabled, p.like_count_hidden"
# Of `posts p`, for `post_row`.
POST_COLUMNS = (
    "p.id, p.author_id, p.likes_count, p.comments_count, p.edited_at_ms, p.pictures_changed_at_ms, p.revision,"
    f" p.audience, p.archived_at_ms, p.pinned_at_ms, {OPTIONS}, p.place_id"
)


@dataclass(frozen=True, slots=True)
class PostRow:
    """A post with its counters and without its caption."""

    id: PostId
    author_id: UserId
    likes_count: int
    comments_count: int
    edited_at_ms: int | None
    pictures_changed_at_ms: int | None
    revision: int
    audience: Audience
    archived: bool
    pinned: bool
    options: PostOptions
    place_id: PlaceId | None = None

    @property
    def changed_at_ms(self) -> int | None:
        return latest_change(self.edited_at_ms, self.pictures_changed_at_ms)


@dataclass(frozen=True, slots=True)
class PostCardRow:
    """A post with its author and the viewer's relationship to the author.

    `liked` is true if the viewer likes it, and `saved` if the viewer has saved it.
    """

    id: PostId
    caption: str
    mentions: dict[str, UserId]
    likes_count: int
    comments_count: int
    created_at_ms: int
    edited_at_ms: int | None
    changed_at_ms: int | None
    revision: int
    audience: Audience
    archived: bool
    pinned: bool
    options: PostOptions
    author: UserCardRow
    relationship: RelationshipRow
    liked: bool
    saved: bool
    place: PlaceRow | None


@dataclass(frozen=True, slots=True)
class ListedPost:
    """A post in a list of another table; the id is its position."""

    id: int
    post_id: PostId


@dataclass(frozen=True, slots=True)
class AuthorRange:
    """The newest `limit` posts of an author below an id, and the pinned ones if `pins` is set."""

    author_id: UserId
    before_id: int
    limit: int
    pins: bool


@dataclass(frozen=True, slots=True)
class AuthorPosts:
    """Listed posts of an author: pinned ones, the newest pin first, and all, newest first."""

    pinned: Sequence[PostId]
    posts: Sequence[PostId]


AUTHOR_INDEX = "idx_posts_author__f3ea3f"
_LISTED = "deleted_at_ms IS NULL AND archived_at_ms IS NULL"


class PostRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, post_id: PostId, visible: Condition) -> PostRow | None:
        """Return a post `p` that satisfies `visible`."""
        return await self._get(post_id, visible, "")

    async def lock(self, post_id: PostId, visible: Condition) -> PostRow | None:
        """Lock a post `p` that satisfies `visible` until the commit."""
        return await self._get(post_id, visible, self._database.for_update)

    async def get_caption(self, post_id: PostId) -> str:
        """Return the caption of an existing post."""
        (row,) = await self._database.rows("SELECT caption FROM posts WHERE id = ?", [post_id])
        return row["caption"]

    async def get_mentions(self, post_id: PostId) -> dict[str, UserId]:
        """Return the users that the caption of an existing post mentions, by username key."""
        (row,) = await self._database.rows("SELECT mentions FROM posts WHERE id = ?", [post_id])
        return unpack_mentions(row["mentions"])

    async def list_ids_by_author(
        self,
        author_id: UserId,
        visible: Condition,
        before_id: int,
        limit: int,
        leaving_out: Sequence[PostId] = (),
    ) -> list[PostId]:
        """Return posts `p` that satisfy `visible`, newest first, without those of `leaving_out`."""
        others = f" AND p.id NOT IN ({placeholders(len(leaving_out))})" if leaving_out else ""
        rows = await self._database.list_rows(
            f"SELECT p.id FROM posts p WHERE p.author_id = ? AND p.id < ?{others} AND {visible.sql}"
            " ORDER BY p.id DESC LIMIT ?",
            [author_id, before_id, *leaving_out, *visible.parameters, limit],
        )
        return [PostId(row["id"]) for row in rows]

    async def list_by_authors(self, ranges: Sequence[AuthorRange]) -> list[AuthorPosts]:
        """Return the listed posts of each range, some of which the viewer may not see, in one query."""
        selects: list[str] = []
        parameters: list[int] = []
        for number, each in enumerate(ranges):
            selects.append(
                f"SELECT * FROM (SELECT {number} AS number, 0 AS pin, id FROM posts"
                f"{self._database.force_index(AUTHOR_INDEX)} WHERE author_id = ? AND id < ? AND {_LISTED}"
                f" ORDER BY id DESC LIMIT ?) r{number}"
            )
            parameters += [each.author_id, each.before_id, each.limit]
            if each.pins:
                selects.append(
                    f"SELECT {number} AS number, pinned_at_ms AS pin, id FROM posts"
                    f" WHERE author_id = ? AND pinned_at_ms IS NOT NULL AND {_LISTED}"
                )
                parameters.append(each.author_id)
        found = [(list[tuple[int, PostId]](), list[PostId]()) for _ in ranges]
        for row in await self._database.list_rows(" UNION ALL ".join(selects), parameters):
            pins, posts = found[row["number"]]
            if row["pin"]:
                pins.append((row["pin"], PostId(row["id"])))
            else:
                posts.append(PostId(row["id"]))
        return [
            AuthorPosts([post_id for _, post_id in sorted(pins, reverse=True)], sorted(posts, reverse=True))
            for pins, posts in found
        ]

    async def count_pinned(self, author_id: UserId) -> int:
        (row,) = await self._database.rows(
            "SELECT COUNT(*) AS n FROM posts WHERE author_id = ? AND pinned_at_ms IS NOT NULL", [author_id]
        )
        return row["n"]

    async def list_cards(
        self, post_ids: Sequence[PostId], viewer_id: UserId, visible: Condition
    ) -> list[PostCardRow]:
        """Return the posts `p` among `post_ids` that satisfy `visible`, in no particular order."""
        related = relationship_columns(viewer_id, Column("p.author_id"))
        rows = await self._database.rows(
            "SELECT p.id, p.caption, p.mentions, p.likes_count, p.comments_count, p.published_at_ms, p.edited_at_ms,"
            f" p.pictures_changed_at_ms, p.revision, p.audience, p.archived_at_ms, p.pinned_at_ms, {OPTIONS},"
            f" {USER_COLUMNS}, {related.sql},"
            " pl.id AS place_id, pl.name AS place_name, pl.lat AS place_lat, pl.lng AS place_lng,"
            " EXISTS(SELECT 1 FROM likes l WHERE l.post_id = p.id AND l.user_id = ?) AS liked,"
            " EXISTS(SELECT 1 FROM saves s WHERE s.post_id = p.id AND s.user_id = ?) AS saved"
            " FROM posts p JOIN users u ON u.id = p.author_id LEFT JOIN places pl ON pl.id = p.place_id"
            f" WHERE p.id IN ({placeholders(len(post_ids))}) AND {visible.sql}",
            [*related.parameters, viewer_id, viewer_id, *post_ids, *visible.parameters],
        )
        return [_card(row) for row in rows]

    async def insert(
        self,
        post_id: PostId,
        author_id: UserId,
        caption: str,
        mentions: Mapping[str, UserId],
        audience: Audience,
        published_at_ms: int | None = None,
        place_id: PlaceId | None = None,
    ) -> None:
        """Insert a post; `published_at_ms` is None if it is the time in the id."""
        await PostTable.create(
            id=post_id,
            author_id=author_id,
            caption=caption,
            mentions=pack_mentions(mentions),
            audience=audience,
            published_at_ms=published_at_ms,
            place_id=place_id,
        )

    async def edit(self, post_id: PostId, edited_at_ms: int, revision: int) -> None:
        await self._database.execute(
            "UPDATE posts SET edited_at_ms = ?, revision = ? WHERE id = ?", [edited_at_ms, revision, post_id]
        )

    async def set_caption(self, post_id: PostId, caption: str, mentions: Mapping[str, UserId]) -> None:
        await self._database.execute(
            "UPDATE posts SET caption = ?, mentions = ? WHERE id = ?",
            [caption, pack_mentions(mentions), post_id],
        )

    async def set_place(self, post_id: PostId, place_id: PlaceId | None) -> None:
        await self._database.execute("UPDATE posts SET place_id = ? WHERE id = ?", [place_id, post_id])

    async def get_place_id(self, post_id: PostId) -> PlaceId | None:
        """Return the place of a post that may be hidden, or None if it has none or does not exist."""
        rows = await self._database.rows("SELECT place_id FROM posts WHERE id = ?", [post_id])
        return PlaceId(rows[0]["place_id"]) if rows and rows[0]["place_id"] is not None else None

    async def set_audience(self, post_id: PostId, audience: Audience) -> None:
        await self._database.execute("UPDATE posts SET audience = ? WHERE id = ?", [audience, post_id])

    async def set_options(self, post_id: PostId, options: PostOptions) -> None:
        await self._database.execute(
            "UPDATE posts SET comments_enabled = ?, like_count_hidden = ? WHERE id = ?",
            [int(options.comments_enabled), int(options.like_count_hidden), post_id],
        )

    async def set_pictures_changed(self, post_id: PostId, changed_at_ms: int, revision: int) -> None:
        await self._database.execute(
            "UPDATE posts SET pictures_changed_at_ms = ?, revision = ? WHERE id = ?",
            [changed_at_ms, revision, post_id],
        )

    async def set_likes_count(self, post_id: PostId, count: int, revision: int) -> None:
        await self._database.execute(
            "UPDATE posts SET likes_count = ?, revision = ? WHERE id = ?", [count, revision, post_id]
        )

    async def set_likes_counts(self, counts: Mapping[PostId, tuple[int, int]]) -> None:
        """Store the count of likes and the revision of several posts, which are locked."""
        if len(counts) == 1:
            ((post_id, (count, revision)),) = counts.items()
            await self.set_likes_count(post_id, count, revision)
            return
        cases = " ".join(["WHEN ? THEN ?"] * len(counts))
        by_count = [value for post_id, (count, _) in counts.items() for value in (post_id, count)]
        by_revision = [value for post_id, (_, revision) in counts.items() for value in (post_id, revision)]
        await self._database.execute(
            f"UPDATE posts SET likes_count = CASE id {cases} END, revision = CASE id {cases} END"
            f" WHERE id IN ({placeholders(len(counts))})",
            [*by_count, *by_revision, *counts],
        )

    async def set_comments_count(self, post_id: PostId, count: int, revision: int) -> None:
        await self._database.execute(
            "UPDATE posts SET comments_count = ?, revision = ? WHERE id = ?", [count, revision, post_id]
        )

    async def mark_deleted(
        self, post_id: PostId, deleted_at_ms: int, revision: int, hidden_by_id: ActionId | None = None
    ) -> None:
        await self._database.execute(
            "UPDATE posts SET deleted_at_ms = ?, revision = ?, hidden_by_id = ? WHERE id = ?",
            [deleted_at_ms, revision, hidden_by_id, post_id],
        )

    async def restore(self, post_id: PostId, revision: int) -> None:
        """Show a hidden post again, and count its likes and comments, which changed without being counted."""
        await self._database.execute(
            "UPDATE posts SET deleted_at_ms = NULL, hidden_by_id = NULL, revision = ?,"
            " likes_count = (SELECT COUNT(*) FROM likes WHERE likes.post_id = posts.id),"
            " comments_count = (SELECT COUNT(*) FROM comments WHERE comments.post_id = posts.id"
            " AND comments.hidden_by_id IS NULL AND comments.pending = 0) WHERE id = ?",
            [revision, post_id],
        )

    async def is_marked_deleted(self, post_id: PostId) -> bool:
        return bool(
            await self._database.rows(
                "SELECT 1 FROM posts WHERE id = ? AND deleted_at_ms IS NOT NULL", [post_id]
            )
        )

    async def set_pinned(self, post_id: PostId, pinned_at_ms: int | None) -> None:
        """Pin a post, or unpin it with None."""
        await self._database.execute(
            "UPDATE posts SET pinned_at_ms = ? WHERE id = ?", [pinned_at_ms, post_id]
        )

    async def set_archived(self, post_id: PostId, archived_at_ms: int | None, revision: int) -> None:
        """Archive a post, or restore it with None."""
        await self._database.execute(
            "UPDATE posts SET archived_at_ms = ?, revision = ? WHERE id = ?",
            [archived_at_ms, revision, post_id],
        )

    async def delete(self, post_id: PostId) -> None:
        await self._database.execute("DELETE FROM posts WHERE id = ?", [post_id])

    async def _get(self, post_id: PostId, visible: Condition, suffix: str) -> PostRow | None:
        rows = await self._database.rows(
            f"SELECT {POST_COLUMNS} FROM posts p WHERE p.id = ? AND {visible.sql}{suffix}",
            [post_id, *visible.parameters],
        )
        return post_row(rows[0]) if rows else None


def post_row(row: Mapping[str, Any]) -> PostRow:
    """Return the post in a row with POST_COLUMNS."""
    return PostRow(
        id=PostId(row["id"]),
        author_id=UserId(row["author_id"]),
        likes_count=row["likes_count"],
        comments_count=row["comments_count"],
        edited_at_ms=row["edited_at_ms"],
        pictures_changed_at_ms=row["pictures_changed_at_ms"],
        revision=row["revision"],
        audience=Audience(row["audience"]),
        archived=row["archived_at_ms"] is not None,
        pinned=row["pinned_at_ms"] is not None,
        options=options_of(row),
        place_id=None if row["place_id"] is None else PlaceId(row["place_id"]),
    )


def options_of(row: Mapping[str, Any]) -> PostOptions:
    """Return the options in the columns of a post or a draft."""
    return PostOptions(bool(row["comments_enabled"]), bool(row["like_count_hidden"]))


def latest_change(edited_at_ms: int | None, pictures_changed_at_ms: int | None) -> int | None:
    """Return when what a post's card shows changed last; None if never. It identifies the card in caches."""
    return max((at_ms for at_ms in (edited_at_ms, pictures_changed_at_ms) if at_ms is not None), default=None)


def _card(row: Mapping[str, Any]) -> PostCardRow:
    return PostCardRow(
        id=PostId(row["id"]),
        caption=row["caption"],
        mentions=unpack_mentions(row["mentions"]),
        likes_count=row["likes_count"],
        comments_count=row["comments_count"],
        created_at_ms=row["published_at_ms"] or id_timestamp_ms(row["id"]),
        edited_at_ms=row["edited_at_ms"],
        changed_at_ms=latest_change(row["edited_at_ms"], row["pictures_changed_at_ms"]),
        revision=row["revision"],
        audience=Audience(row["audience"]),
        archived=row["archived_at_ms"] is not None,
        pinned=row["pinned_at_ms"] is not None,
        options=options_of(row),
        author=UserCardRow.from_row(row),
        relationship=RelationshipRow.from_row(row),
        liked=bool(row["liked"]),
        saved=bool(row["saved"]),
        place=None if row["place_id"] is None else _place(row),
    )


def _place(row: Mapping[str, Any]) -> PlaceRow:
    return PlaceRow(PlaceId(row["place_id"]), row["place_name"], row["place_lat"], row["place_lng"])
