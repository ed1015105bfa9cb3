"""Follows: one per pair of users, with exact counters under concurrency."""

import asyncio
import random

import pytest

from server.errors import InvalidInput, NotFound
from server.ids import UserId
from server.paging import PageRequest, decode_cursor
from server.services.jobs.event_jobs import JobKind
from server.services.records import FollowState
from tools.harness.services import ServiceHarness


async def assert_counts_are_exact(harness: ServiceHarness) -> None:
    wrong = await harness.rows(
        "SELECT id FROM users WHERE"
        " followers_count <> (SELECT COUNT(*) FROM follows f WHERE f.followee_id = users.id)"
        " OR following_count <> (SELECT COUNT(*) FROM follows f WHERE f.follower_id = users.id)"
    )
    assert wrong == []


async def test_follow_is_counted_for_both_users(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    assert await harness.follows.follow(ada, bob) == FollowState(True, 1)
    rows = await harness.rows("SELECT id, followers_count, following_count FROM users")
    counts = {row["id"]: (row["followers_count"], row["following_count"]) for row in rows}
    assert counts == {ada: (0, 1), bob: (1, 0)}
    assert len(await harness.due(JobKind.NOTIFY_FOLLOW)) == 1


async def test_second_follow_changes_nothing(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(ada, bob)
    assert await harness.follows.follow(ada, bob) == FollowState(True, 1)
    await assert_counts_are_exact(harness)
    assert len(await harness.due()) == 1


async def test_second_unfollow_changes_nothing(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(ada, bob)
    for _ in range(2):
        assert await harness.follows.unfollow(ada, bob) == FollowState(False, 0)
    await assert_counts_are_exact(harness)
    assert await harness.due() == await harness.due(JobKind.NOTIFY_FOLLOW)


async def test_following_oneself_or_a_missing_user_fails(harness: ServiceHarness) -> None:
    ada = await harness.user()
    with pytest.raises(InvalidInput) as refused:
        await harness.follows.follow(ada, ada)
    assert refused.value.code == "own_account"
    for act in (harness.follows.follow, harness.follows.unfollow):
        with pytest.raises(NotFound):
            await act(ada, UserId(404))
    await assert_counts_are_exact(harness)
    assert await harness.due() == []


async def test_concurrent_follows_of_one_pair_count_once(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    states = await asyncio.gather(*(harness.follows.follow(ada, bob) for _ in range(50)))
    assert set(states) == {FollowState(True, 1)}
    assert await harness.value("SELECT COUNT(*) AS n FROM follows") == 1
    await assert_counts_are_exact(harness)
    assert len(await harness.due()) == 1


async def test_concurrent_mutual_follows_succeed(
    harness: ServiceHarness,
) -> None:
    people = await harness.users(6)
    pairs = [(one, other) for one in people for other in people if one != other]
    await asyncio.gather(*(harness.follows.follow(one, other) for one, other in pairs))
    assert await harness.value("SELECT COUNT(*) AS n FROM follows") == 30
    await assert_counts_are_exact(harness)


async def test_concurrent_follows_and_unfollows_keep_exact_counts(harness: ServiceHarness) -> None:
    people = await harness.users(4)
    pairs = [(one, other) for one in people for other in people if one != other] * 5

    async def waver(one: UserId, other: UserId) -> None:
        await random.choice([harness.follows.follow, harness.follows.unfollow])(one, other)

    await asyncio.gather(*(waver(one, other) for one, other in random.sample(pairs, len(pairs))))
    await assert_counts_are_exact(harness)


async def test_follow_lists_are_paged_newest_first_without_gaps(harness: ServiceHarness) -> None:
    people = await harness.users(7)
    star = await harness.user("Star")
    order = random.sample(people, len(people))
    for person in order:
        await harness.follows.follow(person, star)
        await harness.follows.follow(star, person)
    for read in (harness.follows.list_followers, harness.follows.list_following):
        for whom in (star, "star"):
            seen: list[UserId] = []
            request = PageRequest(limit=3)
            while True:
                page = await read(people[0], whom, request)
                seen += [each.card.id for each in page.items]
                if page.next_cursor is None:
                    break
                request = PageRequest(3, decode_cursor(page.next_cursor))
            assert seen == order[::-1]
        for unknown in (UserId(404), "unknown"):
            with pytest.raises(NotFound):
                await read(people[0], unknown, PageRequest())
    page = await harness.follows.list_followers(star, people[0], PageRequest())
    assert [each.card.id for each in page.items] == [star]


async def test_follow_and_unfollow_by_username(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("Bob")
    assert await harness.follows.follow(ada, "bob") == FollowState(True, 1)
    assert await harness.follows.follow(ada, bob) == FollowState(True, 1)
    assert await harness.follows.unfollow(ada, "BOB") == FollowState(False, 0)
    with pytest.raises(InvalidInput):
        await harness.follows.follow(ada, "ADA")
    for act in (harness.follows.follow, harness.follows.unfollow):
        with pytest.raises(NotFound):
            await act(ada, "unknown")
    await assert_counts_are_exact(harness)


async def test_concurrent_unfollows_of_one_pair_count_once(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(ada, bob)
    states = await asyncio.gather(*(harness.follows.unfollow(ada, bob) for _ in range(50)))
    assert set(states) == {FollowState(False, 0)}
    await assert_counts_are_exact(harness)
