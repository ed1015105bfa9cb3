"""Pinned posts: three at most, first in their author's list, whose pages neither repeat nor skip a post."""

import asyncio
from dataclasses import replace

import pytest

from server.errors import Conflict, Forbidden, NotFound
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.paging import PageRequest, decode_positions
from server.services.content.pins import MAX_PINS
from server.services.records import PostStatus
from tools.harness.services import ServiceHarness


async def posts_of(harness: ServiceHarness, author: UserId, count: int) -> list[PostId]:
    """Return new posts, newest first."""
    return [await harness.post(author) for _ in range(count)][::-1]


async def page(
    harness: ServiceHarness, author: UserId, limit: int, cursor: str | None = None
) -> tuple[list[PostId], str | None]:
    request = PageRequest(limit)
    if cursor is not None:
        after, *shown = decode_positions(cursor, 1 + MAX_PINS)
        request = replace(request, after=after, shown=tuple(shown))
    found = await harness.posts.list_by_author(author, author, request)
    return [post.id for post in found.items], found.next_cursor


async def test_pinned_posts_come_first_and_once(harness: ServiceHarness) -> None:
    ana = await harness.user()
    posts = await posts_of(harness, ana, 6)
    for pinned in (posts[4], posts[1]):
        await harness.pins.pin(ana, pinned)
    wanted = [posts[1], posts[4], posts[0], posts[2], posts[3], posts[5]]
    for limit in (1, 2, 3, 4, 6, 7):
        found, cursor = await page(harness, ana, limit)
        while cursor is not None:
            more, cursor = await page(harness, ana, limit, cursor)
            found += more
        assert sorted(found) == sorted(wanted)
        assert found == wanted or limit == 1
    shown = (await harness.posts.list_by_author(ana, ana, PageRequest())).items
    assert [post.card.pinned for post in shown] == [True, True, *[False] * 4]


async def test_pins_that_change_between_pages_repeat_and_skip_nothing(harness: ServiceHarness) -> None:
    ana = await harness.user()
    posts = await posts_of(harness, ana, 6)
    await harness.pins.pin(ana, posts[5])
    first, cursor = await page(harness, ana, 3)
    await harness.pins.unpin(ana, posts[5])
    await harness.pins.pin(ana, posts[3])
    rest, end = await page(harness, ana, 10, cursor)
    assert (first + rest, end) == ([posts[5], posts[0], posts[1], posts[2], posts[3], posts[4]], None)


async def test_fourth_pin_is_refused(harness: ServiceHarness) -> None:
    ana = await harness.user()
    posts = await posts_of(harness, ana, 5)
    outcomes = await asyncio.gather(*(harness.pins.pin(ana, post) for post in posts), return_exceptions=True)
    assert [type(each) for each in outcomes].count(Conflict) == 2
    assert await harness.post_rows.count_pinned(ana) == 3
    pinned = [post.id for post in (await harness.posts.list_by_author(ana, ana, PageRequest(3))).items]
    await harness.pins.pin(ana, pinned[0])
    (other, *_) = [post for post in posts if post not in pinned]
    with pytest.raises(Conflict) as refused:
        await harness.pins.pin(ana, other)
    assert refused.value.code == "too_many_pins"
    await harness.pins.unpin(ana, pinned[0])
    await harness.pins.pin(ana, other)


async def test_only_the_author_pins_and_only_what_is_listed(harness: ServiceHarness) -> None:
    ana, bob = await harness.users(2)
    post = await harness.post(ana)
    secret = await harness.post(ana, audience=Audience.CLOSE_FRIENDS)
    for kind, attempt in (
        (Forbidden, harness.pins.pin(bob, post)),
        (NotFound, harness.pins.unpin(bob, secret)),
        (NotFound, harness.pins.pin(ana, PostId(1))),
    ):
        with pytest.raises(kind):
            await attempt
    await harness.pins.pin(ana, secret)
    assert [each.id for each in (await harness.posts.list_by_author(bob, ana, PageRequest())).items] == [post]


async def test_hidden_posts_are_not_pinned(harness: ServiceHarness) -> None:
    ana = await harness.user()
    post, deleted = await harness.post(ana), await harness.post(ana)
    for each in (post, deleted):
        await harness.pins.pin(ana, each)
    await harness.posts.edit(ana, post, None, None, status=PostStatus.ARCHIVED)
    await harness.posts.delete(ana, deleted)
    assert await harness.post_rows.count_pinned(ana) == 0
    with pytest.raises(Conflict) as refused:
        await harness.pins.pin(ana, post)
    assert refused.value.code == "not_published"
    restored = await harness.posts.edit(ana, post, None, None, status=PostStatus.PUBLISHED)
    assert not restored.card.pinned


async def test_cached_cards_show_the_pin(harness: ServiceHarness) -> None:
    ana = await harness.user()
    post = await harness.post(ana)
    for pinned in (True, False):
        await harness.feed.page(ana, PageRequest())
        await (harness.pins.pin if pinned else harness.pins.unpin)(ana, post)
        (shown,) = (await harness.feed.page(ana, PageRequest())).items
        assert (shown.card.pinned, shown.card.edited_at_ms) == (pinned, None)
