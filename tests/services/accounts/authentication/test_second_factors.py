"""Second factors: set-up, recovery codes, removal, e-mails, and what is stored."""

import asyncio
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from pyotp.totp import TOTP

from server.errors import AppError, Conflict, InvalidInput, NotFound, Throttled, Unauthenticated
from server.services.accounts.authentication.totp import TotpSecrets
from server.services.jobs.event_jobs import JobKind
from server.services.records import Client, Confirmation, Principal, SignInChallenge, TokenPair
from tests.support.email_links import link_token
from tests.support.second_factors import CLIENT, PASSWORD, limits, protect, wrong
from tools.harness.services import EMAIL_TOKEN_TTL_S, ServiceHarness

GIVEN = Confirmation(PASSWORD)


async def register(harness: ServiceHarness) -> Principal:
    account = await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")
    await harness.email_verification.mark_verified(account.id)
    await harness.work_off()
    harness.email.sent.clear()
    return await harness.open_session(account.id)


async def asks_for_code(harness: ServiceHarness, password: str = PASSWORD) -> bool:
    account = await harness.password_authentication.authenticate("ada", password, CLIENT)
    return isinstance(await harness.sign_ins.open(account, CLIENT), SignInChallenge)


async def recover(harness: ServiceHarness) -> None:
    """Use the link of the newest e-mail, and set another password."""
    reset_token = await harness.account_recovery.recover(link_token(harness.email.sent[-1]))
    await harness.credentials.reset_password(reset_token, "another good password")


async def test_uri_names_the_service_and_the_user(harness: ServiceHarness) -> None:
    setup = await harness.second_factors.set_up(await register(harness), GIVEN)
    uri = urlsplit(setup.uri)
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", "/photos.test:ada")
    assert parse_qs(uri.query) == {"secret": [setup.secret], "issuer": ["photos.test"]}
    assert len(setup.secret) == 32


async def test_setup_counts_once_a_code_confirms_it(harness: ServiceHarness) -> None:
    ada = await register(harness)
    setup = await harness.second_factors.set_up(ada, GIVEN)
    code = TOTP(setup.secret).now()
    assert not await asks_for_code(harness)
    with pytest.raises(InvalidInput) as refused:
        await harness.second_factors.enable(ada, wrong(code))
    assert refused.value.code == "wrong_code"
    assert not await asks_for_code(harness)
    codes = await harness.second_factors.enable(ada, f"{code[:3]} {code[3:]}")
    assert len(set(codes)) == 10
    assert await asks_for_code(harness)
    status = await harness.second_factors.get_status(ada.user_id)
    assert status.enabled_at_ms is not None
    assert status.recovery_codes_left == 10
    await harness.work_off(JobKind.EMAIL_SECOND_FACTOR_CHANGED)
    (email,) = harness.email.sent
    assert (email.to, email.subject) == ("ada@example.com", "Two-step sign-in was turned on")


async def test_setup_is_refused_without_one_and_after_an_hour(harness: ServiceHarness) -> None:
    ada = await register(harness)
    with pytest.raises(Conflict) as refused:
        await harness.second_factors.enable(ada, "123456")
    assert refused.value.code == "no_second_factor_setup"
    setup = await harness.second_factors.set_up(ada, GIVEN)
    await harness.database.execute("UPDATE second_factors SET created_at_ms = created_at_ms - 3600001")
    with pytest.raises(Conflict):
        await harness.second_factors.enable(ada, TOTP(setup.secret).now())


async def test_guessing_the_confirmation_is_delayed(harness: ServiceHarness) -> None:
    ada, limited = await register(harness), harness.second_factors_with(limits(harness))
    code = TOTP((await limited.set_up(ada, GIVEN)).secret).now()
    for _ in range(10):
        with pytest.raises(InvalidInput):
            await limited.enable(ada, wrong(code))
    with pytest.raises(Throttled):
        await limited.enable(ada, code)


async def test_second_setup_replaces_the_first(harness: ServiceHarness) -> None:
    ada = await register(harness)
    first = await harness.second_factors.set_up(ada, GIVEN)
    second = await harness.second_factors.set_up(ada, GIVEN)
    with pytest.raises(InvalidInput):
        await harness.second_factors.enable(ada, TOTP(first.secret).now())
    await harness.second_factors.enable(ada, TOTP(second.secret).now())
    with pytest.raises(Conflict) as refused:
        await harness.second_factors.set_up(ada, Confirmation())
    assert refused.value.code == "second_factor_enabled"


async def test_concurrent_confirmations_give_one_set_of_codes(harness: ServiceHarness) -> None:
    ada = await register(harness)
    setup = await harness.second_factors.set_up(ada, GIVEN)
    code = TOTP(setup.secret).now()
    outcomes = await asyncio.gather(
        *(harness.second_factors.enable(ada, code) for _ in range(4)), return_exceptions=True
    )
    assert len([each for each in outcomes if isinstance(each, list)]) == 1
    assert {each.code for each in outcomes if isinstance(each, AppError)} == {"second_factor_enabled"}


async def test_disabled_second_factor_is_gone(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    principal = await harness.open_session(ada.account.id)
    await harness.second_factors.disable(principal, Confirmation(PASSWORD, await ada.code()))
    assert not await asks_for_code(harness)
    assert await harness.rows("SELECT * FROM recovery_codes") == []
    for call in (harness.second_factors.disable, harness.second_factors.renew_recovery_codes):
        with pytest.raises(NotFound):
            await call(principal, GIVEN)
    await harness.work_off(JobKind.EMAIL_SECOND_FACTOR_CHANGED)
    assert [email.subject for email in harness.email.sent] == ["Two-step sign-in was turned off"]


async def test_new_recovery_codes_replace_the_old(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    principal = await harness.open_session(ada.account.id)
    given = Confirmation(PASSWORD, await ada.code())
    codes = await harness.second_factors.renew_recovery_codes(principal, given)
    assert not set(codes) & set(ada.recovery_codes)
    with pytest.raises(Unauthenticated):
        await harness.sign_ins.complete(await ada.challenge(), ada.recovery_codes[0], CLIENT)
    await harness.sign_ins.complete(await ada.challenge(), codes[0], CLIENT)
    assert (await harness.second_factors.get_status(ada.account.id)).recovery_codes_left == 9


async def test_stored_values_do_not_reveal_the_codes(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    stored = str(await harness.rows("SELECT * FROM second_factors")) + str(
        await harness.rows("SELECT * FROM recovery_codes")
    )
    for secret in (ada.secret, *ada.recovery_codes, *(code.replace("-", "") for code in ada.recovery_codes)):
        assert secret not in stored


async def test_secret_is_bound_to_its_user_and_key(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    stored = await harness.value("SELECT secret FROM second_factors")
    bob = await harness.user("bob")
    assert harness.totp.decrypt(ada.account.id, stored) == ada.secret
    assert harness.totp.decrypt(bob, stored) is None
    assert TotpSecrets(b"another secret", "photos.test").decrypt(ada.account.id, stored) is None


async def test_recovery_removes_a_second_factor_of_a_thief(harness: ServiceHarness) -> None:
    await protect(harness)
    account = await harness.password_authentication.authenticate("ada", PASSWORD)
    await harness.sessions.create(account.id, account.password_changed_at_ms, "", "", new_device=True)
    await harness.work_off(JobKind.EMAIL_NEW_SIGN_IN)
    await recover(harness)
    assert not await asks_for_code(harness, "another good password")
    await harness.work_off(JobKind.EMAIL_SECOND_FACTOR_CHANGED)
    assert harness.email.sent[-1].subject == "Two-step sign-in was removed"


async def test_link_in_the_notice_removes_a_second_factor(harness: ServiceHarness) -> None:
    thief = await register(harness)
    setup = await harness.second_factors.set_up(thief, GIVEN)
    await harness.second_factors.enable(thief, TOTP(setup.secret).now())
    await harness.work_off(JobKind.EMAIL_SECOND_FACTOR_CHANGED)
    await recover(harness)
    assert not await asks_for_code(harness, "another good password")


async def test_recovery_keeps_an_older_second_factor(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    age_ms = max(EMAIL_TOKEN_TTL_S.values()) * 1000 + 1
    await harness.database.execute("UPDATE second_factors SET enabled_at_ms = enabled_at_ms - ?", [age_ms])
    await ada.sign_in()
    await harness.work_off(JobKind.EMAIL_NEW_SIGN_IN)
    await recover(harness)
    assert await asks_for_code(harness, "another good password")


async def test_password_reset_keeps_the_second_factor(harness: ServiceHarness) -> None:
    await protect(harness)
    await harness.credentials.request_reset("ada@example.com")
    await harness.work_off(JobKind.EMAIL_RESET_LINK)
    device_token = await harness.credentials.reset_password(
        link_token(harness.email.sent[-1]), "another good password"
    )
    client = Client("192.0.2.7", "a phone", device_token)
    account = await harness.password_authentication.authenticate("ada", "another good password", client)
    assert isinstance(await harness.sign_ins.open(account, client), SignInChallenge)


async def test_operator_removes_a_second_factor(harness: ServiceHarness) -> None:
    await protect(harness)
    assert await harness.second_factor_removal.remove("ADA")
    assert not await harness.second_factor_removal.remove("ada")
    assert not await asks_for_code(harness)
    await harness.work_off(JobKind.EMAIL_SECOND_FACTOR_CHANGED)
    assert [email.subject for email in harness.email.sent] == ["Two-step sign-in was removed"]
    with pytest.raises(NotFound):
        await harness.second_factor_removal.remove("nobody")


async def test_account_without_a_verified_address_gets_no_notice(harness: ServiceHarness) -> None:
    account = await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")
    await harness.work_off()
    harness.email.sent.clear()
    principal = await harness.open_session(account.id)
    setup = await harness.second_factors.set_up(principal, GIVEN)
    await harness.second_factors.enable(principal, TOTP(setup.secret).now())
    await harness.work_off()
    assert harness.email.sent == []


async def test_second_factor_enabled_during_a_sign_in_counts(harness: ServiceHarness) -> None:
    ada = await register(harness)
    account = await harness.password_authentication.authenticate("ada", PASSWORD, CLIENT)
    setup = await harness.second_factors.set_up(ada, GIVEN)
    opened, _ = await asyncio.gather(
        harness.sign_ins.open(account, CLIENT),
        harness.second_factors.enable(ada, TOTP(setup.secret).now()),
    )
    # Either the session came first, or the second factor did and the sign-in waits for a code.
    assert isinstance(opened, TokenPair | SignInChallenge)
    assert isinstance(await harness.sign_ins.open(account, CLIENT), SignInChallenge)
