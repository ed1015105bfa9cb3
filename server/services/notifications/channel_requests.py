"""Decides which of push and e-mail still have to be notified of an activity, and requests their jobs or a digest."""

from server.events import EmailRequested, PushRequested
from server.ids import NotificationId, UserId
from server.models.notifications.activity_states import ActivityState
from server.models.notifications.digests import EmailFrequency
from server.models.notifications.notifications import EMAIL, PUSH, NotificationRepository
from server.services.jobs.unit_of_work import WorkContext
from server.services.notifications.activities import Activity
from server.services.notifications.digests import DigestGroup, Digests

# An older activity is listed, but neither pushed nor e-mailed. Failed deliveries are retried for the same time.
MAX_AGE_MS = 86_400_000
# A recipient who does not want a type in the app gets pushes and e-mails about a group once in this time.
HIDDEN_GROUP_INTERVAL_MS = 3_600_000


class ChannelRequests:
    def __init__(self, notifications: NotificationRepository, digests: Digests) -> None:
        self._notifications = notifications
        self._digests = digests

    async def request(
        self,
        work: WorkContext,
        notification_id: NotificationId,
        recipient_id: UserId,
        activity: Activity,
        state: ActivityState,
    ) -> int:
        """Request a push and an e-mail, if the recipient wants them; return the bits of the notified channels.

        A channel is skipped if it was notified of this activity before, or of its group since the recipient last read
        the group. Its bit is set in either case. An activity older than MAX_AGE_MS notifies no channel. If e-mails are
        not wanted at once, the activity is added to the next digest.
        """
        if work.now_ms() - activity.at_ms >= MAX_AGE_MS:
            return 0
        own = 0 if state.stored is None else state.stored.channels
        channels = own | await self._find_group_channels(recipient_id, activity, state)
        if state.push and state.has_device and not channels & PUSH:
            work.emit(PushRequested(notification_id, recipient_id))
            channels |= PUSH
        if not state.email:
            return channels
        if state.email_frequency is not EmailFrequency.IMMEDIATELY:
            if not own & EMAIL:
                group = _digest_group(activity, state)
                await self._digests.add(
                    work, recipient_id, notification_id, activity, group, state.email_frequency
                )
        elif not channels & EMAIL:
            work.emit(EmailRequested(notification_id, recipient_id))
        return channels | EMAIL

    async def _find_group_channels(
        self, recipient_id: UserId, activity: Activity, state: ActivityState
    ) -> int:
        """Return the channels that have notified the recipient of unread notifications of the same group.

        A group that is not shown in the app is never read. For it, the newest notification counts for an hour.
        """
        if activity.is_grouped and not state.in_app:
            since_ms = activity.at_ms - HIDDEN_GROUP_INTERVAL_MS
            return await self._notifications.find_newest_hidden_channels(
                activity.key_for(recipient_id), since_ms
            )
        if state.listed is not None and state.listed.read_at_ms is None:
            return state.listed.channels
        return 0


def _digest_group(activity: Activity, state: ActivityState) -> DigestGroup | None:
    if not activity.is_grouped or not state.in_app:
        return None
    return DigestGroup(unread=state.listed is not None and state.listed.read_at_ms is None)
