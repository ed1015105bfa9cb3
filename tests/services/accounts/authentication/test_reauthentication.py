"""Reauthentication: what an access token alone does not allow, in which session, and for how long."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from pyotp.totp import TOTP

from server.errors import AppError, Forbidden, InvalidInput, Unauthenticated
from server.ids import UserId
from server.services.accounts.authentication.reauthentication import WINDOW_MS
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import Confirmation, Principal
from tests.support.second_factors import PASSWORD, protect, wrong
from tools.harness.services import ServiceHarness

NOTHING = Confirmation()
NEW = "another good password"


async def register(harness: ServiceHarness) -> UserId:
    return (await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")).id


def changes(harness: ServiceHarness) -> list[Callable[[Principal, Confirmation], Awaitable[object]]]:
    """Return every change that needs a proof."""
    return [
        lambda who, given: harness.email_verification.request_change(who, given, "new@example.com"),
        harness.second_factors.set_up,
        harness.second_factors.renew_recovery_codes,
        harness.second_factors.disable,
        lambda who, given: harness.credentials.change_password(who, given, NEW),
        harness.account_closures.deactivate,
        harness.account_closures.delete,
    ]


async def outcome(call: Awaitable[object]) -> str:
    try:
        await call
    except AppError as error:
        return error.code
    return "done"


async def is_proven(harness: ServiceHarness, principal: Principal) -> bool:
    async def require(_: WorkContext) -> None:
        await harness.reauthentication.require(principal)

    return await outcome(harness.unit_of_work.run(require)) == "done"


async def test_every_change_needs_a_proof(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    thief = await harness.open_session(ada.account.id)
    for change in changes(harness):
        assert await outcome(change(thief, NOTHING)) == "reauthentication_required"
        assert (
            await outcome(change(thief, Confirmation(code=await ada.code()))) == "reauthentication_required"
        )
        assert await outcome(change(thief, Confirmation(PASSWORD))) == "reauthentication_required"
        assert await outcome(change(thief, Confirmation("wrong", await ada.code()))) == "wrong_password"
        assert await outcome(change(thief, Confirmation(PASSWORD, wrong(await ada.code())))) == "wrong_code"
    assert not await is_proven(harness, thief)


async def test_one_proof_allows_several_changes(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    principal = await harness.open_session(ada.account.id)
    await harness.reauthentication.reauthenticate(principal, Confirmation(PASSWORD, await ada.code()))
    outcomes = [await outcome(change(principal, NOTHING)) for change in changes(harness)]
    assert (
        outcomes
        == ["done", "second_factor_enabled", "done", "done", "done"] + ["reauthentication_required"] * 2
    )


async def test_proof_holds_for_its_session_alone(harness: ServiceHarness) -> None:
    ada = await register(harness)
    here, there = await harness.open_session(ada), await harness.open_session(ada)
    await harness.reauthentication.reauthenticate(here, Confirmation(PASSWORD))
    assert [await is_proven(harness, each) for each in (here, there)] == [True, False]
    other = Principal((await harness.user("bob")), here.session_id, here.role)
    assert not await is_proven(harness, other)


async def test_proof_ends_after_five_minutes(harness: ServiceHarness) -> None:
    principal = await harness.open_session(await register(harness))
    await harness.reauthentication.reauthenticate(principal, Confirmation(PASSWORD))
    await harness.database.execute(
        "UPDATE sessions SET reauthenticated_at_ms = reauthenticated_at_ms - ?", [WINDOW_MS]
    )
    assert not await is_proven(harness, principal)


async def test_changed_password_ends_the_proof(harness: ServiceHarness) -> None:
    principal = await harness.open_session(await register(harness))
    await harness.credentials.change_password(principal, Confirmation(PASSWORD), NEW)
    assert not await is_proven(harness, principal)


async def test_ended_session_cannot_prove_anything(harness: ServiceHarness) -> None:
    ada = await register(harness)
    principal = await harness.open_session(ada)
    await harness.reauthentication.reauthenticate(principal, Confirmation(PASSWORD))
    await harness.sessions.end(ada, principal.session_id)
    assert not await is_proven(harness, principal)
    with pytest.raises(Unauthenticated):
        await harness.reauthentication.reauthenticate(principal, Confirmation(PASSWORD))


async def test_new_second_factor_ends_proofs_of_other_sessions(harness: ServiceHarness) -> None:
    account = await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")
    before = await harness.open_session(account.id)
    await harness.reauthentication.reauthenticate(before, Confirmation(PASSWORD))
    ada = await protect_existing(harness, account.id)
    assert not await is_proven(harness, before)
    assert await is_proven(harness, ada)


async def test_code_is_not_used_up_by_a_wrong_password(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    principal, code = await harness.open_session(ada.account.id), await ada.code()
    with pytest.raises(InvalidInput):
        await harness.reauthentication.reauthenticate(principal, Confirmation("wrong", code))
    await harness.reauthentication.reauthenticate(principal, Confirmation(PASSWORD, code))


async def test_code_proves_once(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    # Two, because more passwords of one account are not compared at once.
    owners = [await harness.open_session(ada.account.id) for _ in range(2)]
    given = Confirmation(PASSWORD, await ada.code())
    outcomes = await asyncio.gather(
        *(outcome(harness.reauthentication.reauthenticate(each, given)) for each in owners)
    )
    assert sorted(outcomes) == ["done", "wrong_code"]


async def test_recovery_code_proves_as_well(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    principal = await harness.open_session(ada.account.id)
    await harness.second_factors.disable(principal, Confirmation(PASSWORD, ada.recovery_codes[3]))
    assert (await harness.second_factors.get_status(ada.account.id)).enabled_at_ms is None


async def test_sign_in_with_a_code_is_a_proof(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    principal = await harness.principal((await ada.sign_in()).access_token)
    await harness.second_factors.disable(principal, NOTHING)


async def test_password_of_before_a_change_proves_nothing(harness: ServiceHarness) -> None:
    ada = await register(harness)
    principal = await harness.open_session(ada)
    old_hash = await harness.password_authentication.confirm(ada, PASSWORD)
    await harness.database.execute("UPDATE users SET password_hash = 'changed'")
    with pytest.raises(InvalidInput):
        await harness.reauthentication.record(principal, password_hash=old_hash)
    assert not await is_proven(harness, principal)


async def test_account_without_a_password_needs_another_first_factor(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    principal = await harness.open_session(ada)
    for password in ("", "guess"):
        assert (
            await outcome(harness.reauthentication.reauthenticate(principal, Confirmation(password)))
            == "wrong_password"
        )
    with pytest.raises(Forbidden):
        await harness.reauthentication.reauthenticate(principal, NOTHING)
    await harness.reauthentication.record(principal)
    assert await is_proven(harness, principal)


async def test_passkey_needs_no_code(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    principal = await harness.open_session(ada.account.id)
    assert await outcome(harness.reauthentication.record(principal)) == "reauthentication_required"
    await harness.reauthentication.record(principal, has_all_factors=True)
    assert await is_proven(harness, principal)


async def protect_existing(harness: ServiceHarness, user_id: UserId) -> Principal:
    """Enable a second factor in a new session, and return it."""
    principal = await harness.open_session(user_id)
    setup = await harness.second_factors.set_up(principal, Confirmation(PASSWORD))
    await harness.second_factors.enable(principal, TOTP(setup.secret).now())
    return principal
