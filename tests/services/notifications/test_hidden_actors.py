"""Notifications by and for accounts that are hidden, and about posts that were hidden for a while."""

from functools import partial

import pytest

from server.events import CacheKey
from server.ids import ActionId, MediaId, PostId, UserId
from server.models.content.post_images import NewPostImage
from server.paging import PageRequest
from server.services.content.post_pictures import ChosenPicture
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus, Tag
from tests.support.jobs import claim_maintenance_job
from tools.harness.services import ServiceHarness


async def listed(harness: ServiceHarness, user_id: UserId) -> list[tuple[UserId, int]]:
    """Return who is named in a user's list, and how many others."""
    page = await harness.notifications.list_page(user_id, PageRequest(100))
    assert await harness.notifications.count_unread(user_id) == len(page.items)
    return [(each.actor.id, each.others_count) for each in page.items]


async def moderate(harness: ServiceHarness, post_id: PostId, *, hidden: bool) -> None:
    change = harness.posts.take_down if hidden else harness.posts.restore
    await harness.unit_of_work.run(
        partial(change, post_id, ActionId(1)), changes=(CacheKey("post", post_id),)
    )


async def test_group_is_shown_by_the_newest_visible_liker(harness: ServiceHarness) -> None:
    ada, bob, eve, joe = await harness.users(4)
    post_id = await harness.post(ada)
    for fan in (bob, eve, joe):
        await harness.likes.like(fan, post_id)
    await harness.work_off()
    await harness.set_status(joe, AccountStatus.SUSPENDED)
    assert await listed(harness, ada) == [(eve, 2)]
    await harness.blocks.block(eve, ada)  # its job has not run
    assert await listed(harness, ada) == [(bob, 2)]
    await harness.set_status(bob, AccountStatus.DEACTIVATED)
    assert await listed(harness, ada) == []
    await harness.set_status(joe, AccountStatus.ACTIVE)
    assert await listed(harness, ada) == [(joe, 2)]
    streamed = await harness.notifications.list_after(ada, 0, 10)
    assert [each.actor.id for each in streamed] == [joe]


async def test_repeated_like_is_shown_after_its_post_was_restored(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.likes.like(bob, post_id)
    await harness.work_off()
    await harness.likes.unlike(bob, post_id)
    await harness.likes.like(bob, post_id)
    await moderate(harness, post_id, hidden=True)
    await harness.work_off()
    assert await listed(harness, ada) == []
    await moderate(harness, post_id, hidden=False)
    assert await listed(harness, ada) == [(bob, 0)]


async def test_tag_stays_notified_after_its_post_was_restored(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.image_rows.insert(
        NewPostImage(MediaId(post_id), post_id, 0, f"posts/{post_id}", 1, 1, "", "", ("large",))
    )
    tagged = [ChosenPicture(MediaId(post_id), tags=[Tag(bob, 0, 0)])]
    await harness.posts.edit(ada, post_id, None, None, media=tagged)
    await harness.work_off()
    await harness.posts.edit(ada, post_id, None, None, media=tagged)
    await moderate(harness, post_id, hidden=True)
    await harness.work_off()
    assert await listed(harness, bob) == []
    await moderate(harness, post_id, hidden=False)
    assert await listed(harness, bob) == [(ada, 0)]


async def test_nothing_is_delivered_to_a_closed_account(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await harness.work_off(JobKind.NOTIFY_FOLLOW)
    await harness.set_status(ada, AccountStatus.DELETING)
    await harness.work_off()
    assert harness.email.sent == []
    await harness.set_status(ada, AccountStatus.ACTIVE)
    assert await listed(harness, ada) == [(bob, 0)]


async def test_job_about_an_erased_recipient_ends(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(bob, ada)
    await harness.set_status(ada, AccountStatus.DELETING)
    await harness.database.execute("UPDATE users SET delete_after_ms = 1 WHERE id = ?", [ada])
    claim = await claim_maintenance_job(harness, JobKind.FIND_DUE_ERASURES)
    await harness.account_erasure.start_due(claim)
    assert await harness.work_off(JobKind.ERASE_ACCOUNT) == 1
    assert await harness.work_off(JobKind.NOTIFY_FOLLOW) == 1
    assert await harness.value("SELECT COUNT(*) FROM inboxes") == 0


@pytest.mark.usefixtures("immediate_emails")
async def test_like_is_delivered_in_place_of_a_hidden_one(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.user("ada"), await harness.user("bob"), await harness.user("eve")
    post_id = await harness.post(ada)
    for fan in (bob, eve):
        await harness.likes.like(fan, post_id)
    await harness.work_off(JobKind.NOTIFY_LIKE)
    await harness.set_status(bob, AccountStatus.SUSPENDED)
    while await harness.work_off(JobKind.EMAIL):
        pass
    assert [email.subject for email in harness.email.sent] == ["eve and 1 other liked your post"]
