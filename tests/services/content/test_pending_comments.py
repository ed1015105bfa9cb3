"""Comments of restricted users: only they and the post's author see them until they are approved."""

import pytest

from server.errors import Conflict, Forbidden, NotFound
from server.ids import CommentId, PostId, UserId
from server.paging import PageRequest
from server.services.jobs.event_jobs import JobKind
from server.services.records import NotificationType
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def seen(harness: ServiceHarness, viewer_id: UserId, post_id: PostId) -> list[tuple[CommentId, bool]]:
    page = await harness.comments.list_by_post(viewer_id, post_id, PAGE)
    return [(comment.id, comment.pending) for comment in page.items]


async def notified(harness: ServiceHarness, user_id: UserId) -> list[NotificationType]:
    await harness.work_off(JobKind.NOTIFY_COMMENT)
    return [each.type for each in (await harness.notifications.list_page(user_id, PAGE)).items]


async def test_pending_comment_is_hidden_until_it_is_approved(harness: ServiceHarness) -> None:
    ada, bob, eve = [await harness.user(name) for name in ("ada", "bob", "eve")]
    post_id = await harness.post(ada)
    for _ in range(2):
        await harness.restrictions.restrict(ada, bob)
    comment = await harness.comments.add(bob, post_id, "@eve look, @ada", None)
    assert not comment.pending  # the restricted user cannot tell
    assert await seen(harness, bob, post_id) == [(comment.id, False)]
    assert await seen(harness, ada, post_id) == [(comment.id, True)]
    assert await seen(harness, eve, post_id) == []
    for viewer in (ada, bob, eve):
        assert await notified(harness, viewer) == []
        assert (await harness.posts.get(viewer, post_id)).comments_count == 0
    with pytest.raises(NotFound):
        await harness.comments.list_replies(eve, post_id, comment.id, PAGE)
    with pytest.raises(NotFound):
        await harness.comments.add(eve, post_id, "What?", comment.id)
    with pytest.raises(NotFound):
        await harness.comments.delete(eve, post_id, comment.id)

    for refusal, editor in ((NotFound, eve), (Forbidden, bob)):
        with pytest.raises(refusal):
            await harness.commenting.approvals.approve(editor, post_id, comment.id)
    for _ in range(2):
        await harness.commenting.approvals.approve(ada, post_id, comment.id)
    assert await seen(harness, eve, post_id) == await seen(harness, ada, post_id) == [(comment.id, False)]
    assert (await harness.posts.get(eve, post_id)).comments_count == 1
    assert await notified(harness, eve) == [NotificationType.MENTION]


async def test_replies_to_pending_comments_are_pending(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    await harness.restrictions.restrict(ada, bob)
    first = await harness.comments.add(bob, post_id, "First", None)
    await harness.restrictions.unrestrict(ada, bob)
    reply = await harness.comments.add(bob, post_id, "Second", first.id)
    for refused in (
        harness.comments.add(ada, post_id, "No", first.id),
        harness.commenting.approvals.approve(ada, post_id, reply.id),
    ):
        with pytest.raises(Conflict):
            await refused
    await harness.commenting.approvals.approve(ada, post_id, first.id)
    assert (await harness.comments.list_replies(eve, post_id, first.id, PAGE)).items == []
    await harness.commenting.approvals.approve(ada, post_id, reply.id)
    assert [
        each.id for each in (await harness.comments.list_replies(eve, post_id, first.id, PAGE)).items
    ] == [reply.id]
    (shown,) = (await harness.comments.list_by_post(eve, post_id, PAGE)).items
    assert shown.replies_count == 1
    assert (await harness.posts.get(eve, post_id)).comments_count == 2


async def test_deleted_pending_comments_were_never_counted(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    public = await harness.comments.add(eve, post_id, "Public", None)
    await harness.restrictions.restrict(ada, bob)
    await harness.comments.add(bob, post_id, "A reply", public.id)
    pending = await harness.comments.add(bob, post_id, "Pending", None)
    await harness.comments.delete(ada, post_id, pending.id)
    assert (await harness.posts.get(ada, post_id)).comments_count == 1
    await harness.comments.delete(eve, post_id, public.id)
    assert (await harness.posts.get(ada, post_id)).comments_count == 0
    assert await seen(harness, bob, post_id) == []


async def test_restricted_users_are_listed_for_their_owner(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.restrictions.restrict(ada, bob)
    assert [each.card.id for each in (await harness.restrictions.list_restricted(ada, PAGE)).items] == [bob]
    assert (await harness.restrictions.list_restricted(bob, PAGE)).items == []
    await harness.restrictions.unrestrict(ada, bob)
    assert (await harness.restrictions.list_restricted(ada, PAGE)).items == []
