"""Table `devices`: the registration tokens and Web Push subscriptions that pushes go to."""

from collections.abc import Sequence
from dataclasses import dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import DeviceId, SessionId, UserId
from server.models.conditions import Condition
from server.models.database import Database, DuplicateKey, SerializationFailure, placeholders


class DeviceTable(Model):
    """A registration token of Firebase Cloud Messaging, which belongs to the session that registered it last.

    The token is unique by its SHA-256, because it is longer than an index allows. A device whose session has ended gets
    no pushes. Of a Web Push subscription, the token is the endpoint, and `p256dh` and `auth` are its keys in base64url.

    badge: the number that the last push to the device showed.
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
    badge = fields.IntField(default=0, db_default=0)
    p256dh: fields.Field[str | None] = fields.CharField(max_length=100, null=True)
    auth: fields.Field[str | None] = fields.CharField(max_length=32, null=True)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "devices"


# Browsers show a notification for every push, so none is silent.
SILENT = "d.platform <> 'web'"


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
    p256dh: str | None = None
    auth: str | None = None


@dataclass(frozen=True, slots=True)
class DeviceTarget:
    """Target of the pushes to a device; `p256dh` and `auth` are set for a Web Push subscription."""

    id: DeviceId
    token: str
    p256dh: str | None
    auth: str | None


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
                p256dh=new.p256dh,
                auth=new.auth,
            )
        except DuplicateKey as error:
            raise SerializationFailure("Another request registered this device at the same time.") from error

    async def renew(self, device_id: DeviceId, new: NewDevice) -> None:
        """Attach a device to the session that registered it again, with the keys that it has now."""
        await DeviceTable.filter(id=device_id).update(
            session_id=new.session_id,
            platform=new.platform,
            registered_at_ms=new.created_at_ms,
            p256dh=new.p256dh,
            auth=new.auth,
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

    async def list_active(self, user_id: UserId, active: Condition) -> list[DeviceTarget]:
        """Return the devices on which the user is signed in now, in id order."""
        rows = await self._database.rows(
            "SELECT d.id, d.token, d.p256dh, d.auth FROM devices d"
            " JOIN sessions s ON s.id = d.session_id AND s.user_id = d.user_id"
            f" WHERE d.user_id = ? AND {active.sql} ORDER BY d.id",
            [user_id, *active.parameters],
        )
        return [DeviceTarget(**row) for row in rows]

    async def has_badge(self, user_id: UserId, session_id: SessionId) -> bool:
        """Return whether a device of another session of the user shows a badge that a silent push can change."""
        rows = await self._database.rows(
            f"SELECT 1 FROM devices d WHERE d.user_id = ? AND d.session_id <> ? AND d.badge > 0 AND {SILENT} LIMIT 1",
            [user_id, session_id],
        )
        return bool(rows)

    async def list_outdated_badges(
        self, user_id: UserId, session_id: SessionId, unread: int, active: Condition
    ) -> list[DeviceTarget]:
        """Return the devices that show a higher number than `unread`, except those of the session, in id order."""
        rows = await self._database.rows(
            "SELECT d.id, d.token, d.p256dh, d.auth FROM devices d"
            " JOIN sessions s ON s.id = d.session_id AND s.user_id = d.user_id"
            f" WHERE d.user_id = ? AND d.session_id <> ? AND d.badge > ? AND {SILENT} AND {active.sql} ORDER BY d.id",
            [user_id, session_id, unread, *active.parameters],
        )
        return [DeviceTarget(**row) for row in rows]

    async def set_badge(self, device_ids: Sequence[DeviceId], badge: int) -> None:
        """Record what the devices show."""
        if device_ids:
            await self._database.execute(
                f"UPDATE devices SET badge = ? WHERE id IN ({placeholders(len(device_ids))})",
                [badge, *device_ids],
            )

    async def set_badge_of_session(self, session_id: SessionId, badge: int) -> None:
        """Record what the app of a session shows, which read the notifications itself."""
        await self._database.execute(
            "UPDATE devices SET badge = ? WHERE session_id = ? AND badge > ?", [badge, session_id, badge]
        )
