"""Recovery of an account from another person who knows the password."""

import asyncio
from typing import Any

import pytest

from server.errors import Conflict, InvalidInput, Unauthenticated
from server.gateways.email.email import Email
from server.services.accounts.password_authentication import AuthenticatedUser
from server.services.jobs.event_jobs import JobKind
from server.services.records import Confirmation
from tests.support.email_links import link_token
from tools.harness.services import ServiceHarness

PASSWORD, NEW = "the old password", "the new password"


async def register(harness: ServiceHarness, username: str = "ada") -> AuthenticatedUser:
    account = await harness.accounts.register(username, f"{username}@example.com", PASSWORD, "")
    await harness.email_verification.mark_verified(account.id)
    await harness.work_off()
    return account


async def change_email(harness: ServiceHarness, account: AuthenticatedUser, email: str) -> Email:
    """Change the address and return the notice that the previous one gets."""
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(PASSWORD), email
    )
    await harness.email_verification.mark_verified(account.id)
    await harness.work_off(JobKind.EMAIL_ADDRESS_CHANGED)
    return harness.email.sent[-1]


async def assert_rejected(harness: ServiceHarness, token: str) -> None:
    with pytest.raises(InvalidInput) as rejected:
        await harness.account_recovery.recover(token)
    assert (rejected.value.code, list(rejected.value.fields)) == ("invalid_recovery_token", ["token"])


async def test_previous_address_takes_the_account_back(harness: ServiceHarness) -> None:
    account = await register(harness)
    thief = await harness.sessions.create(account.id, account.password_changed_at_ms, "", "")
    notice = await change_email(harness, account, "thief@example.com")
    assert notice.to == "ada@example.com"
    reset_token = await harness.account_recovery.recover(link_token(notice))
    own = await harness.profiles.get_own(account.id)
    assert own.address is not None
    assert (own.address.email, own.address.verified) == ("ada@example.com", True)
    with pytest.raises(Unauthenticated):
        await harness.principal(thief.access_token)
    with pytest.raises(Unauthenticated):
        await harness.password_authentication.authenticate("ada", PASSWORD)
    await harness.credentials.request_reset("thief@example.com")
    before = len(harness.email.sent)
    await harness.work_off(JobKind.EMAIL_RESET_LINK)
    assert len(harness.email.sent) == before
    await harness.credentials.reset_password(reset_token, NEW)
    assert (await harness.password_authentication.authenticate("ada@example.com", NEW)).id == account.id
    await assert_rejected(harness, link_token(notice))


async def test_recovery_link_survives_what_the_thief_does(harness: ServiceHarness) -> None:
    account = await register(harness)
    notice = await change_email(harness, account, "thief@example.com")
    later = await change_email(harness, account, "second@example.com")
    assert later.to == "thief@example.com"
    await harness.account_recovery.recover(link_token(later))  # The thief restores an address of their own.
    await harness.account_recovery.recover(link_token(notice))
    await assert_rejected(harness, link_token(later))


async def test_link_of_a_later_email_ends_with_the_recovery(harness: ServiceHarness) -> None:
    account = await register(harness)
    notice = await change_email(harness, account, "thief@example.com")
    later = await change_email(harness, account, "second@example.com")
    await harness.account_recovery.recover(link_token(notice))
    await assert_rejected(harness, link_token(later))


async def test_one_of_several_concurrent_recoveries_succeeds(harness: ServiceHarness) -> None:
    notice = await change_email(harness, await register(harness), "thief@example.com")
    outcomes: list[Any] = await asyncio.gather(
        *(harness.account_recovery.recover(link_token(notice)) for _ in range(20)), return_exceptions=True
    )
    assert sum(isinstance(each, str) for each in outcomes) == 1
    assert {each.code for each in outcomes if not isinstance(each, str)} == {"invalid_recovery_token"}


async def test_address_that_another_account_uses_is_not_restored(harness: ServiceHarness) -> None:
    account = await register(harness)
    notice = await change_email(harness, account, "new@example.com")
    other = await harness.accounts.register("other", "ada@example.com", PASSWORD, "")
    await harness.email_verification.mark_verified(other.id)
    with pytest.raises(Conflict) as refused:
        await harness.account_recovery.recover(link_token(notice))
    assert refused.value.code == "email_in_use"
    await harness.password_authentication.authenticate("ada", PASSWORD)
    await change_email(harness, other, "elsewhere@example.com")
    await harness.account_recovery.recover(link_token(notice))


async def test_notice_about_a_deleted_account_is_dropped(harness: ServiceHarness) -> None:
    account = await register(harness)
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(PASSWORD), "new@example.com"
    )
    await harness.email_verification.mark_verified(account.id)
    await harness.database.execute("DELETE FROM users WHERE id = ?", [account.id])
    before = len(harness.email.sent)
    await harness.work_off(JobKind.EMAIL_ADDRESS_CHANGED)
    assert len(harness.email.sent) == before


async def test_delayed_notice_gives_no_link_after_the_recovery(harness: ServiceHarness) -> None:
    account = await register(harness)
    notice = await change_email(harness, account, "thief@example.com")
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(PASSWORD), "second@example.com"
    )
    await harness.email_verification.mark_verified(account.id)
    await harness.account_recovery.recover(link_token(notice))
    before = len(harness.email.sent)
    await harness.work_off(
        JobKind.EMAIL_ADDRESS_CHANGED
    )  # as if the SMTP server of the thief had deferred it
    assert len(harness.email.sent) == before


async def test_delayed_notice_ends_links_of_later_addresses(harness: ServiceHarness) -> None:
    account = await register(harness)
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(PASSWORD), "thief@example.com"
    )
    await harness.email_verification.mark_verified(account.id)
    await harness.sessions.create(account.id, account.password_changed_at_ms, "", "", new_device=True)
    await harness.work_off(JobKind.EMAIL_NEW_SIGN_IN)
    later = harness.email.sent[-1]
    assert later.to == "thief@example.com"
    await harness.work_off(JobKind.EMAIL_ADDRESS_CHANGED)
    notice = harness.email.sent[-1]
    assert notice.to == "ada@example.com"
    await harness.account_recovery.recover(link_token(notice))
    await assert_rejected(harness, link_token(later))
