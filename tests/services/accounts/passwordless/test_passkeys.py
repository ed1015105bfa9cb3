"""Passkeys: registration, sign-in and reauthentication, and responses that are refused."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from server.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from server.gateways.relying_party import encode
from server.ids import PasskeyId, UserId
from server.services.accounts.passwordless.passkey_challenges import (
    TTL_MS,
)
from server.services.accounts.passwordless.passkeys import MAX_PASSKEYS
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus, Client, Confirmation, Passkey, Principal, TokenPair
from tests.support.jobs import build_retention, claim_maintenance_job
from tests.support.second_factors import PASSWORD, enable_second_factor
from tests.support.software_authenticator import (
    BACKUP_ELIGIBLE,
    USER_PRESENT,
    SoftwareAuthenticator,
    with_flipped_signature,
)
from tools.harness.services import PASSKEY_ORIGIN, ServiceHarness

CLIENT = Client("192.0.2.7", "a phone")
NOTHING = Confirmation()


@pytest.fixture
def authenticator() -> SoftwareAuthenticator:
    return SoftwareAuthenticator(PASSKEY_ORIGIN, counts=True)


async def register(harness: ServiceHarness, name: str = "ada") -> UserId:
    """Register a user with a verified address."""
    user_id = (await harness.accounts.register(name, f"{name}@example.com", PASSWORD, "Ada Lovelace")).id
    await harness.email_verification.mark_verified(user_id)
    await harness.work_off()
    harness.email.sent.clear()
    return user_id


async def add_passkey(
    harness: ServiceHarness, user_id: UserId, authenticator: SoftwareAuthenticator, name: str = "Phone"
) -> Passkey:
    principal = await harness.open_session(user_id)
    options = await harness.passkeys.begin_registration(principal, Confirmation(PASSWORD))
    return await harness.passkeys.register(principal, authenticator.create(options), name)


async def remove_password(harness: ServiceHarness, user_id: UserId) -> None:
    await harness.database.execute("UPDATE users SET password_hash = '' WHERE id = ?", [user_id])


async def test_passkey_signs_its_user_in(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    ada = await register(harness)
    added = await add_passkey(harness, ada, authenticator)
    assert (added.name, added.backup_eligible, added.last_used_at_ms) == ("Phone", True, None)
    options = harness.passkey_sign_ins.begin()
    assert options["allowCredentials"] == []
    account = await harness.passkey_sign_ins.authenticate(authenticator.get(options), CLIENT)
    assert (account.id, account.has_all_factors, account.new_device) == (ada, True, True)
    pair = await harness.sign_ins.open(account, CLIENT)
    assert isinstance(pair, TokenPair)
    (listed,) = await harness.passkeys.list_passkeys(ada)
    assert listed.last_used_at_ms is not None
    await harness.work_off(JobKind.EMAIL_SIGN_IN_METHOD_CHANGED, JobKind.EMAIL_NEW_SIGN_IN)
    assert [email.subject for email in harness.email.sent] == [
        "A passkey was added to your account",
        "New sign-in to your account",
    ]
    assert "“Phone”" in harness.email.sent[0].text


async def test_passkey_replaces_the_second_factor(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    ada = await register(harness)
    await add_passkey(harness, ada, authenticator)
    await enable_second_factor(harness, ada, PASSWORD)
    response = authenticator.get(harness.passkey_sign_ins.begin())
    account = await harness.passkey_sign_ins.authenticate(response, CLIENT)
    pair = await harness.sign_ins.open(account, CLIENT)
    assert isinstance(pair, TokenPair)
    principal = await harness.principal(pair.access_token)
    # Signing in with all factors is a reauthentication.
    await harness.account_closures.deactivate(principal, NOTHING)


async def test_passkey_reauthenticates(harness: ServiceHarness, authenticator: SoftwareAuthenticator) -> None:
    ada = await register(harness)
    await add_passkey(harness, ada, authenticator)
    await enable_second_factor(harness, ada, PASSWORD)
    principal = await harness.open_session(ada)
    with pytest.raises(Forbidden):
        await harness.account_closures.deactivate(principal, NOTHING)
    options = await harness.passkey_sign_ins.begin_reauthentication(principal)
    (allowed,) = options["allowCredentials"]
    assert allowed["id"] == encode(authenticator.passkeys[0].credential_id)
    response = authenticator.get(options, user_handle=None)
    await harness.passkey_sign_ins.reauthenticate(principal, response)
    await harness.account_closures.deactivate(principal, NOTHING)


async def test_passkey_of_another_user_does_not_reauthenticate(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    ada, eve = await register(harness), await register(harness, "eve")
    await add_passkey(harness, eve, authenticator)
    thief = await harness.open_session(ada)
    options = await harness.passkey_sign_ins.begin_reauthentication(thief)
    assert options["allowCredentials"] == []
    for changes in ({}, {"user_handle": str(ada).encode()}, {"user_handle": None}):
        with pytest.raises(InvalidInput) as refused:
            await harness.passkey_sign_ins.reauthenticate(thief, authenticator.get(options, **changes))
        assert refused.value.code == "invalid_passkey"
    with pytest.raises(Forbidden):
        await harness.account_closures.deactivate(thief, NOTHING)


async def test_registration_needs_a_reauthentication(harness: ServiceHarness) -> None:
    thief = await harness.open_session(await register(harness))
    with pytest.raises(Forbidden) as refused:
        await harness.passkeys.begin_registration(thief, NOTHING)
    assert refused.value.code == "reauthentication_required"


async def test_options_belong_to_one_session(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    ada, eve = await register(harness), await register(harness, "eve")
    first, second, other = [await harness.open_session(each) for each in (ada, ada, eve)]
    options = await harness.passkeys.begin_registration(first, Confirmation(PASSWORD))
    response = authenticator.create(options)
    for principal in (second, other):
        with pytest.raises(InvalidInput):
            await harness.passkeys.register(principal, response, "Phone")
    await harness.passkeys.register(first, response, "Phone")
    with pytest.raises(InvalidInput):
        await harness.passkeys.register(first, response, "Phone")


Respond = Callable[[ServiceHarness, SoftwareAuthenticator], dict[str, Any]]


def changed(**changes: Any) -> Respond:
    return lambda harness, authenticator: authenticator.get(harness.passkey_sign_ins.begin(), **changes)


def made_up_challenge(_: ServiceHarness, authenticator: SoftwareAuthenticator) -> dict[str, Any]:
    return authenticator.get({"challenge": encode(b"made up" * 10)})


def unverified(harness: ServiceHarness, authenticator: SoftwareAuthenticator) -> dict[str, Any]:
    authenticator.flags = USER_PRESENT | BACKUP_ELIGIBLE
    return authenticator.get(harness.passkey_sign_ins.begin())


def flipped(harness: ServiceHarness, authenticator: SoftwareAuthenticator) -> dict[str, Any]:
    return with_flipped_signature(authenticator.get(harness.passkey_sign_ins.begin()))


def unknown(harness: ServiceHarness, authenticator: SoftwareAuthenticator) -> dict[str, Any]:
    authenticator.create({"rp": {"id": "photos.test"}, "user": {"id": encode(b"1")}, "challenge": "AAAA"})
    return authenticator.get(harness.passkey_sign_ins.begin())


WRONG: dict[str, Respond] = {
    "another origin": changed(origin="https://photos.test.evil.example"),
    "another site": changed(site="evil.example"),
    "another user": changed(user_handle=b"7"),
    "no user": changed(user_handle=None),
    "a made-up challenge": made_up_challenge,
    "a user who was not verified": unverified,
    "a flipped bit": flipped,
    "an unknown passkey": unknown,
    "not a response": lambda _, __: {"id": "?", "rawId": "?", "type": "public-key", "response": {}},
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_wrong_sign_in_has_the_same_refusal(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator, wrong: str
) -> None:
    await add_passkey(harness, await register(harness), authenticator)
    with pytest.raises(Unauthenticated) as refused:
        await harness.passkey_sign_ins.authenticate(WRONG[wrong](harness, authenticator), CLIENT)
    assert (refused.value.code, refused.value.detail) == (
        "invalid_passkey",
        "This passkey was not accepted. Try again, or sign in in another way.",
    )
    await harness.work_off(JobKind.EMAIL_SIGN_IN_METHOD_CHANGED)
    assert len(harness.email.sent) == 1  # about the passkey that was added


async def test_challenge_is_used_once(harness: ServiceHarness, authenticator: SoftwareAuthenticator) -> None:
    authenticator.counts = False
    ada = await register(harness)
    await add_passkey(harness, ada, authenticator)
    options = harness.passkey_sign_ins.begin()
    responses = [authenticator.get(options) for _ in range(4)]
    results = await asyncio.gather(
        *(harness.passkey_sign_ins.authenticate(each, CLIENT) for each in responses), return_exceptions=True
    )
    assert sum(isinstance(result, Unauthenticated) for result in results) == 3
    sweep = build_retention(harness).sweep_resets
    await sweep(await claim_maintenance_job(harness, JobKind.SWEEP_RESETS))
    with pytest.raises(Unauthenticated):
        await harness.passkey_sign_ins.authenticate(responses[0], CLIENT)


async def test_challenge_expires_and_has_one_purpose(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await register(harness)
    await add_passkey(harness, ada, authenticator)
    principal = await harness.open_session(ada)
    options = await harness.passkey_sign_ins.begin_reauthentication(principal)
    with pytest.raises(Unauthenticated):
        await harness.passkey_sign_ins.authenticate(authenticator.get(options), CLIENT)
    with pytest.raises(InvalidInput):
        await harness.passkey_sign_ins.reauthenticate(
            principal, authenticator.get(harness.passkey_sign_ins.begin())
        )
    options = harness.passkey_sign_ins.begin()
    now_ms = harness.clock.now_ms()
    monkeypatch.setattr(harness.clock, "now_ms", lambda: now_ms + TTL_MS)
    with pytest.raises(Unauthenticated):
        await harness.passkey_sign_ins.authenticate(authenticator.get(options), CLIENT)


async def test_copy_of_a_passkey_is_refused_and_reported(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    await add_passkey(harness, await register(harness), authenticator)
    for _ in range(3):
        response = authenticator.get(harness.passkey_sign_ins.begin())
        await harness.passkey_sign_ins.authenticate(response, CLIENT)
    await harness.work_off()
    harness.email.sent.clear()
    authenticator.passkeys[0].count = 1  # the copy
    response = authenticator.get(harness.passkey_sign_ins.begin())
    for _ in range(2):
        with pytest.raises(Unauthenticated) as refused:
            await harness.passkey_sign_ins.authenticate(response, CLIENT)
        assert refused.value.code == "invalid_passkey"
    await harness.work_off(JobKind.EMAIL_SIGN_IN_METHOD_CHANGED)
    assert [email.subject for email in harness.email.sent] == ["A sign-in with a passkey was refused"]
    authenticator.passkeys[0].count = 3
    response = authenticator.get(harness.passkey_sign_ins.begin())
    assert await harness.passkey_sign_ins.authenticate(response, CLIENT)


async def test_forged_count_causes_no_alert(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    await add_passkey(harness, await register(harness), authenticator)
    response = authenticator.get(harness.passkey_sign_ins.begin())
    await harness.passkey_sign_ins.authenticate(response, CLIENT)
    await harness.work_off()
    harness.email.sent.clear()
    authenticator.passkeys[0].count = 0
    forged = with_flipped_signature(authenticator.get(harness.passkey_sign_ins.begin()))
    with pytest.raises(Unauthenticated):
        await harness.passkey_sign_ins.authenticate(forged, CLIENT)
    await harness.work_off()
    assert harness.email.sent == []


async def test_passkeys_belong_to_one_user(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    ada, eve = await register(harness), await register(harness, "eve")
    passkey = await add_passkey(harness, ada, authenticator)
    principal = await harness.open_session(eve)
    await harness.reauthentication.reauthenticate(principal, Confirmation(PASSWORD))
    calls: list[Awaitable[object]] = [
        harness.passkeys.rename(eve, passkey.id, "Mine"),
        harness.passkeys.delete(principal, passkey.id),
        harness.passkeys.delete(principal, PasskeyId(1)),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            await call
    await harness.passkeys.rename(ada, passkey.id, "Mine")
    assert [each.name for each in await harness.passkeys.list_passkeys(ada)] == ["Mine"]


async def test_known_credential_is_not_added_again(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, eve = await register(harness), await register(harness, "eve")
    monkeypatch.setattr("tests.support.software_authenticator.token_bytes", lambda size: b"k" * size)
    await add_passkey(harness, ada, authenticator)
    with pytest.raises(Conflict) as refused:
        await add_passkey(harness, eve, authenticator)
    assert refused.value.code == "passkey_in_use"
    principal = await harness.open_session(ada)
    options = await harness.passkeys.begin_registration(principal, Confirmation(PASSWORD))
    assert [each["id"] for each in options["excludeCredentials"]] == [encode(b"k" * 32)]


async def test_number_of_passkeys_is_bounded(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    ada = await register(harness)
    principal = await harness.open_session(ada)
    await harness.reauthentication.reauthenticate(principal, Confirmation(PASSWORD))
    options = [await harness.passkeys.begin_registration(principal, NOTHING) for _ in range(MAX_PASSKEYS + 1)]
    for each in options[:-1]:
        await harness.passkeys.register(principal, authenticator.create(each), "Phone")
    with pytest.raises(Conflict) as refused:
        await harness.passkeys.register(principal, authenticator.create(options[-1]), "Phone")
    assert refused.value.code == "too_many_passkeys"
    with pytest.raises(Conflict):
        await harness.passkeys.begin_registration(principal, NOTHING)


async def test_last_way_to_sign_in_stays(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    ada = await register(harness)
    first = await add_passkey(harness, ada, authenticator)
    second = await add_passkey(harness, ada, authenticator, "Laptop")
    await remove_password(harness, ada)
    principal = await sign_in(harness, authenticator)
    await harness.passkeys.delete(principal, first.id)
    with pytest.raises(Conflict) as refused:
        await harness.passkeys.delete(principal, second.id)
    assert refused.value.code == "last_sign_in_method"
    methods = await harness.sign_in_methods.get(ada)
    assert (methods.password, methods.passkeys, methods.providers, methods.second_factor) == (
        False,
        1,
        (),
        False,
    )
    await harness.credentials.change_password(principal, NOTHING, "another good password")
    principal = await sign_in(harness, authenticator)
    await harness.passkeys.delete(principal, second.id)


async def sign_in(harness: ServiceHarness, authenticator: SoftwareAuthenticator) -> Principal:
    response = authenticator.get(harness.passkey_sign_ins.begin())
    account = await harness.passkey_sign_ins.authenticate(response, CLIENT)
    pair = await harness.sign_ins.open(account, CLIENT)
    assert isinstance(pair, TokenPair)
    return await harness.principal(pair.access_token)


async def test_suspended_account_is_refused(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    ada = await register(harness)
    await add_passkey(harness, ada, authenticator)
    await harness.set_status(ada, AccountStatus.SUSPENDED)
    with pytest.raises(Forbidden):
        await sign_in(harness, authenticator)
    await harness.set_status(ada, AccountStatus.DEACTIVATED)
    assert (await sign_in(harness, authenticator)).user_id == ada


async def test_recovery_removes_recent_passkeys(
    harness: ServiceHarness, authenticator: SoftwareAuthenticator
) -> None:
    ada = await register(harness)
    await add_passkey(harness, ada, authenticator, "Old")
    await harness.database.execute("UPDATE passkeys SET created_at_ms = 1")
    await add_passkey(harness, ada, authenticator, "New")
    await harness.work_off(JobKind.EMAIL_SIGN_IN_METHOD_CHANGED)
    token = harness.email.sent[-1].text.partition("?token=")[2].split()[0]
    await harness.account_recovery.recover(token)
    assert [each.name for each in await harness.passkeys.list_passkeys(ada)] == ["Old"]
