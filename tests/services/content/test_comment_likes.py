"""Likes of comments: one per user and comment, with exact counters under concurrency, and grouped notifications."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable

import pytest

from server.errors import Conflict, NotFound
from server.ids import CommentId, PostId, UserId
from server.paging import PageRequest, decode_cursor
from server.services.jobs.event_jobs import JobKind
from server.services.records import Channel, LikeState, Notification, NotificationType
from tests.support.costs import measured_costs
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def comment_on(harness: ServiceHarness, author_id: UserId, post_id: PostId) -> CommentId:
    return (await harness.comments.add(author_id, post_id, "Well seen", None)).id


async def like_counts(harness: ServiceHarness, comment_id: CommentId) -> tuple[int, int]:
    """Return the counter of the comment and the number of rows."""
    return (
        await harness.value("SELECT likes_count FROM comments WHERE id = ?", comment_id),
        await harness.value("SELECT COUNT(*) AS n FROM comment_likes WHERE comment_id = ?", comment_id),
    )


async def notifications_of(harness: ServiceHarness, user_id: UserId) -> list[Notification]:
    await harness.work_off(JobKind.NOTIFY_COMMENT_LIKE)
    return list((await harness.notifications.list_page(user_id, PAGE)).items)


async def test_like_is_counted_and_shown(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    comment_id = await comment_on(harness, bob, post_id)
    reply = await harness.comments.add(ada, post_id, "Thank you", comment_id)
    for expected in (LikeState(True, 1), LikeState(True, 1)):
        assert await harness.comment_likes.like(eve, post_id, comment_id) == expected
    assert await like_counts(harness, comment_id) == (1, 1)
    claim = await harness.claim(JobKind.NOTIFY_COMMENT_LIKE)
    assert claim.payload == {"comment_id": comment_id, "post_id": post_id, "author_id": bob, "actor_id": eve}
    assert await harness.comment_likes.like(eve, post_id, reply.id) == LikeState(True, 1)
    for viewer, liked in ((eve, True), (ada, False)):
        (shown,) = (await harness.comments.list_by_post(viewer, post_id, PAGE)).items
        (answer,) = (await harness.comments.list_replies(viewer, post_id, comment_id, PAGE)).items
        assert (shown.likes_count, shown.liked) == (answer.likes_count, answer.liked) == (1, liked)
    for expected in (LikeState(False, 0), LikeState(False, 0)):
        assert await harness.comment_likes.unlike(eve, post_id, comment_id) == expected
    assert await like_counts(harness, comment_id) == (0, 0)
    assert await harness.value("SELECT likes_count FROM posts WHERE id = ?", post_id) == 0


async def test_hidden_and_missing_comments_are_not_found(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id, other = await harness.post(ada), await harness.post(ada)
    comment_id = await comment_on(harness, bob, post_id)
    await harness.blocks.block(bob, eve)

    def attempts(user: UserId, post: PostId, comment: CommentId) -> tuple[Awaitable[object], ...]:
        likes = harness.comment_likes
        return (
            likes.like(user, post, comment),
            likes.unlike(user, post, comment),
            likes.list_likers(user, post, comment, PAGE),
        )

    for user, post, comment in (
        (eve, post_id, comment_id),
        (ada, other, comment_id),
        (ada, post_id, CommentId(404)),
        (ada, PostId(404), comment_id),
    ):
        for attempt in attempts(user, post, comment):
            with pytest.raises(NotFound, match=r"Comment not found\."):
                await attempt
    await harness.profiles.edit(ada, {"is_private": True})
    for attempt in attempts(bob, post_id, comment_id):
        with pytest.raises(NotFound):
            await attempt
    assert await harness.rows("SELECT id FROM comment_likes") == []


async def test_only_its_author_likes_a_pending_comment(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    await harness.restrictions.restrict(ada, bob)
    comment_id = await comment_on(harness, bob, post_id)
    with pytest.raises(Conflict, match="Approve the comment") as refused:
        await harness.comment_likes.like(ada, post_id, comment_id)
    assert refused.value.code == "comment_pending"
    with pytest.raises(NotFound):
        await harness.comment_likes.like(eve, post_id, comment_id)
    assert await harness.comment_likes.like(bob, post_id, comment_id) == LikeState(True, 1)
    await harness.commenting.approvals.approve(ada, post_id, comment_id)
    assert await harness.comment_likes.like(ada, post_id, comment_id) == LikeState(True, 2)


async def test_concurrent_likes_of_one_user_count_once(harness: ServiceHarness) -> None:
    ada = await harness.user()
    post_id = await harness.post(ada)
    comment_id = await comment_on(harness, ada, post_id)
    likes = (harness.comment_likes.like(ada, post_id, comment_id) for _ in range(50))
    assert set(await asyncio.gather(*likes)) == {LikeState(True, 1)}
    assert await like_counts(harness, comment_id) == (1, 1)
    assert len(await harness.due(JobKind.NOTIFY_COMMENT_LIKE)) == 1


async def test_concurrent_likes_of_many_users_are_all_counted(harness: ServiceHarness) -> None:
    fans = await harness.users(50)
    post_id = await harness.post(fans[0])
    comment_id = await comment_on(harness, fans[0], post_id)
    states = await asyncio.gather(*(harness.comment_likes.like(fan, post_id, comment_id) for fan in fans))
    assert {state.likes_count for state in states} == set(range(1, 51))
    assert await like_counts(harness, comment_id) == (50, 50)


async def test_concurrent_likes_replies_and_deletions_keep_exact_counts(harness: ServiceHarness) -> None:
    fans = await harness.users(5)
    post_id = await harness.post(fans[0])
    comments = [await comment_on(harness, fans[0], post_id) for _ in range(3)]

    async def waver(fan: UserId, comment_id: CommentId) -> None:
        with contextlib.suppress(NotFound):
            if random.random() < 0.2:
                await harness.comments.add(fan, post_id, "Indeed", comment_id)
            else:
                act = random.choice([harness.comment_likes.like, harness.comment_likes.unlike])
                await act(fan, post_id, comment_id)

    pairs = [(fan, comment_id) for fan in fans for comment_id in comments] * 7
    changes = [waver(fan, comment_id) for fan, comment_id in random.sample(pairs, len(pairs))]
    changes.insert(60, harness.comments.delete(fans[0], post_id, comments[2]))
    await asyncio.gather(*changes)
    for comment_id in comments[:2]:
        said, are = await like_counts(harness, comment_id)
        assert said == are
    left = await harness.rows("SELECT comment_id FROM comment_likes")
    assert comments[2] not in {row["comment_id"] for row in left}


async def test_likers_are_paged_newest_first_without_gaps(harness: ServiceHarness) -> None:
    author, viewer, *fans = await harness.users(9)
    post_id = await harness.post(author)
    comment_id = await comment_on(harness, author, post_id)
    order = random.sample(fans, len(fans))
    for fan in order:
        await harness.comment_likes.like(fan, post_id, comment_id)
    await harness.blocks.block(viewer, order[3])
    seen: list[UserId] = []
    request = PageRequest(limit=3)
    while True:
        page = await harness.comment_likes.list_likers(viewer, post_id, comment_id, request)
        seen += [each.card.id for each in page.items]
        if page.next_cursor is None:
            break
        request = PageRequest(3, decode_cursor(page.next_cursor))
    assert seen == [fan for fan in order[::-1] if fan != order[3]]


@pytest.mark.usefixtures("immediate_emails")
async def test_likes_of_a_comment_notify_its_author_as_one(harness: ServiceHarness) -> None:
    ada, bob, *fans = await harness.users(6)
    post_id = await harness.post(ada)
    comment_id, other = [await comment_on(harness, bob, post_id) for _ in range(2)]
    for fan in (*fans, bob):
        await harness.comment_likes.like(fan, post_id, comment_id)
    await harness.comment_likes.like(ada, post_id, other)
    second, first = await notifications_of(harness, bob)
    assert (first.type, first.post_id, first.comment_id) == (
        NotificationType.COMMENT_LIKE,
        post_id,
        comment_id,
    )
    assert (first.actor.id, first.others_count) == (fans[-1], 3)
    assert (second.actor.id, second.comment_id, second.others_count) == (ada, other, 0)
    assert len(await harness.due(JobKind.EMAIL)) == 2  # of the group, only the first

    await harness.comment_likes.unlike(fans[-1], post_id, comment_id)
    _, first = await notifications_of(harness, bob)
    assert (first.actor.id, first.others_count) == (fans[-2], 2)
    await harness.comments.delete(bob, post_id, comment_id)
    (left,) = await notifications_of(harness, bob)
    assert left.comment_id == other
    await harness.work_off(JobKind.RETRACT_COMMENTS)
    rows = await harness.rows("SELECT comment_id FROM notifications WHERE type = 'comment_like'")
    assert [row["comment_id"] for row in rows] == [other]


@pytest.mark.usefixtures("immediate_emails")
async def test_likes_of_comments_have_a_preference_of_their_own(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.preferences.update(ada, {NotificationType.COMMENT_LIKE: dict.fromkeys(Channel, False)})
    comment_id = await comment_on(harness, ada, post_id)
    await harness.comment_likes.like(bob, post_id, comment_id)
    await harness.likes.like(bob, post_id)
    await harness.work_off(JobKind.NOTIFY_LIKE)
    assert [each.type for each in await notifications_of(harness, ada)] == [NotificationType.LIKE]
    assert len(await harness.due(JobKind.EMAIL)) == 1


async def test_like_of_a_comment_costs_one_statement_more_than_of_a_post(harness: ServiceHarness) -> None:
    """A like of a post is read with the lock of its post; one of a comment is looked up after its lock."""
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    comment_id = await comment_on(harness, ada, post_id)
    with measured_costs(harness) as of_post:
        await harness.likes.like(bob, post_id)
    with measured_costs(harness) as of_comment:
        await harness.comment_likes.like(bob, post_id, comment_id)
    assert of_post.statements == ["begin", "select", "insert", "update", "insert", "commit"]
    assert of_comment.statements == ["begin", "select", "select", "insert", "update", "insert", "commit"]
    assert len(of_comment.round_trips) <= len(of_post.round_trips)


async def test_likes_of_a_comment_are_found_by_an_index(harness: ServiceHarness) -> None:
    fans = await harness.users(20)
    post_id = await harness.post(fans[0])
    comments = [await comment_on(harness, fans[0], post_id) for _ in range(5)]
    for comment_id in comments:
        for fan in fans:
            await harness.comment_likes.like(fan, post_id, comment_id)
    question = "SELECT id FROM comment_likes WHERE comment_id = ? AND id < ? ORDER BY id DESC LIMIT 21"
    if harness.database.dialect == "sqlite":
        (plan,) = await harness.rows(f"EXPLAIN QUERY PLAN {question}", comments[0], 2**53)
        assert "COVERING INDEX" in plan["detail"]
        assert "(comment_id=? AND " in plan["detail"]
    else:
        (plan,) = await harness.rows(f"EXPLAIN {question}", comments[0], 2**53)
        assert plan["key"].startswith("idx_comment_lik_comment")
        assert "filesort" not in plan["Extra"]
