"""Follows: once each, with the counters of both sides exact, however many come at once."""

import asyncio
import random

import pytest

from server.errors import Forbidden, NotFound
from server.ids import UserId
from server.paging import PageRequest, decode_cursor
from server.services.reactions import JobKind
from server.services.records import FollowState
from tests.house import House


async def assert_counts_are_exact(house: House) -> None:
    wrong = await house.rows(
        "SELECT id FROM users WHERE"
        " followers_count <> (SELECT COUNT(*) FROM follows f WHERE f.followee_id = users.id)"
        " OR following_count <> (SELECT COUNT(*) FROM follows f WHERE f.follower_id = users.id)"
    )
    assert wrong == []


async def test_a_follow_is_counted_on_both_sides(house: House) -> None:
    ada, bob = await house.users(2)
    assert await house.follows.follow(ada, bob) == FollowState(True, 1)
    rows = await house.rows("SELECT id, followers_count, following_count FROM users")
    counts = {row["id"]: (row["followers_count"], row["following_count"]) for row in rows}
    assert counts == {ada: (0, 1), bob: (1, 0)}
    assert len(await house.due(JobKind.NOTIFY_FOLLOW)) == 1


async def test_a_second_follow_changes_nothing(house: House) -> None:
    ada, bob = await house.users(2)
    await house.follows.follow(ada, bob)
    assert await house.follows.follow(ada, bob) == FollowState(True, 1)
    await assert_counts_are_exact(house)
    assert len(await house.due()) == 1


async def test_an_unfollow_is_done_once(house: House) -> None:
    ada, bob = await house.users(2)
    await house.follows.follow(ada, bob)
    for _ in range(2):
        assert await house.follows.unfollow(ada, bob) == FollowState(False, 0)
    await assert_counts_are_exact(house)
    assert await house.due() == await house.due(JobKind.NOTIFY_FOLLOW)


async def test_nobody_follows_themselves_or_nobody(house: House) -> None:
    ada = await house.user()
    with pytest.raises(Forbidden) as refused:
        await house.follows.follow(ada, ada)
    assert refused.value.code == "own_account"
    for act in (house.follows.follow, house.follows.unfollow):
        with pytest.raises(NotFound):
            await act(ada, UserId(404))
    await assert_counts_are_exact(house)
    assert await house.due() == []


async def test_fifty_follows_of_one_pair_at_once_are_one(house: House) -> None:
    ada, bob = await house.users(2)
    states = await asyncio.gather(*(house.follows.follow(ada, bob) for _ in range(50)))
    assert set(states) == {FollowState(True, 1)}
    assert await house.value("SELECT COUNT(*) AS n FROM follows") == 1
    await assert_counts_are_exact(house)
    assert len(await house.due()) == 1


async def test_two_who_follow_each_other_at_once_do_not_stand_in_each_other_s_way(house: House) -> None:
    people = await house.users(6)
    pairs = [(one, other) for one in people for other in people if one != other]
    await asyncio.gather(*(house.follows.follow(one, other) for one, other in pairs))
    assert await house.value("SELECT COUNT(*) AS n FROM follows") == 30
    await assert_counts_are_exact(house)


async def test_follows_and_unfollows_at_once_leave_exact_counts(house: House) -> None:
    people = await house.users(4)
    pairs = [(one, other) for one in people for other in people if one != other] * 5

    async def waver(one: UserId, other: UserId) -> None:
        await random.choice([house.follows.follow, house.follows.unfollow])(one, other)

    await asyncio.gather(*(waver(one, other) for one, other in random.sample(pairs, len(pairs))))
    await assert_counts_are_exact(house)


async def test_lists_of_people_are_read_newest_follow_first_without_a_gap(house: House) -> None:
    people = await house.users(7)
    star = await house.user("Star")
    order = random.sample(people, len(people))
    for person in order:
        await house.follows.follow(person, star)
        await house.follows.follow(star, person)
    for read in (house.follows.followers, house.follows.following):
        for whom in (star, "star"):
            seen: list[UserId] = []
            request = PageRequest(limit=3)
            while True:
                page = await read(whom, request)
                seen += [card.id for card in page.items]
                if page.next_cursor is None:
                    break
                request = PageRequest(3, decode_cursor(page.next_cursor))
            assert seen == order[::-1]
        for nobody in (UserId(404), "nobody"):
            with pytest.raises(NotFound):
                await read(nobody, PageRequest())
    assert [card.id for card in (await house.follows.followers(people[0], PageRequest())).items] == [star]


async def test_one_may_be_followed_by_name(house: House) -> None:
    ada, bob = await house.user("ada"), await house.user("Bob")
    assert await house.follows.follow(ada, "bob") == FollowState(True, 1)
    assert await house.follows.follow(ada, bob) == FollowState(True, 1)
    assert await house.follows.unfollow(ada, "BOB") == FollowState(False, 0)
    with pytest.raises(Forbidden):
        await house.follows.follow(ada, "ADA")
    for act in (house.follows.follow, house.follows.unfollow):
        with pytest.raises(NotFound):
            await act(ada, "nobody")
    await assert_counts_are_exact(house)


async def test_fifty_unfollows_of_one_pair_at_once_are_one(house: House) -> None:
    ada, bob = await house.users(2)
    await house.follows.follow(ada, bob)
    states = await asyncio.gather(*(house.follows.unfollow(ada, bob) for _ in range(50)))
    assert set(states) == {FollowState(False, 0)}
    await assert_counts_are_exact(house)
