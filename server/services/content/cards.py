"""Cards: users and posts as clients see them, read in batches with one query per table."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Protocol

from server.ids import MediaId, PostId, UserId
from server.models.accounts.user_cards import UserCardRepository, UserCardRow
from server.models.conditions import Condition
from server.models.content.followed_likers import FEW_LIKES, FollowedLikerRepository
from server.models.content.media import MediaPicture
from server.models.content.post_images import PostImageRepository, PostImageRow
from server.models.content.posts import ListedPost, PostCardRow, PostRepository
from server.models.people.relationships import RelationshipRepository, RelationshipRow
from server.paging import Page, cut
from server.services.content.mentions import hashtags_in
from server.services.content.places import to_place
from server.services.content.visibility import Visibility
from server.services.records import (
    Image,
    Post,
    PostCard,
    PostPreview,
    RelatedUser,
    Relationship,
    Role,
    Tag,
    UserCard,
)

AVATAR_SIZE = "large"


class ListedUser(Protocol):
    """A row of a list of users; its id is its position in the list."""

    @property
    def id(self) -> int: ...

    @property
    def user(self) -> UserCardRow: ...


class Cards:
    """`media_url` returns the public address of a key in the media store."""

    def __init__(
        self,
        users: UserCardRepository,
        posts: PostRepository,
        images: PostImageRepository,
        relationships: RelationshipRepository,
        visibility: Visibility,
        media_url: Callable[[str], str],
        likers: FollowedLikerRepository,
    ) -> None:
        self._users = users
        self._posts = posts
        self._images = images
        self._relationships = relationships
        self._visibility = visibility
        self._media_url = media_url
        self._likers = likers

    def avatar_url(self, avatar_key: str) -> str | None:
        return self._media_url(f"{avatar_key}/{AVATAR_SIZE}.jpg") if avatar_key else None

    def user_card(self, row: UserCardRow) -> UserCard:
        return UserCard(
            id=row.id,
            username=row.username,
            full_name=row.full_name,
            avatar_url=self.avatar_url(row.avatar_key),
            is_celebrity=row.role == Role.CELEBRITY,
            revision=row.revision,
            is_private=row.is_private,
        )

    async def list_related(
        self, viewer_id: UserId, user_ids: Sequence[UserId], visible: Condition
    ) -> list[RelatedUser]:
        """Return the users `u` that satisfy `visible`, in the order of their ids, with the viewer's relationship."""
        rows = {row.id: row for row in await self._users.list_by_ids(user_ids, visible)} if user_ids else {}
        return await self.relate(viewer_id, [rows[user_id] for user_id in user_ids if user_id in rows])

    async def get_users(self, user_ids: Iterable[UserId]) -> dict[UserId, UserCard]:
        """Return the cards of existing users by id."""
        distinct = list(set(user_ids))
        rows = await self._users.list_by_ids(distinct) if distinct else []
        return {row.id: self.user_card(row) for row in rows}

    async def cut_related(
        self, viewer_id: UserId, rows: Sequence[ListedUser], limit: int
    ) -> Page[RelatedUser]:
        """Return the page of up to `limit` + 1 listed users, with the viewer's relationship to each; one query."""
        page = cut(rows, limit, lambda row: row.id)
        return Page(await self.relate(viewer_id, [row.user for row in page.items]), page.next_cursor)

    async def relate(self, viewer_id: UserId, rows: Sequence[UserCardRow]) -> list[RelatedUser]:
        """Return users with the viewer's relationship to each, in order; without those deleted just now."""
        found = await self._relationships.find(viewer_id, [row.id for row in rows])
        return [
            RelatedUser(self.user_card(row), to_relationship(found[row.id]))
            for row in rows
            if row.id in found
        ]

    async def list_posts(
        self, post_ids: Sequence[PostId], viewer_id: UserId, *, with_likers: bool = True
    ) -> list[Post]:
        """Return the posts among `post_ids` that the viewer may see, in that order; three queries.

        Without likers, as in the feed, `liked_by` is None, and there are two queries.
        """
        if not post_ids:
            return []
        rows = await self._posts.list_cards(post_ids, viewer_id, self._visibility.posts(viewer_id))
        images = await self.list_images(post_ids)
        posts = {row.id: self._post(row, images.get(row.id, []), viewer_id) for row in rows}
        found = [posts[post_id] for post_id in post_ids if post_id in posts]
        return await self.add_likers(viewer_id, found) if with_likers else found

    async def add_likers(self, viewer_id: UserId, posts: Sequence[Post]) -> list[Post]:
        """Return the posts with their likers that the viewer follows; one query, none if others like none of them."""
        liked = [post for post in posts if post.likes_count > int(post.liked)]
        if not liked:
            return [replace(post, liked_by=()) for post in posts]
        few = [post.id for post in liked if post.likes_count <= FEW_LIKES]
        many = [post.id for post in liked if post.likes_count > FEW_LIKES]
        likers: dict[PostId, list[RelatedUser]] = {}
        for row in await self._likers.list_newest(viewer_id, few, many):
            user = RelatedUser(self.user_card(row.user), to_relationship(row.relationship))
            likers.setdefault(row.post_id, []).append(user)
        return [replace(post, liked_by=tuple(likers.get(post.id, ()))) for post in posts]

    async def cut_posts(self, viewer_id: UserId, rows: Sequence[ListedPost], limit: int) -> Page[Post]:
        """Return the page of up to `limit` + 1 listed posts; three queries.

        A post that was hidden since it was listed is missing; the cursor is right without it.
        """
        page = cut(rows, limit, lambda row: row.id)
        posts = await self.list_posts([row.post_id for row in page.items], viewer_id)
        return Page(posts, page.next_cursor)

    async def list_previews(self, post_ids: Sequence[PostId]) -> dict[PostId, PostPreview]:
        """Return posts that the viewer is known to see, each with its first picture; one query."""
        rows = await self._images.list_first(post_ids) if post_ids else []
        pictures = {
            row.image.post_id: (self.image(row.image.id, row.image, row.image.alt_text), row.is_public)
            for row in rows
        }
        return {post_id: PostPreview(post_id, *pictures.get(post_id, (None, False))) for post_id in post_ids}

    async def list_images(self, post_ids: Sequence[PostId]) -> dict[PostId, list[Image]]:
        """Return the images of posts, hidden ones included, in their order."""
        images: dict[PostId, list[Image]] = {}
        for image in await self._images.list_by_posts(post_ids):
            images.setdefault(image.post_id, []).append(
                replace(
                    self.image(image.id, image, image.alt_text), tags=tuple(Tag(*tag) for tag in image.tags)
                )
            )
        return images

    def image(self, image_id: MediaId, row: PostImageRow | MediaPicture, alt_text: str) -> Image:
        base_url = self._media_url(row.media_key)
        return Image(image_id, base_url, row.width, row.height, row.blurhash, alt_text, row.variants)

    def _post(self, row: PostCardRow, images: list[Image], viewer_id: UserId) -> Post:
        card = PostCard(
            id=row.id,
            author_id=row.author.id,
            caption=row.caption,
            mentions=row.mentions,
            hashtags=hashtags_in(row.caption),
            images=tuple(images),
            created_at_ms=row.created_at_ms,
            edited_at_ms=row.edited_at_ms,
            changed_at_ms=row.changed_at_ms,
            audience=row.audience,
            pinned=row.pinned,
            options=row.options,
            place=None if row.place is None else to_place(row.place),
        )
        return Post(
            card,
            self.user_card(row.author),
            row.likes_count,
            row.comments_count,
            liked=row.liked,
            saved=row.saved,
            archived=row.archived,
            relationship=to_relationship(row.relationship),
            revision=row.revision,
            is_own=row.author.id == viewer_id,
        )


def to_relationship(row: RelationshipRow) -> Relationship:
    return Relationship(row.following, row.requested, row.followed_by, row.blocking, row.muting)
