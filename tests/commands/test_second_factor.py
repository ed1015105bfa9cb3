"""`python run.py remove-second-factor`."""

import pytest

from server.commands.second_factor import remove_second_factor
from server.errors import NotFound
from server.models.accounts.users import UserTable
from server.models.database import Database
from tools.harness.backends import Stack


async def test_command_removes_a_second_factor(
    migrated_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database(migrated_stack.database_parameters())
    await database.open()
    await UserTable.create(
        id=1, username="Ana", username_key="ana", email="a@example.com", email_key="a@example.com",
        password_hash="", password_changed_at_ms=0, created_at_ms=0,
    )  # fmt: skip
    await database.execute(
        "INSERT INTO second_factors (user_id, secret, created_at_ms, enabled_at_ms, last_step)"
        " VALUES (1, 'unreadable', 1, 1, 0)"
    )
    await database.execute("INSERT INTO recovery_codes (id, user_id, code_hash) VALUES (1, 1, 'a hash')")
    await database.close()
    outcomes = [await remove_second_factor(migrated_stack.settings(), "ana") for _ in range(2)]
    assert outcomes == [0, 1]
    assert capsys.readouterr().out.splitlines() == [
        "Removed the second factor of ana. The owner gets an e-mail.",
        "ana has no second factor.",
    ]
    with pytest.raises(NotFound):
        await remove_second_factor(migrated_stack.settings(), "bob")
    database = Database(migrated_stack.database_parameters())
    await database.open()
    assert await database.rows("SELECT id FROM recovery_codes") == []
    (job,) = await database.rows("SELECT kind FROM jobs")
    assert job["kind"] == "email.second_factor_changed"
    await database.close()
