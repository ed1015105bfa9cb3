"""The cards that feeds show: from this process's memory, else from the shelf in Redis, else from the database.

Which card is the right one is said by whoever asks: a post's by the moment of its last edit, a person's by revision.
"""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict
from typing import Any, Generic, TypeVar

import orjson

from server.gateways.feed_store.card_cache import RedisCardCache
from server.gateways.feed_store.timelines import Entry
from server.ids import PostId, UserId
from server.services.records import Image, Post, PostCard, UserCard

Key = TypeVar("Key", bound=Hashable)
Card = TypeVar("Card")

# What is on the shelf is read by whatever version of the program comes next: another form gets another number.
FORM = 1


class Memory(Generic[Key, Card]):
    """The `most` cards that came last. Whichever is used often comes again at once, so use is not kept account of."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._cards: dict[Key, Card] = {}
        self.get = self._cards.get

    def put(self, key: Key, card: Card) -> None:
        self._cards[key] = card
        if len(self._cards) > self._most:
            del self._cards[next(iter(self._cards))]


class CardCache:
    """`most` bounds the posts in memory, and the people as well; and twice as many are kept as they were shown. Pages
    of about as many are kept by `pages`.

    `origin` is where pictures are, for cards have their addresses: with another one, what is on the shelf is of no use.
    """

    def __init__(self, shelf: RedisCardCache, most: int, origin: str = "") -> None:
        self.most = most
        self._shelf = shelf
        self._form = [FORM, origin]
        self._posts: Memory[PostId, PostCard] = Memory(most)
        self._people: Memory[UserId, UserCard] = Memory(most)
        self._shown: Memory[Entry, Post] = Memory(2 * most)
        self.shown = self._shown.get
        self.show = self._shown.put

    def post(self, post_id: PostId, edited_at_ms: int | None) -> PostCard | None:
        """The card of a post as it was edited at that time, if it is in memory."""
        card = self._posts.get(post_id)
        return card if card is not None and card.edited_at_ms == edited_at_ms else None

    def person(self, user_id: UserId, revision: int | None) -> UserCard | None:
        """The card of a person in that revision, if it is in memory."""
        card = self._people.get(user_id)
        return card if card is not None and card.revision == revision else None

    async def fetch(self, post_ids: Sequence[PostId], user_ids: Sequence[UserId]) -> None:
        """Bring what the shelf has into memory."""
        posts, people = await self._shelf.take(post_ids, user_ids)
        for raw in posts.values():
            if (members := self._unpacked(raw)) is not None:
                card = _post_card(members)
                self._posts.put(card.id, card)
        for raw in people.values():
            if (members := self._unpacked(raw)) is not None:
                person = UserCard(**members)
                self._people.put(person.id, person)

    async def keep(self, posts: Iterable[Post]) -> None:
        """Put what came from the database into memory, and on the shelf."""
        cards: dict[int, bytes] = {}
        people: dict[int, bytes] = {}
        for post in posts:
            self._posts.put(post.id, post.card)
            self._people.put(post.author.id, post.author)
            cards[post.id] = self._packed(post.card)
            people[post.author.id] = self._packed(post.author)
        await self._shelf.put(cards, people)

    def _packed(self, card: PostCard | UserCard) -> bytes:
        return orjson.dumps([self._form, asdict(card)])

    def _unpacked(self, raw: bytes) -> dict[str, Any] | None:
        form, members = orjson.loads(raw)
        return members if form == self._form else None


def _post_card(members: dict[str, Any]) -> PostCard:
    members["images"] = tuple(Image(**image) for image in members["images"])
    for name in ("mentions", "hashtags"):
        members[name] = tuple(members[name])
    return PostCard(**members)
