"""Likes: one per user and post, with exact counters under concurrency."""

import asyncio
import contextlib
import random

import pytest

from server.errors import NotFound
from server.ids import PostId, UserId
from server.models.database import IntegrityError
from server.paging import PageRequest, decode_cursor
from server.services.jobs.event_jobs import JobKind
from server.services.records import LikeState
from tools.harness.services import ServiceHarness


async def like_counts(harness: ServiceHarness, post_id: PostId) -> tuple[int, int]:
    """Return the counter of the post and the number of rows."""
    return (
        await harness.value("SELECT likes_count FROM posts WHERE id = ?", post_id),
        await harness.value("SELECT COUNT(*) AS n FROM likes WHERE post_id = ?", post_id),
    )


async def test_like_is_counted_and_emits_an_event(harness: ServiceHarness) -> None:
    author, fan = await harness.users(2)
    post_id = await harness.post(author)
    assert await harness.likes.like(fan, post_id) == LikeState(True, 1)
    claim = await harness.claim(JobKind.NOTIFY_LIKE)
    assert claim.payload == {"post_id": post_id, "author_id": author, "actor_id": fan}


async def test_second_like_changes_nothing(harness: ServiceHarness) -> None:
    fan = await harness.user()
    post_id = await harness.post(fan)
    await harness.likes.like(fan, post_id)
    assert await harness.likes.like(fan, post_id) == LikeState(True, 1)
    assert await like_counts(harness, post_id) == (1, 1)
    assert len(await harness.due(JobKind.NOTIFY_LIKE)) == 1


async def test_second_unlike_changes_nothing(harness: ServiceHarness) -> None:
    fan = await harness.user()
    post_id = await harness.post(fan)
    await harness.likes.like(fan, post_id)
    assert await harness.likes.unlike(fan, post_id) == LikeState(False, 0)
    assert await harness.likes.unlike(fan, post_id) == LikeState(False, 0)
    assert await like_counts(harness, post_id) == (0, 0)


async def test_liking_a_missing_post_inserts_no_row(harness: ServiceHarness) -> None:
    fan = await harness.user()
    for act in (harness.likes.like, harness.likes.unlike):
        with pytest.raises(NotFound):
            await act(fan, PostId(404))
    assert await harness.rows("SELECT id FROM likes") == []
    assert await harness.due() == []


async def test_concurrent_likes_of_one_user_count_once(harness: ServiceHarness) -> None:
    fan = await harness.user()
    post_id = await harness.post(fan)
    states = await asyncio.gather(*(harness.likes.like(fan, post_id) for _ in range(50)))
    assert set(states) == {LikeState(True, 1)}
    assert await like_counts(harness, post_id) == (1, 1)
    assert len(await harness.due(JobKind.NOTIFY_LIKE)) == 1


async def test_concurrent_likes_of_many_users_are_all_like_counts(harness: ServiceHarness) -> None:
    fans = await harness.users(50)
    post_id = await harness.post(fans[0])
    states = await asyncio.gather(*(harness.likes.like(fan, post_id) for fan in fans))
    assert {state.likes_count for state in states} == set(range(1, 51))
    assert await like_counts(harness, post_id) == (50, 50)


async def test_concurrent_likes_and_unlikes_keep_an_exact_count(harness: ServiceHarness) -> None:
    fans = await harness.users(5)
    post_ids = [await harness.post(fans[0]) for _ in range(3)]

    async def waver(fan: UserId, post_id: PostId) -> None:
        act = random.choice([harness.likes.like, harness.likes.unlike])
        await act(fan, post_id)

    pairs = [(fan, post_id) for fan in fans for post_id in post_ids] * 7
    await asyncio.gather(*(waver(fan, post_id) for fan, post_id in random.sample(pairs, len(pairs))))
    for post_id in post_ids:
        said, are = await like_counts(harness, post_id)
        assert said == are


async def test_likers_are_paged_newest_first_without_gaps(harness: ServiceHarness) -> None:
    fans = await harness.users(7)
    post_id = await harness.post(fans[0])
    order = random.sample(fans, len(fans))
    for fan in order:
        await harness.likes.like(fan, post_id)
    seen: list[UserId] = []
    request = PageRequest(limit=3)
    while True:
        page = await harness.likes.list_likers(fans[0], post_id, request)
        seen += [each.card.id for each in page.items]
        if page.next_cursor is None:
            break
        request = PageRequest(3, decode_cursor(page.next_cursor))
    assert seen == order[::-1]
    assert (await harness.likes.list_likers(fans[0], await harness.post(fans[0]), PageRequest())).items == []
    with pytest.raises(NotFound):
        await harness.likes.list_likers(fans[0], PostId(404), PageRequest())


async def test_like_concurrent_with_a_deletion_leaves_no_row(harness: ServiceHarness) -> None:
    fans = await harness.users(10)
    post_id = await harness.post(fans[0])

    async def like(fan: UserId) -> None:
        with contextlib.suppress(NotFound):
            await harness.likes.like(fan, post_id)

    deletion = harness.posts.delete(fans[0], post_id)
    await asyncio.gather(*map(like, fans[:5]), deletion, *map(like, fans))
    assert await harness.work_off(JobKind.REMOVE_POST) == 1
    assert await harness.rows("SELECT id FROM likes") == []


async def test_likes_of_a_post_are_found_by_an_index(harness: ServiceHarness) -> None:
    fans = await harness.users(30)
    post_ids = [await harness.post(fans[0]) for _ in range(10)]
    for post_id in post_ids:
        for fan in fans:
            await harness.likes.like(fan, post_id)
    question = "SELECT id FROM likes WHERE post_id = ? AND id < ? ORDER BY id DESC LIMIT 21"
    if harness.database.dialect == "sqlite":
        (plan,) = await harness.rows(f"EXPLAIN QUERY PLAN {question}", post_ids[0], 2**53)
        assert "COVERING INDEX" in plan["detail"]
        assert "(post_id=? AND " in plan["detail"]
    else:
        (plan,) = await harness.rows(f"EXPLAIN {question}", post_ids[0], 2**53)
        (columns,) = await harness.rows(
            "SELECT GROUP_CONCAT(column_name ORDER BY seq_in_index) AS names FROM information_schema.statistics"
            " WHERE table_schema = DATABASE() AND table_name = 'likes' AND index_name = ?",
            plan["key"],
        )
        assert columns["names"] == "post_id,id"
        assert "filesort" not in plan["Extra"]


async def test_changes_of_one_batch_are_made_in_their_order(harness: ServiceHarness) -> None:
    author, fan, other = await harness.users(3)
    post_id = await harness.post(author)
    like, unlike = harness.likes.like, harness.likes.unlike
    states = await asyncio.gather(
        like(fan, post_id),
        like(other, post_id),
        unlike(fan, post_id),
        unlike(fan, post_id),
        like(fan, post_id),
    )
    assert states == [
        LikeState(True, 1), LikeState(True, 2), LikeState(False, 1), LikeState(False, 1), LikeState(True, 2)
    ]  # fmt: skip
    assert await like_counts(harness, post_id) == (2, 2)


async def test_unlike_in_a_batch_keeps_an_older_like(harness: ServiceHarness) -> None:
    author, fan = await harness.users(2)
    post_id = await harness.post(author)
    await harness.likes.like(fan, post_id)
    states = await asyncio.gather(
        harness.likes.unlike(fan, post_id),
        harness.likes.like(fan, post_id),
        harness.likes.unlike(fan, post_id),
    )
    assert [state.likes_count for state in states] == [0, 1, 0]
    assert await like_counts(harness, post_id) == (0, 0)


async def test_hidden_post_fails_only_its_own_like(harness: ServiceHarness) -> None:
    author, private, fan = await harness.users(3)
    await harness.profiles.edit(private, {"is_private": True})
    shown, hidden = await harness.post(author), await harness.post(private)
    outcomes = await asyncio.gather(
        *(harness.likes.like(fan, each) for each in (shown, hidden, PostId(404), shown)),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [LikeState, NotFound, NotFound, LikeState]
    assert await like_counts(harness, shown) == (1, 1)
    assert await like_counts(harness, hidden) == (0, 0)


async def test_erased_user_fails_only_its_own_like(harness: ServiceHarness) -> None:
    author, fan = await harness.users(2)
    post_id = await harness.post(author)
    outcomes = await asyncio.gather(
        harness.likes.like(fan, post_id),
        harness.likes.like(UserId(404), post_id),
        harness.likes.like(author, post_id),
        return_exceptions=True,
    )
    assert [outcomes[0], outcomes[2]] == [LikeState(True, 1), LikeState(True, 2)]
    assert isinstance(outcomes[1], IntegrityError)
    assert await like_counts(harness, post_id) == (2, 2)
