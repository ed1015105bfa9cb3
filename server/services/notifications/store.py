"""Creates, restores and retracts the notification of an activity.

The caller holds the recipients' inboxes (`lock`) until the commit. Sequences therefore have no gaps and follow the
commit order. Of two jobs about the same activity, the later one sees what the earlier one did.
"""

from collections.abc import Sequence

from server.ids import NotificationId, UserId
from server.models.notifications.activity_states import (
    ActivityState,
    ActivityStateRepository,
    StoredNotification,
)
from server.models.notifications.inboxes import InboxRepository
from server.models.notifications.notifications import NewNotification, NotificationRepository
from server.services.accounts.active_sessions import ActiveSessions
from server.services.jobs.unit_of_work import WorkContext
from server.services.notifications.activities import Activity, CreatedNotification
from server.services.notifications.channel_requests import ChannelRequests
from server.services.notifications.digests import Digests
from server.services.notifications.grouping import NotificationGroups
from server.services.records import NotificationType


class NotificationStore:
    def __init__(
        self,
        notifications: NotificationRepository,
        states: ActivityStateRepository,
        inboxes: InboxRepository,
        active_sessions: ActiveSessions,
        digests: Digests,
    ) -> None:
        self._notifications = notifications
        self._states = states
        self._inboxes = inboxes
        self._active_sessions = active_sessions
        self._groups = NotificationGroups(notifications)
        self._channels = ChannelRequests(notifications, digests)

    async def lock(self, recipient_ids: Sequence[UserId]) -> dict[UserId, int]:
        """Lock the recipients' inboxes until the commit; return the last sequence of each."""
        return await self._inboxes.lock(recipient_ids)

    async def create(
        self,
        work: WorkContext,
        locked: dict[UserId, int],
        recipient_id: UserId,
        activities: Sequence[Activity],
    ) -> CreatedNotification | None:
        """Store the first of `activities` that the recipient wants; they are one activity as several types.

        Nothing is stored for a recipient who must not see the activity, or has muted its actor.

        A retracted notification is restored in its old place. Only the channels whose delivery the
        retraction prevented are notified. Return the notification if it is new and shown in the app.
        """
        if recipient_id not in locked:  # the account was erased
            return None
        activity, state = await self._choose(recipient_id, activities)
        if recipient_id == activity.actor_id or not state.reachable:
            return None
        if state.stored is not None:
            if state.stored.retracted:
                await self._restore(work, recipient_id, activity, state, state.stored)
            return None
        notification_id = NotificationId(work.new_id())
        others_count = await self._groups.add(state.listed) if state.in_app else 0
        sequence = await self._next_sequence(locked, recipient_id) if state.in_app else None
        await self._notifications.insert(
            NewNotification(
                notification_id,
                activity.key_for(recipient_id),
                sequence,
                activity.post_id,
                activity.comment_id,
                others_count,
                await self._channels.request(work, notification_id, recipient_id, activity, state),
                activity.at_ms,
            )
        )
        if sequence is None:
            return None
        return CreatedNotification(notification_id, recipient_id, sequence, activity)

    async def create_of_service(
        self, work: WorkContext, locked: dict[UserId, int], recipient_id: UserId, activity: Activity
    ) -> CreatedNotification | None:
        """Store a notification of the service, whatever the recipient prefers. Return it if it is new."""
        if recipient_id not in locked:
            return None
        state = await self._find_state(recipient_id, activity)
        if state.stored is not None:
            return None
        notification_id = NotificationId(work.new_id())
        sequence = await self._next_sequence(locked, recipient_id)
        key = activity.key_for(recipient_id)
        await self._notifications.insert(
            NewNotification(notification_id, key, sequence, None, None, 0, 0, activity.at_ms)
        )
        return CreatedNotification(notification_id, recipient_id, sequence, activity)

    async def retract(self, recipient_id: UserId, activity: Activity) -> None:
        """Hide the notification of an activity that was undone, if there is one; its row stays."""
        state = await self._find_state(recipient_id, activity)
        if state.stored is not None and not state.stored.retracted:
            key = activity.key_for(recipient_id)
            await self._groups.remove(key, state.stored, state.listed)

    async def retract_by_actor(self, recipient_id: UserId, actor_id: UserId, limit: int) -> bool:
        """Retract some of what one user did to another one; return whether there was any. Locks the inbox."""
        await self.lock([recipient_id])
        keys = await self._notifications.list_by_actor(recipient_id, actor_id, limit)
        for key in keys:
            await self.retract(recipient_id, Activity(NotificationType(key.type), actor_id, key.target_id, 0))
        return bool(keys)

    async def _restore(
        self,
        work: WorkContext,
        recipient_id: UserId,
        activity: Activity,
        state: ActivityState,
        stored: StoredNotification,
    ) -> None:
        await self._groups.restore(stored, state.listed)
        channels = await self._channels.request(work, stored.id, recipient_id, activity, state)
        if channels:
            await self._notifications.set_channels(stored.id, stored.channels | channels)

    async def _choose(
        self, recipient_id: UserId, activities: Sequence[Activity]
    ) -> tuple[Activity, ActivityState]:
        """Return the first activity already stored or wanted in the app, else wanted by a channel, else the first."""
        states = [(activity, await self._find_state(recipient_id, activity)) for activity in activities]
        for activity, state in states:
            if state.stored is not None or state.in_app:
                return activity, state
        for activity, state in states:
            if state.push or state.email:
                return activity, state
        return states[0]

    async def _find_state(self, recipient_id: UserId, activity: Activity) -> ActivityState:
        key, active = activity.key_for(recipient_id), self._active_sessions.condition()
        subject = (activity.post_id, activity.comment_id)
        return await self._states.find(key, subject, active, grouped=activity.is_grouped)

    async def _next_sequence(self, locked: dict[UserId, int], recipient_id: UserId) -> int:
        locked[recipient_id] += 1
        await self._inboxes.set_last_sequence(recipient_id, locked[recipient_id])
        return locked[recipient_id]
