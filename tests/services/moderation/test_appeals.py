"""Appeals and restorations: another moderator decides, and what was hidden returns with the right counts."""

import asyncio
from collections.abc import Sequence

import pytest

from server.errors import Conflict, Forbidden, InvalidInput, NotFound
from server.ids import ActionId, AppealId, CaseId, CommentId, PostId, UserId
from server.models.counters import COUNTED_TABLES, CounterRepository
from server.services.accounts.appeal_tokens import APPEAL_MS
from server.services.content.pictures import Upload
from server.services.jobs.event_jobs import JobKind
from server.services.moderation.appeal_queue import AppealStatus, Reply
from server.services.moderation.audit_log import AuditCheck
from server.services.moderation.decisions import Decision, ModerationAction
from server.services.moderation.reports import SubjectType
from server.services.records import AccountStatus, NotificationType
from tests.services.moderation.cases import PAGE, moderator, reported
from tests.support.inputs import photos
from tools.harness.services import ServiceHarness

PASSWORD = "correct horse"
TAKE_DOWN = Decision(ModerationAction.TAKE_DOWN, "")
WARN = Decision(ModerationAction.WARN, "")
BAN = Decision(ModerationAction.BAN, "")
REVERSED, UPHELD = AppealStatus.REVERSED, AppealStatus.UPHELD
REPLY = Reply("Not spam", "Sorry")


async def decided(
    harness: ServiceHarness, mod: UserId, subject: SubjectType, subject_id: int, decision: Decision
) -> ActionId:
    """Have a subject reported by another user and decided about."""
    case_id: CaseId = await reported(harness, await harness.user(), subject, subject_id)
    return (await harness.decisions.resolve(mod, case_id, decision)).id


async def assert_counters_right(harness: ServiceHarness) -> None:
    counters = CounterRepository(harness.database)
    for table in COUNTED_TABLES:
        rows = await counters.compare_batch(table, 0)
        assert [row for row in rows if row.wrong] == []


async def feed(harness: ServiceHarness, reader: UserId) -> list[PostId]:
    return [post.id for post in (await harness.feed.page(reader, PAGE)).items]


async def contents(harness: ServiceHarness, viewer: UserId, post_id: PostId) -> list[tuple[str, int]]:
    """Return the comments of a post with their numbers of replies, newest first."""
    page = await harness.comments.list_by_post(viewer, post_id, PAGE)
    return [(comment.content, comment.replies_count) for comment in page.items]


async def test_reversed_take_down_shows_the_post_everywhere(harness: ServiceHarness) -> None:
    ana, bob, cat = await harness.users(3)
    first, second = await moderator(harness), await moderator(harness)
    photo = harness.folder / "photo"
    photo.write_bytes(photos.small())
    await harness.follows.follow(bob, ana)
    post_id = (await harness.posts.publish(ana, "Watches", [Upload(photo)])).id
    await harness.likes.like(cat, post_id)
    await harness.comments.add(cat, post_id, "Nice", None)
    await harness.work_off()
    assert await feed(harness, bob) == [post_id]
    action_id = await decided(harness, first, SubjectType.POST, post_id, TAKE_DOWN)
    await harness.timelines.drop_feeds([bob])
    assert await feed(harness, bob) == await feed(harness, ana) == []
    appeal = await harness.appeals.appeal(ana, action_id, "These are my own")
    await harness.work_off()
    await harness.appeal_queue.resolve(second, appeal.id, REVERSED, REPLY)
    assert await feed(harness, ana) == [post_id]
    await harness.work_off(JobKind.RESTORE_POST)
    assert await feed(harness, bob) == [post_id]
    for viewer in (ana, bob, cat):
        post = await harness.posts.get(viewer, post_id)
        assert (post.likes_count, post.comments_count, len(post.card.images)) == (1, 1, 1)
    assert (await harness.profiles.get(bob, ana)).posts_count == 1
    key = await harness.value("SELECT media_key FROM post_images WHERE post_id = ?", post_id)
    assert [entry async for entry in harness.media.list(key)]
    await assert_counters_right(harness)
    assert (await AuditCheck(harness.audit_rows).run()).problem is None


async def test_likes_erased_in_between_are_not_counted_again(harness: ServiceHarness) -> None:
    ana, bob, cat, mod = *(await harness.users(3)), await moderator(harness)
    post_id = await harness.post(ana)
    for person in (bob, cat):
        await harness.likes.like(person, post_id)
        await harness.comments.add(person, post_id, "Nice", None)
    action_id = await decided(harness, mod, SubjectType.POST, post_id, TAKE_DOWN)
    await harness.likes.erase(bob, post_id)
    await harness.commenting.removals.erase(bob, post_id)
    await harness.appeal_queue.restore(mod, action_id, REPLY)
    post = await harness.posts.get(cat, post_id)
    assert (post.likes_count, post.comments_count) == (1, 1)
    await assert_counters_right(harness)


async def test_restored_comment_returns_with_its_replies(harness: ServiceHarness) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    post_id = await harness.post(ana)
    thread = CommentId((await harness.comments.add(bob, post_id, "Buy now", None)).id)
    await harness.comments.add(bob, post_id, "Lovely", None)
    for text in ("No", "Yes"):
        await harness.comments.add(ana, post_id, text, thread)
    await harness.work_off()
    before = len((await harness.notifications.list_page(ana, PAGE)).items)
    action_id = await decided(harness, mod, SubjectType.COMMENT, thread, TAKE_DOWN)
    assert await contents(harness, ana, post_id) == [("Lovely", 0)]
    assert (await harness.posts.get(ana, post_id)).comments_count == 1
    with pytest.raises(NotFound):
        await harness.comments.list_replies(ana, post_id, thread, PAGE)
    with pytest.raises(NotFound):
        await harness.comments.delete(bob, post_id, thread)
    await assert_counters_right(harness)
    hidden = [each.type for each in (await harness.notifications.list_page(ana, PAGE)).items]
    assert len(hidden) == before - 1
    await harness.appeal_queue.restore(mod, action_id, REPLY)
    assert await contents(harness, ana, post_id) == [("Lovely", 0), ("Buy now", 2)]
    assert (await harness.posts.get(ana, post_id)).comments_count == 4
    assert len((await harness.notifications.list_page(ana, PAGE)).items) == before
    await assert_counters_right(harness)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_reply_and_its_thread_are_restored_in_any_order(
    harness: ServiceHarness, order: Sequence[int]
) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    post_id = await harness.post(ana)
    thread = CommentId((await harness.comments.add(bob, post_id, "Thread", None)).id)
    reply = (await harness.comments.add(bob, post_id, "Reply", thread)).id
    await harness.comments.add(ana, post_id, "Other", thread)
    actions = [
        await decided(harness, mod, SubjectType.COMMENT, subject, TAKE_DOWN) for subject in (reply, thread)
    ]
    assert (await harness.posts.get(ana, post_id)).comments_count == 0
    await harness.appeal_queue.restore(mod, actions[order[0]], REPLY)
    await assert_counters_right(harness)
    await harness.appeal_queue.restore(mod, actions[order[1]], REPLY)
    assert await contents(harness, ana, post_id) == [("Thread", 2)]
    assert (await harness.posts.get(ana, post_id)).comments_count == 3
    await assert_counters_right(harness)


async def test_comment_of_a_hidden_post_is_hidden_and_restored(harness: ServiceHarness) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    post_id = await harness.post(ana)
    comment = (await harness.comments.add(bob, post_id, "Buy now", None)).id
    case_id = await reported(harness, ana, SubjectType.COMMENT, comment)
    of_post = await decided(harness, mod, SubjectType.POST, post_id, TAKE_DOWN)
    of_comment = (await harness.decisions.resolve(mod, case_id, TAKE_DOWN)).id
    await harness.appeal_queue.restore(mod, of_post, REPLY)
    assert await contents(harness, ana, post_id) == []
    assert (await harness.posts.get(ana, post_id)).comments_count == 0
    await harness.appeal_queue.restore(mod, of_comment, REPLY)
    assert (await harness.posts.get(ana, post_id)).comments_count == 1
    await assert_counters_right(harness)


async def test_post_deleted_before_is_not_restored(harness: ServiceHarness) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    post_id = await harness.post(ana)
    case_id = await reported(harness, bob, SubjectType.POST, post_id)
    await harness.delete(post_id)
    action = await harness.decisions.resolve(mod, case_id, TAKE_DOWN)
    await harness.appeal_queue.restore(mod, action.id, REPLY)
    with pytest.raises(NotFound):
        await harness.posts.get(ana, post_id)
    await assert_counters_right(harness)


async def test_banned_person_appeals_by_token_and_signs_in_again(harness: ServiceHarness) -> None:
    ana = (await harness.accounts.register("ana", "ana@example.com", PASSWORD, "")).id
    first, second = await moderator(harness), await moderator(harness)
    post_id = await harness.post(ana)
    action_id = await decided(harness, first, SubjectType.USER, ana, BAN)
    token = harness.appeal_tokens.encode(ana, action_id)
    appeal = await harness.appeals.appeal_by_token(token, "It was not me")
    with pytest.raises(Conflict) as again:
        await harness.appeals.appeal_by_token(token, "Once more")
    assert again.value.code == "already_appealed"
    assert await harness.value("SELECT COUNT(*) AS n FROM sessions") == 0
    await harness.appeal_queue.resolve(second, appeal.id, REVERSED, REPLY)
    account = await harness.password_authentication.authenticate("ana", PASSWORD)
    await harness.sessions.create(account.id, account.password_changed_at_ms, "", "")
    assert (await harness.posts.get(second, post_id)).id == post_id
    with pytest.raises(InvalidInput):
        await harness.appeals.appeal_by_token(f"{token}x", "Forged")


async def test_reversal_leaves_other_suspensions_in_force(harness: ServiceHarness) -> None:
    ana, mod = await harness.user(), await moderator(harness)
    reporter = await harness.user()
    first_case = await reported(harness, reporter, SubjectType.USER, ana)
    post_case = await reported(harness, reporter, SubjectType.POST, await harness.post(ana))
    suspension = await harness.decisions.resolve(
        mod, first_case, Decision(ModerationAction.SUSPEND, "", days=3)
    )
    ban = await harness.decisions.resolve(mod, post_case, BAN)
    await harness.appeal_queue.restore(mod, ban.id, REPLY)
    (row,) = await harness.rows("SELECT status, suspended_until_ms FROM users WHERE id = ?", ana)
    assert row == {"status": AccountStatus.SUSPENDED, "suspended_until_ms": suspension.until_ms}
    await harness.appeal_queue.restore(mod, suspension.id, REPLY)
    assert await harness.value("SELECT status FROM users WHERE id = ?", ana) == AccountStatus.ACTIVE


async def test_account_returns_to_its_earlier_status(harness: ServiceHarness) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    cases = [await reported(harness, await harness.user(), SubjectType.USER, each) for each in (ana, bob)]
    await harness.set_status(ana, AccountStatus.DEACTIVATED)
    await harness.set_status(bob, AccountStatus.DELETING)
    await harness.database.execute("UPDATE users SET delete_after_ms = 9999999999999 WHERE id = ?", [bob])
    for case_id in cases:
        action = await harness.decisions.resolve(mod, case_id, BAN)
        await harness.appeal_queue.restore(mod, action.id, REPLY)
    statuses = {row["id"]: row["status"] for row in await harness.rows("SELECT id, status FROM users")}
    assert (statuses[ana], statuses[bob]) == (AccountStatus.DEACTIVATED, AccountStatus.DELETING)
    assert await harness.value("SELECT delete_after_ms FROM users WHERE id = ?", bob) == 9999999999999


async def test_another_moderator_decides_if_there_is_one(harness: ServiceHarness) -> None:
    ana, mod = await harness.user(), await moderator(harness)
    action_id = await decided(harness, mod, SubjectType.USER, ana, WARN)
    appeal = await harness.appeals.appeal(ana, action_id, "Why?")
    other = await moderator(harness)
    for refused in (
        harness.appeal_queue.claim(mod, appeal.id),
        harness.appeal_queue.resolve(mod, appeal.id, UPHELD, REPLY),
    ):
        with pytest.raises(Forbidden) as error:
            await refused
        assert error.value.code == "own_decision"
    await harness.set_status(other, AccountStatus.SUSPENDED)
    await harness.appeal_queue.resolve(mod, appeal.id, UPHELD, REPLY)
    await harness.work_off(JobKind.NOTIFY_MODERATED, JobKind.EMAIL_MODERATED)
    page = await harness.notifications.list_page(ana, PAGE)
    assert [each.type for each in page.items] == [NotificationType.MODERATION] * 2
    assert harness.email.sent[-1].subject == "Your appeal was not accepted"
    assert "/appeal" not in harness.email.sent[-1].text
    (decision, _) = (await harness.own_decisions.list_page(ana, PAGE)).items
    assert (decision.notice.action.action, decision.notice.action.about_id) == (
        ModerationAction.UPHOLD, action_id,
    )  # fmt: skip


async def test_moderators_do_not_decide_about_themselves(harness: ServiceHarness) -> None:
    first, second = await moderator(harness), await moderator(harness)
    action_id = await decided(harness, first, SubjectType.USER, second, WARN)
    appeal = await harness.appeals.appeal(second, action_id, "Why?")
    for refused in (
        harness.appeal_queue.claim(second, appeal.id),
        harness.appeal_queue.resolve(second, appeal.id, REVERSED, REPLY),
        harness.appeal_queue.restore(second, action_id, REPLY),
    ):
        with pytest.raises(Forbidden):
            await refused


async def test_appeal_needs_a_decision_about_oneself_in_time(harness: ServiceHarness) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    action_id = await decided(harness, mod, SubjectType.USER, ana, WARN)
    dismissed = await decided(harness, mod, SubjectType.USER, ana, Decision(ModerationAction.DISMISS, ""))
    for user, decision in ((bob, action_id), (ana, dismissed), (ana, ActionId(1))):
        with pytest.raises(NotFound):
            await harness.appeals.appeal(user, decision, "Why?")
    with pytest.raises(NotFound):
        await harness.appeal_queue.claim(mod, AppealId(1))
    await harness.appeal_queue.restore(mod, action_id, REPLY)
    with pytest.raises(Conflict) as withdrawn:
        await harness.appeals.appeal(ana, action_id, "Why?")
    assert withdrawn.value.code == "already_withdrawn"
    late = await decided(harness, mod, SubjectType.USER, bob, WARN)
    for name in ("moderation_actions_no_update",):
        await harness.database.execute(f"DROP TRIGGER IF EXISTS {name}")
    await harness.database.execute(
        "UPDATE moderation_actions SET created_at_ms = created_at_ms - ? WHERE id = ?", [APPEAL_MS, late]
    )
    with pytest.raises(Conflict) as expired:
        await harness.appeals.appeal(bob, late, "Why?")
    assert expired.value.code == "appeal_expired"


async def test_concurrent_reversals_take_effect_once(harness: ServiceHarness) -> None:
    ana, mod = await harness.user(), await moderator(harness)
    others = [await moderator(harness) for _ in range(3)]
    post_id = await harness.post(ana)
    action_id = await decided(harness, mod, SubjectType.POST, post_id, TAKE_DOWN)
    appeal = await harness.appeals.appeal(ana, action_id, "Why?")
    outcomes = await asyncio.gather(
        *(harness.appeal_queue.resolve(each, appeal.id, REVERSED, REPLY) for each in others),
        *(harness.appeal_queue.restore(each, action_id, REPLY) for each in others),
        return_exceptions=True,
    )
    assert len([each for each in outcomes if isinstance(each, Conflict)]) == len(outcomes) - 1
    assert (await harness.profiles.get(ana, ana)).posts_count == 1
    await assert_counters_right(harness)


async def test_standing_counts_what_was_not_undone(harness: ServiceHarness) -> None:
    ana, mod = await harness.user("ana"), await moderator(harness)
    await decided(harness, mod, SubjectType.USER, ana, WARN)
    undone = await decided(harness, mod, SubjectType.USER, ana, WARN)
    await harness.appeal_queue.restore(mod, undone, REPLY)
    await decided(harness, mod, SubjectType.USER, ana, BAN)
    standing = await harness.standings.get("ana")
    assert (standing.count(ModerationAction.WARN), standing.count(ModerationAction.BAN)) == (1, 1)
    assert (standing.account.status, standing.reports_about) == (AccountStatus.SUSPENDED, 3)
    with pytest.raises(NotFound):
        await harness.standings.get("nobody_here")
