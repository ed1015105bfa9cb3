"""Deactivated and deleted accounts: hidden at once, confirmed by the password, cancelled by a sign-in."""

import asyncio

import pytest

from server.clock import isoformat
from server.errors import InvalidInput, NotFound, Unauthenticated
from server.ids import UserId
from server.services.jobs.event_jobs import JobKind
from server.services.records import Confirmation
from tools.harness.services import GRACE_MS, ServiceHarness

PASSWORD = "correct horse"
EMAIL_JOBS = (JobKind.EMAIL_DELETION_REQUESTED, JobKind.EMAIL_DELETION_CANCELLED)


async def register(harness: ServiceHarness) -> UserId:
    """Register ada, with a verified address, and sign her in."""
    ada = (await harness.accounts.register("ada", "ada@example.com", PASSWORD, "Ada")).id
    await harness.database.execute(
        "UPDATE users SET email = pending_email, email_key = pending_email_key WHERE id = ?", [ada]
    )
    await sign_in(harness)
    return ada


async def sign_in(harness: ServiceHarness) -> None:
    account = await harness.password_authentication.authenticate("ada", PASSWORD)
    await harness.sessions.create(account.id, account.password_changed_at_ms, "", "")


async def active_sessions(harness: ServiceHarness) -> int:
    return await harness.value("SELECT COUNT(*) AS n FROM sessions WHERE revoked_at_ms IS NULL")


async def test_deactivated_account_returns_with_a_sign_in(harness: ServiceHarness) -> None:
    ada, bob = await register(harness), await harness.user("bob")
    await harness.account_closures.deactivate(await harness.open_session(ada), Confirmation(PASSWORD))
    assert await active_sessions(harness) == 0
    with pytest.raises(NotFound):
        await harness.profiles.get(bob, ada)
    await sign_in(harness)
    assert (await harness.profiles.get(bob, "ada")).id == ada
    await harness.work_off(*EMAIL_JOBS)
    assert harness.email.sent == []


async def test_sign_in_cancels_a_deletion(harness: ServiceHarness) -> None:
    ada, bob = await register(harness), await harness.user("bob")
    before_ms = harness.clock.now_ms()
    deleted_at_ms = await harness.account_closures.delete(
        await harness.open_session(ada), Confirmation(PASSWORD)
    )
    assert before_ms <= deleted_at_ms - GRACE_MS <= harness.clock.now_ms()
    assert await active_sessions(harness) == 0
    with pytest.raises(NotFound):
        await harness.profiles.get(bob, ada)
    await harness.work_off(*EMAIL_JOBS)
    await sign_in(harness)
    await harness.work_off(*EMAIL_JOBS)
    assert (await harness.profiles.get(bob, "ada")).id == ada
    assert await harness.value("SELECT delete_after_ms FROM users WHERE id = ?", ada) is None
    requested, cancelled = harness.email.sent
    assert (requested.to, cancelled.to) == ("ada@example.com", "ada@example.com")
    assert isoformat(deleted_at_ms)[:10] in requested.text
    assert cancelled.subject == "Your account will not be deleted"


async def test_cancelled_deletion_is_not_announced_later(harness: ServiceHarness) -> None:
    ada = await register(harness)
    await harness.account_closures.delete(await harness.open_session(ada), Confirmation(PASSWORD))
    await sign_in(harness)
    await harness.work_off(*EMAIL_JOBS)
    assert [email.subject for email in harness.email.sent] == ["Your account will not be deleted"]


async def test_wrong_password_closes_nothing(harness: ServiceHarness) -> None:
    ada = await register(harness)
    for close in (harness.account_closures.deactivate, harness.account_closures.delete):
        with pytest.raises(InvalidInput) as refused:
            await close(await harness.open_session(ada), Confirmation("wrong"))
        assert refused.value.code == "wrong_password"
    assert await active_sessions(harness) == 3


async def test_one_of_several_concurrent_deletions_counts(harness: ServiceHarness) -> None:
    owner = await harness.open_session(await register(harness))
    outcomes = await asyncio.gather(
        *(harness.account_closures.delete(owner, Confirmation(PASSWORD)) for _ in range(5)),
        return_exceptions=True,
    )
    (deleted_at_ms,) = [each for each in outcomes if isinstance(each, int)]
    assert await harness.value("SELECT delete_after_ms FROM users") == deleted_at_ms


async def test_sign_in_after_the_grace_period_is_refused(harness: ServiceHarness) -> None:
    ada = await register(harness)
    await harness.account_closures.delete(await harness.open_session(ada), Confirmation(PASSWORD))
    await harness.database.execute("UPDATE users SET delete_after_ms = 1 WHERE id = ?", [ada])
    with pytest.raises(Unauthenticated) as refused:
        await sign_in(harness)
    assert refused.value.code == "wrong_credentials"
