"""The devices that receive a user's pushes.

A registration belongs to the session that made it: a device gets no pushes after its session has ended. Another user
can register the device then, or when the app has not registered it again for SILENT_MS.
"""

import hashlib
from functools import partial

from server.errors import Conflict
from server.ids import DeviceId, UserId
from server.models.notifications.devices import DeviceRepository, NewDevice
from server.services.accounts.active_sessions import ActiveSessions
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Platform, Principal, PushDevice

MAX_PER_USER = 20
SILENT_MS = 30 * 86_400_000


class Devices:
    def __init__(
        self, devices: DeviceRepository, unit_of_work: UnitOfWork, active_sessions: ActiveSessions
    ) -> None:
        self._devices = devices
        self._active_sessions = active_sessions
        self._unit_of_work = unit_of_work

    async def register(self, owner: Principal, token: str, platform: Platform) -> PushDevice:
        """Send the owner's pushes to `token` while their session is active, and no other user's.

        Registering again changes only the session. Devices of ended sessions are deleted, and of more than MAX_PER_USER
        those that were registered longest ago. Raises Conflict while another user is signed in on the device.
        """
        return await self._unit_of_work.run(partial(self._register, owner, token, platform))

    async def unregister(self, user_id: UserId, token: str) -> None:
        """Stop sending pushes to `token`, if it is one of this user's."""
        await self._devices.delete_token(user_id, _hash(token))

    async def _register(
        self, owner: Principal, token: str, platform: Platform, work: WorkContext
    ) -> PushDevice:
        await self._devices.lock_user(owner.user_id)
        active = self._active_sessions.condition()
        found = await self._devices.find(_hash(token), active)
        if found is not None and found.user_id == owner.user_id:
            await self._devices.renew(found.id, owner.session_id, platform, work.now_ms())
            return PushDevice(found.id, platform, found.created_at_ms)
        if found is not None:
            if found.active and work.now_ms() - found.registered_at_ms < SILENT_MS:
                raise Conflict(
                    "Another user gets pushes on this device. Sign that user out on it first.",
                    code="device_in_use",
                )
            await self._devices.delete(found.id)
        new = NewDevice(
            DeviceId(work.new_id()),
            _hash(token),
            token,
            platform,
            owner.user_id,
            owner.session_id,
            work.now_ms(),
        )
        await self._devices.insert(new)
        await self._devices.delete_surplus(owner.user_id, active, MAX_PER_USER)
        return PushDevice(new.id, platform, new.created_at_ms)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
