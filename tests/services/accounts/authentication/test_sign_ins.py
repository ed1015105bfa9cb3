"""Sign-in with a second factor: one session per challenge and per code, and an end to guessing."""

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import pytest

from server.errors import AppError, Throttled, Unauthenticated
from server.paging import PageRequest
from server.services.accounts.authentication.sign_ins import MAX_ATTEMPTS, SignIns
from server.services.jobs.event_jobs import JobKind
from server.services.records import Confirmation, SignInChallenge, TokenPair
from tests.support.second_factors import CLIENT, PASSWORD, Protected, limits, protect, wrong
from tools.harness.services import ServiceHarness


async def outcome(sign_ins: SignIns, challenge: str, code: str) -> str:
    """Return how a code for a challenge ends: the code of the error."""
    try:
        await sign_ins.complete(challenge, code, CLIENT)
    except AppError as error:
        return error.code
    return "signed in"


async def sessions(harness: ServiceHarness) -> int:
    return await harness.value("SELECT COUNT(*) AS n FROM sessions WHERE second_factor <> ''")


async def gathered(calls: Sequence[Awaitable[Any]]) -> list[Any]:
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_account_without_second_factor_signs_in_at_once(harness: ServiceHarness) -> None:
    account = await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")
    opened = await harness.sign_ins.open(account, CLIENT)
    assert isinstance(opened, TokenPair)
    (row,) = await harness.rows("SELECT method, second_factor, reauthenticated_at_ms FROM sessions")
    assert row == {"method": "password", "second_factor": "", "reauthenticated_at_ms": None}


async def test_password_alone_opens_no_session(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    before = await harness.value("SELECT COUNT(*) AS n FROM sessions")
    opened = await harness.sign_ins.open(ada.account, CLIENT)
    assert isinstance(opened, SignInChallenge)
    assert await harness.value("SELECT COUNT(*) AS n FROM sessions") == before


async def test_code_completes_the_sign_in(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    pair = await ada.sign_in()
    principal = await harness.principal(pair.access_token)
    assert principal.user_id == ada.account.id
    page = await harness.sessions.list_sessions(principal, PageRequest())
    assert (page.items[0].method, page.items[0].second_factor) == ("password", "totp")
    await harness.work_off()
    assert [email.subject for email in harness.email.sent] == ["New sign-in to your account"]


@pytest.mark.parametrize("steps", [-1, 0, 1])
async def test_codes_of_neighbouring_steps_are_valid(harness: ServiceHarness, steps: int) -> None:
    ada = await protect(harness)
    assert await outcome(harness.sign_ins, await ada.challenge(), await ada.code(steps)) == "signed in"


@pytest.mark.parametrize("steps", [-3, 3])
async def test_codes_of_other_steps_are_refused(harness: ServiceHarness, steps: int) -> None:
    ada = await protect(harness)
    code = await ada.code(steps)
    assert await outcome(harness.sign_ins, await ada.challenge(), code) == "second_factor_failed"


async def test_code_is_used_once(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    code, earlier = await ada.code(1), await ada.code(0)
    assert await outcome(harness.sign_ins, await ada.challenge(), code) == "signed in"
    for used in (code, earlier):
        assert await outcome(harness.sign_ins, await ada.challenge(), used) == "second_factor_failed"


async def test_code_that_enabled_the_second_factor_is_used(harness: ServiceHarness) -> None:
    await protect(harness)
    (row,) = await harness.rows("SELECT last_step FROM second_factors")
    assert abs(row["last_step"] - harness.clock.now_ms() // 30_000) <= 1


async def test_concurrent_uses_of_one_code_open_one_session(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    challenges = [await ada.challenge() for _ in range(8)]
    code = await ada.code()
    outcomes = await gathered([outcome(harness.sign_ins, each, code) for each in challenges])
    assert sorted(outcomes) == ["second_factor_failed"] * 7 + ["signed in"]
    assert await sessions(harness) == 1


async def test_concurrent_uses_of_a_recovery_code_open_one_session(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    challenges = [await ada.challenge() for _ in range(8)]
    outcomes = await gathered([outcome(harness.sign_ins, each, ada.recovery_codes[0]) for each in challenges])
    assert sorted(outcomes) == ["second_factor_failed"] * 7 + ["signed in"]
    assert await sessions(harness) == 1
    await harness.work_off(JobKind.EMAIL_SECOND_FACTOR_CHANGED)
    assert [email.subject for email in harness.email.sent] == ["A recovery code was used"]


async def test_concurrent_uses_of_a_challenge_open_one_session(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    challenge, codes = await ada.challenge(), ada.recovery_codes[:4]
    outcomes = await gathered([outcome(harness.sign_ins, challenge, code) for code in codes])
    assert sorted(outcomes) == ["second_factor_failed"] * 3 + ["signed in"]
    status = await harness.second_factors.get_status(ada.account.id)
    assert status.recovery_codes_left == len(ada.recovery_codes) - 1


async def test_challenge_is_used_once(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    challenge = await ada.challenge()
    assert await outcome(harness.sign_ins, challenge, await ada.code()) == "signed in"
    assert await outcome(harness.sign_ins, challenge, await ada.code(1)) == "second_factor_failed"


async def test_challenge_ends_after_five_wrong_codes(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    challenge, code = await ada.challenge(), await ada.code()
    outcomes = await gathered([outcome(harness.sign_ins, challenge, wrong(code)) for _ in range(8)])
    assert set(outcomes) == {"second_factor_failed"}
    assert await harness.value("SELECT attempts FROM sign_in_challenges") == MAX_ATTEMPTS
    assert await outcome(harness.sign_ins, challenge, code) == "second_factor_failed"
    assert await outcome(harness.sign_ins, await ada.challenge(), code) == "signed in"


async def test_wrong_code_leaves_the_challenge(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    challenge, code = await ada.challenge(), await ada.code()
    for guess in [wrong(code), "", "12345", "not-a-code", "\udcff", "١٢٣٤٥٦"][: MAX_ATTEMPTS - 1]:
        assert await outcome(harness.sign_ins, challenge, guess) == "second_factor_failed"
    assert await outcome(harness.sign_ins, challenge, code) == "signed in"


async def test_expired_challenge_is_refused(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    challenge = await ada.challenge()
    await harness.database.execute("UPDATE sign_in_challenges SET expires_at_ms = 1")
    assert await outcome(harness.sign_ins, challenge, await ada.code()) == "second_factor_failed"


async def test_unknown_challenge_is_refused(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    pair = await ada.sign_in()
    for token in ("", "nonsense", "\udcff", pair.refresh_token, pair.device_token or ""):
        assert await outcome(harness.sign_ins, token, await ada.code()) == "second_factor_failed"


async def test_challenge_of_another_account_is_refused(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    mallory = await harness.accounts.register("mallory", "mallory@example.com", PASSWORD, "")
    principal = await harness.open_session(mallory.id)
    await harness.second_factors.set_up(principal, Confirmation(PASSWORD))
    await harness.database.execute(
        "UPDATE second_factors SET enabled_at_ms = 1 WHERE user_id = ?", [mallory.id]
    )
    challenge = await harness.sign_ins.open(mallory, CLIENT)
    assert isinstance(challenge, SignInChallenge)
    for code in (await ada.code(), ada.recovery_codes[0]):
        assert await outcome(harness.sign_ins, challenge.token, code) == "second_factor_failed"


@pytest.mark.parametrize("change", ["password", "factor"])
async def test_challenge_ends_with_what_it_is_based_on(harness: ServiceHarness, change: str) -> None:
    ada = await protect(harness)
    challenge, principal = await ada.challenge(), await harness.open_session(ada.account.id)
    confirmation = Confirmation(PASSWORD, await ada.code(-1))
    if change == "password":
        await harness.credentials.change_password(principal, confirmation, "another good password")
    else:
        await harness.second_factors.disable(principal, confirmation)
    assert await outcome(harness.sign_ins, challenge, await ada.code()) == "second_factor_failed"


async def test_password_of_before_a_change_gives_no_challenge(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    account = await harness.password_authentication.authenticate("ada", PASSWORD)
    await harness.database.execute("UPDATE users SET password_changed_at_ms = password_changed_at_ms + 1")
    with pytest.raises(Unauthenticated):
        await harness.sign_ins.open(account, CLIENT)
    assert ada.account.id == account.id


async def test_reset_password_does_not_bypass_the_second_factor(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    await harness.database.execute("UPDATE users SET password_changed_at_ms = password_changed_at_ms + 1")
    login = await harness.login_rows.get(ada.account.id)
    assert login is not None
    device_token = harness.password_authentication.remember_device(ada.account.id)
    client = CLIENT.__class__(CLIENT.address, CLIENT.user_agent, device_token)
    account = await harness.password_authentication.authenticate("ada", PASSWORD, client)
    assert isinstance(await harness.sign_ins.open(account, client), SignInChallenge)


async def test_many_challenges_do_not_help_guessing(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    limited, code = harness.sign_ins_with(limits(harness)), await ada.code()
    outcomes: list[str] = []
    for _ in range(3):
        challenge = await ada.challenge()
        outcomes += [await outcome(limited, challenge, wrong(code)) for _ in range(MAX_ATTEMPTS)]
    assert outcomes == ["second_factor_failed"] * 10 + ["throttled"] * 5
    challenge = await ada.challenge()
    assert await outcome(limited, challenge, code) == "throttled"
    await harness.work_off(JobKind.EMAIL_SECOND_FACTOR_FAILED)
    (email,) = harness.email.sent
    assert email.subject == "Wrong codes were entered for your account"


async def test_right_code_ends_the_count_of_failures(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    limited = harness.sign_ins_with(limits(harness))
    for _ in range(4):
        challenge, code = await ada.challenge(), await ada.code()
        for _ in range(MAX_ATTEMPTS - 1):
            assert await outcome(limited, challenge, wrong(code)) == "second_factor_failed"
        assert await outcome(limited, challenge, code) == "signed in"


async def test_guessing_a_challenge_does_not_delay_the_owner(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    limited = harness.sign_ins_with(limits(harness))
    for number in range(30):
        assert await outcome(limited, f"guess {number}", "123456") == "second_factor_failed"
    assert await outcome(limited, await ada.challenge(), await ada.code()) == "signed in"


async def test_recovery_code_is_accepted_as_people_type_it(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    for code, typed in zip(ada.recovery_codes, (str.upper, _spaced, _lookalikes), strict=False):
        assert await outcome(harness.sign_ins, await ada.challenge(), typed(code)) == "signed in"


async def test_code_of_another_secret_is_refused(harness: ServiceHarness) -> None:
    ada = await protect(harness)
    await harness.database.execute(
        "UPDATE second_factors SET secret = ?", [harness.totp.encrypt(ada.account.id, "A" * 32)]
    )
    assert await outcome(harness.sign_ins, await ada.challenge(), await ada.code()) == "second_factor_failed"


async def test_confirmation_while_delayed_is_throttled(harness: ServiceHarness) -> None:
    ada: Protected = await protect(harness)
    limited = harness.reauthentication_with(limits(harness))
    principal, code = await harness.open_session(ada.account.id), await ada.code()
    for _ in range(10):
        with pytest.raises(AppError) as refused:
            await limited.reauthenticate(principal, Confirmation(PASSWORD, wrong(code)))
        assert refused.value.code == "wrong_code"
    with pytest.raises(Throttled):
        await limited.reauthenticate(principal, Confirmation(PASSWORD, code))


def _spaced(code: str) -> str:
    return f" {code[:3]} {code[3:]} "


def _lookalikes(code: str) -> str:
    return code.replace("0", "O").replace("1", "l")
