"""Explanation of the rank of a post in explore, or of its absence, in numbers and as a sentence."""

from dataclasses import dataclass, replace
from enum import StrEnum

from server.clock import Clock
from server.errors import NotFound
from server.gateways.feed_store.explore_reads import ExploreReads
from server.gateways.redis.error_replies import RedisUnavailable
from server.ids import PostId, UserId, id_timestamp_ms
from server.models.explore.explore_candidates import ExploreCandidateRepository, ScoredPost
from server.models.explore.explore_posts import ExplorePostRepository
from server.services.content.post_options import DEFAULT_OPTIONS
from server.services.content.visibility import Visibility
from server.services.explore.rankings import ExploreRankings, Ranking
from server.services.explore.scores import COMMENT_WEIGHT, UNIT, engagement, score


class ExploreReason(StrEnum):
    """Why a post is in explore or not; more may be added."""

    RANKED = "ranked"
    SEEN = "seen"
    OWN = "own"
    FOLLOWED = "followed"
    MUTED = "muted"
    RESTRICTED = "restricted"
    LIKED = "liked"
    NOT_PUBLIC = "not_public"
    TOO_NEW = "too_new"
    SCORE_TOO_LOW = "score_too_low"
    NOT_FOUND = "not_found"


REASONS_BY_DENIAL = {reason.value: reason for reason in ExploreReason}
DETAILS = {
    ExploreReason.SEEN: "You have seen this post in explore; it comes again after everything else was seen.",
    ExploreReason.OWN: "This is your own post.",
    ExploreReason.FOLLOWED: "You follow the author, so the post belongs to your feed.",
    ExploreReason.MUTED: "You have muted the author.",
    ExploreReason.RESTRICTED: "You have restricted the author.",
    ExploreReason.LIKED: "You like this post already.",
    ExploreReason.NOT_PUBLIC: "Explore has posts that everybody may see, and this one is for fewer people.",
    ExploreReason.TOO_NEW: "The post is newer than the current ranking.",
    ExploreReason.NOT_FOUND: "The post does not exist, was deleted, or is not visible to you.",
}


@dataclass(frozen=True, slots=True)
class ExploreExplanation:
    """Numbers are None for a post that the viewer does not find. `rank` starts at 1; None if it is not ranked.

    Counters, and what they follow from, are None if the author hides some of them from the viewer. `score` is the
    current one; `lowest_score` that of the last ranked post.
    """

    post_id: PostId
    reason: ExploreReason
    detail: str
    rank: int | None = None
    likes_count: int | None = None
    comments_count: int | None = None
    engagement: int | None = None
    age_hours: float | None = None
    score: float | None = None
    lowest_score: float | None = None
    ranked_at_ms: int | None = None

    @property
    def in_explore(self) -> bool:
        return self.reason is ExploreReason.RANKED


class ExploreExplanations:
    def __init__(
        self,
        rankings: ExploreRankings,
        candidates: ExploreCandidateRepository,
        posts: ExplorePostRepository,
        reads: ExploreReads,
        visibility: Visibility,
        clock: Clock,
    ) -> None:
        self._rankings = rankings
        self._candidates = candidates
        self._posts = posts
        self._reads = reads
        self._visibility = visibility
        self._clock = clock

    async def explain(self, viewer_id: UserId, post_id: PostId) -> ExploreExplanation:
        """Return why explore shows a post to the viewer or not; a hidden post is reported as not found."""
        try:
            shown = await self._visibility.get_post(viewer_id, post_id)
        except NotFound:
            missing = ExploreReason.NOT_FOUND
            return ExploreExplanation(post_id, missing, DETAILS[missing])
        (post,) = await self._candidates.list_scored([post_id])
        ranking = await self._rankings.newest()
        reason = await self._find_reason(viewer_id, post_id, ranking)
        rank = ranking.ranks.get(post_id)
        age_hours = (self._clock.now_ms() - post.created_at_ms) / 3_600_000
        lowest = min(ranking.scores.values(), default=None)
        explanation = ExploreExplanation(
            post_id,
            reason,
            DETAILS.get(reason) or _numbers(reason, post, rank, age_hours, lowest, len(ranking.posts)),
            None if rank is None else rank + 1,
            post.likes_count,
            post.comments_count,
            engagement(post),
            round(age_hours, 2),
            score(post) / UNIT,
            None if lowest is None else lowest / UNIT,
            id_timestamp_ms(ranking.id) if ranking.id else None,
        )
        is_secret = shown.options != DEFAULT_OPTIONS and viewer_id != shown.author_id
        return _without_numbers(explanation) if is_secret else explanation

    async def _find_reason(self, viewer_id: UserId, post_id: PostId, ranking: Ranking) -> ExploreReason:
        denial = await self._posts.find_denial(viewer_id, post_id)
        if denial is not None:
            return REASONS_BY_DENIAL.get(denial, ExploreReason.NOT_PUBLIC)
        if post_id not in ranking.ranks:
            return ExploreReason.TOO_NEW if post_id > ranking.id else ExploreReason.SCORE_TOO_LOW
        try:
            seen = await self._reads.list_seen(viewer_id)
        except RedisUnavailable:
            seen = set[PostId]()
        return ExploreReason.SEEN if post_id in seen else ExploreReason.RANKED


def _without_numbers(found: ExploreExplanation) -> ExploreExplanation:
    """Leave out the numbers from which the hidden ones follow."""
    detail = found.detail
    if found.reason not in DETAILS:
        place = "Not ranked" if found.rank is None else f"Rank {found.rank}"
        detail = f"{place}. The author hides numbers of this post."
    return replace(found, detail=detail, likes_count=None, comments_count=None, engagement=None, score=None)


def _numbers(
    reason: ExploreReason,
    post: ScoredPost,
    rank: int | None,
    age_hours: float,
    lowest: int | None,
    ranked: int,
) -> str:
    """Return the score as a sentence."""
    counted = (
        f"{post.likes_count} likes and {COMMENT_WEIGHT} times {post.comments_count} comments,"
        f" published {age_hours:.1f} hours ago, give a score of {score(post) / UNIT:.3f}"
    )
    if reason is ExploreReason.RANKED and rank is not None:
        return f"Rank {rank + 1} of {ranked}: {counted}."
    limit = "" if lowest is None else f"; the last of {ranked} ranked posts has {lowest / UNIT:.3f}"
    return f"Not ranked: {counted}{limit}."
