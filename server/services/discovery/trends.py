"""Trending hashtags: those that more people use than usual, and why a hashtag trends or does not."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from server.clock import Clock
from server.ids import HashtagId, min_id_at
from server.models.discovery.hashtag_uses import MAX_USES_PER_SPAN, HashtagUseRepository
from server.models.discovery.hashtags import HashtagRepository
from server.models.explore.rankings import RankingRepository
from server.services.discovery.hashtag_search import key_of
from server.services.filters.text_filters import TextFilters

DAY_MS = 86_400_000
BASELINE_DAYS = 7
MIN_AUTHORS = 3
MIN_SCORE = 1.0
KEPT_S = 2.0


class TrendReason(StrEnum):
    """Why a hashtag trends or not; more may be added."""

    TRENDING = "trending"
    UNUSED = "unused"
    FILTERED = "filtered"
    TOO_FEW_AUTHORS = "too_few_authors"
    NOT_RISING = "not_rising"
    OTHERS_RISE_MORE = "others_rise_more"


@dataclass(frozen=True, slots=True)
class Trend:
    """Numbers of a hashtag: how many people used it in the last day, and in an average day of the week before."""

    tag: str
    posts_count: int
    authors: int
    usual_authors: float

    @property
    def score(self) -> float:
        """The rise of `authors` over `usual_authors` in standard deviations, if uses are a Poisson process.

        The point-by-point Poisson model of S. Hendrickson et al., "Trend Detection in Social Data" (Twitter, 2015).
        The 1 keeps hashtags without a past finite.
        """
        return (self.authors - self.usual_authors) / math.sqrt(self.usual_authors + 1)

    @property
    def is_rising(self) -> bool:
        return self.authors >= MIN_AUTHORS and self.score >= MIN_SCORE

    @property
    def detail(self) -> str:
        many = "or more " if self.authors >= MAX_USES_PER_SPAN else ""
        return (
            f"{self.authors} {many}people used it in public posts of the last 24 hours; {self.usual_authors:.1f} per"
            f" day did in the {BASELINE_DAYS} days before."
        )


@dataclass(frozen=True, slots=True)
class TrendExplanation:
    """`rank` starts at 1; None for a hashtag that does not trend."""

    trend: Trend
    reason: TrendReason
    rank: int | None


def day_spans(now_ms: int) -> Iterator[tuple[int, int]]:
    """Yield the spans of ids of the last 24 hours, and of the seven days before."""
    for day in range(BASELINE_DAYS + 1):
        yield min_id_at(now_ms - (day + 1) * DAY_MS), min_id_at(now_ms - day * DAY_MS)


class Trends:
    """Lists what the trend job stored, without what the filters match.

    The list and its numbers of posts may be two seconds old; the filters are checked each time.
    """

    def __init__(
        self,
        rankings: RankingRepository,
        hashtags: HashtagRepository,
        uses: HashtagUseRepository,
        filters: TextFilters,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rankings = rankings
        self._monotonic = monotonic
        self._kept: Sequence[Trend] = ()
        self._kept_until = float("-inf")
        self._hashtags = hashtags
        self._uses = uses
        self._filters = filters
        self._clock = clock

    async def list_trending(self, limit: int) -> list[Trend]:
        """Return the hashtags that trend, the strongest first."""
        if self._monotonic() >= self._kept_until:
            self._kept = await self._read()
            self._kept_until = self._monotonic() + KEPT_S
        allowed = [trend for trend in self._kept if not await self._filters.matches(trend.tag)]
        return allowed[:limit]

    def forget(self) -> None:
        """Read the list again at the next call."""
        self._kept_until = float("-inf")

    async def _read(self) -> list[Trend]:
        found = await self._rankings.list_trends()
        rows = await self._hashtags.list_by_ids([each.hashtag_id for each in found])
        hashtags = {row.id: row for row in rows}
        return [
            Trend(hashtag.tag, hashtag.posts_count, each.authors, each.usual_authors)
            for each in found
            if (hashtag := hashtags.get(each.hashtag_id)) is not None
        ]

    async def explain(self, tag: str) -> TrendExplanation:
        """Return the current numbers of a hashtag in any spelling. Raises NotFound."""
        key = key_of(tag)
        row = await self._hashtags.find(key)
        if row is None:
            return TrendExplanation(Trend(key, 0, 0, 0.0), TrendReason.UNUSED, None)
        trend = await self.measure(row.id, row.tag, row.posts_count)
        listed = [each.tag for each in await self.list_trending(MAX_USES_PER_SPAN)]
        rank = listed.index(key) + 1 if key in listed else None
        return TrendExplanation(trend, await self._reason(trend, rank), rank)

    async def measure(self, hashtag_id: HashtagId, tag: str = "", posts_count: int = 0) -> Trend:
        """Count who used a hashtag."""
        spans = list(day_spans(self._clock.now_ms()))
        recent, *before = await self._uses.count_authors(hashtag_id, spans)
        return Trend(tag, posts_count, recent, sum(before) / BASELINE_DAYS)

    async def _reason(self, trend: Trend, rank: int | None) -> TrendReason:
        if rank is not None:
            return TrendReason.TRENDING
        if await self._filters.matches(trend.tag):
            return TrendReason.FILTERED
        if trend.authors < MIN_AUTHORS:
            return TrendReason.TOO_FEW_AUTHORS if trend.authors else TrendReason.UNUSED
        return TrendReason.OTHERS_RISE_MORE if trend.is_rising else TrendReason.NOT_RISING
