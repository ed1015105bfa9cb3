"""Sign-in with an identity provider: accounts, addresses and names at the first one, and tokens used once."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from server.errors import Conflict, Forbidden, InvalidInput, Unauthenticated
from server.ids import UserId
from server.services.accounts.passwordless.external_identities import (
    ChosenProfile,
    ExternalIdentities,
    ProviderSignIn,
)
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus, Client, Confirmation, TokenPair
from tests.support.fakes.oidc_issuer import NONCE, FakeIssuer
from tests.support.jobs import build_retention, claim_maintenance_job
from tools.harness.services import ServiceHarness

PASSWORD = "correct horse"
ADA = {"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": True}
CLIENT = Client("192.0.2.1", "A phone")


async def sign_in(
    identities: ExternalIdentities, token: str, client: Client | None = None, **chosen: str
) -> ProviderSignIn:
    return await identities.sign_in("acme", token, NONCE, ChosenProfile(**chosen), client)


async def open_session(harness: ServiceHarness, signed_in: ProviderSignIn) -> TokenPair:
    account = signed_in.account
    return await harness.sessions.create(
        account.id, account.password_changed_at_ms, "A phone", "192.0.2.1", new_device=account.new_device
    )


async def columns(harness: ServiceHarness, user_id: UserId) -> Mapping[str, Any]:
    (row,) = await harness.rows(
        "SELECT username, full_name, email, pending_email, password_hash FROM users WHERE id = ?", user_id
    )
    return row


async def test_first_sign_in_creates_an_account(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    first = await sign_in(identities, issuer.token(**ADA))
    assert first.created
    assert await columns(harness, first.account.id) == {
        "username": "ada.lovelace",
        "full_name": "Ada Lovelace",
        "email": "ada@example.com",
        "pending_email": "",
        "password_hash": "",
    }
    await open_session(harness, first)
    again = await sign_in(identities, issuer.token(**ADA))
    assert (again.account.id, again.created) == (first.account.id, False)
    assert await harness.work_off(JobKind.EMAIL_VERIFICATION) == 0


async def test_chosen_name_is_used(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    created = await sign_in(identities, issuer.token(**ADA), username="Countess", full_name="Ada King")
    row = await columns(harness, created.account.id)
    assert (row["username"], row["full_name"]) == ("Countess", "Ada King")


async def test_taken_name_leaves_the_token_usable(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    await harness.user("ada")
    token = issuer.token(**ADA)
    for username in ("ada", "ADA"):
        with pytest.raises(Conflict) as refused:
            await sign_in(identities, token, username=username)
        assert refused.value.code == "username_taken"
    assert (await sign_in(identities, token, username="countess")).created


async def test_derived_name_avoids_taken_and_reserved_ones(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    await harness.user("ada.lovelace")
    other = await sign_in(identities, issuer.token(**ADA))
    name = (await columns(harness, other.account.id))["username"]
    assert name.startswith("ada.lovelace")
    assert name != "ada.lovelace"
    admin = await sign_in(identities, issuer.token("person-2", name="Admin"))
    assert (await columns(harness, admin.account.id))["username"] not in ("admin", "")


async def test_former_name_is_not_given_to_a_new_account(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    owner = await harness.user("ada")
    await harness.profiles.edit(owner, {"username": "countess"})
    with pytest.raises(Conflict):
        await sign_in(identities, issuer.token(**ADA), username="ada")
    created = await sign_in(identities, issuer.token("person-2", name="Ada"))
    assert (await columns(harness, created.account.id))["username"] != "ada"


async def test_existing_account_is_not_linked_by_its_address(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    owner = await harness.user("ada")
    created = await sign_in(identities, issuer.token(**ADA))
    assert created.created
    assert created.account.id != owner
    row = await columns(harness, created.account.id)
    assert (row["email"], row["pending_email"]) == ("", "ada@example.com")
    await harness.work_off(JobKind.EMAIL_VERIFICATION)
    assert [(email.to, email.subject) for email in harness.email.sent] == [
        ("ada@example.com", "You already have an account")
    ]


async def test_unverified_address_has_to_be_verified(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    created = await sign_in(identities, issuer.token(name="Ada", email="ada@example.com"))
    row = await columns(harness, created.account.id)
    assert (row["email"], row["pending_email"]) == ("", "ada@example.com")
    await harness.work_off(JobKind.EMAIL_VERIFICATION)
    assert [email.subject for email in harness.email.sent] == ["Confirm your e-mail address"]


async def test_account_without_an_address_works(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    created = await sign_in(identities, issuer.token())
    row = await columns(harness, created.account.id)
    assert (row["email"], row["pending_email"], row["full_name"]) == ("", "", "")
    assert row["username"].startswith("user")
    profile = await harness.profiles.get_own(created.account.id)
    assert profile.address is not None
    assert (profile.address.email, profile.address.verified) == ("", False)
    await harness.email_verification.resend(created.account.id)
    await harness.work_off()
    assert harness.email.sent == []


async def test_token_is_used_once(identities: ExternalIdentities, issuer: FakeIssuer) -> None:
    token = issuer.token(**ADA)
    await sign_in(identities, token)
    for used in (token, f"{token}=", token + "A"):
        with pytest.raises(Unauthenticated) as refused:
            await sign_in(identities, used)
        assert refused.value.code == "invalid_id_token"


async def test_concurrent_uses_of_a_token_sign_in_once(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    token = issuer.token(**ADA)
    results = await asyncio.gather(*(sign_in(identities, token) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(result, ProviderSignIn) for result in results) == 1
    assert sum(isinstance(result, Unauthenticated) for result in results) == 4
    assert await harness.value("SELECT COUNT(*) AS n FROM users") == 1


async def test_concurrent_first_sign_ins_create_one_account(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    results = await asyncio.gather(*(sign_in(identities, issuer.token(**ADA)) for _ in range(4)))
    assert len({result.account.id for result in results}) == 1
    assert [result.created for result in results].count(True) == 1
    assert await harness.value("SELECT COUNT(*) AS n FROM users") == 1


async def test_people_of_one_name_get_their_own_accounts(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    tokens = [issuer.token(f"person-{number}", **ADA) for number in range(4)]
    results = await asyncio.gather(*(sign_in(identities, token) for token in tokens))
    assert len({result.account.id for result in results}) == 4
    assert await harness.value("SELECT COUNT(*) AS n FROM users WHERE email = ?", "ada@example.com") == 1


async def test_used_tokens_are_deleted_when_they_expire(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    token = issuer.token(**ADA)
    await sign_in(identities, token)
    sweep = build_retention(harness).sweep_resets
    await sweep(await claim_maintenance_job(harness, JobKind.SWEEP_RESETS))
    with pytest.raises(Unauthenticated):
        await sign_in(identities, token)
    await harness.database.execute("UPDATE used_id_tokens SET expires_at_ms = 1")
    await sweep(await claim_maintenance_job(harness, JobKind.SWEEP_RESETS))
    assert await harness.value("SELECT COUNT(*) AS n FROM used_id_tokens") == 0


async def test_suspended_account_is_refused_as_for_passwords(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    created = await sign_in(identities, issuer.token(**ADA))
    await harness.set_status(created.account.id, AccountStatus.SUSPENDED)
    with pytest.raises(Forbidden) as refused:
        await open_session(harness, await sign_in(identities, issuer.token(**ADA)))
    assert refused.value.code == "account_suspended"


async def test_sign_in_restores_a_deactivated_account(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    created = await sign_in(identities, issuer.token(**ADA))
    await harness.set_status(created.account.id, AccountStatus.DEACTIVATED)
    await open_session(harness, await sign_in(identities, issuer.token(**ADA)))
    assert await harness.value("SELECT status FROM users WHERE id = ?", created.account.id) == "active"


async def test_new_device_is_reported_and_a_known_one_is_not(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    first = await sign_in(identities, issuer.token(**ADA), CLIENT)
    pair = await open_session(harness, first)
    assert pair.device_token
    known = Client("192.0.2.1", "A phone", pair.device_token)
    again = await sign_in(identities, issuer.token(**ADA), known)
    assert not again.account.new_device
    assert again.account.device_id
    await open_session(harness, again)
    await harness.work_off(JobKind.EMAIL_NEW_SIGN_IN)
    assert harness.email.sent == []
    other = await sign_in(identities, issuer.token("person-2", name="Eve"), known)
    assert not other.account.device_id
    await open_session(harness, await sign_in(identities, issuer.token(**ADA), CLIENT))
    await harness.work_off(JobKind.EMAIL_NEW_SIGN_IN)
    assert [email.subject for email in harness.email.sent] == ["New sign-in to your account"]


async def test_no_password_matches_an_account_without_one(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    created = await sign_in(identities, issuer.token(**ADA), username="ada")
    for password in ("", "no password", "dummy"):
        for login in ("ada", "ada@example.com"):
            with pytest.raises(Unauthenticated):
                await harness.password_authentication.authenticate(login, password)
        with pytest.raises(InvalidInput):
            await harness.account_closures.delete(
                await harness.open_session(created.account.id), Confirmation(password)
            )


async def test_reset_email_sets_the_first_password(
    harness: ServiceHarness, identities: ExternalIdentities, issuer: FakeIssuer
) -> None:
    created = await sign_in(identities, issuer.token(**ADA), username="ada")
    await harness.credentials.request_reset("ada@example.com")
    await harness.work_off(JobKind.EMAIL_RESET_LINK)
    (email,) = harness.email.sent
    token = email.text.partition("?token=")[2].split()[0]
    await harness.credentials.reset_password(token, PASSWORD)
    account = await harness.password_authentication.authenticate("ada", PASSWORD)
    assert account.id == created.account.id
    assert (await sign_in(identities, issuer.token(**ADA))).account.id == created.account.id
