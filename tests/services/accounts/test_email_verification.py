"""Verification and change of e-mail addresses, and accounts that entered the same address."""

import asyncio
from typing import Any

import pytest

from server.errors import Forbidden, InvalidInput, Unauthenticated
from server.gateways.email.email import Email
from server.ids import UserId
from server.services.accounts.password_authentication import AuthenticatedUser
from server.services.jobs.event_jobs import JobKind
from server.services.records import Confirmation, OwnAddress
from tests.support.email_links import link_token
from tools.harness.services import ServiceHarness

PASSWORD = "correct horse battery staple"
ADDRESS = "Ada@example.com"


async def register(harness: ServiceHarness, username: str = "ada", email: str = ADDRESS) -> AuthenticatedUser:
    return await harness.accounts.register(username, email, PASSWORD, "Visit bank.example")


async def register_verified(
    harness: ServiceHarness, username: str = "ada", email: str = ADDRESS
) -> AuthenticatedUser:
    account = await register(harness, username, email)
    await harness.email_verification.mark_verified(account.id)
    await sent(harness)
    return account


async def sent(harness: ServiceHarness, *kinds: JobKind) -> list[Email]:
    """Run the due jobs and return the e-mails that they sent."""
    before = len(harness.email.sent)
    await harness.work_off(*kinds)
    return harness.email.sent[before:]


async def address(harness: ServiceHarness, user_id: UserId) -> OwnAddress | None:
    return (await harness.profiles.get_own(user_id)).address


async def assert_rejected(harness: ServiceHarness, token: str) -> None:
    with pytest.raises(InvalidInput) as rejected:
        await harness.email_verification.verify(token)
    assert (rejected.value.code, list(rejected.value.fields)) == ("invalid_verification_token", ["token"])


async def test_registration_requests_a_verification_email(harness: ServiceHarness) -> None:
    account = await register(harness)
    assert await address(harness, account.id) == OwnAddress(ADDRESS, verified=False, pending=None)
    (email,) = await sent(harness)
    assert (email.to, email.subject) == (ADDRESS, "Confirm your e-mail address")
    assert "bank.example" not in email.text + email.html
    await harness.email_verification.verify(link_token(email))
    assert await address(harness, account.id) == OwnAddress(ADDRESS, verified=True, pending=None)
    assert await harness.value("SELECT email_verified_at_ms FROM users") > 0
    assert (await harness.password_authentication.authenticate("ada@EXAMPLE.com", PASSWORD)).id == account.id


async def test_link_is_used_once_by_concurrent_requests(harness: ServiceHarness) -> None:
    await register(harness)
    (email,) = await sent(harness)
    outcomes: list[Any] = await asyncio.gather(
        *(harness.email_verification.verify(link_token(email)) for _ in range(20)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert {each.code for each in outcomes if each is not None} == {"invalid_verification_token"}


async def test_link_expires_and_is_stored_as_a_hash(harness: ServiceHarness) -> None:
    await register(harness)
    (email,) = await sent(harness)
    token = link_token(email)
    assert len(token) == 43  # 256 bits
    assert token not in repr(
        [await harness.rows(f"SELECT * FROM {table}") for table in ("jobs", "email_tokens")]
    )
    for other in (token[:-1], token.upper(), "", "\udcff"):
        await assert_rejected(harness, other)
    await harness.database.execute("UPDATE email_tokens SET expires_at_ms = expires_at_ms - ?", [86_400_000])
    await assert_rejected(harness, token)


async def test_only_the_verification_goes_to_an_unverified_address(harness: ServiceHarness) -> None:
    ada, bob = await register(harness), await harness.user("bob")
    await sent(harness)
    await harness.follows.follow(bob, ada.id)
    await harness.likes.like(bob, await harness.post(ada.id))
    pair = await harness.sessions.create(ada.id, ada.password_changed_at_ms, "", "")
    principal = await harness.principal(pair.access_token)
    await harness.credentials.change_password(principal, Confirmation(PASSWORD), "another good password")
    await harness.security_alerts.report_failed_sign_ins(ada.id, 9)
    for _ in range(3):
        assert await sent(harness) == []
    await harness.email_verification.resend(ada.id)
    (email,) = await sent(harness)
    assert email.subject == "Confirm your e-mail address"


async def test_first_account_to_verify_owns_the_address(harness: ServiceHarness) -> None:
    thief, owner = await register(harness, "thief"), await register(harness, "owner")
    first, second = await sent(harness)
    assert (first.to, second.to) == (ADDRESS, ADDRESS)
    with pytest.raises(Unauthenticated):  # Otherwise a sign-in would reveal whether the address is taken.
        await harness.password_authentication.authenticate(ADDRESS, PASSWORD)
    await harness.email_verification.verify(link_token(second))
    await assert_rejected(harness, link_token(first))
    assert (await harness.password_authentication.authenticate(ADDRESS, PASSWORD)).id == owner.id
    assert await address(harness, thief.id) == OwnAddress(ADDRESS, verified=False, pending=None)


async def test_owner_learns_of_another_account_with_the_address(harness: ServiceHarness) -> None:
    await register_verified(harness, "owner")
    other = await register(harness, "other", "ADA@example.com")
    third = await register(harness, "third", "third@example.com")
    await harness.email_verification.request_change(
        await harness.open_session(third.id), Confirmation(PASSWORD), "ada@EXAMPLE.com"
    )
    emails = await sent(harness)
    assert {(each.to, each.subject) for each in emails} == {(ADDRESS, "You already have an account")}
    assert "token" not in "".join(each.text + each.html for each in emails)
    assert (await address(harness, other.id)) == OwnAddress("ADA@example.com", verified=False, pending=None)


async def test_reset_link_verifies_the_address(harness: ServiceHarness) -> None:
    older, newer = await register(harness, "older"), await register(harness, "newer")
    await sent(harness)
    await harness.credentials.request_reset("ada@example.com")
    (email,) = await sent(harness)
    assert email.to == ADDRESS
    assert "Hello newer," in email.text
    await harness.credentials.reset_password(link_token(email), "another good password")
    assert (await address(harness, newer.id)) == OwnAddress(ADDRESS, verified=True, pending=None)
    assert (
        await harness.password_authentication.authenticate(ADDRESS, "another good password")
    ).id == newer.id
    assert (await harness.password_authentication.authenticate("older", PASSWORD)).id == older.id


async def test_reset_never_goes_to_a_pending_new_address(harness: ServiceHarness) -> None:
    account = await register_verified(harness)
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(PASSWORD), "thief@example.com"
    )
    await sent(harness)
    await harness.credentials.request_reset("thief@example.com")
    assert await sent(harness) == []


async def test_new_address_replaces_the_current_one_when_verified(harness: ServiceHarness) -> None:
    account = await register_verified(harness)
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(PASSWORD), "new@example.com"
    )
    assert await address(harness, account.id) == OwnAddress(ADDRESS, verified=True, pending="new@example.com")
    (email,) = await sent(harness)
    assert email.to == "new@example.com"
    assert (await harness.password_authentication.authenticate(ADDRESS, PASSWORD)).id == account.id
    await harness.email_verification.verify(link_token(email))
    assert await address(harness, account.id) == OwnAddress("new@example.com", verified=True, pending=None)
    (notice,) = await sent(harness)
    assert (notice.to, notice.subject) == (ADDRESS, "Your e-mail address was changed")
    with pytest.raises(Unauthenticated):
        await harness.password_authentication.authenticate(ADDRESS, PASSWORD)


async def test_link_to_an_address_that_was_corrected_is_invalid(harness: ServiceHarness) -> None:
    account = await register_verified(harness)
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(PASSWORD), "typo@example.com"
    )
    (typo,) = await sent(harness)
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(PASSWORD), "new@example.com"
    )
    await assert_rejected(harness, link_token(typo))
    (email,) = await sent(harness)
    await harness.email_verification.verify(link_token(email))


async def test_change_needs_the_password(harness: ServiceHarness) -> None:
    account = await register_verified(harness)
    with pytest.raises(InvalidInput) as refused:
        await harness.email_verification.request_change(
            await harness.open_session(account.id), Confirmation("wrong"), "thief@example.com"
        )
    assert (refused.value.code, list(refused.value.fields)) == ("wrong_password", ["password"])
    assert await sent(harness) == []
    assert await address(harness, account.id) == OwnAddress(ADDRESS, verified=True, pending=None)


async def test_new_spelling_of_the_own_address_causes_no_notice(harness: ServiceHarness) -> None:
    account = await register_verified(harness)
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(PASSWORD), "ada@example.com"
    )
    (email,) = await sent(harness)
    await harness.email_verification.verify(link_token(email))
    assert await address(harness, account.id) == OwnAddress("ada@example.com", verified=True, pending=None)
    assert await sent(harness) == []


async def test_verification_of_a_verified_or_deleted_account_sends_nothing(harness: ServiceHarness) -> None:
    account = await register_verified(harness)
    await harness.email_verification.resend(account.id)
    assert await sent(harness) == []
    await harness.email_verification.resend(account.id)
    await harness.database.execute("DELETE FROM users WHERE id = ?", [account.id])
    assert await sent(harness) == []


async def test_required_verification_refuses_unverified_users(
    harness: ServiceHarness,
) -> None:
    account = await register(harness)
    with pytest.raises(Forbidden) as refused:
        await harness.email_verification.require_verified(account.id)
    assert refused.value.code == "email_not_verified"
    await harness.email_verification.mark_verified(account.id)
    await harness.email_verification.require_verified(account.id)
