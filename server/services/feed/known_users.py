"""Users as one viewer may see them, from the relations, revisions and cards that the feed caches."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from server.gateways.feed_store.people_reads import KnownUser, PeopleReads
from server.gateways.feed_store.strangers import StrangerCache
from server.gateways.feed_store.timeline_reads import AuthorRelation
from server.gateways.redis.error_replies import RedisUnavailable
from server.ids import UserId
from server.models.conditions import Column
from server.models.feed.strangers import StrangerRepository
from server.services.content.cards import Cards, to_relationship
from server.services.content.visibility import Visibility
from server.services.feed.card_cache import CardCache
from server.services.feed.strangers import RELATIONSHIPS, relation_of
from server.services.records import RelatedUser


class KnownUsers:
    """Users whose card, revision and relation are cached cost one round trip to Redis; one statement reads the others.

    Redis has the current revision of users and the current relations, so a card of that revision is right. Users that
    the viewer avoids, or who are hidden, are left to the rule in SQL; without Redis all are.
    """

    def __init__(
        self,
        people: PeopleReads,
        strangers: StrangerCache,
        rows: StrangerRepository,
        cards: Cards,
        cache: CardCache,
        visibility: Visibility,
    ) -> None:
        self._people = people
        self._strangers = strangers
        self._rows = rows
        self._cards = cards
        self._cache = cache
        self._visibility = visibility

    async def list_visible(self, viewer_id: UserId, user_ids: Sequence[UserId]) -> list[RelatedUser]:
        """Return the users that the viewer may see, in the given order, with the relationship to each."""
        if not user_ids:
            return []
        try:
            read = await self._people.read(viewer_id, user_ids)
        except RedisUnavailable:
            visible = self._visibility.users(viewer_id, Column("u.id"))
            return await self._cards.list_related(viewer_id, user_ids, visible)
        known = {
            user_id: user
            for user_id, user in zip(user_ids, read.users, strict=True)
            if user.revision is not None and user.relation in RELATIONSHIPS
        }
        found = self._assemble(known)
        if len(found) < len(known):
            await self._cache.load((), [user_id for user_id in known if user_id not in found])
            found = self._assemble(known)
        if len(found) < len(user_ids):
            rest = [user_id for user_id in user_ids if user_id not in found]
            found |= await self._load_from_database(viewer_id, read.token, rest)
        return [found[user_id] for user_id in user_ids if user_id in found]

    def _assemble(self, known: Mapping[UserId, KnownUser]) -> dict[UserId, RelatedUser]:
        """Return the users whose card is in memory."""
        found: dict[UserId, RelatedUser] = {}
        for user_id, user in known.items():
            card = self._cache.get_user(user_id, user.revision)
            if card is not None:
                found[user_id] = RelatedUser(card, RELATIONSHIPS[user.relation])
        return found

    async def _load_from_database(
        self, viewer_id: UserId, token: str, user_ids: Sequence[UserId]
    ) -> dict[UserId, RelatedUser]:
        """Return the visible users, and cache their cards, revisions and relations. `token`: that of the relations."""
        with suppress(RedisUnavailable):
            token = token or await self._strangers.begin(viewer_id)
        visible = self._visibility.users(viewer_id, Column("u.id"))
        rows = await self._rows.list_visible(viewer_id, user_ids, visible)
        cards = {user.id: self._cards.user_card(user) for user, _ in rows}
        relations: dict[UserId, AuthorRelation] = {
            user.id: relation_of(row) for user, row in rows if user.id != viewer_id
        }
        await self._cache.put_users(cards.values())
        with suppress(RedisUnavailable):
            await self._people.record(
                {user_id: card.revision for user_id, card in cards.items() if user_id != viewer_id}
            )
            await self._strangers.put(viewer_id, token, relations)
        return {user.id: RelatedUser(cards[user.id], to_relationship(row.relationship)) for user, row in rows}
