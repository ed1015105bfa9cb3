"""Reads of whole lists, page by page, and of places with their posts."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from server.errors import InvalidInput
from server.ids import NO_USER, PlaceId, PostId, UserId
from server.paging import OLDEST_FIRST, Page, PageRequest, decode_positions
from tests.chaos.state_machines import outcome
from tests.chaos.visibility.model_changes import ChangingModel
from tests.chaos.visibility.visibility_model import ModelPost
from tools.harness.services import ServiceHarness

WHOLE = 100
MAX_ITEMS = 1000
MAX_PINNED = 3
MAX_PLACES = 4


class PagedReads:
    """One viewer reads pages of `limit` items, the others whole lists: both must show the same as the model."""

    def __init__(self, harness: ServiceHarness, model: ChangingModel) -> None:
        self.harness = harness
        self.model = model
        self.paging_viewer, self.limit = NO_USER, WHOLE
        self.places: dict[PlaceId, str] = {}

    def limit_of(self, viewer: UserId) -> int:
        return self.limit if viewer == self.paging_viewer else WHOLE

    async def pages(
        self, viewer: UserId, read: Callable[..., Awaitable[Page[Any]]], *arguments: Any
    ) -> Page[Any]:
        """Return a list of the viewer in one page."""
        return await read_pages(partial(read, viewer, *arguments), self.limit_of(viewer))

    async def search_pages(self, viewer: UserId, search: Callable[..., Awaitable[Page[Any]]]) -> list[Any]:
        """Return all results of a search, which takes a limit and a cursor."""
        limit, items, cursor = self.limit_of(viewer), list[Any](), None
        while True:
            page = await search(limit, cursor)
            items += page.items
            assert len(page.items) <= limit
            assert len(items) < MAX_ITEMS, "the search has no end"
            if page.next_cursor is None:
                return items
            cursor = page.next_cursor

    async def compare_places(self, viewer: UserId) -> None:
        """Compare the posts of places, and the places that a search finds, with the model."""
        model, places = self.model, self.harness.discovery.places
        for place_id in [*self.places][-MAX_PLACES:]:
            there = [post for post in model.newest() if post.place == place_id]
            listed = [post.id for post in there if model.lists_post(viewer, post)]
            shown = [post for post in there if model.sees_post(viewer, post) or model.is_public(post)]
            found = await outcome(self.pages(viewer, places.list_posts, place_id))
            if shown:
                assert [post.id for post in found.items] == listed
            else:
                assert found == "not_found"
        counts = self._counts(model.newest())
        results = await self.search_pages(viewer, partial(places.search, "harbour"))
        assert sorted((each.place.id, each.posts_count) for each in results) == sorted(counts.items())

    def _counts(self, posts: Sequence[ModelPost]) -> dict[int, int]:
        counts: dict[int, int] = {}
        for post in posts:
            if post.place is not None and self.model.is_public(post):
                counts[post.place] = counts.get(post.place, 0) + 1
        return counts

    async def read_versions(self, viewer: UserId, post_id: PostId) -> list[Any]:
        """Return the earlier versions of a post."""

        async def versions(request: PageRequest) -> Page[Any]:
            return (await self.harness.post_history.list_versions(viewer, post_id, request))[1]

        return [*(await read_pages(versions, self.limit_of(viewer))).items]


async def read_pages(read: Callable[[PageRequest], Awaitable[Page[Any]]], limit: int) -> Page[Any]:
    """Return a list in one page; all its pages but the last must be full."""
    items: list[Any] = []
    request = PageRequest(limit)
    while True:
        page = await read(request)
        items += page.items
        if page.next_cursor is None:
            assert len(page.items) <= limit
            return Page(items, None)
        assert len(page.items) == limit, "only the last page may be short"
        assert len(items) < MAX_ITEMS, "the list has no end"
        request = _following(limit, page.next_cursor)


def _following(limit: int, cursor: str) -> PageRequest:
    for order in (b"", OLDEST_FIRST):
        with suppress(InvalidInput):
            position, *shown = decode_positions(cursor, 1 + MAX_PINNED, order)
            return PageRequest(limit, position, tuple(shown))
    raise AssertionError(f"unknown cursor {cursor}")
