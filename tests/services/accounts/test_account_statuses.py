"""Hidden accounts: other users see nothing of them, their sessions end, and they return whole."""

import pytest

from server.errors import Forbidden, NotFound
from server.ids import UserId
from server.paging import PageRequest
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus
from tools.harness.services import ServiceHarness

PAGE = PageRequest()
PASSWORD = "correct horse"
HIDDEN = [status for status in AccountStatus if status is not AccountStatus.ACTIVE]


async def register(harness: ServiceHarness) -> UserId:
    return (await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")).id


async def sign_in(harness: ServiceHarness, name: str) -> UserId:
    account = await harness.password_authentication.authenticate(name, PASSWORD)
    await harness.sessions.create(account.id, account.password_changed_at_ms, "", "")
    return account.id


@pytest.mark.parametrize("status", HIDDEN)
async def test_hidden_accounts_are_not_visible(harness: ServiceHarness, status: AccountStatus) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    await harness.follows.follow(bob, ada)
    post_id, other_post = await harness.post(ada), await harness.post(bob)
    await harness.comments.add(ada, other_post, "Hello", None)
    await harness.likes.like(ada, other_post)
    await harness.work_off(JobKind.FAN_OUT, JobKind.NOTIFY_LIKE, JobKind.NOTIFY_COMMENT)
    for _ in range(2):  # the second page comes from memory
        assert [post.id for post in (await harness.feed.page(bob, PAGE)).items] == [other_post, post_id]
    await harness.set_status(ada, status)
    assert [post.id for post in (await harness.feed.page(bob, PAGE)).items] == [other_post]
    with pytest.raises(NotFound):
        await harness.posts.get(bob, post_id)
    for user in (ada, "ada"):
        with pytest.raises(NotFound):
            await harness.profiles.get(bob, user)
    assert (await harness.comments.list_by_post(bob, other_post, PAGE)).items == []
    assert (await harness.likes.list_likers(bob, other_post, PAGE)).items == []
    assert (await harness.notifications.list_page(bob, PAGE)).items == []
    await harness.set_status(ada, AccountStatus.ACTIVE)
    await harness.work_off(JobKind.RESTORE_AUTHOR)
    assert [post.id for post in (await harness.feed.page(bob, PAGE)).items] == [other_post, post_id]
    assert len((await harness.notifications.list_page(bob, PAGE)).items) == 2


async def test_feeds_built_in_between_get_the_posts_back(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.set_status(ada, AccountStatus.SUSPENDED)
    await harness.follows.follow(bob, await harness.user())  # a follow drops the cached feed
    assert (await harness.feed.page(bob, PAGE)).items == []
    await harness.set_status(ada, AccountStatus.ACTIVE)
    await harness.follows.follow(bob, ada)
    await harness.work_off(JobKind.RESTORE_AUTHOR)
    assert [post.id for post in (await harness.feed.page(bob, PAGE)).items] == [post_id]


async def test_lost_card_does_not_show_hidden_authors(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await harness.post(ada)
    await harness.work_off(JobKind.FAN_OUT)
    assert len((await harness.feed.page(bob, PAGE)).items) == 1
    await harness.set_status(ada, AccountStatus.SUSPENDED)
    await harness.redis.delete("people")
    for _ in range(2):
        assert (await harness.feed.page(bob, PAGE)).items == []


async def test_sign_in_restores_what_the_owner_hid(harness: ServiceHarness) -> None:
    ada = await register(harness)
    for status in (AccountStatus.DEACTIVATED, AccountStatus.DELETING):
        await harness.set_status(ada, status)
        assert await sign_in(harness, "ada") == ada
        assert (await harness.profiles.get(await harness.user(), ada)).id == ada


async def test_suspended_user_cannot_sign_in(harness: ServiceHarness) -> None:
    ada = await register(harness)
    await sign_in(harness, "ada")
    await harness.set_status(ada, AccountStatus.SUSPENDED)
    assert await harness.value("SELECT COUNT(*) AS n FROM sessions WHERE revoked_at_ms IS NULL") == 0
    with pytest.raises(Forbidden) as refused:
        await sign_in(harness, "ada")
    assert refused.value.code == "account_suspended"
