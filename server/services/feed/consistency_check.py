"""Compares what Redis holds of feeds with the database, and drops what is wrong: it is built again when wanted.

What is on its way by a job is no difference. Each difference is looked at twice, since people go on meanwhile.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import orjson

from server.errors import NotFound
from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.ids import PostId, UserId
from server.models.database import Database, placeholders
from server.models.jobs.jobs import JobState
from server.services.accounts.usernames import normalize
from server.services.feed.queries import NEWEST, FeedQueries
from server.services.jobs.event_jobs import JobKind

LOOK_AGAIN_S = 0.5
MAX_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """Something in Redis that is not what the database says. `lacks` and `has` name a few ids of how many there are."""

    what: str
    owner_id: int
    lacks: Sequence[int] = ()
    has: Sequence[int] = ()
    detail: str = ""

    def told(self) -> str:
        parts = [self.detail] if self.detail else []
        for word, ids in (("lacks", self.lacks), ("has wrongly", self.has)):
            if ids:
                some = ", ".join(map(str, sorted(ids, reverse=True)[:MAX_SHOWN]))
                parts.append(f"{word} {len(ids)}: {some}{', ...' if len(ids) > MAX_SHOWN else ''}")
        return "; ".join(parts)


@dataclass(slots=True)
class Step:
    """One thing that was compared; `total` is how many there are to compare."""

    name: str
    done: int
    total: int
    differences: list[Difference] = field(default_factory=list[Difference])


class ConsistencyCheck:
    def __init__(self, database: Database, source: FeedQueries, audit: TimelineAudit, window: int) -> None:
        self._database = database
        self._source = source
        self._audit = audit
        self._window = window

    async def run(self, user_id: UserId | None = None, *, fix: bool = False) -> AsyncIterator[Step]:
        """Compare everything, or what is one person's alone; with `fix`, drop what differs. Raises Unavailable."""
        async for step in self._lists(user_id, fix):
            yield step
        if user_id is None:
            yield await self._pulled(fix)
            async for step in self._notes(fix):
                yield step

    async def user_named(self, username: str) -> UserId:
        """Raises NotFound."""
        rows = await self._database.rows("SELECT id FROM users WHERE username_key = ?", [normalize(username)])
        if not rows:
            raise NotFound(f"There is no user {username!r}.")
        return UserId(rows[0]["id"])

    async def usernames(self, user_ids: Sequence[int]) -> dict[int, str]:
        """The names of those who exist, by id."""
        if not user_ids:
            return {}
        some = placeholders(len(user_ids))
        rows = await self._database.rows(
            f"SELECT id, username FROM users WHERE id IN ({some})", list(user_ids)
        )
        return {row["id"]: row["username"] for row in rows}

    async def _lists(self, user_id: UserId | None, fix: bool) -> AsyncIterator[Step]:
        for kind, check in (("feed", self._feed), ("author", self._list)):
            owners = await self._audit.owners(kind)
            if user_id is not None:
                owners = [owner for owner in owners if owner == user_id]
            for number, owner in enumerate(owners, 1):
                found = await self._twice(lambda owner=owner, check=check: check(owner))
                if found and fix:
                    await self._audit.drop(f"{kind}:{owner}")
                yield Step("feeds" if kind == "feed" else "lists of authors", number, len(owners), found)

    async def _twice(self, look: Callable[[], Awaitable[list[Difference]]]) -> list[Difference]:
        found = await look()
        if found:
            await asyncio.sleep(LOOK_AGAIN_S)
            again = await look()
            found = [difference for difference in again if difference.what in {each.what for each in found}]
        return found

    async def _feed(self, reader_id: UserId) -> list[Difference]:
        kept = await self._audit.kept("feed", reader_id)
        if kept is None:
            return []
        found: list[Difference] = []
        followees = await self._source.followees(reader_id)
        follows = await self._audit.follows(reader_id)
        if follows is not None and follows != {reader_id, *followees}:
            true = {reader_id, *followees}
            found.append(Difference("follows", reader_id, list(true - follows), list(follows - true)))
        pulled = set(await self._source.pulled()) - {reader_id}
        pushed = [author for author in (reader_id, *followees) if author not in pulled]
        true_ids = await self._from_floor(reader_id, pushed, kept.floor)
        may_be = set(await self._from_floor(reader_id, [reader_id, *followees], kept.floor))
        on_their_way = await self._under_way()
        lacks = [post_id for post_id in true_ids if post_id not in kept.post_ids | on_their_way]
        # What the reader follows no longer, or what was deleted, is not shown, so it is no fault but for the room.
        below = [post_id for post_id in kept.post_ids if post_id < kept.floor]
        if lacks or below:
            found.append(Difference("feed", reader_id, lacks, below))
        likes = await self._audit.likes(reader_id)
        shown = [post_id for post_id in may_be if likes is not None and post_id >= likes.floor]
        if likes is not None and shown:
            liked = frozenset(await self._source.liked_among(reader_id, shown))
            noted = likes.post_ids & set(shown)
            if liked != noted:
                found.append(Difference("likes", reader_id, list(liked - noted), list(noted - liked)))
        return found

    async def _list(self, author_id: UserId) -> list[Difference]:
        kept = await self._audit.kept("author", author_id)
        if kept is None:
            return []
        true_ids = await self._from_floor(author_id, [author_id], kept.floor)
        on_their_way = await self._under_way()
        lacks = [post_id for post_id in true_ids if post_id not in kept.post_ids | on_their_way]
        return [Difference("author's list", author_id, lacks)] if lacks else []

    async def _from_floor(self, reader_id: UserId, authors: Sequence[UserId], floor: int) -> list[PostId]:
        newest = await self._source.newest(reader_id, authors, NEWEST, self._window)
        return [post_id for post_id in newest if post_id >= floor]

    async def _pulled(self, fix: bool) -> Step:
        async def look() -> list[Difference]:
            kept = await self._audit.pulled()
            lacks = [] if kept is None else list(set(await self._source.pulled()) - kept)
            return [Difference("pulled authors", 0, lacks)] if lacks else []

        found = await self._twice(look)
        if found and fix:
            await self._audit.drop("pulled")
        return Step("pulled authors", 1, 1, found)

    async def _notes(self, fix: bool) -> AsyncIterator[Step]:
        done = 0
        async for noted in self._audit.counts():
            wrong = await self._wrong_counts(noted)
            if wrong:
                await asyncio.sleep(LOOK_AGAIN_S)
                wrong = await self._wrong_counts(await self._audit.counts_of(sorted(wrong)))
            if wrong and fix:
                await self._audit.forget(post_ids=list(wrong))
            done += len(noted)
            yield Step("counters", done, done, [Difference("counters", post_id) for post_id in sorted(wrong)])
        done = 0
        async for revisions in self._audit.people():
            stale = await self._stale_people(revisions)
            if stale:
                await asyncio.sleep(LOOK_AGAIN_S)
                stale = await self._stale_people(await self._audit.people_of(sorted(stale)))
            if stale and fix:
                await self._audit.forget(user_ids=list(stale))
            done += len(revisions)
            yield Step("people", done, done, [Difference("card of a person", each) for each in sorted(stale)])

    async def _wrong_counts(self, noted: dict[PostId, bytes]) -> set[PostId]:
        """Of these the posts whose counters are newer in the database, or others in the same revision."""
        if not noted:
            return set()
        rows = await self._database.rows(
            "SELECT id, author_id, likes_count, comments_count, revision, edited_at_ms, deleted_at_ms FROM posts"
            f" WHERE id IN ({placeholders(len(noted))})",
            list(noted),
        )
        wrong: set[PostId] = set()
        for row in rows:
            edited = "" if row["edited_at_ms"] is None else row["edited_at_ms"]
            shown = f"{row['author_id']},{row['likes_count']},{row['comments_count']},{edited}"
            true = f"{row['revision']},{shown if row['deleted_at_ms'] is None else 'x'}"
            value = noted[PostId(row["id"])].decode()
            if value != true and int(value.partition(",")[0]) <= row["revision"]:
                wrong.add(PostId(row["id"]))
        return wrong

    async def _stale_people(self, revisions: dict[UserId, int]) -> set[UserId]:
        if not revisions:
            return set()
        rows = await self._database.rows(
            f"SELECT id, revision FROM users WHERE id IN ({placeholders(len(revisions))})", list(revisions)
        )
        return {UserId(row["id"]) for row in rows if revisions[UserId(row["id"])] < row["revision"]}

    async def _under_way(self) -> set[PostId]:
        """Posts whose fan-out is still to be done."""
        rows = await self._database.rows(
            "SELECT payload FROM jobs WHERE queue = 'feed' AND kind = ? AND state IN (?, ?)",
            [JobKind.FAN_OUT, JobState.READY, JobState.RUNNING],
        )
        return {PostId(orjson.loads(row["payload"])["post_id"]) for row in rows}
