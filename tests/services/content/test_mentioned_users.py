"""Mentions mean users, not names: a rename keeps them, and a new owner of the name inherits none."""

from server.ids import UserId
from server.paging import PageRequest
from server.services.accounts.usernames import FORMER_USERNAME_MS
from server.services.records import NotificationType
from tools.harness.services import ServiceHarness


async def rename(harness: ServiceHarness, user_id: UserId, username: str) -> None:
    await harness.profiles.edit(user_id, {"username": username})


async def free_names(harness: ServiceHarness) -> None:
    await harness.database.execute(
        "UPDATE former_usernames SET reserved_until_ms = reserved_until_ms - ?", [FORMER_USERNAME_MS]
    )


async def mentions_of(harness: ServiceHarness, user_id: UserId) -> int:
    listed = await harness.notifications.list_after(user_id, 0, 20)
    return sum(each.type is NotificationType.MENTION for each in listed)


async def test_rename_keeps_the_mentions_of_a_user(harness: ServiceHarness) -> None:
    ana, bob = await harness.user("ana"), await harness.user("bob")
    post = await harness.posts.publish(bob, "With @Ana at the sea", [])
    await harness.comments.add(bob, post.id, "@ana again", None)
    await rename(harness, ana, "anna")
    assert (await harness.posts.get(bob, post.id)).card.mentions == {"ana": ana}
    (comment,) = (await harness.comments.list_by_post(bob, post.id, PageRequest())).items
    assert comment.mentions == {"ana": ana}


async def test_new_owner_of_a_name_inherits_no_mention(harness: ServiceHarness) -> None:
    ana, bob, eve = await harness.user("ana"), await harness.user("bob"), await harness.user("eve")
    post = (await harness.posts.publish(bob, "With @ana", [])).id
    await harness.comments.add(bob, post, "@ana again", None)
    await rename(harness, ana, "anna")
    await free_names(harness)
    await rename(harness, eve, "ana")
    await harness.work_off()
    assert [await mentions_of(harness, user) for user in (ana, eve)] == [2, 0]
    edited = await harness.posts.edit(bob, post, "With @ana and @anna", None)
    assert edited.card.mentions == {"ana": ana, "anna": ana}
    await harness.work_off()
    assert [await mentions_of(harness, user) for user in (ana, eve)] == [2, 0]


async def test_name_that_was_removed_is_looked_up_again(harness: ServiceHarness) -> None:
    ana, bob, eve = await harness.user("ana"), await harness.user("bob"), await harness.user("eve")
    post = (await harness.posts.publish(bob, "With @ana", [])).id
    await rename(harness, ana, "anna")
    assert (await harness.posts.edit(bob, post, "Alone", None)).card.mentions == {}
    assert (await harness.posts.edit(bob, post, "With @ana", None)).card.mentions == {}
    await free_names(harness)
    await rename(harness, eve, "ana")
    assert (await harness.posts.edit(bob, post, "With @ana!", None)).card.mentions == {"ana": eve}


async def test_alt_texts_leave_the_mentions(harness: ServiceHarness) -> None:
    ana, bob = await harness.user("ana"), await harness.user("bob")
    post = await harness.posts.publish(bob, "With @ana", [])
    assert (
        (await harness.posts.edit(bob, post.id, None, [])).card.mentions == post.card.mentions == {"ana": ana}
    )


async def test_cached_feed_has_the_mentions(harness: ServiceHarness) -> None:
    ana, bob = await harness.user("ana"), await harness.user("bob")
    await harness.posts.publish(bob, "With @ana and @no_one", [])
    await harness.work_off()
    for feed in (harness.feed, harness.feed, harness.feed_on(harness.pipelined_redis)):
        (post,) = (await feed.page(bob, PageRequest())).items
        assert post.card.mentions == {"ana": ana}


async def test_text_from_before_mentions_were_stored_has_none(harness: ServiceHarness) -> None:
    ana, bob = await harness.user("ana"), await harness.user("bob")
    post = (await harness.posts.publish(bob, "With @ana", [])).id
    await harness.database.execute("UPDATE posts SET mentions = NULL WHERE id = ?", [post])
    assert (await harness.posts.get(bob, post)).card.mentions == {}
    assert (await harness.posts.edit(bob, post, "With @ana.", None)).card.mentions == {"ana": ana}
