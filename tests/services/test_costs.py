"""Statements and Redis calls per change and per job, so that they cannot grow unnoticed.

The statements include BEGIN and COMMIT. A request also has one call that checks its session and rate limits.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.ids import PostId, UserId
from server.models.notifications.digests import EmailFrequency
from server.services.jobs.event_jobs import JobKind
from tests.support.costs import Costs, measured_costs
from tools.harness.services import ServiceHarness

TOGETHER = 32
MAX_BATCHES = 4  # two lanes, each with one change that is made while the others arrive

Change = Callable[[ServiceHarness, UserId, UserId, PostId], Awaitable[object]]

CHANGES: dict[str, tuple[int, int, Change]] = {
    "like": (6, 2, lambda harness, fan, _, post_id: harness.likes.like(fan, post_id)),
    "unlike without a like": (3, 2, lambda harness, fan, _, post_id: harness.likes.unlike(fan, post_id)),
    "comment": (9, 2, lambda harness, fan, _, post_id: harness.comments.add(fan, post_id, "Nice", None)),
    "follow": (10, 2, lambda harness, fan, author, _: harness.follows.follow(fan, author)),
    "publish": (5, 2, lambda harness, _, author, __: harness.post(author)),
}


async def cost_of(harness: ServiceHarness, change: Callable[[], Awaitable[object]]) -> Costs:
    with measured_costs(harness) as costs:
        await change()
    return costs


@pytest.mark.parametrize("name", CHANGES)
async def test_change_costs_no_more_than_before(harness: ServiceHarness, name: str) -> None:
    fan, author = await harness.users(2)
    post_id = await harness.post(author)
    max_statements, max_round_trips, change = CHANGES[name]
    costs = await cost_of(harness, lambda: change(harness, fan, author, post_id))
    assert len(costs.statements) <= max_statements, costs.statements
    assert len(costs.round_trips) <= max_round_trips


async def test_likes_of_one_post_share_transactions(harness: ServiceHarness) -> None:
    author, *fans = await harness.users(1 + TOGETHER)
    post_id = await harness.post(author)
    costs = await cost_of(
        harness, lambda: asyncio.gather(*(harness.likes.like(fan, post_id) for fan in fans))
    )
    assert costs.statements.count("commit") <= MAX_BATCHES
    assert len(costs.statements) <= 6 * MAX_BATCHES
    assert len(costs.round_trips) <= 2 * MAX_BATCHES
    assert await harness.value("SELECT likes_count FROM posts WHERE id = ?", post_id) == TOGETHER


async def test_likes_of_many_posts_share_transactions(harness: ServiceHarness) -> None:
    author, fan = await harness.users(2)
    posts = [await harness.post(author) for _ in range(TOGETHER)]
    costs = await cost_of(harness, lambda: asyncio.gather(*(harness.likes.like(fan, each) for each in posts)))
    assert costs.statements.count("commit") <= MAX_BATCHES
    assert len(costs.statements) <= 6 * MAX_BATCHES
    counts = await harness.rows("SELECT likes_count FROM posts")
    assert [row["likes_count"] for row in counts] == [1] * TOGETHER


# In a digest, the row of an e-mail's job is replaced by two reads, an entry, and the time when the digest is due.
@pytest.mark.parametrize(
    ("frequency", "max_statements"), [(EmailFrequency.IMMEDIATELY, 12), (EmailFrequency.DAILY, 15)]
)
async def test_job_costs_no_more_than_before(
    harness: ServiceHarness, frequency: EmailFrequency, max_statements: int
) -> None:
    harness.email_frequency = frequency
    author, fan = await harness.users(2)
    await harness.likes.like(fan, await harness.post(author))
    (job_id,) = await harness.due(JobKind.NOTIFY_LIKE)

    async def run() -> None:
        claim = await harness.jobs.claim(job_id)
        assert claim is not None
        await harness.handlers()[claim.kind](claim)

    costs = await cost_of(harness, run)
    assert len(costs.statements) <= max_statements, costs.statements
    assert costs.round_trips == []
