"""Edited comments: their mentions, filters, approval and notifications."""

import pytest

from server.errors import Forbidden, InvalidInput, NotFound
from server.ids import CommentId, PostId, UserId
from server.models.moderation.content_filters import FilterAction, FilterKind
from server.paging import PageRequest
from server.services.jobs.event_jobs import JobKind
from server.services.records import NotificationType
from tests.services.content.test_comments import assert_counts_are_exact
from tools.harness.services import ServiceHarness

PAGE = PageRequest()
NOTIFY = (JobKind.NOTIFY_COMMENT, JobKind.NOTIFY_COMMENT_EDITED)


async def notified(harness: ServiceHarness, user_id: UserId) -> list[NotificationType]:
    await harness.work_off(*NOTIFY)
    return [each.type for each in (await harness.notifications.list_page(user_id, PAGE)).items]


async def seen(harness: ServiceHarness, viewer_id: UserId, post_id: PostId) -> list[CommentId]:
    page = await harness.comments.list_by_post(viewer_id, post_id, PAGE)
    return [comment.id for comment in page.items]


async def test_edit_changes_the_text_and_its_mentions(harness: ServiceHarness) -> None:
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    post_id = await harness.post(ada)
    comment = await harness.comments.add(bob, post_id, "Like @eve", None)
    assert await harness.comments.edit(bob, post_id, comment.id, "Like @eve") == comment
    edited = await harness.comments.edit(bob, post_id, comment.id, "Like @ada #light")
    assert edited.edited_at_ms is not None
    assert edited.edited_at_ms >= edited.created_at_ms
    assert (edited.content, edited.mentions) == ("Like @ada #light", {"ada": ada})
    assert (await harness.comments.list_by_post(bob, post_id, PAGE)).items == [edited]
    assert await harness.comments.find(bob, post_id, comment.id) == edited
    # A name keeps its meaning if another user has it now.
    await harness.profiles.edit(ada, {"username": "lovelace"})
    await harness.database.execute("DELETE FROM former_usernames")
    await harness.user("ada2")
    await harness.database.execute(
        "UPDATE users SET username = 'ada', username_key = 'ada' WHERE username = 'ada2'"
    )
    assert (await harness.comments.edit(bob, post_id, comment.id, "@ada, look")).mentions == {"ada": ada}
    assert await harness.value("SELECT comments_count FROM posts WHERE id = ?", post_id) == 1
    assert eve not in edited.mentions.values()


async def test_only_its_author_edits_a_comment(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id, other = await harness.post(ada), await harness.post(ada)
    comment = await harness.comments.add(bob, post_id, "First", None)
    for editor in (ada, eve):
        with pytest.raises(Forbidden):
            await harness.comments.edit(editor, post_id, comment.id, "Mine")
    for post, wanted in ((other, comment.id), (post_id, CommentId(404)), (PostId(404), comment.id)):
        with pytest.raises(NotFound):
            await harness.comments.edit(bob, post, wanted, "Second")
    await harness.blocks.block(ada, bob)
    with pytest.raises(NotFound):
        await harness.comments.edit(bob, post_id, comment.id, "Second")
    assert await harness.value("SELECT content FROM comments") == "First"


async def test_edit_notifies_new_mentions_and_retracts_old_ones(harness: ServiceHarness) -> None:
    ada, bob, eve, joe = [await harness.user(name) for name in ("ada", "bob", "eve", "joe")]
    post_id = await harness.post(ada)
    comment = await harness.comments.add(bob, post_id, "@eve", None)
    assert await notified(harness, eve) == [NotificationType.MENTION]
    await harness.comments.edit(bob, post_id, comment.id, "@joe and @ada, not @bob")
    assert await notified(harness, eve) == []
    assert await notified(harness, joe) == [NotificationType.MENTION]
    assert await notified(harness, ada) == [NotificationType.COMMENT]  # once, also if mentioned
    await harness.comments.edit(bob, post_id, comment.id, "@eve")
    assert await notified(harness, eve) == [NotificationType.MENTION]
    assert await notified(harness, joe) == []
    await harness.comments.edit(bob, post_id, comment.id, "Oh, @eve")
    assert await harness.due(JobKind.NOTIFY_COMMENT_EDITED) == []
    assert await harness.value("SELECT COUNT(*) AS n FROM notifications") == 3


async def test_jobs_of_two_edits_agree_in_any_order(harness: ServiceHarness) -> None:
    ada, bob, eve, joe = [await harness.user(name) for name in ("ada", "bob", "eve", "joe")]
    post_id = await harness.post(ada)
    comment = await harness.comments.add(bob, post_id, "Hello", None)
    for text in ("@eve", "@joe"):
        await harness.comments.edit(bob, post_id, comment.id, text)
    jobs = await harness.due(*NOTIFY)
    for job_id in reversed(jobs):
        claim = await harness.jobs.claim(job_id)
        assert claim is not None
        await harness.handlers()[claim.kind](claim)
    assert [await notified(harness, each) for each in (ada, eve, joe)] == [
        [NotificationType.COMMENT],
        [],
        [NotificationType.MENTION],
    ]


async def test_filters_apply_to_edits(harness: ServiceHarness) -> None:
    ada = await harness.user()
    post_id = await harness.post(ada)
    comment = await harness.comments.add(ada, post_id, "Nice", None)
    await harness.filter_administration.add(ada, FilterKind.PHRASE, "casino", FilterAction.REFUSE)
    with pytest.raises(InvalidInput) as refused:
        await harness.comments.edit(ada, post_id, comment.id, "Visit my c4sino")
    assert refused.value.code == "content_refused"
    assert (await harness.comments.find(ada, post_id, comment.id)).content == "Nice"


async def test_pending_comment_stays_pending_when_edited(harness: ServiceHarness) -> None:
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    post_id = await harness.post(ada)
    await harness.restrictions.restrict(ada, bob)
    comment = await harness.comments.add(bob, post_id, "Hello", None)
    await harness.restrictions.unrestrict(ada, bob)
    await harness.comments.edit(bob, post_id, comment.id, "Hello @eve")
    assert await seen(harness, eve, post_id) == []
    assert await notified(harness, eve) == []
    await harness.commenting.approvals.approve(ada, post_id, comment.id)
    assert await notified(harness, eve) == [NotificationType.MENTION]


async def test_edit_by_a_restricted_user_has_to_be_approved(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    comment = await harness.comments.add(bob, post_id, "Nice", None)
    replies = [await harness.comments.add(eve, post_id, f"{n}", comment.id) for n in range(2)]
    await harness.commenting.pins.pin(ada, post_id, comment.id)
    assert await notified(harness, bob) == [NotificationType.REPLY] * 2
    await harness.restrictions.restrict(ada, bob)
    edited = await harness.comments.edit(bob, post_id, comment.id, "Not nice")
    assert (edited.pending, edited.pinned) == (False, False)  # the restricted user cannot tell
    assert await seen(harness, bob, post_id) == await seen(harness, ada, post_id) == [comment.id]
    assert await seen(harness, eve, post_id) == []
    assert (await harness.posts.get(ada, post_id)).comments_count == 0
    assert await notified(harness, bob) == []  # replies are pending with the comment
    await harness.commenting.approvals.approve(ada, post_id, comment.id)
    for reply in replies:
        await harness.commenting.approvals.approve(ada, post_id, reply.id)
    assert await seen(harness, eve, post_id) == [comment.id]
    assert (await harness.posts.get(eve, post_id)).comments_count == 3
    assert await notified(harness, bob) == [NotificationType.REPLY] * 2
    await assert_counts_are_exact(harness)
