"""Table `devices`: the registration tokens that pushes go to."""

from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import DeviceId, SessionId, UserId
from server.models.conditions import Condition
from server.models.database import Database, DuplicateKey, SerializationFailure, placeholders


class DeviceTable(Model):
    """A registration token of Firebase Cloud Messaging, which belongs to the session that registered it last.

    The token is unique by its SHA-256, because it is longer than an index allows. A device whose session has ended gets
    no pushes.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    token_hash = fields.CharField(max_length=64, unique=True)
    token = fields.CharField(max_length=2048)
    platform = fields.CharField(max_length=16)
    user_id: int
    user = fields.ForeignKeyField(
        "models.UserTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    session_id: int
    session = fields.ForeignKeyField(
        "models.SessionTable", related_name=False, on_delete=fields.CASCADE, db_index=True
    )
    created_at_ms = fields.BigIntField()
    registered_at_ms = fields.BigIntField()

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "devices"


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """`active`: the session that registered the device is active."""

    id: DeviceId
    user_id: UserId
    created_at_ms: int
    registered_at_ms: int
    active: bool


@dataclass(frozen=True, slots=True)
class NewDevice:
    id: DeviceId
    token_hash: str
    token: str
    platform: str
    user_id: UserId
    session_id: SessionId
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class DeviceToken:
    id: DeviceId
    token: str


class DeviceRepository:
    """`active` is the condition under which a session `s` is active."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def lock_user(self, user_id: UserId) -> None:
        """Lock the user's row until the commit, so that concurrent registrations count correctly."""
        await self._database.rows(f"SELECT id FROM users WHERE id = ?{self._database.for_update}", [user_id])

    async def find(self, token_hash: str, active: Condition) -> DeviceRow | None:
        rows = await self._database.rows(
            f"SELECT d.id, d.user_id, d.created_at_ms, d.registered_at_ms, ({active.sql}) AS active"
            " FROM devices d JOIN sessions s ON s.id = d.session_id WHERE d.token_hash = ?",
            [*active.parameters, token_hash],
        )
        if not rows:
            return None
        (row,) = rows
        return DeviceRow(
            DeviceId(row["id"]),
            UserId(row["user_id"]),
            row["created_at_ms"],
            row["registered_at_ms"],
            bool(row["active"]),
        )

    async def insert(self, new: NewDevice) -> None:
        """Insert a device. Raises SerializationFailure if another request registered the token at the same time."""
        try:
            await DeviceTable.create(
                id=new.id,
                token_hash=new.token_hash,
                token=new.token,
                platform=new.platform,
                user_id=new.user_id,
                session_id=new.session_id,
                created_at_ms=new.created_at_ms,
                registered_at_ms=new.created_at_ms,
            )
        except DuplicateKey as error:
            raise SerializationFailure("Another request registered this device at the same time.") from error

    async def renew(
        self, device_id: DeviceId, session_id: SessionId, platform: str, registered_at_ms: int
    ) -> None:
        """Attach a device to the session that registered it again."""
        await DeviceTable.filter(id=device_id).update(
            session_id=session_id, platform=platform, registered_at_ms=registered_at_ms
        )

    async def delete(self, device_id: DeviceId) -> None:
        await DeviceTable.filter(id=device_id).delete()

    async def delete_token(self, user_id: UserId, token_hash: str) -> None:
        """Delete a device by its token, if it is the user's."""
        await DeviceTable.filter(token_hash=token_hash, user_id=user_id).delete()

    async def delete_all(self, user_id: UserId, device_ids: list[DeviceId]) -> None:
        """Delete these devices, except those that another user has registered since."""
        await DeviceTable.filter(user_id=user_id, id__in=device_ids).delete()

    async def delete_surplus(self, user_id: UserId, active: Condition, keep: int) -> None:
        """Delete the user's devices of ended sessions, and all but the `keep` that were registered last."""
        rows = await self._database.rows(
            f"SELECT d.id, ({active.sql}) AS active FROM devices d JOIN sessions s ON s.id = d.session_id"
            " WHERE d.user_id = ? ORDER BY d.registered_at_ms DESC, d.id DESC",
            [*active.parameters, user_id],
        )
        kept = [row["id"] for row in rows if row["active"]][:keep]
        surplus = [row["id"] for row in rows if row["id"] not in kept]
        if surplus:
            await self._database.execute(
                f"DELETE FROM devices WHERE id IN ({placeholders(len(surplus))})", surplus
            )

    async def list_active(self, user_id: UserId, active: Condition) -> list[DeviceToken]:
        """Return the devices on which the user is signed in now, in id order."""
        rows = await self._database.rows(
            "SELECT d.id, d.token FROM devices d JOIN sessions s ON s.id = d.session_id AND s.user_id = d.user_id"
            f" WHERE d.user_id = ? AND {active.sql} ORDER BY d.id",
            [user_id, *active.parameters],
        )
        return [DeviceToken(**row) for row in rows]
