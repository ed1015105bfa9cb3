"""Accounts: names are unique, and a failed sign-in tells nothing."""

import asyncio
from typing import Any

import pytest

from server.errors import Conflict, InvalidInput, Unauthenticated
from server.services.accounts.accounts import Account
from tests.support.harness import ServiceHarness

PASSWORD = "correct horse battery staple"


async def register(
    harness: ServiceHarness, username: str = "ada", email: str = "", password: str = PASSWORD
) -> Account:
    return await harness.accounts.register(username, email or f"{username}@example.com", password, "Ada")


async def test_who_registered_may_sign_in_by_name_or_address(harness: ServiceHarness) -> None:
    account = await register(harness)
    for login in ("ada", "ADA", "ada@example.com", "Ada@EXAMPLE.com"):
        assert await harness.accounts.authenticate(login, PASSWORD) == account


async def test_an_unknown_name_and_a_wrong_password_read_alike(harness: ServiceHarness) -> None:
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
        ("ada@" + "ﷺ" * 250, PASSWORD),  # 18 characters each, as it is looked for
    ]:
        with pytest.raises(Unauthenticated) as refused:
            await harness.accounts.authenticate(login, password)
        errors.append(refused.value)
    assert {(error.code, error.detail, str(error.fields)) for error in errors} == {
        ("wrong_credentials", errors[0].detail, "{}")
    }


async def test_a_name_is_taken_in_every_spelling(harness: ServiceHarness) -> None:
    await register(harness)
    for username in ("ADA", "ａｄａ", "𝐀𝐝𝐚"):
        with pytest.raises(Conflict) as taken:
            await register(harness, username, "other@example.com")
        assert taken.value.code == "username_taken"


async def test_an_address_is_taken_in_every_case(harness: ServiceHarness) -> None:
    await register(harness)
    with pytest.raises(Conflict) as taken:
        await register(harness, "other", "ADA@example.com")
    assert taken.value.code == "email_taken"


async def test_of_many_who_want_a_name_at_once_one_gets_it(harness: ServiceHarness) -> None:
    outcomes = await asyncio.gather(
        *(register(harness, "ada", f"ada{number}@example.com") for number in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, Account) for outcome in outcomes) == 1
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Conflict)} == {"username_taken"}
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 9
    assert await harness.value("SELECT COUNT(*) AS n FROM users") == 1


async def test_a_name_that_is_taken_for_a_moment_only_is_a_conflict(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = harness.unit_of_work.run

    async def overtaken(*arguments: Any, **options: Any) -> Any:
        """Somebody else has the name, and gives it up when it was refused."""
        ada = await harness.user("ada")
        try:
            return await run(*arguments, **options)
        finally:
            monkeypatch.undo()
            await harness.profiles.edit(ada, {"username": "lovelace", "email": "lovelace@example.com"})

    monkeypatch.setattr(harness.unit_of_work, "run", overtaken)
    with pytest.raises(Conflict) as taken:
        await register(harness)
    assert taken.value.code == "taken_meanwhile"
    await register(harness)


async def test_a_password_has_72_bytes_at_most(harness: ServiceHarness) -> None:
    longest = "é" * 36
    account = await register(harness, password=longest)
    assert await harness.accounts.authenticate("ada", longest) == account
    with pytest.raises(InvalidInput) as refused:
        await register(harness, "bob", password=longest + "x")
    assert list(refused.value.fields) == ["password"]
    assert await harness.value("SELECT COUNT(*) AS n FROM users") == 1


async def test_a_password_is_kept_as_a_hash(harness: ServiceHarness) -> None:
    await register(harness)
    kept = await harness.value("SELECT password_hash FROM users")
    assert kept.startswith("$2b$04$")
    assert PASSWORD not in kept
