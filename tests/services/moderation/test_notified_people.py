"""Notifications of decisions: to the person concerned, and to the reporters, without the names of others."""

import re

import pytest

from server.errors import AccountSuspended, NotFound, Unauthenticated
from server.ids import MAX_ID, UserId
from server.services.jobs.event_jobs import JobKind
from server.services.moderation.decisions import DAY_MS, Decision, ModerationAction
from server.services.moderation.reports import ReportReason, SubjectType
from server.services.notifications.preferences import PREFERENCE_TYPES
from server.services.records import Channel, Notification, NotificationType
from tests.services.moderation.cases import PAGE, moderator, reported
from tools.harness.services import ServiceHarness

PASSWORD = "correct horse"
TOLD = (JobKind.NOTIFY_MODERATED, JobKind.NOTIFY_REPORTERS, JobKind.EMAIL_MODERATED)
TAKE_DOWN = Decision(ModerationAction.TAKE_DOWN, "Known spammer", message="No advertising, please")


async def notifications(harness: ServiceHarness, user_id: UserId) -> list[Notification]:
    return [*(await harness.notifications.list_page(user_id, PAGE)).items]


async def test_author_learns_what_was_taken_down_and_why(harness: ServiceHarness) -> None:
    ana, bob, mod = await harness.user("ana"), await harness.user("bob"), await moderator(harness)
    post_id = await harness.post(ana, "Cheap watches")
    action = await harness.decisions.resolve(
        mod, await reported(harness, bob, SubjectType.POST, post_id), TAKE_DOWN
    )
    await harness.work_off(*TOLD)
    (notification,) = await notifications(harness, ana)
    assert (notification.type, notification.actor.id, notification.subject_id) == (
        NotificationType.MODERATION, ana, action.id,
    )  # fmt: skip
    found = (await harness.own_decisions.get(ana, action.id)).notice
    assert (found.action.reason, found.action.message, found.excerpt) == (
        ReportReason.SPAM, "No advertising, please", "Cheap watches",
    )  # fmt: skip
    (email,) = harness.email.sent
    assert (email.to, email.subject) == ("ana@example.com", "Your post was removed")
    for expected in ("The reason: spam.", "No advertising, please", "Cheap watches", "/appeal?token="):
        assert expected in email.text
    for secret in ("bob", "Known spammer", str(mod), (await harness.user_rows.get_usernames([mod]))[mod]):
        assert secret not in email.text + email.html
    token = re.search(r"token=([\w.-]+)", email.text)
    assert token
    assert harness.appeal_tokens.decode(token[1]) == (ana, action.id)


async def test_reporters_learn_only_that_their_reports_were_handled(harness: ServiceHarness) -> None:
    ana, bob, cat, mod = *(await harness.users(3)), await moderator(harness)
    case_id = await reported(harness, bob, SubjectType.USER, ana)
    await harness.reports.report(cat, SubjectType.USER, ana, ReportReason.HATE, "")
    own = {row["reporter_id"]: row["id"] for row in await harness.rows("SELECT id, reporter_id FROM reports")}
    await harness.decisions.resolve(
        mod, case_id, Decision(ModerationAction.DISMISS, "", message="Never sent")
    )
    await harness.work_off(*TOLD)
    for reporter in (bob, cat):
        (notification,) = await notifications(harness, reporter)
        assert notification.type is NotificationType.REPORT_HANDLED
        assert (notification.actor.id, notification.subject_id) == (reporter, own[reporter])
    assert await notifications(harness, ana) == []
    assert harness.email.sent == []
    with pytest.raises(NotFound):
        await harness.own_decisions.get(
            ana, (await harness.action_rows.list_page(None, ana, MAX_ID, 1))[0].id
        )


async def test_job_that_runs_twice_notifies_once(harness: ServiceHarness) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    case_id = await reported(harness, bob, SubjectType.USER, ana)
    await harness.decisions.resolve(mod, case_id, Decision(ModerationAction.WARN, ""))
    for _ in range(2):
        assert await harness.work_off(*TOLD[:2]) == 2
        await harness.database.execute("UPDATE jobs SET state = 'ready', run_at_ms = 0")
    assert len(await notifications(harness, ana)) == len(await notifications(harness, bob)) == 1


async def test_suspension_is_explained_after_the_right_password_only(harness: ServiceHarness) -> None:
    ana = (await harness.accounts.register("ana", "ana@example.com", PASSWORD, "")).id
    bob, mod = await harness.user(), await moderator(harness)
    suspend = Decision(ModerationAction.SUSPEND, "", days=3)
    action = await harness.decisions.resolve(
        mod, await reported(harness, bob, SubjectType.USER, ana), suspend
    )
    with pytest.raises(Unauthenticated):
        await harness.password_authentication.authenticate("ana", "wrong")
    account = await harness.password_authentication.authenticate("ana", PASSWORD)
    with pytest.raises(AccountSuspended) as refused:
        await harness.sessions.create(account.id, account.password_changed_at_ms, "", "")
    assert refused.value.until
    assert refused.value.appeal_token
    assert harness.appeal_tokens.decode(refused.value.appeal_token) == (ana, action.id)
    assert action.until_ms == action.created_at_ms + 3 * DAY_MS
    assert await harness.value("SELECT COUNT(*) AS n FROM sessions WHERE revoked_at_ms IS NULL") == 0


async def test_decisions_cannot_be_turned_off(harness: ServiceHarness) -> None:
    ana = await harness.user()
    assert set(await harness.preferences.get_for(ana)) == set(PREFERENCE_TYPES)
    assert not {NotificationType.MODERATION, NotificationType.REPORT_HANDLED} & set(PREFERENCE_TYPES)
    await harness.preferences.update(
        ana, {type_: dict.fromkeys(Channel, False) for type_ in PREFERENCE_TYPES}
    )
    bob, mod = await harness.user(), await moderator(harness)
    case_id = await reported(harness, bob, SubjectType.USER, ana)
    await harness.decisions.resolve(mod, case_id, Decision(ModerationAction.WARN, ""))
    await harness.work_off(*TOLD)
    assert len(await notifications(harness, ana)) == len(harness.email.sent) == 1
