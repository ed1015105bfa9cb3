"""Likes: once each, and counted exactly, however many come at once."""

import asyncio
import random

import pytest

from server.errors import NotFound
from server.ids import PostId, UserId
from server.services.reactions import JobKind
from server.services.records import LikeState
from tests.house import House


async def counted(house: House, post_id: PostId) -> tuple[int, int]:
    """What the post says, and what the rows say."""
    return (
        await house.value("SELECT likes_count FROM posts WHERE id = ?", post_id),
        await house.value("SELECT COUNT(*) AS n FROM likes WHERE post_id = ?", post_id),
    )


async def test_a_like_is_counted_and_told(house: House) -> None:
    author, fan = await house.users(2)
    post_id = await house.post(author)
    assert await house.likes.like(fan, post_id) == LikeState(True, 1)
    claim = await house.claim(JobKind.NOTIFY_LIKE)
    assert claim.payload == {"post_id": post_id, "author_id": author, "actor_id": fan}


async def test_a_second_like_changes_nothing(house: House) -> None:
    fan = await house.user()
    post_id = await house.post(fan)
    await house.likes.like(fan, post_id)
    assert await house.likes.like(fan, post_id) == LikeState(True, 1)
    assert await counted(house, post_id) == (1, 1)
    assert len(await house.due(JobKind.NOTIFY_LIKE)) == 1


async def test_a_like_is_taken_back_once(house: House) -> None:
    fan = await house.user()
    post_id = await house.post(fan)
    await house.likes.like(fan, post_id)
    assert await house.likes.unlike(fan, post_id) == LikeState(False, 0)
    assert await house.likes.unlike(fan, post_id) == LikeState(False, 0)
    assert await counted(house, post_id) == (0, 0)


async def test_a_like_of_a_missing_post_keeps_no_row(house: House) -> None:
    fan = await house.user()
    for act in (house.likes.like, house.likes.unlike):
        with pytest.raises(NotFound):
            await act(fan, PostId(404))
    assert await house.rows("SELECT id FROM likes") == []
    assert await house.due() == []


async def test_fifty_likes_of_one_person_at_once_are_one(house: House) -> None:
    fan = await house.user()
    post_id = await house.post(fan)
    states = await asyncio.gather(*(house.likes.like(fan, post_id) for _ in range(50)))
    assert set(states) == {LikeState(True, 1)}
    assert await counted(house, post_id) == (1, 1)
    assert len(await house.due(JobKind.NOTIFY_LIKE)) == 1


async def test_likes_of_many_at_once_are_all_counted(house: House) -> None:
    fans = await house.users(50)
    post_id = await house.post(fans[0])
    states = await asyncio.gather(*(house.likes.like(fan, post_id) for fan in fans))
    assert sorted(state.likes_count for state in states) == list(range(1, 51))
    assert await counted(house, post_id) == (50, 50)


async def test_likes_and_unlikes_at_once_leave_an_exact_count(house: House) -> None:
    fans = await house.users(5)
    post_ids = [await house.post(fans[0]) for _ in range(3)]

    async def waver(fan: UserId, post_id: PostId) -> None:
        act = random.choice([house.likes.like, house.likes.unlike])
        await act(fan, post_id)

    pairs = [(fan, post_id) for fan in fans for post_id in post_ids] * 7
    await asyncio.gather(*(waver(fan, post_id) for fan, post_id in random.sample(pairs, len(pairs))))
    for post_id in post_ids:
        said, are = await counted(house, post_id)
        assert said == are
