"""Sign-in under attack: guessing ends, and strangers do not lock owners out."""

import asyncio
from typing import Any

import pytest

from server.errors import Throttled, Unauthenticated, Unavailable
from server.gateways.redis.growing_delays import DelayRule, GrowingDelays
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.services.accounts.password_authentication import AuthenticatedUser, PasswordAuthentication
from server.services.accounts.sign_in_limits import SignInLimits, SignInRules
from server.services.jobs.event_jobs import JobKind
from server.services.records import Client
from tools.harness.services import ServiceHarness

PASSWORD, WRONG = "correct horse", "wrong"
RULES = SignInRules(Limit("login", 20, 60), Limit("login_account", 5, 60))
HOME = "203.0.113.7"


@pytest.fixture
async def authentication(harness: ServiceHarness) -> PasswordAuthentication:
    """The authentication with the limits of the default configuration, and a user `ada` with a verified address."""
    account = await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")
    await harness.email_verification.mark_verified(account.id)
    await harness.work_off()
    limits = SignInLimits(
        RateLimits(harness.pipelined_redis), GrowingDelays(harness.pipelined_redis, DelayRule()), RULES
    )
    return harness.authentication_with(limits)


async def attempt(
    authentication: PasswordAuthentication, address: str, password: str = WRONG, **options: str
) -> str:
    """Return how an attempt to sign in ends."""
    login = options.pop("login", "ada")
    try:
        await authentication.authenticate(login, password, Client(address, **options))
    except (Throttled, Unauthenticated, Unavailable) as error:
        return error.code
    return "signed in"


async def sign_in(
    harness: ServiceHarness, authentication: PasswordAuthentication, device_token: str = ""
) -> tuple[AuthenticatedUser, str]:
    """Sign in from HOME; return the account and the new device token."""
    client = Client(HOME, "a phone", device_token)
    account = await authentication.authenticate("ada", PASSWORD, client)
    pair = await harness.sessions.create(
        account.id, account.password_changed_at_ms, client.user_agent, client.address,
        device_id=account.device_id, new_device=account.new_device,
    )  # fmt: skip
    assert pair.device_token is not None
    return account, pair.device_token


async def test_100_strangers_do_not_lock_the_owner_out(
    harness: ServiceHarness, authentication: PasswordAuthentication
) -> None:
    _, token = await sign_in(harness, authentication)
    for _ in range(2):
        outcomes = await asyncio.gather(
            *(attempt(authentication, f"198.{n // 50}.{n % 50}.9") for n in range(100))
        )
        assert set(outcomes) <= {"wrong_credentials", "throttled"}
        assert await attempt(authentication, HOME, PASSWORD, device_token=token) == "signed in"
    assert outcomes == ["throttled"] * 100
    # All strangers together had ten guesses; then the first delay of 15 seconds began.
    assert await attempt(authentication, "192.0.2.1") == "throttled"
    assert await attempt(authentication, "192.0.2.1", PASSWORD) == "throttled"


async def test_right_password_is_never_counted(authentication: PasswordAuthentication) -> None:
    for _ in range(30):
        assert await attempt(authentication, HOME, PASSWORD) == "signed in"


async def test_failures_count_per_account_and_network(authentication: PasswordAuthentication) -> None:
    outcomes = [
        await attempt(authentication, f"198.51.100.{n}", login=["ada", "ADA"][n % 2]) for n in range(7)
    ]
    assert outcomes == ["wrong_credentials"] * 5 + ["throttled"] * 2
    # Neither another network nor another account is affected.
    assert await attempt(authentication, "198.51.101.1", PASSWORD) == "signed in"
    assert await attempt(authentication, "198.51.100.1", login="bob") == "wrong_credentials"


async def test_failures_count_per_address(authentication: PasswordAuthentication) -> None:
    outcomes = [await attempt(authentication, HOME, login=f"nobody{n}") for n in range(22)]
    assert outcomes == ["wrong_credentials"] * 20 + ["throttled"] * 2
    assert await attempt(authentication, HOME, PASSWORD) == "throttled"
    assert await attempt(authentication, "203.0.113.8", PASSWORD) == "signed in"


async def test_refused_attempt_counts_against_nothing(authentication: PasswordAuthentication) -> None:
    for n in range(20):
        await attempt(authentication, HOME, login=f"nobody{n}")
    for _ in range(20):
        assert await attempt(authentication, HOME) == "throttled"
    assert await attempt(authentication, "198.51.100.1") == "wrong_credentials"


async def test_full_password_queue_is_not_counted(
    harness: ServiceHarness, authentication: PasswordAuthentication, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any) -> bool:
        raise Unavailable

    monkeypatch.setattr(harness.passwords, "matches", full)
    for _ in range(30):
        assert await attempt(authentication, HOME, PASSWORD) == "unavailable"
    monkeypatch.undo()
    assert await attempt(authentication, HOME, PASSWORD) == "signed in"


async def test_known_device_has_separate_delays(
    harness: ServiceHarness, authentication: PasswordAuthentication
) -> None:
    _, token = await sign_in(harness, authentication)
    outcomes = [await attempt(authentication, f"192.0.{n}.1", device_token=token) for n in range(15)]
    assert outcomes == ["wrong_credentials"] * 10 + ["throttled"] * 5
    assert await attempt(authentication, HOME, PASSWORD, device_token=token) == "throttled"
    assert await attempt(authentication, HOME, PASSWORD) == "signed in"


async def test_device_token_helps_its_own_user_only(
    harness: ServiceHarness, authentication: PasswordAuthentication
) -> None:
    _, token = await sign_in(harness, authentication)
    await harness.accounts.register("bob", "bob@example.com", PASSWORD, "")
    for made_up in (token, token[:-4] + "AAAA", "nonsense"):
        account = await authentication.authenticate("bob", PASSWORD, Client(HOME, device_token=made_up))
        assert account.device_id is None
    for n in range(12):
        outcome = await attempt(authentication, f"192.0.{n}.1", login="bob", device_token=token)
    assert outcome == "throttled"


async def test_owner_is_notified_once_a_day(
    harness: ServiceHarness, authentication: PasswordAuthentication
) -> None:
    for n in range(50):
        await attempt(authentication, f"198.51.{n}.1")
        if n == 20:
            await authentication.forget_failures("ada", "ada@example.com")
    assert await harness.work_off(JobKind.EMAIL_SIGN_INS_FAILED) == 1
    (email,) = harness.email.sent
    assert email.to == "ada@example.com"
    assert "10 attempts" in email.text


async def test_unknown_name_is_refused_alike_and_sends_no_email(
    harness: ServiceHarness, authentication: PasswordAuthentication
) -> None:
    for login in ("ada", "nobody"):
        outcomes = [await attempt(authentication, f"198.51.{n}.1", login=login) for n in range(12)]
        assert outcomes == ["wrong_credentials"] * 10 + ["throttled"] * 2
    assert await harness.work_off(JobKind.EMAIL_SIGN_INS_FAILED) == 2  # equal work, so equal time
    assert [email.to for email in harness.email.sent] == ["ada@example.com"]


async def test_reset_lets_the_owner_in_at_once(
    harness: ServiceHarness, authentication: PasswordAuthentication
) -> None:
    for n in range(12):
        await attempt(authentication, f"198.51.{n}.1")
    assert await attempt(authentication, HOME, PASSWORD) == "throttled"
    await authentication.forget_failures("Ada", "ADA@example.com")
    assert await attempt(authentication, HOME, PASSWORD) == "signed in"
    # Also if the strangers go on.
    token = authentication.remember_device(
        (await harness.password_authentication.authenticate("ada", PASSWORD)).id
    )
    for n in range(12):
        await attempt(authentication, f"198.51.{n}.1")
    assert await attempt(authentication, "192.0.2.1", PASSWORD) == "throttled"
    assert await attempt(authentication, "192.0.2.1", PASSWORD, device_token=token) == "signed in"


async def test_sign_in_on_an_unknown_device_notifies_the_owner(
    harness: ServiceHarness, authentication: PasswordAuthentication
) -> None:
    account, token = await sign_in(harness, authentication)
    assert (account.device_id, account.new_device) == (None, True)
    for _ in range(2):  # each sign-in returns another token of the same device
        account, token = await sign_in(harness, authentication, token)
        assert account.device_id is not None
        assert not account.new_device
    assert await harness.work_off(JobKind.EMAIL_NEW_SIGN_IN) == 1
    assert HOME in harness.email.sent[0].text


async def test_device_of_before_a_password_change_notifies_the_owner(
    harness: ServiceHarness, authentication: PasswordAuthentication
) -> None:
    _, token = await sign_in(harness, authentication)
    await harness.database.execute("UPDATE users SET password_changed_at_ms = password_changed_at_ms + 60000")
    account, token = await sign_in(harness, authentication, token)
    assert account.new_device
    assert account.device_id is not None


async def test_confirmations_of_the_password_are_limited(
    harness: ServiceHarness, authentication: PasswordAuthentication
) -> None:
    account, _ = await sign_in(harness, authentication)
    assert [await authentication.confirm(account.id, "wrong") for _ in range(10)] == [None] * 10
    with pytest.raises(Throttled):
        await authentication.confirm(account.id, PASSWORD)
    assert await attempt(authentication, HOME, PASSWORD) == "signed in"
