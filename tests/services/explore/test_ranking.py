"""The ranking: its order, and what each run of the job reads."""

from typing import Any

import pytest

from server.clock import SystemClock
from server.ids import PostId, UserId
from server.models.explore.explore_candidates import ExploreCandidateRepository, ScoredPost
from server.services.explore import ranking_jobs
from server.services.explore.scores import UNIT, score, spread
from server.services.jobs.event_jobs import JobKind
from tests.services.explore.explores import age, rank, read_all
from tests.support.jobs import claim_maintenance_job
from tools.harness.services import ServiceHarness

HOUR_MS = 3_600_000


def post(post_id: int, author: int, likes: int = 0, comments: int = 0, at_ms: int = 0) -> ScoredPost:
    return ScoredPost(PostId(post_id), UserId(author), likes, comments, at_ms)


def test_tenfold_engagement_is_worth_twelve_and_a_half_hours() -> None:
    assert score(post(1, 1, likes=10)) == UNIT
    assert score(post(1, 1, comments=5)) == UNIT
    assert score(post(1, 1, likes=100)) == score(post(1, 1, likes=10, at_ms=45_000_000))
    assert score(post(1, 1)) == score(post(1, 1, likes=1)) == 0


def test_authors_alternate_while_there_are_enough() -> None:
    posts = [post(n, 1) for n in range(10)] + [post(n, n) for n in range(10, 30)]
    order = [each.author_id for each in spread(posts, 100)]
    assert sorted(each.id for each in spread(posts, 100)) == list(range(30))
    assert order[0] == 1
    for at in range(25 - 4):
        assert order[at : at + 5].count(UserId(1)) <= 1
    assert [each.id for each in spread(posts[:3], 100)] == [0, 1, 2]
    assert spread([], 10) == []
    assert len(spread(posts, 7)) == 7


async def test_order_follows_engagement_and_age(harness: ServiceHarness) -> None:
    viewer, *authors = await harness.users(5)
    old, liked, discussed, quiet = [await harness.post(author) for author in authors]
    await age(harness, old, by_ms=40 * HOUR_MS)
    for fan in authors:
        await harness.likes.like(fan, old)
    for fan in authors[:3]:
        await harness.likes.like(fan, liked)
    for fan in authors[:2]:
        await harness.comments.add(fan, discussed, "Nice", None)
    await rank(harness)
    assert await read_all(harness.explore, viewer) == [discussed, liked, quiet, old]
    await harness.likes.unlike(authors[0], liked)
    await harness.likes.unlike(authors[1], liked)
    await harness.likes.unlike(authors[2], liked)
    await rank(harness)
    assert (await ranked(harness))[:3] == [discussed, quiet, liked]


async def ranked(harness: ServiceHarness) -> list[PostId]:
    harness.feeds.rankings.forget()
    return [post_id for post_id, _ in (await harness.feeds.rankings.newest()).posts]


async def test_each_run_reads_what_is_new(harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, bob = await harness.users(2)
    first = await harness.post(ada)
    await harness.explore_ranking.rank()
    assert await ranked(harness) == [first]
    second, third = await harness.post(bob), await harness.post(bob)
    read: list[Any] = []
    list_activity = ExploreCandidateRepository.list_activity

    async def recorded(*arguments: Any) -> Any:
        rows = await list_activity(*arguments)
        read.extend(row.post_id for row in rows)
        return rows

    monkeypatch.setattr(ExploreCandidateRepository, "list_activity", recorded)
    await harness.explore_ranking.rank()
    assert (await ranked(harness), read) == ([third, first, second], [second, third])
    for fan in (ada, bob):
        await harness.likes.like(fan, first)
    read.clear()
    await harness.explore_ranking.rank()
    assert (await ranked(harness), read) == ([first, third, second], [first, first])
    await harness.comments.add(ada, second, "One", None)
    await harness.comments.add(ada, second, "Two", None)
    await harness.explore_ranking.rank()
    assert (await ranked(harness))[0] == second


async def test_bounded_run_goes_on_in_the_next_one(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("ROWS_PER_RUN", 4), ("ROWS_PER_QUERY", 2)):
        monkeypatch.setattr(ranking_jobs, name, value)
    (ada,) = await harness.users(1)
    await harness.explore_ranking.rank()
    posts = [await harness.post(ada) for _ in range(6)]
    await harness.explore_ranking.rank()
    assert sorted(await ranked(harness)) == posts[:4]
    await harness.explore_ranking.rank()
    assert sorted(await ranked(harness)) == posts


async def test_only_the_best_candidates_are_kept(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("CANDIDATES", 3), ("RANKED", 2)):
        monkeypatch.setattr(ranking_jobs, name, value)
    ada, bob = await harness.users(2)
    posts = [await harness.post(ada) for _ in range(5)]
    for minutes, post_id in enumerate(
        reversed(posts), 1
    ):  # posts of one millisecond have equal scores, and stay
        await age(harness, post_id, by_ms=minutes * 60_000)
    await harness.explore_ranking.rank()
    assert await ranked(harness) == posts[:2:-1]
    assert await harness.value("SELECT COUNT(*) FROM explore_candidates") == 3
    for fan in (ada, bob):
        await harness.likes.like(fan, posts[0])
    await harness.explore_ranking.rank()
    assert (await ranked(harness))[0] == posts[0]


async def test_job_can_be_interrupted_and_repeated(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    (ada,) = await harness.users(1)
    posts = [await harness.post(ada) for _ in range(3)]

    async def crash(*_: Any) -> None:
        raise RuntimeError("the process was killed")

    with monkeypatch.context() as patched:
        patched.setattr(ExploreCandidateRepository, "put", crash)
        with pytest.raises(RuntimeError):
            await harness.explore_ranking.rank()
    assert await ranked(harness) == []
    for _ in range(2):
        await harness.explore_ranking.refresh(await claim_maintenance_job(harness, JobKind.RANK_EXPLORE))
        assert sorted(await ranked(harness)) == posts


async def test_old_rankings_are_deleted(harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    await harness.explore_ranking.rank()
    await harness.explore_ranking.rank()
    assert await harness.value("SELECT COUNT(*) FROM rankings") == 2
    now_ms = SystemClock().now_ms()
    monkeypatch.setattr(harness.clock, "now_ms", lambda: now_ms + 2 * HOUR_MS, raising=False)
    await harness.explore_ranking.rank()
    assert await harness.value("SELECT COUNT(*) FROM rankings") == 1
