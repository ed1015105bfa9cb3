"""Settings for comments: who may comment, and words that hold comments back until they are approved."""

import pytest

from server.errors import Forbidden
from server.ids import CommentId, PostId, UserId
from server.paging import PageRequest
from server.services.content.comment_settings import (
    Commenters,
    CommentSettingsChanges,
    CommentSettingsRow,
)
from server.services.content.limits import MAX_HIDDEN_WORDS
from server.services.jobs.event_jobs import JobKind
from tests.services.feed.feeds import count_queries
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def update(
    harness: ServiceHarness,
    user_id: UserId,
    allowed_from: Commenters | None = None,
    hidden_words: list[str] | None = None,
) -> CommentSettingsRow:
    changes = CommentSettingsChanges(allowed_from, hidden_words)
    return await harness.commenting.settings.update(user_id, changes)


async def seen(harness: ServiceHarness, viewer_id: UserId, post_id: PostId) -> list[CommentId]:
    page = await harness.comments.list_by_post(viewer_id, post_id, PAGE)
    return [comment.id for comment in page.items]


async def test_settings_are_changed_one_by_one(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    assert await harness.commenting.settings.get(ada) == CommentSettingsRow()
    expected = CommentSettingsRow(Commenters.EVERYONE, ("Casino", "free money"))
    assert await update(harness, ada, hidden_words=["casino", "free money", "Casino"]) == expected
    followers = CommentSettingsRow(Commenters.FOLLOWERS, expected.hidden_words)
    for _ in range(2):
        assert await update(harness, ada, Commenters.FOLLOWERS) == followers
    assert await update(harness, ada, hidden_words=[]) == CommentSettingsRow(Commenters.FOLLOWERS)
    assert (await update(harness, ada, hidden_words=["..."])).hidden_words == ("...",)
    many = [f"word{number}" for number in range(MAX_HIDDEN_WORDS)]
    assert len((await update(harness, ada, hidden_words=many)).hidden_words) == MAX_HIDDEN_WORDS
    assert await harness.commenting.settings.get(bob) == CommentSettingsRow()


async def test_only_followers_comment_if_the_author_says_so(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    before = await harness.comments.add(eve, post_id, "Before", None)
    await harness.follows.follow(bob, ada)
    await update(harness, ada, Commenters.FOLLOWERS)
    with pytest.raises(Forbidden, match="Only followers of the author") as refused:
        await harness.comments.add(eve, post_id, "After", before.id)
    assert refused.value.code == "comments_limited"
    for user in (ada, bob):
        await harness.comments.add(user, post_id, "After", None)
    await harness.comments.edit(eve, post_id, before.id, "Before that")  # what exists stays editable
    assert len(await seen(harness, eve, post_id)) == 3
    await update(harness, ada, Commenters.EVERYONE)
    await harness.comments.add(eve, post_id, "Again", None)


@pytest.mark.parametrize("text", ["My CASINO!", "my c4sino", "Ｃａｓｉｎｏ", "cas\u00adino, cas\u00adino"])
async def test_comments_with_hidden_words_wait_for_approval(harness: ServiceHarness, text: str) -> None:
    ada, bob, eve = await harness.users(3)
    post_id, other = await harness.post(ada), await harness.post(eve)
    await update(harness, ada, hidden_words=["casino"])
    comment = await harness.comments.add(bob, post_id, text, None)
    assert not comment.pending
    assert await seen(harness, bob, post_id) == await seen(harness, ada, post_id) == [comment.id]
    assert await seen(harness, eve, post_id) == []
    assert (await harness.posts.get(eve, post_id)).comments_count == 0
    assert await harness.due(JobKind.NOTIFY_COMMENT) == []
    (shown,) = (await harness.comments.list_by_post(ada, post_id, PAGE)).items
    assert shown.pending
    await harness.commenting.approvals.approve(ada, post_id, comment.id)
    own = await harness.comments.add(ada, post_id, text, None)
    allowed = await harness.comments.add(bob, post_id, "casinos", None)
    assert await seen(harness, eve, post_id) == [allowed.id, own.id, comment.id]
    elsewhere = await harness.comments.add(bob, other, text, None)
    assert await seen(harness, ada, other) == [elsewhere.id]


async def test_emoji_and_phrases_are_hidden_words(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    await update(harness, ada, hidden_words=["🍋", "free money"])
    for text in ("Sour🍋!", "FREE   money here"):
        await harness.comments.add(bob, post_id, text, None)
    allowed = await harness.comments.add(bob, post_id, "Money is not free 🍊", None)
    assert await seen(harness, eve, post_id) == [allowed.id]


async def test_edit_that_adds_a_hidden_word_waits_for_approval(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    post_id = await harness.post(ada)
    comment = await harness.comments.add(bob, post_id, "Hello", None)
    await update(harness, ada, hidden_words=["casino"])
    await harness.comments.edit(bob, post_id, comment.id, "Hello again")
    assert await seen(harness, eve, post_id) == [comment.id]
    await harness.comments.edit(bob, post_id, comment.id, "Visit my casino")
    assert await seen(harness, eve, post_id) == []
    assert await seen(harness, bob, post_id) == [comment.id]
    await harness.comments.edit(bob, post_id, comment.id, "Hello")
    assert await seen(harness, eve, post_id) == []  # until it is approved


async def test_settings_cost_a_comment_no_further_statement(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    post_id = await harness.post(ada)
    await harness.comments.add(bob, post_id, "Hello", None)  # reads the filters of moderators
    with count_queries(harness.database) as without:
        await harness.comments.add(bob, post_id, "Hello", None)
    await update(harness, ada, Commenters.EVERYONE, ["casino"])
    with count_queries(harness.database) as with_words:
        await harness.comments.add(bob, post_id, "Hello", None)
    assert len(without) == len(with_words)
    assert sum("restrictions" in sql for sql in without) == 1
