"""Decisions of moderators: hidden posts, suspended accounts, and the audit log."""

import asyncio
import re
from functools import partial

import pytest

from server.errors import Conflict, Forbidden, InvalidInput, NotFound
from server.ids import CaseId, PostId, UserId
from server.paging import PageRequest
from server.services.jobs.event_jobs import JobKind
from server.services.moderation.decisions import DAY_MS, Decision, ModerationAction
from server.services.moderation.report_queue import CLAIM_MS, CaseStatus
from server.services.moderation.reports import ReportReason, SubjectType
from server.services.records import Role
from tests.services.moderation.cases import PAGE, moderator, open_cases, reported
from tools.harness.backends import ROOT
from tools.harness.services import ServiceHarness

PASSWORD = "correct horse"
DISMISS = Decision(ModerationAction.DISMISS, "")
TAKE_DOWN = Decision(ModerationAction.TAKE_DOWN, "Spam again")
SUSPEND = Decision(ModerationAction.SUSPEND, "", days=3)
BAN = Decision(ModerationAction.BAN, "")


async def feed(harness: ServiceHarness, reader: UserId) -> list[PostId]:
    return [post.id for post in (await harness.feed.page(reader, PAGE)).items]


async def test_queue_groups_reports_oldest_first(harness: ServiceHarness) -> None:
    ada, bob, cat, mod = *(await harness.users(3)), await moderator(harness)
    post_id = await harness.post(ada, "Cheap watches")
    first = await reported(harness, bob, SubjectType.POST, post_id)
    await harness.reports.report(cat, SubjectType.POST, post_id, ReportReason.ILLEGAL, "")
    second = await reported(harness, cat, SubjectType.USER, ada)
    page = await harness.report_queue.list_page(CaseStatus.OPEN, PageRequest(limit=1))
    (case,) = page.items
    assert (case.id, case.excerpt, case.author.id) == (first, "Cheap watches", ada)
    assert case.reasons == {ReportReason.SPAM: 1, ReportReason.ILLEGAL: 1}
    assert page.next_cursor is not None
    rest = await harness.report_queue.list_page(CaseStatus.OPEN, PageRequest(after=first))
    assert [case.id for case in rest.items] == [second]
    await harness.decisions.resolve(mod, first, DISMISS)
    assert await open_cases(harness) == [second]
    assert await open_cases(harness, CaseStatus.RESOLVED) == [first]
    assert await reported(harness, bob, SubjectType.POST, post_id) not in (first, second)


async def test_post_taken_down_is_visible_nowhere(harness: ServiceHarness) -> None:
    ada, bob, mod = *(await harness.users(2)), await moderator(harness)
    await harness.follows.follow(bob, ada)
    kept, post_id = await harness.post(ada), await harness.post(ada)
    await harness.work_off(JobKind.FAN_OUT)
    for _ in range(2):  # the second page comes from memory
        assert await feed(harness, bob) == [post_id, kept]
    assert post_id in await feed(harness, ada)
    case_id = await reported(harness, bob, SubjectType.POST, post_id)
    await harness.decisions.resolve(mod, case_id, TAKE_DOWN)
    for viewer in (ada, bob):
        assert post_id not in await feed(harness, viewer)
        assert [post.id for post in (await harness.posts.list_by_author(viewer, ada, PAGE)).items] == [kept]
        with pytest.raises(NotFound):
            await harness.posts.get(viewer, post_id)
        with pytest.raises(NotFound):
            await harness.likes.like(viewer, post_id)
    assert (await harness.profiles.get(bob, ada)).posts_count == 1
    await harness.work_off()
    assert await harness.value("SELECT COUNT(*) AS n FROM posts WHERE id = ?", post_id) == 1


async def test_comment_taken_down_is_deleted_with_its_replies(harness: ServiceHarness) -> None:
    ada, bob, mod = *(await harness.users(2)), await moderator(harness)
    post_id = await harness.post(ada)
    comment_id = (await harness.comments.add(bob, post_id, "Buy now", None)).id
    await harness.comments.add(ada, post_id, "No", comment_id)
    case_id = await reported(harness, ada, SubjectType.COMMENT, comment_id)
    await harness.decisions.resolve(mod, case_id, TAKE_DOWN)
    assert (await harness.comments.list_by_post(ada, post_id, PAGE)).items == []
    assert (await harness.posts.get(ada, post_id)).comments_count == 0
    (case,) = (await harness.report_queue.list_page(CaseStatus.RESOLVED, PAGE)).items
    assert case.excerpt == "Buy now"


async def test_concurrent_decisions_let_one_moderator_win(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    moderators = [await moderator(harness) for _ in range(4)]
    case_id = await reported(harness, bob, SubjectType.USER, ada)
    outcomes = await asyncio.gather(
        *(harness.decisions.resolve(mod, case_id, BAN) for mod in moderators), return_exceptions=True
    )
    refused = [each for each in outcomes if isinstance(each, Conflict)]
    assert [each.code for each in refused] == ["already_resolved"] * 3
    assert len((await harness.decisions.list_actions(None, ada, PAGE)).items) == 1


async def test_claim_reserves_reports_for_an_hour(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    first, second = await moderator(harness), await moderator(harness)
    case_id = await reported(harness, bob, SubjectType.USER, ada)
    assert (await harness.report_queue.claim(first, case_id)).claimed_by_id == first
    for refused in (
        harness.report_queue.claim(second, case_id),
        harness.decisions.resolve(second, case_id, DISMISS),
    ):
        with pytest.raises(Conflict) as conflict:
            await refused
        assert conflict.value.code == "already_claimed"
    await harness.report_queue.claim(first, case_id)
    await harness.database.execute(
        "UPDATE report_cases SET claimed_at_ms = claimed_at_ms - ? WHERE id = ?", [CLAIM_MS, case_id]
    )
    assert (await harness.report_queue.claim(second, case_id)).claimed_by_id == second
    await harness.decisions.resolve(second, case_id, DISMISS)
    log = (await harness.decisions.list_actions(None, ada, PAGE)).items
    assert [(row.actor_id, row.action) for row in log] == [
        (second, ModerationAction.DISMISS),
        (second, ModerationAction.CLAIM),
        (first, ModerationAction.CLAIM),
        (first, ModerationAction.CLAIM),
    ]


async def sign_in(harness: ServiceHarness, name: str) -> UserId:
    account = await harness.password_authentication.authenticate(name, PASSWORD)
    await harness.sessions.create(account.id, account.password_changed_at_ms, "", "")
    return account.id


async def test_suspension_ends_with_a_sign_in_after_its_days(harness: ServiceHarness) -> None:
    ada = (await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")).id
    bob, mod = await harness.user(), await moderator(harness)
    await sign_in(harness, "ada")
    action = await harness.decisions.resolve(
        mod, await reported(harness, bob, SubjectType.USER, ada), SUSPEND
    )
    assert action.until_ms == action.created_at_ms + 3 * DAY_MS
    assert await harness.value("SELECT COUNT(*) AS n FROM sessions WHERE revoked_at_ms IS NULL") == 0
    with pytest.raises(Forbidden, match="suspended until 20"):
        await sign_in(harness, "ada")
    await harness.database.execute("UPDATE users SET suspended_until_ms = 1 WHERE id = ?", [ada])
    assert await sign_in(harness, "ada") == ada
    assert (await harness.profiles.get(bob, ada)).id == ada
    await harness.decisions.resolve(mod, await reported(harness, bob, SubjectType.USER, ada), BAN)
    with pytest.raises(Forbidden, match=re.escape("suspended.")):
        await sign_in(harness, "ada")


async def test_moderators_decide_neither_on_themselves_nor_on_colleagues(harness: ServiceHarness) -> None:
    bob, first, second = await harness.user(), await moderator(harness), await moderator(harness)
    case_id = await reported(harness, bob, SubjectType.USER, first)
    for refused in (
        partial(harness.decisions.resolve, first, case_id, DISMISS),
        partial(harness.report_queue.claim, first, case_id),
        partial(harness.decisions.resolve, second, case_id, BAN),
    ):
        with pytest.raises(Forbidden):
            await refused()
    await harness.decisions.resolve(await moderator(harness, Role.ADMIN), case_id, BAN)


async def test_accounts_cannot_be_taken_down(harness: ServiceHarness) -> None:
    ada, bob, mod = *(await harness.users(2)), await moderator(harness)
    case_id = await reported(harness, bob, SubjectType.USER, ada)
    with pytest.raises(InvalidInput):
        await harness.decisions.resolve(mod, case_id, TAKE_DOWN)
    with pytest.raises(NotFound):
        await harness.decisions.resolve(mod, CaseId(1), DISMISS)


async def test_audit_log_is_filtered_by_actor(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    first, second = await moderator(harness), await moderator(harness)
    for mod in (first, second):
        case_id = await reported(harness, bob, SubjectType.USER, ada)
        await harness.decisions.resolve(mod, case_id, Decision(ModerationAction.WARN, f"By {mod}"))
    (row,) = (await harness.decisions.list_actions(second, None, PAGE)).items
    assert (row.note, row.author_id, row.subject_type) == (f"By {second}", ada, SubjectType.USER)
    assert (await harness.decisions.list_actions(second, bob, PAGE)).items == []


def test_no_statement_changes_the_audit_log() -> None:
    source = "".join(path.read_text() for path in sorted((ROOT / "server").rglob("*.py")))
    assert not re.search(r"(UPDATE|DELETE FROM) moderation_actions", source)
    assert "ModerationActionTable.filter" not in source
