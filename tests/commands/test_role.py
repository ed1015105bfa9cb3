"""`python run.py role`."""

import pytest

from server.commands.role import grant_role
from server.errors import NotFound
from server.models.accounts.users import UserTable
from server.models.database import Database
from tests.support.backends import Stack


async def test_a_role_is_granted_and_told(migrated_stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
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
        "ana has the role admin now, no longer user. It counts from their next refresh.",
        "ana has the role admin already.",
    ]
    with pytest.raises(NotFound):
        await grant_role(migrated_stack.settings(), "bob", "admin")
