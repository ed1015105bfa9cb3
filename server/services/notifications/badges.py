"""Requests the silent pushes that update badges, after notifications were read on another device."""

from server.clock import SystemClock
from server.events import NotificationsRead
from server.ids import SessionId, UserId
from server.models.notifications.devices import DeviceRepository
from server.models.notifications.inboxes import InboxRepository
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

# Reading one notification after another changes the badges of other devices once.
BADGE_DELAY_MS = 5000
# A reserved job that is so late was deleted by an operator.
OVERDUE_MS = 3_600_000


class Badges:
    def __init__(self, devices: DeviceRepository, inboxes: InboxRepository, unit_of_work: UnitOfWork) -> None:
        self._devices = devices
        self._inboxes = inboxes
        self._unit_of_work = unit_of_work
        self._clock = SystemClock()

    async def request_update(self, user_id: UserId, session_id: SessionId) -> None:
        """Have the badges of other devices updated in a few seconds, if they show any: one job per user at a time.

        Call it before the notifications are marked as read: a crash in between then costs a job without an effect.
        """
        if not await self._devices.has_badge(user_id, session_id):
            return
        due_at_ms = self._clock.now_ms() + BADGE_DELAY_MS

        async def reserve(work: WorkContext) -> None:
            if await self._inboxes.reserve_badge(user_id, due_at_ms, OVERDUE_MS):
                work.emit(NotificationsRead(due_at_ms, user_id, session_id))

        await self._unit_of_work.run(reserve)
