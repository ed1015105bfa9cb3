"""Tests of rendered pages of posts: the same JSON as the posts on their own, and signed for their viewer only."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from server.handlers.post_serializer import PostSerializer
from server.ids import UserId
from server.paging import KeptPage, Page, PageRequest
from server.services.content.share_links import ShareLinks
from server.services.records import Post
from tests.handlers.posts import published
from tests.services.feed.feeds import follow
from tools.harness.services import ServiceHarness

FIRST = PageRequest()


@pytest.fixture
def serializer(harness: ServiceHarness) -> PostSerializer:
    return PostSerializer(harness.media_addresses, ShareLinks("https://photos.test", enabled=True))


async def shown(harness: ServiceHarness, reader: UserId) -> Page[Post]:
    """Return the page of a reader whose feed and cards are cached."""
    for _ in range(2):
        await harness.feed.page(reader, FIRST)
    return await harness.feed.page(reader, FIRST)


def on_their_own(serializer: PostSerializer, viewer: UserId, page: Page[Post]) -> dict[str, Any]:
    posts: Sequence[Any] = [orjson.loads(orjson.dumps(serializer.post(viewer, post))) for post in page.items]
    return {"items": list(posts), "nextCursor": page.next_cursor}


@pytest.mark.parametrize("count", [0, 1, 25])
async def test_page_has_its_posts_as_json(
    harness: ServiceHarness, serializer: PostSerializer, count: int
) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    for _ in range(count):
        await published(harness, author)
    page = await shown(harness, reader)
    for _ in range(2):
        rendered = serializer.page(reader, page)
        assert orjson.loads(rendered.json()) == on_their_own(serializer, reader, page)
    assert (page.next_cursor is None) == (count < 25)


async def test_page_is_kept_until_it_changes(harness: ServiceHarness, serializer: PostSerializer) -> None:
    reader, author = await harness.users(2)
    await follow(harness, reader, author)
    post_id = await published(harness, author)
    page = await shown(harness, reader)
    before = serializer.page(reader, page)
    assert isinstance(page, KeptPage)
    assert await shown(harness, reader) is page
    assert serializer.page(reader, page) is before
    await harness.likes.like(reader, post_id)
    await harness.work_off()
    after = serializer.page(reader, await shown(harness, reader))
    assert orjson.loads(after.json())["items"][0]["liked"]
    assert after.etag != before.etag


async def test_pages_of_many_readers_are_kept(harness: ServiceHarness) -> None:
    author, *readers = await harness.users(60)
    await published(harness, author)
    for reader in readers:
        await harness.follows.follow(reader, author)
        await harness.likes.like(reader, await published(harness, reader))
    await harness.work_off()
    pages = [await shown(harness, reader) for reader in readers]
    assert [await harness.feed.page(reader, FIRST) for reader in readers] == pages
    for reader, page in zip(readers, pages, strict=True):
        assert await harness.feed.page(reader, FIRST) is page


async def test_kept_page_is_signed_for_each_viewer(
    harness: ServiceHarness, serializer: PostSerializer
) -> None:
    author, *readers = await harness.users(3)
    for reader in readers:
        await follow(harness, reader, author)
    await published(harness, author)
    await harness.profiles.edit(author, {"is_private": True})
    await harness.work_off()
    page = await shown(harness, readers[0])
    assert isinstance(page, KeptPage)
    for viewer in (*readers, *readers):
        found = orjson.loads(serializer.page(viewer, page).json())
        assert found == on_their_own(serializer, viewer, page)
        assert f"viewer={viewer}&" in found["items"][0]["images"][0]["url"]
