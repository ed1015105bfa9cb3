"""Reads from Redis how a reader relates to users, and which revision of them is current."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from server.gateways.feed_store import timeline_scripts as scripts
from server.gateways.feed_store.keys import (
    PEOPLE,
    feed_key,
    follows_key,
    relations_key,
    strangers_key,
)
from server.gateways.feed_store.timeline_reads import AuthorRelation
from server.gateways.feed_store.timelines import Timelines
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import UserId


@dataclass(frozen=True, slots=True)
class KnownUser:
    """State of a user in Redis. `revision` is None if it is not cached, and negative for a hidden user."""

    revision: int | None
    relation: AuthorRelation


@dataclass(frozen=True, slots=True)
class PeopleRead:
    """`token` is another one after each change of a relation of the reader; empty if there is none."""

    token: str
    users: Sequence[KnownUser]


class PeopleReads:
    """Every method raises RedisUnavailable."""

    def __init__(self, redis: PipelinedRedis, timelines: Timelines) -> None:
        self._redis = redis
        self._timelines = timelines

    async def read(self, reader_id: UserId, user_ids: Sequence[UserId]) -> PeopleRead:
        """Return what is known of each of the users."""
        keys = (
            strangers_key(reader_id), PEOPLE, feed_key(reader_id), follows_key(reader_id), relations_key(reader_id)
        )  # fmt: skip
        answer: list[bytes] = await self._redis.run(scripts.READ_PEOPLE, keys, user_ids, with_run_id=True)
        token, *users = answer
        return PeopleRead(token.decode(), [_known(each) for each in users])

    async def record(self, revisions: Mapping[UserId, int]) -> None:
        """Store revisions of users that others see, unless newer ones are stored."""
        if revisions:
            await self._redis.batch((self._timelines.record_revisions_call(revisions),))


@lru_cache(maxsize=8192)  # few users have another revision and relation than others
def _known(packed: bytes) -> KnownUser:
    revision, _, relation = packed.partition(b"|")
    return KnownUser(int(revision) if revision else None, AuthorRelation(relation.decode()))
