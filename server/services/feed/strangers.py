"""Relations of a reader to authors that the reader does not follow: looked up once, then kept in Redis."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from server.gateways.feed_store.strangers import StrangerCache
from server.gateways.feed_store.timeline_reads import AuthorRelation
from server.gateways.redis.error_replies import RedisUnavailable
from server.ids import UserId
from server.models.feed.strangers import StrangerRepository, StrangerRow
from server.services.records import NO_RELATIONSHIP, Relationship

# By whether the reader asked to follow, the author follows the reader, and the reader has restricted the author.
_STRANGERS = {
    (False, False, False): AuthorRelation.STRANGER,
    (False, True, False): AuthorRelation.FAN,
    (True, False, False): AuthorRelation.REQUESTED,
    (True, True, False): AuthorRelation.REQUESTED_FAN,
    (False, False, True): AuthorRelation.RESTRICTED_STRANGER,
    (False, True, True): AuthorRelation.RESTRICTED_FAN,
    (True, False, True): AuthorRelation.RESTRICTED_REQUESTED,
    (True, True, True): AuthorRelation.RESTRICTED_REQUESTED_FAN,
}
STRANGERS = frozenset(_STRANGERS.values())
UNRESTRICTED = frozenset(relation for (_, _, restricted), relation in _STRANGERS.items() if not restricted)

# Of the authors that pages show: muted and blocked ones are not among them.
RELATIONSHIPS: Mapping[AuthorRelation, Relationship] = {
    AuthorRelation.SELF: NO_RELATIONSHIP,
    AuthorRelation.FOLLOWED: Relationship(True, False, False, False, False),
    AuthorRelation.MUTUAL: Relationship(True, False, True, False, False),
    **{
        relation: Relationship(False, requested, followed_by, False, False)
        for (requested, followed_by, _), relation in _STRANGERS.items()
    },
}


class Strangers:
    def __init__(self, rows: StrangerRepository, cache: StrangerCache) -> None:
        self._rows = rows
        self._cache = cache

    async def resolve(
        self, reader_id: UserId, author_ids: Iterable[UserId]
    ) -> Mapping[UserId, AuthorRelation]:
        """Return the reader's relation to each of the authors that exist, with one query, and keep it in Redis."""
        token = None
        with suppress(RedisUnavailable):
            token = await self._cache.begin(reader_id)
        rows = await self._rows.find(reader_id, sorted(set(author_ids)))
        relations = {author_id: relation_of(row) for author_id, row in rows.items()}
        if token is not None:
            with suppress(RedisUnavailable):
                await self._cache.put(reader_id, token, relations)
        return relations


def relation_of(row: StrangerRow) -> AuthorRelation:
    """Return the relation to an author who is not the reader."""
    found = row.relationship
    if found.muting or found.blocking or found.blocked_by:
        return AuthorRelation.AVOIDED
    if found.following:
        return AuthorRelation.KNOWN_FOLLOWED
    return _STRANGERS[found.requested, found.followed_by, row.restricted]
