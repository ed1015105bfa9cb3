"""Suggestions that this process computed, kept for a minute and shown only while they are still right."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from server.batching import BatchingQueue
from server.epoch import DatabaseEpoch
from server.gateways.feed_store.people_reads import PeopleReads
from server.gateways.feed_store.strangers import StrangerCache
from server.gateways.redis.error_replies import RedisUnavailable
from server.ids import UserId
from server.models.discovery.suggested_users import SuggestedUserRepository
from server.paging import KeptPage
from server.services.discovery.suggestion import Suggestion

KEPT_S = 60.0
MAX_KEPT = 2000
VIEWERS_PER_QUERY = 10


@dataclass(frozen=True, slots=True)
class _Kept:
    token: str
    until: float
    user_ids: Sequence[UserId]
    revisions: Sequence[int]
    follow_ids: Sequence[int]
    page: KeptPage[Suggestion]


class KeptSuggestions:
    """Suggestions by viewer and limit.

    They are shown again while no relation of the viewer changed, all named users are in the same revision, and those
    who are named as followers still follow. What else they depend on, such as who is popular, may be a minute old.
    """

    def __init__(
        self,
        people: PeopleReads,
        strangers: StrangerCache,
        rows: SuggestedUserRepository,
        epoch: DatabaseEpoch,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people = people
        self._strangers = strangers
        self._monotonic = monotonic
        self._rows = rows
        self._kept: dict[tuple[UserId, int], _Kept] = {}
        self._follows: BatchingQueue[Sequence[int], bool] = BatchingQueue(
            self._check_follows, VIEWERS_PER_QUERY
        )
        epoch.listen(self._kept.clear)

    async def get(self, viewer_id: UserId, limit: int) -> KeptPage[Suggestion] | None:
        """Return kept suggestions that are still right."""
        kept = self._kept.get((viewer_id, limit))
        if kept is None:
            return None
        if kept.until > self._monotonic() and await self._is_right(viewer_id, kept):
            return kept.page
        self._kept.pop((viewer_id, limit), None)
        return None

    async def begin(self, viewer_id: UserId) -> str | None:
        """Return the token for `put` of what is read from SQL from now on; None without Redis."""
        with suppress(RedisUnavailable):
            return await self._strangers.begin(viewer_id)
        return None

    async def put(self, viewer_id: UserId, limit: int, token: str, page: KeptPage[Suggestion]) -> None:
        """Keep suggestions for their viewer."""
        shown = {each.user.card.id: each.user.card.revision for each in page.items}
        named = {card.id: card.revision for each in page.items for card in each.followed_by}
        revisions = shown | named
        follow_ids = [follow_id for each in page.items for follow_id in each.follow_ids]
        with suppress(RedisUnavailable):
            await self._people.record(revisions)
            until = self._monotonic() + KEPT_S
            self._kept[viewer_id, limit] = _Kept(
                token, until, [*revisions], [*revisions.values()], follow_ids, page
            )
            if len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]

    async def _is_right(self, viewer_id: UserId, kept: _Kept) -> bool:
        try:
            read = await self._people.read(viewer_id, kept.user_ids)
        except RedisUnavailable:
            return False
        if read.token != kept.token or [user.revision for user in read.users] != kept.revisions:
            return False
        return not kept.follow_ids or await self._follows.submit(kept.follow_ids)

    async def _check_follows(self, batch: Sequence[Sequence[int]]) -> list[bool]:
        """Return for each of some sets of follows whether all of them exist."""
        existing = await self._rows.filter_follows({follow_id for each in batch for follow_id in each})
        return [existing.issuperset(each) for each in batch]
