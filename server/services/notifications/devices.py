"""Devices: where a person's pushes go.

A registration belongs to the session that brought it: nothing is sent to where nobody is signed in any more, and who
registers the same device after somebody else takes it over.
"""

import hashlib

from server.ids import DeviceId, UserId
from server.models.database import Database, DuplicateKey, SerializationFailure, placeholders
from server.models.notifications.devices import DeviceTable
from server.services.accounts.active_sessions import ActiveSessions
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Platform, Principal, PushDevice

MAX_EACH = 20


class Devices:
    def __init__(self, database: Database, unit_of_work: UnitOfWork, standing: ActiveSessions) -> None:
        self._database = database
        self._standing = standing
        self._unit_of_work = unit_of_work

    async def register(self, owner: Principal, token: str, platform: Platform) -> PushDevice:
        """Send pushes for the owner to `token` while their session stands, and for nobody else any more.

        Again changes nothing but the session. Those of sessions that ended are forgotten, and of more than MOST_EACH
        those that registered longest ago.
        """

        async def body(work: WorkContext) -> PushDevice:
            # The owner's row first, so that two at once count right.
            await self._database.rows(
                f"SELECT id FROM users WHERE id = ?{self._database.for_update}", [owner.user_id]
            )
            found = await DeviceTable.filter(token_hash=_hash(token)).first()
            if found is not None and found.user_id == owner.user_id:
                await DeviceTable.filter(id=found.id).update(
                    session_id=owner.session_id, platform=platform, registered_at_ms=work.now_ms()
                )
                return PushDevice(DeviceId(found.id), platform, found.created_at_ms)
            if found is not None:
                await DeviceTable.filter(id=found.id).delete()
            try:
                made = await DeviceTable.create(
                    id=work.new_id(),
                    token_hash=_hash(token),
                    token=token,
                    platform=platform,
                    user_id=owner.user_id,
                    session_id=owner.session_id,
                    created_at_ms=work.now_ms(),
                    registered_at_ms=work.now_ms(),
                )
            except DuplicateKey as error:
                raise SerializationFailure("Somebody else registered this device just now.") from error
            await self._forget_oldest(owner.user_id)
            return PushDevice(DeviceId(made.id), platform, made.created_at_ms)

        return await self._unit_of_work.run(body)

    async def forget(self, user_id: UserId, token: str) -> None:
        """Send nothing to `token` any more, if it is one of this user's."""
        await self._database.execute(
            "DELETE FROM devices WHERE token_hash = ? AND user_id = ?", [_hash(token), user_id]
        )

    async def _forget_oldest(self, user_id: UserId) -> None:
        standing = self._standing.condition()
        devices = await self._database.rows(
            f"SELECT d.id, ({standing.sql}) AS stands FROM devices d JOIN sessions s ON s.id = d.session_id"
            " WHERE d.user_id = ? ORDER BY d.registered_at_ms DESC, d.id DESC",
            [*standing.parameters, user_id],
        )
        kept = [each["id"] for each in devices if each["stands"]][:MAX_EACH]
        gone = [each["id"] for each in devices if each["id"] not in kept]
        if gone:
            await self._database.execute(f"DELETE FROM devices WHERE id IN ({placeholders(len(gone))})", gone)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
