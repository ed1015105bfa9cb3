"""Posts and pictures as JSON for one viewer: pictures that not everybody may see have signed addresses."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from server.clock import isoformat
from server.handlers import serializers
from server.handlers.http.representations.preconditions import digest, weak_etag
from server.handlers.user_cards import related_card, related_user
from server.ids import UserId
from server.paging import KeptPage, Page
from server.services.content.media_addresses import MediaAddresses
from server.services.content.share_links import ShareLinks
from server.services.content.sources import thumbnail_url
from server.services.records import (
    Comment,
    Draft,
    Image,
    Post,
    PostCard,
    PostPreview,
    PostStatus,
    Relationship,
    UnusedMedia,
    UserCard,
)
from server.sized_cache import SizedCache

_STATUSES = {False: PostStatus.PUBLISHED.encode(), True: PostStatus.ARCHIVED.encode()}
CACHE_SIZE = 8192  # entries of about 1 KB in each cache of rendered JSON
KEPT_PAGES_BYTES = 64 << 20  # of JSON, which pages share in part
PAGES = 1024  # kept pages for all viewers, and as many for single ones; they share the JSON of public posts


class RenderedPage(NamedTuple):
    """A page of posts, each as JSON, and its ETag: made once, because hashing the page would take 50 µs.

    `is_public`: it is the same for all viewers.
    """

    posts: tuple[bytes, ...]
    next_cursor: str | None
    etag: str
    is_public: bool

    def json(self) -> bytes:
        """Return the body. Pages share the JSON of their posts, so it is put together each time, in 3 µs."""
        cursor = b"null" if self.next_cursor is None else b'"%b"' % self.next_cursor.encode()
        return b'{"items":[%b],"nextCursor":%b}' % (b",".join(self.posts), cursor)

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.posts))


class PostSerializer:
    """Renders public posts once for all viewers, and other posts once per viewer until their addresses change."""

    def __init__(
        self, addresses: MediaAddresses, links: ShareLinks, kept_pages_bytes: int = KEPT_PAGES_BYTES
    ) -> None:
        self._addresses = addresses
        self._links = links
        self._public_card = lru_cache(maxsize=CACHE_SIZE)(self._render_public_card)
        self._public_post = lru_cache(maxsize=CACHE_SIZE)(self._render_public_post)
        self._public_page = lru_cache(maxsize=PAGES)(self._render_public_page)
        self._signed_card = lru_cache(maxsize=CACHE_SIZE)(self._render_signed_card)
        self._signed_page = lru_cache(maxsize=PAGES)(self._render_signed_page)
        # The keys of pages for single viewers end with the viewer and the step of the addresses. An entry has its page,
        # so that the page's id is not given to another object.
        self._kept: SizedCache[tuple[int, ...], tuple[KeptPage[Post], RenderedPage]] = SizedCache(
            kept_pages_bytes
        )

    def post(self, viewer_id: UserId, record: Post | Draft) -> orjson.Fragment:
        if isinstance(record, Draft):
            images = self._addresses.sign(record.images, viewer_id, self._addresses.expires_at_s(record.id))
            return orjson.Fragment(orjson.dumps(serializers.draft(record, images)))
        return orjson.Fragment(self._render(viewer_id, record).json)

    def post_with_comments(self, viewer_id: UserId, record: Post, comments: Page[Comment]) -> orjson.Fragment:
        page = orjson.dumps(serializers.page_body(comments, serializers.comment))
        return orjson.Fragment(b'%b,"comments":%b}' % (self._render(viewer_id, record).json[:-1], page))

    def for_viewer(self, viewer_id: UserId) -> Callable[[Post | Draft], orjson.Fragment]:
        return partial(self.post, viewer_id)

    def page(self, viewer_id: UserId, page: Page[Post]) -> RenderedPage:
        """Render a page. The same records are rendered once; a page that is kept is found without comparing them."""
        if not isinstance(page, KeptPage):
            return self._page(viewer_id, page)
        kept = self._kept.get((id(page),)) or self._kept.get((id(page), viewer_id, self._addresses.step))
        if kept is not None:
            return kept[1]
        rendered = self._page(viewer_id, page)
        key = (id(page),) if rendered.is_public else (id(page), viewer_id, self._addresses.step)
        self._kept.put(key, (page, rendered), rendered.size_bytes)
        return rendered

    def _page(self, viewer_id: UserId, page: Page[Post]) -> RenderedPage:
        records = tuple(page.items)
        rendered = self._public_page(records, page.next_cursor)
        if rendered is None:
            rendered = self._signed_page(viewer_id, records, page.next_cursor, self._addresses.step)
        return rendered

    def image(self, viewer_id: UserId, image: Image, id_: int) -> dict[str, Any]:
        """Render a picture with an address for the viewer; `id_`: the object that it belongs to."""
        (signed,) = self._addresses.sign([image], viewer_id, self._addresses.expires_at_s(id_))
        return serializers.image(signed)

    def preview(self, viewer_id: UserId, record: PostPreview) -> dict[str, Any]:
        """Render a post as a list of something else shows it."""
        image = record.image
        if image is not None and not record.is_public:
            (image,) = self._addresses.sign([image], viewer_id, self._addresses.expires_at_s(record.id))
        return {
            "id": str(record.id),
            "thumbnailUrl": None if image is None else thumbnail_url(image),
            "blurhash": None if image is None else image.blurhash,
        }

    def images(self, viewer_id: UserId, post: Post, images: Sequence[Image]) -> list[dict[str, Any]]:
        """Render pictures of a post, with the same addresses as in the post."""
        if not post.is_public:
            images = self._addresses.sign(images, viewer_id, self._addresses.expires_at_s(post.id))
        return [serializers.image(each) for each in images]

    def unused_media(self, owner_id: UserId, record: UnusedMedia) -> dict[str, Any]:
        image = None if record.image is None else self.image(owner_id, record.image, record.id)
        return serializers.unused_media(record, image)

    def _render(self, viewer_id: UserId, record: Post) -> "_RenderedPost":
        if record.is_public:
            return self._public_post(record)
        expires_at_s = self._addresses.expires_at_s(record.id)
        return _post(self._signed_card(record.card, viewer_id, expires_at_s), record)

    def _render_public_page(self, records: Sequence[Post], next_cursor: str | None) -> RenderedPage | None:
        """Return the page; None if not everybody may see all of its posts."""
        if not all(record.is_public for record in records):
            return None
        return _page([self._public_post(record) for record in records], next_cursor, is_public=True)

    def _render_public_post(self, record: Post) -> "_RenderedPost":
        return _post(self._public_card(record.card), record)

    def _render_public_card(self, card: PostCard) -> bytes:
        return _card(card, self._links.post(card.id))

    def _render_signed_card(self, card: PostCard, viewer_id: UserId, expires_at_s: int) -> bytes:
        return _card(replace(card, images=self._addresses.sign(card.images, viewer_id, expires_at_s)), None)

    def _render_signed_page(
        self, viewer_id: UserId, records: Sequence[Post], next_cursor: str | None, _step: int
    ) -> RenderedPage:
        return _page([self._render(viewer_id, record) for record in records], next_cursor, is_public=False)


def kept_page_response(request: web.Request, rendered: RenderedPage) -> web.Response:
    """Return a page that is kept, with its ETag."""
    return serializers.rendered_page_response(request, rendered.json(), rendered.next_cursor, rendered.etag)


_BOOLEANS = (b"false", b"true")


class _RenderedPost(NamedTuple):
    json: bytes
    digest: bytes


def _page(posts: Sequence[_RenderedPost], next_cursor: str | None, *, is_public: bool) -> RenderedPage:
    content = b"".join([post.digest for post in posts]) + (next_cursor or "").encode()
    return RenderedPage(
        tuple(post.json for post in posts), next_cursor, weak_etag(digest(content)), is_public
    )


def _post(card: bytes, record: Post) -> _RenderedPost:
    """Render a post. Card and author are cached apart, so that a changed count leaves them rendered."""
    likes = b"null" if record.shown_likes_count is None else b"%d" % record.shown_likes_count
    rendered = b'%b,"status":"%b","author":%b,"likesCount":%b,"commentsCount":%d,"liked":%b,"saved":%b}' % (
        card, _STATUSES[record.archived], _author(record.author, record.relationship),
        likes, record.shown_comments_count, _BOOLEANS[record.liked], _BOOLEANS[record.saved],
    )  # fmt: skip
    if record.liked_by is not None:
        rendered = b'%b,"likedBy":%b}' % (
            rendered[:-1],
            orjson.dumps([related_user(each) for each in record.liked_by]),
        )
    return _RenderedPost(rendered, digest(rendered))


def _card(card: PostCard, share_url: str | None) -> bytes:
    """Return the members of the card, without the closing brace."""
    return orjson.dumps(
        {
            "id": str(card.id),
            "caption": card.caption,
            **serializers.mentions(card.mentions),
            "hashtags": card.hashtags,
            "audience": card.audience,
            "pinned": card.pinned,
            "commentsEnabled": card.options.comments_enabled,
            "hideLikeCount": card.options.like_count_hidden,
            "place": None if card.place is None else serializers.place(card.place),
            "images": [serializers.image(each) for each in card.images],
            "shareUrl": share_url,
            "createdAt": isoformat(card.created_at_ms),
            "editedAt": None if card.edited_at_ms is None else isoformat(card.edited_at_ms),
        }
    )[:-1]


@lru_cache(maxsize=CACHE_SIZE)
def _author(card: UserCard, relationship: Relationship) -> bytes:
    return orjson.dumps(related_card(card, relationship))
