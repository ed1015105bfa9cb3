"""The rankings of explore in memory: the newest one, and those that cursors still refer to."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from server.epoch import DatabaseEpoch
from server.ids import PostId, RankingId, UserId
from server.models.explore.explore_posts import ExplorePostRepository
from server.models.explore.rankings import RankingKind, RankingRepository

CHECK_EVERY_S = 2.0
MAX_LOADED = 8
POSTS_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Ranking:
    """One ranking: posts with their authors, best first. The author of a post that is gone is 0."""

    id: RankingId
    posts: tuple[tuple[PostId, UserId], ...] = ()
    scores: Mapping[PostId, int] = field(default_factory=dict[PostId, int])
    ranks: Mapping[PostId, int] = field(default_factory=dict[PostId, int])


class ExploreRankings:
    def __init__(
        self,
        rankings: RankingRepository,
        posts: ExplorePostRepository,
        epoch: DatabaseEpoch,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rankings = rankings
        self._posts = posts
        self._monotonic = monotonic
        self._loaded: OrderedDict[RankingId, Ranking] = OrderedDict()
        self._newest = RankingId(0)
        self._checked_at = float("-inf")
        self._lock = asyncio.Lock()
        epoch.listen(self.forget)

    def forget(self) -> None:
        """Read everything again at the next call."""
        self._loaded.clear()
        self._checked_at = float("-inf")

    async def newest(self) -> Ranking:
        """Return the newest ranking, up to two seconds late; an empty one if there is none yet."""
        if self._monotonic() - self._checked_at >= CHECK_EVERY_S or self._newest not in self._loaded:
            self._newest = await self._rankings.find_newest(RankingKind.EXPLORE) or RankingId(0)
            self._checked_at = self._monotonic()
        return await self.find(self._newest) or Ranking(RankingId(0))

    async def find(self, ranking_id: RankingId) -> Ranking | None:
        """Return a ranking, or None if it is no longer kept."""
        found = self._loaded.get(ranking_id)
        if found is not None:
            return found
        async with self._lock:
            if ranking_id not in self._loaded and (loaded := await self._load(ranking_id)) is not None:
                self._loaded[ranking_id] = loaded
                while len(self._loaded) > MAX_LOADED:
                    self._loaded.popitem(last=False)
            return self._loaded.get(ranking_id)

    async def _load(self, ranking_id: RankingId) -> Ranking | None:
        content = await self._rankings.get(RankingKind.EXPLORE, ranking_id)
        if content is None:
            return None
        ids: list[PostId] = content["posts"]
        authors: dict[PostId, UserId] = {}
        for start in range(0, len(ids), POSTS_PER_QUERY):
            authors |= await self._posts.list_authors(ids[start : start + POSTS_PER_QUERY])
        posts = tuple((post_id, authors.get(post_id, UserId(0))) for post_id in ids)
        return Ranking(
            ranking_id,
            posts,
            dict(zip(ids, content["scores"], strict=True)),
            {post_id: rank for rank, post_id in enumerate(ids)},
        )
