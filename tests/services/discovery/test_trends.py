"""Trending hashtags: by rise, by authors, and their explanation."""

import pytest

from server.errors import NotFound
from server.ids import PostId, UserId, min_id_at
from server.models.moderation.content_filters import FilterAction, FilterKind
from server.services.discovery import trend_jobs
from server.services.discovery.trends import DAY_MS, Trend, TrendReason
from server.services.jobs.event_jobs import JobKind
from tests.services.discovery.names import INDEXING
from tests.support.jobs import assert_completed, claim_maintenance_job
from tools.harness.services import ServiceHarness

HOUR_MS = 3_600_000


async def use(harness: ServiceHarness, tag: str, users: list[UserId], days_ago: float = 0.0) -> list[PostId]:
    """Let users post with a hashtag, at a time in the past."""
    posts = [await harness.post(user, f"#{tag}") for user in users]
    await harness.work_off(*INDEXING)
    if days_ago:
        first = min_id_at(harness.clock.now_ms() - round(days_ago * DAY_MS)) + posts[0] % 4096
        for number, post_id in enumerate(posts):
            await harness.database.execute(
                "UPDATE hashtag_posts SET post_id = ? WHERE post_id = ?", [first + number, post_id]
            )
    return posts


async def trending(harness: ServiceHarness) -> list[str]:
    await harness.discovery.trend_jobs.find()
    return [trend.tag for trend in await harness.discovery.trends.list_trending(50)]


async def why(harness: ServiceHarness, tag: str) -> TrendReason:
    found = await harness.discovery.trends.explain(tag)
    assert found.trend.detail
    return found.reason


def test_score_counts_standard_deviations() -> None:
    assert Trend("a", 9, authors=8, usual_authors=3.0).score == 2.5
    assert Trend("a", 9, authors=4, usual_authors=0.0).score == 4.0
    assert Trend("a", 9, authors=2, usual_authors=8.0).score == -2.0


async def test_rise_counts_and_not_the_size(harness: ServiceHarness) -> None:
    users = await harness.users(6)
    for day in range(1, 8):
        await use(harness, "common", users, days_ago=day + 0.5)
    await use(harness, "common", users)
    await use(harness, "rising", users[:4])
    await use(harness, "started", users[:1], days_ago=3.5)
    await use(harness, "started", users[:5])
    assert await trending(harness) == ["started", "rising"]
    found = await harness.discovery.trends.explain("Rising")
    assert (found.reason, found.rank) == (TrendReason.TRENDING, 2)
    assert (found.trend.authors, found.trend.usual_authors, found.trend.posts_count) == (4, 0.0, 4)
    found = await harness.discovery.trends.explain("common")
    assert (found.reason, found.rank) == (TrendReason.NOT_RISING, None)
    assert (found.trend.authors, found.trend.usual_authors) == (6, 6.0)


async def test_few_authors_make_no_trend(harness: ServiceHarness) -> None:
    users = await harness.users(3)
    for _ in range(5):
        await use(harness, "spam", users[:2])
    assert (await trending(harness), await why(harness, "spam")) == ([], TrendReason.TOO_FEW_AUTHORS)
    await use(harness, "spam", users[2:])
    assert await trending(harness) == ["spam"]


async def test_hidden_posts_do_not_count(harness: ServiceHarness) -> None:
    users = await harness.users(3)
    posts = await use(harness, "light", users)
    assert await trending(harness) == ["light"]
    await harness.profiles.edit(users[0], {"is_private": True})
    await harness.work_off(*INDEXING)
    assert (await trending(harness), await why(harness, "light")) == ([], TrendReason.TOO_FEW_AUTHORS)
    for post_id in posts[1:]:
        await harness.delete(post_id)
    await harness.work_off(*INDEXING)
    assert await why(harness, "light") is TrendReason.UNUSED
    assert await why(harness, "neverused") is TrendReason.UNUSED
    with pytest.raises(NotFound):
        await harness.discovery.trends.explain("two words")


async def test_filtered_words_do_not_trend(harness: ServiceHarness) -> None:
    users = await harness.users(3)
    await use(harness, "casino", users)
    assert await trending(harness) == ["casino"]
    await harness.filter_administration.add(users[0], FilterKind.PHRASE, "casino", FilterAction.REPORT)
    await harness.text_filters.refresh()
    assert [each.tag for each in await harness.discovery.trends.list_trending(50)] == []
    assert await why(harness, "casino") is TrendReason.FILTERED


async def test_bounds_keep_the_strongest(harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trend_jobs, "MAX_TRENDS", 1)
    monkeypatch.setattr(trend_jobs, "ROWS_PER_QUERY", 3)
    users = await harness.users(5)
    await use(harness, "strong", users)
    await use(harness, "weak", users[:3])
    assert await trending(harness) == ["strong"]
    assert await why(harness, "weak") is TrendReason.OTHERS_RISE_MORE


async def test_job_can_be_repeated(harness: ServiceHarness) -> None:
    assert await harness.discovery.trends.list_trending(5) == []
    await use(harness, "light", await harness.users(3))
    for _ in range(2):
        claim = await claim_maintenance_job(harness, JobKind.FIND_TRENDS)
        await harness.discovery.trend_jobs.refresh(claim)
        await assert_completed(harness, claim)
        assert [each.tag for each in await harness.discovery.trends.list_trending(5)] == ["light"]
