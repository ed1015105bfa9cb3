"""What Redis holds of feeds, as it stands, for whoever compares it with the database. Serves no request."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from server.gateways.feed_store.timelines import COUNTS, PEOPLE, PULLED
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import PostId, UserId

SCAN_COUNT = 500
MARKS = (b"life", b"long")


@dataclass(frozen=True, slots=True)
class KeptList:
    """A feed or an author's list that is built: everything from `floor` up, 0: all there is."""

    floor: int
    post_ids: frozenset[PostId]


@dataclass(frozen=True, slots=True)
class KeptLikes:
    """What a reader likes, complete from `floor` up."""

    floor: int
    post_ids: frozenset[PostId]


class TimelineAudit:
    """Every method raises Unavailable when Redis does not answer. What another life of Redis left is not there."""

    def __init__(self, wire: PipelinedRedis) -> None:
        self._wire = wire

    async def owners(self, kind: str) -> list[UserId]:
        """Of whom there are keys `<kind>:<id>`, in their order."""
        found: set[UserId] = set()
        async for keys in self._scan("SCAN", (), "MATCH", f"{kind}:*"):
            for key in keys:
                _, _, owner = key.decode().partition(":")
                if owner.isdigit():
                    found.add(UserId(int(owner)))
        return sorted(found)

    async def kept(self, kind: str, user_id: UserId) -> KeptList | None:
        """A feed (`feed`) or an author's list (`author`); None if there is none that is built."""
        scored: list[bytes] = await self._wire.command("ZRANGE", f"{kind}:{user_id}", 0, -1, "WITHSCORES")
        marker = f"built:{self._wire.life}".encode()
        floor: int | None = None
        post_ids: set[PostId] = set()
        for member, score in zip(scored[::2], scored[1::2], strict=True):
            if member == marker:
                floor = -int(float(score))
            elif member.isdigit():
                post_ids.add(PostId(int(member)))
        return None if floor is None else KeptList(floor, frozenset(post_ids))

    async def follows(self, user_id: UserId) -> set[UserId] | None:
        """Whom Redis believes a reader to follow, the reader among them."""
        members: list[bytes] = await self._wire.command("SMEMBERS", f"follows:{user_id}")
        return {UserId(int(member)) for member in members} or None

    async def likes(self, user_id: UserId) -> KeptLikes | None:
        noted = _pairs(await self._wire.command("HGETALL", f"liked:{user_id}"))
        if b"floor" not in noted:
            return None
        liked = {PostId(int(key)) for key, value in noted.items() if key.isdigit() and value.endswith(b":1")}
        return KeptLikes(int(noted[b"floor"]), frozenset(liked))

    async def pulled(self) -> set[UserId] | None:
        """The authors whose posts are not pushed, as Redis has it; None if the set is not built."""
        members: list[bytes] = await self._wire.command("SMEMBERS", PULLED)
        if f"built:{self._wire.life}".encode() not in members:
            return None
        return {UserId(int(member)) for member in members if member.isdigit()}

    async def counts(self) -> AsyncIterator[dict[PostId, bytes]]:
        """The counters that are kept, as they are packed, some at a time."""
        async for pairs in self._noted(COUNTS):
            yield {PostId(int(key)): value for key, value in pairs.items()}

    async def counts_of(self, post_ids: Sequence[PostId]) -> dict[PostId, bytes]:
        """The counters of some posts, as far as they are kept."""
        values: list[bytes | None] = await self._wire.command("HMGET", COUNTS, *post_ids)
        return {key: value for key, value in zip(post_ids, values, strict=True) if value is not None}

    async def people(self) -> AsyncIterator[dict[UserId, int]]:
        """The revisions of people's cards that are kept, some at a time."""
        async for pairs in self._noted(PEOPLE):
            yield {UserId(int(key)): int(value) for key, value in pairs.items()}

    async def people_of(self, user_ids: Sequence[UserId]) -> dict[UserId, int]:
        """The revisions of some people's cards, as far as they are kept."""
        values: list[bytes | None] = await self._wire.command("HMGET", PEOPLE, *user_ids)
        return {key: int(value) for key, value in zip(user_ids, values, strict=True) if value is not None}

    async def drop(self, *keys: str) -> None:
        """Remove keys, to be built again when they are wanted."""
        await self._wire.command("DEL", *keys)

    async def forget(self, post_ids: Sequence[PostId] = (), user_ids: Sequence[UserId] = ()) -> None:
        """Remove counters and revisions."""
        for key, ids in ((COUNTS, post_ids), (PEOPLE, user_ids)):
            if ids:
                await self._wire.command("HDEL", key, *ids)

    async def _noted(self, key: str) -> AsyncIterator[dict[bytes, bytes]]:
        if await self._wire.command("HGET", key, "life") != self._wire.life.encode():
            return
        async for parts in self._scan("HSCAN", (key,)):
            yield {field: value for field, value in _pairs(parts).items() if field not in MARKS}

    async def _scan(self, command: str, keys: tuple[str, ...], *more: str) -> AsyncIterator[list[bytes]]:
        cursor = b"0"
        while True:
            cursor, found = await self._wire.command(command, *keys, cursor, *more, "COUNT", SCAN_COUNT)
            if found:
                yield found
            if cursor == b"0":
                return


def _pairs(flat: Sequence[bytes]) -> dict[bytes, bytes]:
    return dict(zip(flat[::2], flat[1::2], strict=True))
