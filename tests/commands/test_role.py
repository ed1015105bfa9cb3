"""`python run.py role`."""

import pytest

from server.commands.role import grant_role
from server.errors import NotFound
from server.models.accounts.users import UserTable
from server.models.database import Database
from tools.harness.backends import Stack


async def test_role_command_prints_the_change(
    migrated_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    database = Database(migrated_stack.database_parameters())
    await database.open()
    await UserTable.create(
        id=1, username="Ana", username_key="ana", email="a@example.com", email_key="a@example.com",
        password_hash="", password_changed_at_ms=0, created_at_ms=0,
    )  # fmt: skip
    await database.close()
    for _ in range(2):
        assert await grant_role(migrated_stack.settings(), "ana", "admin") == 0
    assert capsys.readouterr().out.splitlines() == [
        "ana now has the role admin (before: user).",
        "ana already has the role admin.",
    ]
    with pytest.raises(NotFound):
        await grant_role(migrated_stack.settings(), "bob", "admin")
