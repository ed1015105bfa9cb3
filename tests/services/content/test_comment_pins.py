"""Pinned comments: at most three per post, above the others, and pages that neither repeat nor skip."""

import asyncio
import itertools

import pytest

from server.errors import Conflict, Forbidden, NotFound
from server.ids import ActionId, CommentId, PostId, UserId
from server.paging import PageRequest, decode_positions
from server.services.content.limits import MAX_PINNED_COMMENTS
from server.services.jobs.unit_of_work import WorkContext
from tools.harness.services import ServiceHarness


async def comments_on(
    harness: ServiceHarness, author_id: UserId, post_id: PostId, count: int
) -> list[CommentId]:
    return [(await harness.comments.add(author_id, post_id, f"{n}", None)).id for n in range(count)]


async def page(
    harness: ServiceHarness, viewer_id: UserId, post_id: PostId, limit: int, cursor: str | None
) -> tuple[list[CommentId], str | None]:
    request = PageRequest(limit)
    if cursor is not None:
        position, *shown = decode_positions(cursor, 1 + MAX_PINNED_COMMENTS)
        request = PageRequest(limit, position, tuple(shown))
    found = await harness.comments.list_by_post(viewer_id, post_id, request)
    return [comment.id for comment in found.items], found.next_cursor


async def pages(harness: ServiceHarness, viewer_id: UserId, post_id: PostId, limit: int) -> list[CommentId]:
    seen: list[CommentId] = []
    cursor: str | None = None
    for number in itertools.count():
        if number and cursor is None:
            return seen
        ids, cursor = await page(harness, viewer_id, post_id, limit, cursor)
        assert len(ids) == limit or cursor is None
        seen += ids
    raise AssertionError


async def test_pinned_comments_come_first_on_pages_of_any_size(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    made = await comments_on(harness, bob, post_id, 9)
    pinned = [made[4], made[0], made[8]]
    for comment_id in pinned:
        for _ in range(2):  # again changes nothing
            await harness.commenting.pins.pin(ada, post_id, comment_id)
    expected = pinned[::-1] + [each for each in made[::-1] if each not in pinned]
    for limit in (1, 2, 3, 4, 8, 9, 10):
        assert await pages(harness, bob, post_id, limit) == expected, limit
    shown = (await harness.comments.list_by_post(bob, post_id, PageRequest())).items
    assert [comment.pinned for comment in shown] == [True] * 3 + [False] * 6
    for _ in range(2):
        await harness.commenting.pins.unpin(ada, post_id, made[0])
    assert (await pages(harness, bob, post_id, 3))[:3] == [made[8], made[4], made[7]]


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
async def test_pins_between_two_pages_repeat_and_skip_nothing(harness: ServiceHarness, limit: int) -> None:
    ada = await harness.user()
    post_id = await harness.post(ada)
    made = await comments_on(harness, ada, post_id, 8)
    pins = harness.commenting.pins
    for comment_id in (made[1], made[6]):
        await pins.pin(ada, post_id, comment_id)
    changes = [
        pins.pin(ada, post_id, made[0]),
        pins.unpin(ada, post_id, made[6]),
        pins.pin(ada, post_id, made[5]),
        pins.unpin(ada, post_id, made[1]),
        pins.pin(ada, post_id, made[7]),
        pins.unpin(ada, post_id, made[0]),
    ]
    seen, cursor = await page(harness, ada, post_id, limit, None)
    for change in changes:
        await change
        if cursor is not None:
            ids, cursor = await page(harness, ada, post_id, limit, cursor)
            seen += ids
    while cursor is not None:
        ids, cursor = await page(harness, ada, post_id, limit, cursor)
        seen += ids
    assert sorted(seen) == made


async def test_a_fourth_pin_is_refused(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    made = await comments_on(harness, bob, post_id, 4)
    attempts = (harness.commenting.pins.pin(ada, post_id, each) for each in made)
    results = await asyncio.gather(*attempts, return_exceptions=True)
    (refusal,) = [each for each in results if each is not None]
    assert isinstance(refusal, Conflict)
    assert (refusal.code, str(refusal)) == (
        "too_many_pins",
        "3 comments of this post are pinned. Unpin one of them first.",
    )
    assert await harness.value("SELECT COUNT(*) AS n FROM comments WHERE pinned_at_ms IS NOT NULL") == 3
    # Pins that their author cannot see, and so cannot remove, make room.
    await harness.blocks.block(ada, bob)
    (new,) = await comments_on(harness, eve, post_id, 1)
    await harness.commenting.pins.pin(ada, post_id, new)
    assert await harness.value("SELECT COUNT(*) AS n FROM comments WHERE pinned_at_ms IS NOT NULL") == 3
    assert (await pages(harness, ada, post_id, 5)) == [new]


async def test_only_the_author_of_the_post_pins_and_only_comments(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id, other = await harness.post(ada), await harness.post(ada)
    (comment_id,) = await comments_on(harness, bob, post_id, 1)
    reply = await harness.comments.add(bob, post_id, "reply", comment_id)
    for change in (harness.commenting.pins.pin, harness.commenting.pins.unpin):
        with pytest.raises(Forbidden):
            await change(bob, post_id, comment_id)
        for post, comment in ((other, comment_id), (post_id, CommentId(404)), (PostId(404), comment_id)):
            with pytest.raises(NotFound):
                await change(ada, post, comment)
    with pytest.raises(Conflict) as refused:
        await harness.commenting.pins.pin(ada, post_id, reply.id)
    assert refused.value.code == "comment_is_reply"
    await harness.restrictions.restrict(ada, bob)
    (waiting,) = await comments_on(harness, bob, post_id, 1)
    with pytest.raises(Conflict) as refused:
        await harness.commenting.pins.pin(ada, post_id, waiting)
    assert refused.value.code == "comment_pending"


async def test_comment_that_was_taken_down_is_not_pinned(harness: ServiceHarness) -> None:
    ada = await harness.user()
    post_id = await harness.post(ada)
    (comment_id,) = await comments_on(harness, ada, post_id, 1)
    await harness.commenting.pins.pin(ada, post_id, comment_id)

    async def take_down(work: WorkContext) -> None:
        await harness.commenting.removals.take_down(post_id, comment_id, ActionId(1), work)

    async def restore(work: WorkContext) -> None:
        await harness.commenting.removals.restore(post_id, comment_id, ActionId(1), work)

    await harness.unit_of_work.run(take_down)
    assert await pages(harness, ada, post_id, 5) == []
    await harness.unit_of_work.run(restore)
    (shown,) = (await harness.comments.list_by_post(ada, post_id, PageRequest())).items
    assert not shown.pinned


async def test_pinned_comments_are_found_by_an_index(harness: ServiceHarness) -> None:
    ada = await harness.user()
    post_ids = [await harness.post(ada) for _ in range(5)]
    for post_id in post_ids:
        (first, *_) = await comments_on(harness, ada, post_id, 20)
        await harness.commenting.pins.pin(ada, post_id, first)
    question = "SELECT id FROM comments WHERE post_id = ? AND pinned_at_ms IS NOT NULL"
    if harness.database.dialect == "sqlite":
        (plan,) = await harness.rows(f"EXPLAIN QUERY PLAN {question}", post_ids[0])
        assert "(post_id=? AND pinned_at_ms>?)" in plan["detail"]
    else:
        (plan,) = await harness.rows(f"EXPLAIN {question}", post_ids[0])
        assert plan["key"].startswith("idx_comments_post_id")
        assert int(plan["rows"]) <= 2
