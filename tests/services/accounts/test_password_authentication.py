"""Hashes are renewed by a sign-in, and confirmations are bounded."""

import asyncio
import threading

import bcrypt
import pytest

from server.errors import Unavailable
from server.gateways.password_queue import MAX_PER_ACCOUNT
from tools.harness.services import ServiceHarness
from tools.harness.waiting import wait_until

PASSWORD = "correct horse battery staple"


async def test_hash_of_an_earlier_version_is_renewed(harness: ServiceHarness) -> None:
    account = await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")
    bare = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    await harness.database.execute("UPDATE users SET password_hash = ?", [bare])
    for _ in range(2):
        assert await harness.password_authentication.authenticate("ada", PASSWORD) == account
        renewed = await harness.value("SELECT password_hash FROM users")
        assert not harness.passwords.is_outdated(renewed)


async def test_changed_password_is_not_replaced_by_a_renewed_hash(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    await harness.login_rows.renew_password_hash(ada, "another hash", "renewed")
    assert await harness.value("SELECT password_hash FROM users") == ""


async def test_one_user_cannot_fill_the_queue_with_confirmations(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")
    release = threading.Event()
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: release.wait(30))
    confirm = harness.password_authentication.confirm
    tasks = [asyncio.ensure_future(confirm(account.id, PASSWORD)) for _ in range(20)]
    refused = 20 - MAX_PER_ACCOUNT
    await wait_until(lambda: sum(task.done() for task in tasks) == refused)
    release.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert sum(isinstance(each, Unavailable) for each in outcomes) == refused
