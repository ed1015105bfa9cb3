"""Explanations of explore."""

import pytest

from server.ids import PostId
from server.models.audience import Audience
from server.services.content.post_options import OptionChanges
from server.services.explore import ranking_jobs
from server.services.explore.explanations import ExploreExplanation, ExploreReason
from tests.services.explore.explores import age, rank
from tools.harness.services import ServiceHarness


async def test_explanations_name_reason_and_numbers(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking_jobs, "RANKED", 4)
    ada, bob, eve = await harness.users(3)

    async def why(post_id: PostId) -> ExploreExplanation:
        found = await harness.feeds.explore_explanations.explain(ada, post_id)
        assert found.detail
        return found

    low = await harness.post(bob)
    post, own, other = await harness.post(bob), await harness.post(ada), await harness.post(eve)
    await age(harness, low, by_ms=90_000_000)
    await age(harness, post, own, other, by_ms=7_200_000)
    for fan in (bob, eve):
        await harness.likes.like(fan, post)
    await harness.comments.add(eve, post, "Nice", None)
    for_followers = await harness.post(bob, audience=Audience.FOLLOWERS)
    later = await harness.post(bob)
    await rank(harness)
    newer = await harness.post(bob)

    found = await why(post)
    assert (found.reason, found.in_explore, found.rank) == (ExploreReason.RANKED, True, 1)
    assert (found.likes_count, found.comments_count, found.engagement) == (2, 1, 4)
    assert found.age_hours == pytest.approx(2.0, abs=0.1)
    assert found.detail.startswith("Rank 1 of 4: 2 likes and 2 times 1 comments, published 2.0 hours ago,")
    assert found.score is not None
    assert found.lowest_score is not None
    assert found.score > found.lowest_score
    assert found.ranked_at_ms == pytest.approx(harness.clock.now_ms(), abs=60_000)
    assert (await why(later)).rank == 4  # after those of other authors
    found = await why(low)
    assert (found.reason, found.rank, found.in_explore) == (ExploreReason.SCORE_TOO_LOW, None, False)
    assert "the last of 4 ranked posts has" in found.detail
    assert (await why(own)).reason is ExploreReason.OWN
    assert (await why(newer)).reason is ExploreReason.TOO_NEW
    for hidden in (for_followers, PostId(12345)):
        assert (await why(hidden)).reason is ExploreReason.NOT_FOUND
        assert (await why(hidden)).score is None
    await harness.likes.like(ada, other)
    assert (await why(other)).reason is ExploreReason.LIKED
    for change, undo, reason in (
        (harness.follows.follow, harness.follows.unfollow, ExploreReason.FOLLOWED),
        (harness.mutes.mute, harness.mutes.unmute, ExploreReason.MUTED),
        (harness.restrictions.restrict, harness.restrictions.unrestrict, ExploreReason.RESTRICTED),
        (harness.blocks.block, harness.blocks.unblock, ExploreReason.NOT_FOUND),
    ):
        await change(ada, bob)
        assert (await why(post)).reason is reason
        await undo(ada, bob)
    await harness.redis.sadd(f"seen:{ada}", post)
    await harness.redis.expire(f"seen:{ada}", 100)
    assert (await why(post)).reason is ExploreReason.SEEN


async def test_numbers_that_the_author_hides_are_not_explained(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(bob)
    await age(harness, post_id, by_ms=7_200_000)
    await harness.likes.like(ada, post_id)
    await harness.posts.edit(bob, post_id, None, None, options=OptionChanges(like_count_hidden=True))
    await rank(harness)
    explain = harness.feeds.explore_explanations.explain
    found, own = await explain(eve, post_id), await explain(bob, post_id)
    assert (found.reason, found.rank) == (ExploreReason.RANKED, 1)
    assert (found.likes_count, found.engagement, found.score) == (None, None, None)
    assert found.detail == "Rank 1. The author hides numbers of this post."
    assert own.likes_count == 1
