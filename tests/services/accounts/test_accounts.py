"""Accounts: unique names, and failed sign-ins that reveal nothing."""

import asyncio

import pytest

from server.errors import Conflict, InvalidInput, Unauthenticated
from server.models.database import DuplicateKey
from server.services.accounts.password_authentication import AuthenticatedUser
from tools.harness.services import ServiceHarness

PASSWORD = "correct horse battery staple"


async def register(
    harness: ServiceHarness, username: str = "ada", email: str = "", password: str = PASSWORD
) -> AuthenticatedUser:
    return await harness.accounts.register(username, email or f"{username}@example.com", password, "Ada")


async def test_sign_in_by_username_or_verified_email(harness: ServiceHarness) -> None:
    account = await register(harness)
    with pytest.raises(Unauthenticated):
        await harness.password_authentication.authenticate("ada@example.com", PASSWORD)
    await harness.email_verification.mark_verified(account.id)
    for login in ("ada", "ADA", "ada@example.com", "Ada@EXAMPLE.com"):
        assert await harness.password_authentication.authenticate(login, PASSWORD) == account


async def test_unknown_login_and_wrong_password_give_the_same_error(harness: ServiceHarness) -> None:
    await register(harness)
    errors: list[Unauthenticated] = []
    for login, password in [
        ("nobody", PASSWORD),
        ("nobody@example.com", PASSWORD),
        ("ada", "wrong"),
        ("ada", ""),
        ("ada", PASSWORD + "x" * 72),
        ("", ""),
        ("a" * 254, PASSWORD),
        ("ada@" + "ﷺ" * 250, PASSWORD),  # Normalizes to 18 characters each.
    ]:
        with pytest.raises(Unauthenticated) as refused:
            await harness.password_authentication.authenticate(login, password)
        errors.append(refused.value)
    assert {(error.code, error.detail, str(error.fields)) for error in errors} == {
        ("wrong_credentials", errors[0].detail, "{}")
    }


async def test_username_is_taken_in_every_spelling(harness: ServiceHarness) -> None:
    await register(harness)
    for username in ("ADA", "ａｄａ", "𝐀𝐝𝐚"):
        with pytest.raises(Conflict) as taken:
            await register(harness, username, "other@example.com")
        assert taken.value.code == "username_taken"


async def test_one_of_many_concurrent_registrations_gets_the_username(harness: ServiceHarness) -> None:
    outcomes = await asyncio.gather(
        *(register(harness, "ada", f"ada{number}@example.com") for number in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, AuthenticatedUser) for outcome in outcomes) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)} == {"username_taken"}
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 9
    assert await harness.value("SELECT COUNT(*) AS n FROM users") == 1


async def test_domains_are_compared_in_their_ascii_form(harness: ServiceHarness) -> None:
    account = await register(harness, "ada", "ada@straße.example")
    await harness.email_verification.mark_verified(account.id)
    other = await register(harness, "eve", "ada@strasse.example")  # another domain
    await harness.email_verification.mark_verified(other.id)
    for number, email in enumerate(("ada@xn--strae-oqa.example", "ADA@STRAẞE.example")):
        assert (await harness.password_authentication.authenticate(email, PASSWORD)).id == account.id
        same = await register(harness, f"bob{number}", email)
        with pytest.raises(DuplicateKey):
            await harness.email_verification.mark_verified(same.id)


async def test_password_of_any_script_counts_in_full(harness: ServiceHarness) -> None:
    for number, password in enumerate(
        ("漢字かな交じり文" * 8, "éàü!" * 31 + "漢字 a", "before\0after", "🍣🍺" * 4 + "🍞🍙")
    ):
        account = await register(harness, f"ada{number}", password=password)
        assert await harness.password_authentication.authenticate(f"ada{number}", password) == account
        with pytest.raises(Unauthenticated):
            await harness.password_authentication.authenticate(f"ada{number}", password[:-1])


async def test_rejected_password_reveals_no_account(harness: ServiceHarness) -> None:
    await register(harness)
    for username, email in (("ada", "new@example.com"), ("new", "ada@example.com")):
        with pytest.raises(InvalidInput) as refused:
            await register(harness, username, email, "password1")
        assert list(refused.value.fields) == ["password"]


async def test_password_is_stored_as_a_hash(harness: ServiceHarness) -> None:
    await register(harness)
    stored = await harness.value("SELECT password_hash FROM users")
    assert stored.startswith("sha384:$2b$04$")
    assert PASSWORD not in stored
