"""Lists the likes of a post or a comment under the newest one, which counts the others.

`listed` is the row that represents the group. It is None if there is no group to show: for other types, for the first
like, and for a recipient who does not want likes in the app.
"""

from server.models.notifications.activity_states import ListedNotification, StoredNotification
from server.models.notifications.notifications import NotificationKey, NotificationRepository


class NotificationGroups:
    def __init__(self, notifications: NotificationRepository) -> None:
        self._notifications = notifications

    async def add(self, listed: ListedNotification | None) -> int:
        """Make room for a new notification at the top of its group; return how many others it counts."""
        if listed is None:
            return 0
        await self._notifications.set_listed(listed.id, listed=False, others_count=0)
        return listed.others_count + 1

    async def remove(
        self, key: NotificationKey, stored: StoredNotification, listed: ListedNotification | None
    ) -> None:
        """Mark a notification as retracted and take it out of its group."""
        await self._notifications.set_listed(stored.id, listed=False, others_count=0, retracted=True)
        if listed is None or not stored.in_app:
            return
        others_count = max(listed.others_count - 1, 0)
        if stored.id != listed.id:
            await self._notifications.set_listed(listed.id, listed=True, others_count=others_count)
        elif newest := await self._notifications.find_newest_unlisted(key):
            # Reading the group has read all its notifications.
            await self._notifications.replace_listed(newest, others_count, listed.read_at_ms)

    async def restore(self, stored: StoredNotification, listed: ListedNotification | None) -> None:
        """Undo a retraction: the notification returns to its old place."""
        if not stored.in_app or listed is None:
            await self._notifications.set_listed(stored.id, listed=stored.in_app, others_count=0)
        elif listed.sequence > stored.sequence:
            await self._notifications.set_listed(stored.id, listed=False, others_count=0)
            await self._notifications.set_listed(listed.id, listed=True, others_count=listed.others_count + 1)
        else:
            others_count = await self.add(listed)
            await self._notifications.set_listed(stored.id, listed=True, others_count=others_count)
