"""Contents of the cached feeds, for comparison with the database. Requests do not use it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from server.gateways.feed_store.followed_authors import FollowedAuthors
from server.gateways.feed_store.keys import (
    COUNTS,
    FAN_OUT_ON_READ,
    PEOPLE,
    follows_key,
    liked_key,
    relations_key,
    tags_key,
)
from server.gateways.feed_store.reader_marks import LIKED, SAVED, ReaderMarks
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import PostId, UserId

AUDIT_SCAN_COUNT = 500
RESERVED_FIELDS = (b"run_id", b"padding")


@dataclass(frozen=True, slots=True)
class CachedPosts:
    """Post ids of a list, complete from `complete_from_id` up; 0 means everything that exists."""

    complete_from_id: int
    post_ids: frozenset[PostId]


class TimelineAudit:
    """Reader of cached feeds. Ignores what another run of Redis left; every method raises RedisUnavailable."""

    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis

    async def list_owners(self, kind: str) -> list[int]:
        """Return the owners with a key `<kind>:<id>`, in ascending order."""
        found: set[int] = set()
        async for keys in self._scan("SCAN", (), "MATCH", f"{kind}:*"):
            for key in keys:
                _, _, owner = key.decode().partition(":")
                if owner.isdigit():
                    found.add(int(owner))
        return sorted(found)

    async def get_list(self, kind: str, owner_id: int) -> CachedPosts | None:
        """Return a feed (`feed`), an author's list (`author`) or a hashtag's (`tag`), or None if it is not built."""
        scored: list[bytes] = await self._redis.command("ZRANGE", f"{kind}:{owner_id}", 0, -1, "WITHSCORES")
        marker = f"built:{self._redis.run_id}".encode()
        complete_from_id: int | None = None
        post_ids: set[PostId] = set()
        for member, score in zip(scored[::2], scored[1::2], strict=True):
            if member == marker:
                complete_from_id = -int(float(score))
            elif member.isdigit():
                post_ids.add(PostId(int(member)))
        return None if complete_from_id is None else CachedPosts(complete_from_id, frozenset(post_ids))

    async def get_follows(self, user_id: UserId) -> FollowedAuthors | None:
        """Return which authors the reader follows, or None if it is not cached."""
        keys = (follows_key(user_id), relations_key(user_id), tags_key(user_id))
        found = await self._redis.commands(*(("SMEMBERS", key) for key in keys))
        return FollowedAuthors.parse(*found) if all(found) else None

    async def get_marks(self, user_id: UserId) -> ReaderMarks | None:
        """Return the posts that a reader likes and has saved, or None if they are not cached."""
        fields = _pairs(await self._redis.command("HGETALL", liked_key(user_id)))
        if b"complete_from_id" not in fields:
            return None
        marks = {PostId(int(key)): int(value[-1:]) for key, value in fields.items() if key.isdigit()}
        liked, saved = ([key for key, mark in marks.items() if mark & bit] for bit in (LIKED, SAVED))
        return ReaderMarks(int(fields[b"complete_from_id"]), liked, saved)

    async def get_fan_out_on_read_authors(self) -> set[UserId] | None:
        """Return the authors with fan-out on read, or None if the set is not built."""
        members: list[bytes] = await self._redis.command("SMEMBERS", FAN_OUT_ON_READ)
        if f"built:{self._redis.run_id}".encode() not in members:
            return None
        return {UserId(int(member)) for member in members if member.isdigit()}

    async def iterate_counts(self) -> AsyncIterator[dict[PostId, bytes]]:
        """Yield batches of the cached counters in their packed form."""
        async for pairs in self._iterate(COUNTS):
            yield {PostId(int(key)): value for key, value in pairs.items()}

    async def get_counts(self, post_ids: Sequence[PostId]) -> dict[PostId, bytes]:
        """Return the cached counters of posts in their packed form."""
        values: list[bytes | None] = await self._redis.command("HMGET", COUNTS, *post_ids)
        return {key: value for key, value in zip(post_ids, values, strict=True) if value is not None}

    async def iterate_revisions(self) -> AsyncIterator[dict[UserId, int]]:
        """Yield batches of the cached revisions of users."""
        async for pairs in self._iterate(PEOPLE):
            yield {UserId(int(key)): int(value) for key, value in pairs.items()}

    async def get_revisions(self, user_ids: Sequence[UserId]) -> dict[UserId, int]:
        """Return the cached revisions of users."""
        values: list[bytes | None] = await self._redis.command("HMGET", PEOPLE, *user_ids)
        return {key: int(value) for key, value in zip(user_ids, values, strict=True) if value is not None}

    async def drop_keys(self, *keys: str) -> None:
        """Drop keys; reads build them again."""
        await self._redis.command("DEL", *keys)

    async def drop_revisions(self, post_ids: Sequence[PostId] = (), user_ids: Sequence[UserId] = ()) -> None:
        """Drop counters of posts and revisions of users."""
        for key, ids in ((COUNTS, post_ids), (PEOPLE, user_ids)):
            if ids:
                await self._redis.command("HDEL", key, *ids)

    async def _iterate(self, key: str) -> AsyncIterator[dict[bytes, bytes]]:
        if await self._redis.command("HGET", key, "run_id") != self._redis.run_id.encode():
            return
        async for parts in self._scan("HSCAN", (key,)):
            yield {field: value for field, value in _pairs(parts).items() if field not in RESERVED_FIELDS}

    async def _scan(self, command: str, keys: tuple[str, ...], *more: str) -> AsyncIterator[list[bytes]]:
        cursor = b"0"
        while True:
            cursor, found = await self._redis.command(
                command, *keys, cursor, *more, "COUNT", AUDIT_SCAN_COUNT
            )
            if found:
                yield found
            if cursor == b"0":
                return


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
