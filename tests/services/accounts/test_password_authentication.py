"""Hashes are renewed by a sign-in."""

import bcrypt

from tools.harness.services import ServiceHarness

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
