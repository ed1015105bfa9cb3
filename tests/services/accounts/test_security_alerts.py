"""E-mails about sign-ins, and attempts to sign in, by other people."""

from server.events import SignedInOnNewDevice
from server.ids import UserId
from server.models.jobs.jobs import JobState
from server.services.jobs.unit_of_work import WorkContext
from tools.harness.services import ServiceHarness


async def sign_in_on_new_device(harness: ServiceHarness, user_id: UserId, user_agent: str) -> None:
    async def sign_in(work: WorkContext) -> None:
        work.emit(SignedInOnNewDevice(user_id, user_agent, "192.0.2.7", 1_769_860_800_000))

    await harness.unit_of_work.run(sign_in)


async def test_owner_is_notified_of_a_sign_in_on_a_new_device(harness: ServiceHarness) -> None:
    await sign_in_on_new_device(harness, await harness.user("ada"), "a phone" * 100)
    await harness.work_off()
    (email,) = harness.email.sent
    assert (email.to, email.subject) == ("ada@example.com", "New sign-in to your account")
    for shown in ("2026-01-31 12:00 UTC", "a phone", "192.0.2.7", "https://photos.test/recover?token="):
        assert shown in email.text
        assert shown in email.html
    assert max(map(len, email.text.splitlines())) < 200


async def test_owner_is_notified_of_failed_sign_ins(harness: ServiceHarness) -> None:
    await harness.security_alerts.report_failed_sign_ins(await harness.user("ada"), 12)
    await harness.work_off()
    (email,) = harness.email.sent
    assert (email.to, email.subject) == ("ada@example.com", "Failed attempts to sign in to your account")
    assert "12 attempts" in email.text


async def test_alert_about_a_deleted_account_is_dropped(harness: ServiceHarness) -> None:
    user_id = await harness.user("ada")
    await sign_in_on_new_device(harness, user_id, "a phone")
    await harness.security_alerts.report_failed_sign_ins(user_id, 12)
    await harness.database.execute("DELETE FROM users WHERE id = ?", [user_id])
    await harness.work_off()
    assert harness.email.sent == []
    assert {row["state"] for row in await harness.rows("SELECT state FROM jobs")} == {JobState.COMPLETED}
