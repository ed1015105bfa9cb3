"""The devices that receive a user's pushes.

A registration belongs to the session that made it: a device gets no pushes after its session has ended. Another user
can register the device then, or when the app has not registered it again for SILENT_MS.
"""

import hashlib
from functools import partial

from server.errors import Conflict, InvalidInput
from server.gateways.push.device_sender import PushTarget
from server.gateways.push.message import WebSubscription
from server.gateways.push.web_push.encryption import are_keys
from server.gateways.push.web_push.push_hosts import PushHosts
from server.ids import DeviceId, UserId
from server.models.notifications.devices import DeviceRepository, NewDevice
from server.services.accounts.active_sessions import ActiveSessions
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Platform, Principal, PushDevice

MAX_PER_USER = 20
SILENT_MS = 30 * 86_400_000


class Devices:
    def __init__(
        self,
        devices: DeviceRepository,
        unit_of_work: UnitOfWork,
        active_sessions: ActiveSessions,
        push_hosts: PushHosts | None,
    ) -> None:
        """Create it. `push_hosts` are the accepted push services; None: there is no Web Push."""
        self._push_hosts = push_hosts
        self._devices = devices
        self._active_sessions = active_sessions
        self._unit_of_work = unit_of_work

    async def register(self, owner: Principal, target: PushTarget, platform: Platform) -> PushDevice:
        """Send the owner's pushes to `target` while their session is active, and no other user's.

        Registering again changes only the session. Devices of ended sessions are deleted, and of more than MAX_PER_USER
        those that were registered longest ago. Raises Conflict while another user is signed in on the device, and
        InvalidInput for a subscription with an unknown push service or invalid keys.
        """
        if isinstance(target, WebSubscription):
            self._check(target)
        return await self._unit_of_work.run(partial(self._register, owner, target, platform))

    def _check(self, subscription: WebSubscription) -> None:
        if self._push_hosts is None:
            raise InvalidInput(
                "Some values are invalid.",
                code="web_push_disabled",
                fields={"subscription": ["This server does not send Web Push."]},
            )
        if not self._push_hosts.allows(subscription.endpoint):
            problem = "Must be an https URL of a push service that this server knows."
            raise InvalidInput("Some values are invalid.", fields={"subscription.endpoint": [problem]})
        if not are_keys(subscription.p256dh, subscription.auth):
            problem = "Must be the keys of a subscription: a P-256 point and 16 bytes, in base64url."
            raise InvalidInput("Some values are invalid.", fields={"subscription.keys": [problem]})

    async def unregister(self, user_id: UserId, token: str) -> None:
        """Stop sending pushes to `token`, if it is one of this user's."""
        await self._devices.delete_token(user_id, _hash(token))

    async def _register(
        self, owner: Principal, target: PushTarget, platform: Platform, work: WorkContext
    ) -> PushDevice:
        await self._devices.lock_user(owner.user_id)
        active = self._active_sessions.condition()
        new = _new_device(DeviceId(work.new_id()), owner, target, platform, work.now_ms())
        found = await self._devices.find(new.token_hash, active)
        if found is not None and found.user_id == owner.user_id:
            await self._devices.renew(found.id, new)
            return PushDevice(found.id, platform, found.created_at_ms)
        if found is not None:
            if found.active and work.now_ms() - found.registered_at_ms < SILENT_MS:
                raise Conflict(
                    "Another user gets pushes on this device. Sign that user out on it first.",
                    code="device_in_use",
                )
            await self._devices.delete(found.id)
        await self._devices.insert(new)
        await self._devices.delete_surplus(owner.user_id, active, MAX_PER_USER)
        return PushDevice(new.id, platform, new.created_at_ms)


def _new_device(
    id_: DeviceId, owner: Principal, target: PushTarget, platform: Platform, now_ms: int
) -> NewDevice:
    web = target if isinstance(target, WebSubscription) else None
    token = target if isinstance(target, str) else target.endpoint
    return NewDevice(
        id_,
        _hash(token),
        token,
        platform,
        owner.user_id,
        owner.session_id,
        now_ms,
        web and web.p256dh,
        web and web.auth,
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
