"""Statements and round trips to Redis of screens that were opened before, so that they cannot grow unnoticed."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.ids import UserId
from server.paging import PageRequest
from server.services.discovery import name_walk, trends
from tests.services.discovery.names import index_all
from tests.support.costs import measured_costs
from tools.harness.services import ServiceHarness

TOGETHER = 16

Screen = Callable[[ServiceHarness, UserId, UserId], Awaitable[object]]

# The most statements, and the most round trips.
SCREENS: dict[str, tuple[int, int, Screen]] = {
    "hashtag": (1, 1, lambda h, viewer, _: h.discovery.hashtags.list_posts(viewer, "dawn", PageRequest())),
    "explore": (0, 1, lambda h, viewer, _: h.explore.page(viewer, 20)),
    "search for people": (1, 2, lambda h, viewer, _: h.discovery.users.search(viewer, "user", 20)),
    "name completion": (1, 2, lambda h, viewer, _: h.discovery.users.complete(viewer, "us", 20)),
    "search for hashtags": (2, 0, lambda h, _, __: h.discovery.hashtags.search("dawn", 20)),
    "trends": (1, 0, lambda h, _, __: h.discovery.trends.list_trending(20)),
    "suggestions": (1, 1, lambda h, viewer, _: h.discovery.suggestions.list_suggestions(viewer, 20)),
    "profile": (1, 0, lambda h, viewer, author: h.profiles.get(viewer, author)),
    "posts of a profile": (
        1, 1, lambda h, viewer, author: h.posts.list_by_author(viewer, author, PageRequest(), with_likers=False)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCREENS)
async def test_screen_costs_no_more_than_before(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(name_walk, "KEPT_S", 3600.0)
    monkeypatch.setattr(trends, "KEPT_S", 3600.0)
    viewer = await harness.user("viewer")
    author, friend, stranger = await harness.users(3)
    await harness.follows.follow(viewer, friend)
    await harness.follows.follow(friend, author)
    await harness.follows.follow(friend, stranger)
    for _ in range(3):
        await harness.post(author, "#dawn")
    await index_all(harness)
    await harness.explore_ranking.rank(anew=True)
    max_statements, max_round_trips, screen = SCREENS[name]
    await harness.feed.page(viewer, PageRequest())
    await screen(harness, viewer, author)
    known = await screen(harness, viewer, author)
    with measured_costs(harness) as costs:
        assert await screen(harness, viewer, author) == known
    assert len(costs.statements) <= max_statements, costs.statements
    assert len(costs.round_trips) <= max_round_trips
    with measured_costs(harness) as costs:
        await asyncio.gather(*(screen(harness, viewer, author) for _ in range(TOGETHER)))
    assert len(costs.statements) <= 2 * max_statements, costs.statements
