"""Options of posts: comments that are turned off, and like counts that only the author sees."""

import pytest

from server.errors import Forbidden, NotFound
from server.ids import PostId, UserId
from server.paging import PageRequest
from server.services.content.drafts import DraftChanges, DraftContent
from server.services.content.pictures import Upload
from server.services.content.post_options import OptionChanges, PostOptions
from server.services.jobs.event_jobs import JobKind
from server.services.records import Draft, LikeState, NotificationType, Post, PostStatus
from tests.services.feed.feeds import count_queries, count_round_trips
from tests.support.inputs import photos
from tools.harness.services import ServiceHarness

PAGE = PageRequest()
NOTIFY = (JobKind.NOTIFY_COMMENT, JobKind.NOTIFY_COMMENT_LIKE, JobKind.NOTIFY_LIKE)


async def edit(harness: ServiceHarness, author_id: UserId, post_id: PostId, options: OptionChanges) -> Post:
    return await harness.posts.edit(author_id, post_id, None, None, options=options)


async def notified(harness: ServiceHarness, user_id: UserId) -> set[NotificationType]:
    await harness.work_off(*NOTIFY)
    return {each.type for each in (await harness.notifications.list_page(user_id, PAGE)).items}


async def test_options_are_set_when_published_and_by_edits(harness: ServiceHarness) -> None:
    ada = await harness.user()
    photo = harness.folder / "photo"
    photo.write_bytes(photos.small())
    options = PostOptions(comments_enabled=False, like_count_hidden=True)
    post = await harness.posts.publish(ada, "", [Upload(photo)], options=options)
    assert (post.card.options.comments_enabled, post.card.options.like_count_hidden) == (False, True)
    post = await edit(harness, ada, post.id, OptionChanges(comments_enabled=True))
    assert (post.card.options.comments_enabled, post.card.options.like_count_hidden) == (True, True)
    post = await harness.posts.edit(ada, post.id, "Lights", None)
    assert (post.card.options.comments_enabled, post.card.options.like_count_hidden) == (True, True)
    post = await edit(harness, ada, post.id, OptionChanges(like_count_hidden=False))
    assert (post.card.options.comments_enabled, post.card.options.like_count_hidden) == (True, False)


async def test_comments_that_are_turned_off_are_hidden_and_return(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    comment = await harness.comments.add(bob, post_id, "First", None)
    await harness.comments.add(ada, post_id, "Thank you", comment.id)
    await harness.comment_likes.like(ada, post_id, comment.id)
    assert await notified(harness, ada) == {NotificationType.COMMENT}
    assert await notified(harness, bob) == {NotificationType.REPLY, NotificationType.COMMENT_LIKE}

    await edit(harness, ada, post_id, OptionChanges(comments_enabled=False))
    for user in (ada, bob):
        with pytest.raises(Forbidden, match="turned off") as refused:
            await harness.comments.add(user, post_id, "Second", None)
        assert refused.value.code == "comments_off"
        assert (await harness.comments.list_by_post(user, post_id, PAGE)).items == []
        assert (await harness.posts.get(user, post_id)).shown_comments_count == 0
        assert await notified(harness, user) == set()
        for attempt in (
            harness.comments.find(user, post_id, comment.id),
            harness.comments.list_replies(user, post_id, comment.id, PAGE),
            harness.comment_likes.like(user, post_id, comment.id),
            harness.comments.edit(user, post_id, comment.id, "Mine"),
        ):
            with pytest.raises(NotFound):
                await attempt

    await edit(harness, ada, post_id, OptionChanges(comments_enabled=True))
    (shown,) = (await harness.comments.list_by_post(bob, post_id, PAGE)).items
    assert (shown.id, shown.replies_count, shown.likes_count) == (comment.id, 1, 1)
    assert (await harness.posts.get(bob, post_id)).shown_comments_count == 2
    assert await notified(harness, ada) == {NotificationType.COMMENT}
    await edit(harness, ada, post_id, OptionChanges(comments_enabled=False))
    await harness.comments.delete(bob, post_id, comment.id)  # its author can still delete it
    assert await harness.rows("SELECT id FROM comments") == []


async def test_hidden_like_count_is_shown_to_the_author_only(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    await harness.likes.like(eve, post_id)
    await edit(harness, ada, post_id, OptionChanges(like_count_hidden=True))
    for state in (await harness.likes.like(bob, post_id), await harness.likes.like(bob, post_id)):
        assert state == LikeState(True, None)
    post = await harness.posts.get(bob, post_id)
    assert (post.shown_likes_count, post.liked) == (None, True)
    likers = await harness.likes.list_likers(bob, post_id, PAGE)
    assert [each.card.id for each in likers.items] == [bob, eve]
    assert (await harness.posts.get(ada, post_id)).shown_likes_count == 2
    assert await harness.likes.like(ada, post_id) == LikeState(True, 3)
    for _ in range(2):
        assert await harness.likes.unlike(bob, post_id) == LikeState(False, None)
    assert await notified(harness, ada) == {NotificationType.LIKE}
    await edit(harness, ada, post_id, OptionChanges(like_count_hidden=False))
    assert (await harness.posts.get(bob, post_id)).shown_likes_count == 2


async def test_options_are_in_effect_in_cached_feeds(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    await harness.follows.follow(bob, ada)
    await harness.follows.follow(eve, ada)
    post_id = await harness.post(ada)
    await harness.comments.add(bob, post_id, "First", None)
    await harness.likes.like(bob, post_id)
    await harness.work_off()

    async def shown(user: UserId) -> tuple[int | None, int, bool]:
        """Return the counters in the feed, which an edit leaves cached apart from the card."""
        (post,) = (await harness.feed.page(user, PAGE)).items
        with (
            count_queries(harness.database) as queries,
            count_round_trips(harness.pipelined_redis) as round_trips,
        ):
            (again,) = (await harness.feed.page(user, PAGE)).items
        assert (queries, round_trips) == ([], ["run"])
        assert again.id == post.id == post_id
        return again.shown_likes_count, again.shown_comments_count, again.liked

    for user in (ada, bob, eve):
        assert await shown(user) == (1, 1, user == bob)
    await edit(harness, ada, post_id, OptionChanges(False, True))
    for user in (bob, ada, eve, bob):
        assert await shown(user) == (1 if user == ada else None, 0, user == bob)
    await harness.likes.like(eve, post_id)
    for user in (eve, ada, bob):
        assert await shown(user) == (2 if user == ada else None, 0, user != ada)
    await edit(harness, ada, post_id, OptionChanges(True, False))
    for user in (bob, ada, eve):
        assert await shown(user) == (2, 1, user != ada)


async def test_comment_of_a_restored_post_that_is_pending_is_not_counted(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.restrictions.restrict(ada, bob)
    await harness.comments.add(bob, post_id, "Waiting", None)
    await harness.comments.add(ada, post_id, "Shown", None)
    await harness.post_rows.mark_deleted(post_id, 1, 5)
    await harness.post_rows.restore(post_id, 6)
    assert (await harness.posts.get(ada, post_id)).comments_count == 1


async def test_options_of_a_draft_are_those_of_its_post(harness: ServiceHarness) -> None:
    ada = await harness.user()
    photo = harness.folder / "photo"
    photo.write_bytes(photos.small())
    content = DraftContent("Later", options=PostOptions(comments_enabled=False))
    draft = await harness.drafts.create(ada, content, [Upload(photo)])
    assert isinstance(draft, Draft)
    assert draft.options == PostOptions(comments_enabled=False)
    hidden = DraftChanges(options=OptionChanges(like_count_hidden=True))
    draft = await harness.drafts.edit(ada, draft.id, hidden)
    assert isinstance(draft, Draft)
    assert draft.options == PostOptions(comments_enabled=False, like_count_hidden=True)
    post = await harness.drafts.edit(ada, draft.id, DraftChanges(status=PostStatus.PUBLISHED))
    assert isinstance(post, Post)
    assert post.card.options == draft.options
