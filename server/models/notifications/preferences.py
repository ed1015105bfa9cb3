"""Table `notification_preferences`: which channels a user wants per notification type."""

from collections.abc import Mapping
from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.database import Database, DuplicateKey, SerializationFailure


class NotificationPreferenceTable(Model):
    """One row per user and type that differs from the default, which is every channel."""

    id = fields.BigIntField(primary_key=True, generated=False)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=False
    )
    type = fields.CharField(max_length=16)
    push = fields.SmallIntField(default=1)
    email = fields.SmallIntField(default=1)
    in_app = fields.SmallIntField(default=1)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "notification_preferences"
        unique_together = (("user_id", "type"),)


@dataclass(frozen=True, slots=True)
class PreferenceRow:
    type: str
    push: bool
    email: bool
    in_app: bool


class PreferenceRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_user(self, user_id: UserId) -> bool:
        """Lock the user's row until the commit; return whether there is one."""
        sql = f"SELECT id FROM users WHERE id = ?{self._database.for_update}"
        return bool(await self._database.rows(sql, [user_id]))

    async def list_by_user(self, user_id: UserId) -> list[PreferenceRow]:
        """Return what the user changed, in no particular order."""
        rows = await NotificationPreferenceTable.filter(user_id=user_id)
        return [PreferenceRow(row.type, bool(row.push), bool(row.email), bool(row.in_app)) for row in rows]

    async def update(self, user_id: UserId, type_: str, columns: Mapping[str, bool]) -> bool:
        """Set some channels of a stored preference; return whether there is one."""
        values = {name: int(wanted) for name, wanted in columns.items()}
        return bool(await NotificationPreferenceTable.filter(user_id=user_id, type=type_).update(**values))

    async def insert(self, row_id: int, user_id: UserId, type_: str, columns: Mapping[str, bool]) -> None:
        """Insert a preference; channels that `columns` omits are wanted."""
        row = NotificationPreferenceTable(id=row_id, user_id=user_id, type=type_)
        row.update_from_dict({name: int(wanted) for name, wanted in columns.items()})
        try:
            await row.save(force_create=True)
        except DuplicateKey as error:
            raise SerializationFailure("Another request set this preference at the same time.") from error
