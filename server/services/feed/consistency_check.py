"""Compares the cached feeds with the database, and drops what differs; reads build it again.

Changes that a pending job will make do not count. Each difference is checked twice, because users act in between.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from server.errors import NotFound
from server.gateways.feed_store.followed_authors import FollowedAuthors
from server.gateways.feed_store.keys import FAN_OUT_ON_READ
from server.gateways.feed_store.timeline_audit import CachedPosts, TimelineAudit
from server.gateways.feed_store.timeline_reads import DELETED
from server.ids import HashtagId, PostId, UserId
from server.models.accounts.users import UserRepository
from server.models.feed.consistency import ConsistencyRepository
from server.services.accounts.usernames import normalize
from server.services.feed.queries import NEWEST, FeedQueries
from server.services.jobs.event_jobs import JobKind

RECHECK_AFTER_S = 0.5
MAX_IDS_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Difference:
    """Cached data that differs from the database, by the ids that are missing from the cache or unexpected in it."""

    kind: str
    owner_id: int
    missing: Collection[int] = ()
    unexpected: Collection[int] = ()

    def describe(self) -> str:
        parts: list[str] = []
        for label, ids in (("missing", self.missing), ("unexpected", self.unexpected)):
            if ids:
                shown = ", ".join(map(str, sorted(ids, reverse=True)[:MAX_IDS_SHOWN]))
                parts.append(f"{label} {len(ids)}: {shown}{', ...' if len(ids) > MAX_IDS_SHOWN else ''}")
        return "; ".join(parts)


@dataclass(slots=True)
class Step:
    """Progress of one part of the comparison: `done` of `total` objects, and the differences found in this step."""

    name: str
    done: int
    total: int
    differences: list[Difference] = field(default_factory=list[Difference])


class ConsistencyCheck:
    """Comparison of the cached feeds with the database."""

    def __init__(
        self,
        repository: ConsistencyRepository,
        users: UserRepository,
        queries: FeedQueries,
        audit: TimelineAudit,
        window: int,
    ) -> None:
        self._repository = repository
        self._users = users
        self._queries = queries
        self._audit = audit
        self._window = window

    async def run(self, user_id: UserId | None = None, *, fix: bool = False) -> AsyncIterator[Step]:
        """Compare everything, or only one user's feed and list; with `fix`, drop what differs.

        Raises Unavailable.
        """
        async for step in self._check_lists("feeds", "feed", self._compare_feed, user_id, fix):
            yield step
        async for step in self._check_lists("author lists", "author", self._compare_list, user_id, fix):
            yield step
        if user_id is None:
            async for step in self._check_lists("hashtag lists", "tag", self._compare_tag_list, None, fix):
                yield step
        if user_id is None:
            yield await self._check_author_set(fix)
            async for step in self._check_counts(fix):
                yield step
            async for step in self._check_revisions(fix):
                yield step

    async def find_user(self, username: str) -> UserId:
        """Return the id of a user. Raises NotFound."""
        user_id = await self._users.find_id(normalize(username))
        if user_id is None:
            raise NotFound(f"There is no user {username!r}.")
        return user_id

    async def get_usernames(self, user_ids: Sequence[int]) -> dict[int, str]:
        """Return the names of the users that exist, by id."""
        return await self._users.get_usernames(user_ids)

    async def _check_lists(
        self,
        name: str,
        kind: str,
        compare: Callable[[Any], Awaitable[list[Difference]]],
        user_id: UserId | None,
        fix: bool,
    ) -> AsyncIterator[Step]:
        owners = await self._audit.list_owners(kind)
        if user_id is not None:
            owners = [owner for owner in owners if owner == user_id]
        for number, owner in enumerate(owners, 1):
            found = await _confirm(lambda owner=owner: compare(owner))
            if found and fix:
                await self._audit.drop_keys(f"{kind}:{owner}")
            yield Step(name, number, len(owners), found)

    async def _compare_feed(self, reader_id: UserId) -> list[Difference]:
        cached = await self._audit.get_list("feed", reader_id)
        if cached is None:
            return []
        followed = await self._queries.list_followed(reader_id)
        authors = sorted(followed.authors)
        follows = await self._audit.get_follows(reader_id)
        on_read = set(await self._queries.list_fan_out_on_read_authors()) - {reader_id}
        on_write = [author for author in authors if author not in on_read]
        missing = await self._list_missing(reader_id, on_write, cached)
        # Posts that were deleted or whose author is no longer followed are not shown, so they are not differences.
        unexpected = {post_id for post_id in cached.post_ids if post_id < cached.complete_from_id}
        unexpected.update(await self._list_unknown(cached))
        posts = await self._list_from(reader_id, authors, cached.complete_from_id)
        return [
            *_compare_follows(reader_id, followed, follows),
            *([Difference("feed", reader_id, missing, unexpected)] if missing or unexpected else []),
            *await self._compare_marks(reader_id, posts),
        ]

    async def _compare_marks(self, reader_id: UserId, post_ids: Iterable[PostId]) -> list[Difference]:
        cached = await self._audit.get_marks(reader_id)
        if cached is None:
            return []
        checked = [post_id for post_id in post_ids if post_id >= cached.complete_from_id]
        if not checked:
            return []
        liked, saved = await self._queries.filter_marked(reader_id, checked)
        return [
            *_compare("likes", reader_id, liked, set(cached.liked).intersection(checked)),
            *_compare("saves", reader_id, saved, set(cached.saved).intersection(checked)),
        ]

    async def _compare_list(self, author_id: UserId) -> list[Difference]:
        cached = await self._audit.get_list("author", author_id)
        if cached is None:
            return []
        missing = await self._list_missing(author_id, [author_id], cached)
        unexpected = await self._list_unknown(cached)
        if not missing and not unexpected:
            return []
        return [Difference("author list", author_id, missing, unexpected)]

    async def _compare_tag_list(self, hashtag_id: HashtagId) -> list[Difference]:
        """Compare the list of a hashtag, unless a job that changes lists is pending."""
        cached = await self._audit.get_list("tag", hashtag_id)
        if cached is None or await self._repository.list_pending_fan_outs(JobKind.UPDATE_TAG_LISTS):
            return []
        newest = await self._queries.list_tagged(hashtag_id, self._window)
        expected = {post_id for post_id in newest if post_id >= cached.complete_from_id}
        kept = {post_id for post_id in cached.post_ids if post_id >= cached.complete_from_id}
        return _compare("hashtag list", hashtag_id, expected, kept)

    async def _list_missing(
        self, reader_id: UserId, authors: Sequence[UserId], cached: CachedPosts
    ) -> list[PostId]:
        expected = await self._list_from(reader_id, authors, cached.complete_from_id)
        pending = await self._repository.list_pending_fan_outs(JobKind.FAN_OUT)
        known = cached.post_ids | pending
        return [post_id for post_id in expected if post_id not in known]

    async def _list_unknown(self, cached: CachedPosts) -> list[PostId]:
        """Return the posts of a list that the database does not have, and that are not known to be deleted."""
        stored = await self._queries.list_packed_counts(list(cached.post_ids))
        absent = sorted(cached.post_ids - stored.keys())
        counts = await self._audit.get_counts(absent) if absent else {}
        return [post_id for post_id in absent if not _is_deleted(counts.get(post_id, b""))]

    async def _list_from(self, reader_id: UserId, authors: Sequence[UserId], from_id: int) -> list[PostId]:
        newest = await self._queries.list_newest(reader_id, authors, NEWEST, self._window)
        return [post_id for post_id in newest if post_id >= from_id]

    async def _check_author_set(self, fix: bool) -> Step:
        async def compare() -> list[Difference]:
            cached = await self._audit.get_fan_out_on_read_authors()
            if cached is None:
                return []
            missing = set(await self._queries.list_fan_out_on_read_authors()) - cached
            return [Difference("author set", 0, missing)] if missing else []

        found = await _confirm(compare)
        if found and fix:
            await self._audit.drop_keys(FAN_OUT_ON_READ)
        return Step("author set", 1, 1, found)

    async def _check_counts(self, fix: bool) -> AsyncIterator[Step]:
        done = 0
        async for cached in self._audit.iterate_counts():
            stale = await self._list_stale_counts(cached)
            if stale:
                await asyncio.sleep(RECHECK_AFTER_S)
                stale = await self._list_stale_counts(await self._audit.get_counts(stale))
            if stale and fix:
                await self._audit.drop_revisions(post_ids=stale)
            done += len(cached)
            yield Step("counters", done, done, [Difference("counters", post_id) for post_id in stale])

    async def _check_revisions(self, fix: bool) -> AsyncIterator[Step]:
        done = 0
        async for cached in self._audit.iterate_revisions():
            stale = await self._list_stale_users(cached)
            if stale:
                await asyncio.sleep(RECHECK_AFTER_S)
                stale = await self._list_stale_users(await self._audit.get_revisions(stale))
            if stale and fix:
                await self._audit.drop_revisions(user_ids=stale)
            done += len(cached)
            yield Step("users", done, done, [Difference("user card", user_id) for user_id in stale])

    async def _list_stale_counts(self, cached: Mapping[PostId, bytes]) -> list[PostId]:
        """Return the posts whose counters differ, and those that the database does not have.

        A cached revision above the stored one is from transactions that a restored database lacks.
        """
        stored = await self._queries.list_packed_counts(list(cached))
        return sorted(
            post_id
            for post_id, counts in cached.items()
            if counts.decode() != stored.get(post_id) and not (post_id not in stored and _is_deleted(counts))
        )

    async def _list_stale_users(self, cached: Mapping[UserId, int]) -> list[UserId]:
        stored = await self._users.get_revisions(list(cached))
        return sorted(user_id for user_id, revision in cached.items() if stored.get(user_id) != revision)


async def _confirm(compare: Callable[[], Awaitable[list[Difference]]]) -> list[Difference]:
    """Return the differences that a second comparison finds again."""
    found = await compare()
    if not found:
        return []
    await asyncio.sleep(RECHECK_AFTER_S)
    kinds = {difference.kind for difference in found}
    return [difference for difference in await compare() if difference.kind in kinds]


def _compare(
    kind: str, owner_id: int, expected: Collection[int], cached: Collection[int]
) -> list[Difference]:
    missing, unexpected = set(expected) - set(cached), set(cached) - set(expected)
    return [Difference(kind, owner_id, missing, unexpected)] if missing or unexpected else []


def _compare_follows(
    reader_id: UserId, followed: FollowedAuthors, cached: FollowedAuthors | None
) -> list[Difference]:
    if cached is None:
        return []
    return [
        *_compare("follows", reader_id, followed.authors, cached.authors),
        *_compare("close friends", reader_id, followed.close_friend_of, cached.close_friend_of),
        *_compare("followed by", reader_id, followed.followed_by, cached.followed_by),
        *_compare("hashtags", reader_id, followed.hashtags, cached.hashtags),
    ]


def _is_deleted(counts: bytes) -> bool:
    return counts.endswith(f",{DELETED}".encode())
