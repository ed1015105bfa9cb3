"""Private accounts: requests instead of follows, and what strangers see."""

import asyncio

import pytest

from server.errors import NotFound
from server.ids import UserId
from server.paging import PageRequest
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus, FollowState, NotificationType, RelatedUser
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def private_user(harness: ServiceHarness, name: str) -> UserId:
    user_id = await harness.user(name)
    await harness.profiles.edit(user_id, {"is_private": True})
    return user_id


def ids(users: list[RelatedUser]) -> list[UserId]:
    return [user.card.id for user in users]


async def types_of(harness: ServiceHarness, user_id: UserId) -> list[NotificationType]:
    await harness.work_off(
        JobKind.NOTIFY_FOLLOW, JobKind.NOTIFY_FOLLOW_REQUEST, JobKind.NOTIFY_FOLLOW_ACCEPTED
    )
    page = await harness.notifications.list_page(user_id, PAGE)
    return [notification.type for notification in page.items]


async def test_private_account_gets_a_request(harness: ServiceHarness) -> None:
    ada, bob = await private_user(harness, "ada"), await harness.user("bob")
    for _ in range(2):
        assert await harness.follows.follow(bob, ada) == FollowState(False, 0, requested=True)
    assert ids([*(await harness.follow_requests.list_received(ada, PAGE)).items]) == [bob]
    assert ids([*(await harness.follow_requests.list_sent(bob, PAGE)).items]) == [ada]
    profile = await harness.profiles.get(bob, ada)
    assert profile.is_private
    assert profile.relationship is not None
    assert (profile.relationship.requested, profile.relationship.following) == (True, False)
    assert await types_of(harness, ada) == [NotificationType.FOLLOW_REQUEST]


async def test_accepted_request_becomes_a_follow(harness: ServiceHarness) -> None:
    ada, bob = await private_user(harness, "ada"), await harness.user("bob")
    post_id = await harness.post(ada)
    await harness.follows.follow(bob, ada)
    assert (await harness.feed.page(bob, PAGE)).items == []
    with pytest.raises(NotFound):
        await harness.posts.get(bob, post_id)
    await types_of(harness, ada)
    await harness.follow_requests.accept(ada, bob)
    assert (await harness.posts.get(bob, post_id)).id == post_id
    assert [post.id for post in (await harness.feed.page(bob, PAGE)).items] == [post_id]
    assert (await harness.profiles.get_own(ada)).followers_count == 1
    assert (await harness.follow_requests.list_received(ada, PAGE)).items == []
    assert await types_of(harness, bob) == [NotificationType.FOLLOW_ACCEPTED]
    assert await types_of(harness, ada) == []  # the request was answered
    with pytest.raises(NotFound):
        await harness.follow_requests.accept(ada, bob)


async def test_declined_or_withdrawn_request_is_gone(harness: ServiceHarness) -> None:
    ada, bob = await private_user(harness, "ada"), await harness.user("bob")
    await harness.follows.follow(bob, ada)
    await harness.follow_requests.decline(ada, bob)
    await harness.follows.follow(bob, ada)
    assert await harness.follows.unfollow(bob, ada) == FollowState(False, 0)
    for answer in (harness.follow_requests.accept, harness.follow_requests.decline):
        with pytest.raises(NotFound):
            await answer(ada, bob)
    assert await types_of(harness, ada) == []


async def test_twenty_concurrent_accepts_count_once(harness: ServiceHarness) -> None:
    ada, bob = await private_user(harness, "ada"), await harness.user("bob")
    await harness.follows.follow(bob, ada)
    results = await asyncio.gather(
        *(harness.follow_requests.accept(ada, bob) for _ in range(20)), return_exceptions=True
    )
    assert sum(result is None for result in results) == 1
    assert all(result is None or isinstance(result, NotFound) for result in results)
    assert (await harness.profiles.get_own(ada)).followers_count == 1


async def test_removed_follower_sees_nothing_more(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.follows.follow(bob, ada)
    await harness.profiles.edit(ada, {"is_private": True})
    assert [post.id for post in (await harness.feed.page(bob, PAGE)).items] == [post_id]
    await harness.follows.remove_follower(ada, bob)
    assert (await harness.feed.page(bob, PAGE)).items == []
    with pytest.raises(NotFound):
        await harness.posts.get(bob, post_id)


async def test_becoming_public_accepts_all_requests(harness: ServiceHarness) -> None:
    ada = await private_user(harness, "ada")
    fans = await harness.users(3)
    for fan in fans:
        await harness.follows.follow(fan, ada)
    await harness.profiles.edit(ada, {"is_private": False})
    await harness.work_off(JobKind.ACCEPT_FOLLOW_REQUESTS)
    assert (await harness.profiles.get_own(ada)).followers_count == 3
    assert (await harness.follow_requests.list_received(ada, PAGE)).items == []


async def test_strangers_see_no_connections_of_private_users(harness: ServiceHarness) -> None:
    ada, bob, eve = await private_user(harness, "ada"), await harness.user("bob"), await harness.user("eve")
    await harness.follows.follow(bob, ada)
    await harness.follow_requests.accept(ada, bob)
    await harness.follows.follow(ada, eve)
    for viewer, followers, following in ((ada, [bob], [eve]), (bob, [bob], [eve]), (eve, [], [])):
        assert ids([*(await harness.follows.list_followers(viewer, ada, PAGE)).items]) == followers
        assert ids([*(await harness.follows.list_following(viewer, ada, PAGE)).items]) == following


async def test_follow_of_a_public_account_ends_an_old_request(harness: ServiceHarness) -> None:
    ada, bob = await private_user(harness, "ada"), await harness.user("bob")
    await harness.follows.follow(bob, ada)
    await harness.set_status(bob, AccountStatus.SUSPENDED)
    await harness.profiles.edit(ada, {"is_private": False})
    await harness.work_off(JobKind.ACCEPT_FOLLOW_REQUESTS)  # the request of a hidden user stays
    await harness.set_status(bob, AccountStatus.ACTIVE)
    assert (await harness.follows.follow(bob, ada)).following
    assert (await harness.follow_requests.list_received(ada, PAGE)).items == []
    assert await harness.follows.unfollow(bob, ada) == FollowState(False, 0)
    relationship = (await harness.profiles.get(bob, ada)).relationship
    assert relationship is not None
    assert not relationship.following
