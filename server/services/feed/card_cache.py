"""Cache of the cards that feeds show: in memory, then in Redis.

The caller identifies the valid card: a post's by the time of its last change, a user's by its revision.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, Generic, TypeVar

import orjson

from server.epoch import DatabaseEpoch
from server.gateways.feed_store.card_cache import RedisCardCache
from server.gateways.feed_store.timeline_reads import TimelineEntry
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.models.content.post_options import PostOptions
from server.services.records import Image, Place, Post, PostCard, Tag, UserCard

Key = TypeVar("Key", bound=Hashable)
Card = TypeVar("Card")

# Version of the cards in Redis, which other versions of the program read. Change it with the fields of the cards.
CARD_FORMAT = 10


class BoundedCache(Generic[Key, Card]):
    """Cache of the `max_entries` newest entries.

    FIFO rather than LRU: a hot entry that is evicted is added again immediately.
    """

    def __init__(self, max_entries: int) -> None:
        self._max_entries = max_entries
        self._entries: dict[Key, Card] = {}
        self.get = self._entries.get

    def put(self, key: Key, card: Card) -> None:
        self._entries[key] = card
        if len(self._entries) > self._max_entries:
            del self._entries[next(iter(self._entries))]

    def clear(self) -> None:
        self._entries.clear()


class CardCache:
    """Cache of post cards, user cards and rendered posts.

    `max_cards` limits the post cards in memory; twice as many rendered posts are kept, and four times as many user
    cards, which are small. `origin` is the base URL of the pictures: cards contain URLs, so cards in Redis with another
    origin are ignored. The same holds for cards of another epoch of the database: a revision identifies a card only
    within one epoch.
    """

    def __init__(
        self,
        redis: RedisCardCache,
        max_cards: int,
        origin: str = "",
        epoch: DatabaseEpoch | None = None,
    ) -> None:
        self.max_cards = max_cards
        self.epoch = epoch or DatabaseEpoch()
        self.epoch.listen(self._clear)
        self._redis = redis
        self._origin = origin
        self._posts: BoundedCache[PostId, PostCard] = BoundedCache(max_cards)
        self._users: BoundedCache[UserId, UserCard] = BoundedCache(4 * max_cards)
        self._rendered: BoundedCache[TimelineEntry, Post] = BoundedCache(2 * max_cards)
        self.get_rendered = self._rendered.get
        self.put_rendered = self._rendered.put

    def get_post(self, post_id: PostId, changed_at_ms: int | None) -> PostCard | None:
        """Return the card of a post as changed at that time, if it is in memory."""
        card = self._posts.get(post_id)
        return card if card is not None and card.changed_at_ms == changed_at_ms else None

    def get_user(self, user_id: UserId, revision: int | None) -> UserCard | None:
        """Return the card of a user in that revision, if it is in memory."""
        card = self._users.get(user_id)
        return card if card is not None and card.revision == revision else None

    async def load(self, post_ids: Sequence[PostId], user_ids: Sequence[UserId]) -> None:
        """Load cards from Redis into memory."""
        posts, users = await self._redis.get(post_ids, user_ids)
        for packed in posts.values():
            if (fields := self._unpack(packed)) is not None:
                card = _post_card(fields)
                self._posts.put(card.id, card)
        for packed in users.values():
            if (fields := self._unpack(packed)) is not None:
                user = UserCard(**fields)
                self._users.put(user.id, user)

    async def put(self, posts: Iterable[Post]) -> None:
        """Store the cards of posts in memory and in Redis."""
        cards: dict[int, bytes] = {}
        users: dict[int, bytes] = {}
        for post in posts:
            self._posts.put(post.id, post.card)
            self._users.put(post.author.id, post.author)
            cards[post.id] = self._pack(post.card)
            users[post.author.id] = self._pack(post.author)
        await self._redis.put(cards, users)

    async def put_users(self, users: Iterable[UserCard]) -> None:
        """Store the cards of users in memory and in Redis."""
        packed: dict[int, bytes] = {}
        for user in users:
            self._users.put(user.id, user)
            packed[user.id] = self._pack(user)
        await self._redis.put({}, packed)

    @property
    def _format(self) -> list[int | str]:
        return [CARD_FORMAT, self._origin, self.epoch.value]

    def _clear(self) -> None:
        self._posts.clear()
        self._users.clear()
        self._rendered.clear()

    def _pack(self, card: PostCard | UserCard) -> bytes:
        return orjson.dumps([self._format, asdict(card)])

    def _unpack(self, packed: bytes) -> dict[str, Any] | None:
        card_format, fields = orjson.loads(packed)
        return fields if card_format == self._format else None


def _post_card(fields: dict[str, Any]) -> PostCard:
    for image in fields["images"]:
        image["variants"] = tuple(image["variants"])
        image["tags"] = tuple(Tag(**tag) for tag in image["tags"])
    fields["images"] = tuple(Image(**image) for image in fields["images"])
    fields["hashtags"] = tuple(fields["hashtags"])
    fields["place"] = Place(**fields["place"]) if fields["place"] else None
    fields["audience"] = Audience(fields["audience"])
    fields["options"] = PostOptions(**fields["options"])
    return PostCard(**fields)
