"""The scheduled job that ranks posts for explore."""

from collections.abc import Mapping
from functools import partial

import structlog

from server.clock import Clock
from server.ids import RankingId, min_id_at
from server.models.content.visibility import public_posts
from server.models.explore.explore_candidates import Activity, ExploreCandidateRepository, ScoredPost
from server.models.explore.rankings import RankingKind, RankingRepository
from server.services.explore.scores import score, spread
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

log = structlog.get_logger(__name__)

CANDIDATES = 10_000
RANKED = 2000
ROWS_PER_RUN = 50_000  # of each kind of activity
ROWS_PER_QUERY = 500
UNSETTLED_MS = 5000  # ids of transactions that may not be committed yet
KEPT_MS = 3_600_000


class RankingJobs:
    """A ranking has the ids of posts, best first, and up to which ids it knows of activities.

    Each run reads the activities since the last ranking, at most 50,000 likes, comments and posts, and computes the
    scores of their posts. It can run any number of times and be interrupted anywhere: scores follow from the current
    counters, and a ranking appears with what it knows in one row.
    """

    def __init__(
        self,
        candidates: ExploreCandidateRepository,
        rankings: RankingRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        clock: Clock,
        unsettled_ms: int = UNSETTLED_MS,
    ) -> None:
        """`unsettled_ms`: rows that are younger are left to the next run."""
        self._candidates = candidates
        self._rankings = rankings
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock
        self._unsettled_ms = unsettled_ms

    async def refresh(self, claim: Claim) -> None:
        """Rank the posts."""
        await self.rank()
        await self._jobs.finish(claim)

    async def rank(self, *, anew: bool = False) -> RankingId:
        """Rank the posts. `anew` starts at the 50,000 newest posts, as the first run does, for rows of the past."""
        settled_id = min_id_at(self._clock.now_ms() - self._unsettled_ms)
        known = await self._start(settled_id) if anew else await self._known(settled_id)
        lowest = await self._candidates.find_lowest(CANDIDATES) or 0
        reached = {
            activity: await self._score(activity, known[activity], settled_id, lowest)
            for activity in Activity
        }
        ranked = await self._order(settled_id)
        if (lowest := await self._candidates.find_lowest(CANDIDATES)) is not None:
            await self._candidates.delete_below(lowest)
        ranking_id = await self._unit_of_work.run(partial(self._store, ranked, reached))
        await self._rankings.delete_older(RankingKind.EXPLORE, min_id_at(self._clock.now_ms() - KEPT_MS))
        return ranking_id

    async def _known(self, settled_id: int) -> Mapping[str, int]:
        newest = await self._rankings.find_newest(RankingKind.EXPLORE)
        content = None if newest is None else await self._rankings.get(RankingKind.EXPLORE, newest)
        return content["known"] if content is not None else await self._start(settled_id)

    async def _start(self, settled_id: int) -> Mapping[str, int]:
        """Return where the first run starts: the counters of the posts have all earlier likes and comments."""
        likes, comments = [
            min(settled_id - 1, await self._candidates.find_last(activity))
            for activity in (Activity.LIKES, Activity.COMMENTS)
        ]
        posts = await self._candidates.find_start(ROWS_PER_RUN)
        return {Activity.POSTS: posts, Activity.LIKES: likes, Activity.COMMENTS: comments}

    async def _score(self, activity: Activity, after_id: int, before_id: int, lowest: int) -> int:
        """Score the posts of new rows. Return the last row that was read."""
        for _ in range(0, ROWS_PER_RUN, ROWS_PER_QUERY):
            rows = await self._candidates.list_activity(activity, after_id, before_id, ROWS_PER_QUERY)
            if rows:
                posts = await self._candidates.list_scored(sorted({row.post_id for row in rows}))
                scores = {post.id: score(post) for post in posts}
                await self._candidates.put({id_: each for id_, each in scores.items() if each >= lowest})
                after_id = rows[-1].id
            if len(rows) < ROWS_PER_QUERY:
                return after_id
        log.info("explore_ranking_behind", activity=activity.value, rows=ROWS_PER_RUN)
        return after_id

    async def _order(self, settled_id: int) -> list[ScoredPost]:
        """Return the best posts that everybody may see, by their current counters, which also fall."""
        best = await self._candidates.list_best(public_posts("p"), 2 * RANKED)
        await self._candidates.put({post.id: score(post) for post, known in best if score(post) != known})
        posts = [post for post, _ in best if post.id < settled_id]
        posts.sort(key=lambda post: (score(post), post.id), reverse=True)
        return spread(posts, RANKED)

    async def _store(
        self, posts: list[ScoredPost], reached: Mapping[Activity, int], work: WorkContext
    ) -> RankingId:
        ranking_id = RankingId(work.new_id())
        content = {
            "posts": [post.id for post in posts],
            "scores": [score(post) for post in posts],
            "known": {activity.value: row_id for activity, row_id in reached.items()},
        }
        await self._rankings.insert(ranking_id, RankingKind.EXPLORE, content)
        return ranking_id
