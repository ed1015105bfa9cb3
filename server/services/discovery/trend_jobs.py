"""The scheduled job that finds trending hashtags."""

from collections.abc import Sequence
from functools import partial

from server.clock import Clock
from server.ids import HashtagId, RankingId, UserId, min_id_at
from server.models.discovery.hashtag_uses import HashtagUseRepository
from server.models.explore.rankings import RankingKind, RankingRepository, TrendRow
from server.services.discovery.trends import DAY_MS, MIN_AUTHORS, Trends
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

ROWS_PER_QUERY = 2000
MAX_ROWS = 200_000  # with more uses per day, only the newest of them find candidates
MAX_CANDIDATES = 200
MAX_TRENDS = 50
MAX_AHEAD_MS = 60_000  # of the clocks of other processes
KEPT_MS = 3_600_000


class TrendJobs:
    """Each run reads the uses of the last day, and counts again for the 200 hashtags with the most authors.

    It keeps nothing between runs, so it can be interrupted and repeated; the result appears at once, in one row.
    """

    def __init__(
        self,
        uses: HashtagUseRepository,
        rankings: RankingRepository,
        trends: Trends,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        clock: Clock,
    ) -> None:
        self._uses = uses
        self._rankings = rankings
        self._trends = trends
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock

    async def refresh(self, claim: Claim) -> None:
        """Find the trends of now."""
        await self.find()
        await self._jobs.finish(claim)

    async def find(self) -> None:
        """Store the hashtags whose use rises most."""
        measured = [(each, await self._trends.measure(each)) for each in await self._list_candidates()]
        rising = [(hashtag_id, trend) for hashtag_id, trend in measured if trend.is_rising]
        rising.sort(key=lambda each: (-each[1].score, each[0]))
        rows = [
            TrendRow(hashtag_id, trend.authors, trend.usual_authors)
            for hashtag_id, trend in rising[:MAX_TRENDS]
        ]
        await self._unit_of_work.run(partial(self._store, rows))
        self._trends.forget()
        await self._rankings.delete_older(RankingKind.TRENDS, min_id_at(self._clock.now_ms() - KEPT_MS))

    async def _list_candidates(self) -> list[HashtagId]:
        """Return hashtags with enough authors in the last day, those with the most authors first."""
        now_ms = self._clock.now_ms()
        from_id, before_id = min_id_at(now_ms - DAY_MS), min_id_at(now_ms + MAX_AHEAD_MS)
        authors: dict[HashtagId, set[UserId]] = {}
        for _ in range(0, MAX_ROWS, ROWS_PER_QUERY):
            uses = await self._uses.list_uses(from_id, before_id, ROWS_PER_QUERY)
            for use in uses:
                authors.setdefault(use.hashtag_id, set()).add(use.author_id)
            if len(uses) < ROWS_PER_QUERY:
                break
            before_id = uses[-1].post_id + 1  # its other hashtags may be in the next batch
        enough = [each for each, users in authors.items() if len(users) >= MIN_AUTHORS]
        return sorted(enough, key=lambda each: (-len(authors[each]), each))[:MAX_CANDIDATES]

    async def _store(self, rows: Sequence[TrendRow], work: WorkContext) -> None:
        await self._rankings.insert_trends(RankingId(work.new_id()), rows)
