"""Silent pushes that update the badges of a user's devices after notifications were read elsewhere."""

from collections.abc import Awaitable, Callable

from server.gateways.push.device_sender import DeviceSender
from server.gateways.push.message import PushMessage, PushOutcome
from server.ids import SessionId, UserId
from server.models.notifications.devices import DeviceRepository
from server.models.notifications.inboxes import InboxRepository
from server.models.notifications.preferences import PreferenceRepository
from server.services.accounts.active_sessions import ActiveSessions
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.notifications.delivery.pushes import PushFailed, target_of
from server.services.records import PREFERENCE_TYPES


class BadgePushes:
    def __init__(
        self,
        devices: DeviceRepository,
        inboxes: InboxRepository,
        preferences: PreferenceRepository,
        jobs: Jobs,
        active_sessions: ActiveSessions,
        sender: DeviceSender,
        count_unread: Callable[[UserId], Awaitable[int]],
    ) -> None:
        self._devices = devices
        self._inboxes = inboxes
        self._preferences = preferences
        self._jobs = jobs
        self._active_sessions = active_sessions
        self._sender = sender
        self._count_unread = count_unread

    async def send(self, claim: Claim) -> None:
        """Push the unread count to the devices that show a higher one, unless the user wants no pushes at all.

        The session that read the notifications is left out: its app knows. Idempotent: a device whose row has the count
        is skipped. Raises PushFailed while some devices were not reached.
        """
        user_id, session_id = UserId(claim.payload["user_id"]), SessionId(claim.payload["session_id"])
        # First, so that what is read from now on reserves another job.
        await self._inboxes.release_badge(user_id)
        unread = await self._count_unread(user_id)
        await self._devices.set_badge_of_session(session_id, unread)
        if await self._wants_pushes(user_id):
            await self._push(claim, user_id, session_id, unread)
        await self._jobs.finish(claim)

    async def _push(self, claim: Claim, user_id: UserId, session_id: SessionId, unread: int) -> None:
        devices = await self._devices.list_outdated_badges(
            user_id, session_id, unread, self._active_sessions.condition()
        )
        message = PushMessage(
            key=f"badge-{user_id}",
            title="",
            body="",
            data={"type": "read", "recipientId": str(user_id), "unread": str(unread)},
            badge=unread,
            silent=True,
        )
        outcomes = await self._sender.send(message, [target_of(device) for device in devices])
        sent = dict(zip([device.id for device in devices], outcomes, strict=True))
        failed = [each for each, outcome in sent.items() if outcome is PushOutcome.FAILED]
        gone = [each for each, outcome in sent.items() if outcome is PushOutcome.GONE]
        await self._devices.set_badge([each for each in sent if each not in failed], unread)
        if gone:
            await self._devices.delete_all(user_id, gone)
        if failed:
            raise PushFailed(f"{len(failed)} of {len(devices)} devices were not reached.")

    async def _wants_pushes(self, user_id: UserId) -> bool:
        rows = await self._preferences.list_by_user(user_id)
        return {row.type for row in rows if not row.push} < set(PREFERENCE_TYPES)
