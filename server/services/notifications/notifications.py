"""What a person was told: the list, what is new on it, and what they have seen. How it gets there is `telling`'s."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from server.clock import SystemClock
from server.errors import InvalidInput
from server.ids import NotificationId, UserId
from server.models.database import Database, placeholders, retry_on_deadlock
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.notifications import queries
from server.services.records import Notification, NotificationType

MAX_COUNTED = 10_000
BATCH = 1000


class Notifications:
    def __init__(
        self,
        database: Database,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._database = database
        self._cards = cards
        self._visibility = visibility
        self._clock = SystemClock()

    async def page(
        self,
        recipient_id: UserId,
        request: PageRequest,
        types: Collection[NotificationType] = (),
        *,
        unread: bool = False,
    ) -> Page[Notification]:
        """What a person was told, newest first, the likes of a post as one; of these types, if any are named.

        The cursor is the sequence.
        """
        some = f" AND n.type IN ({placeholders(len(types))})" if types else ""
        new = " AND n.read_at_ms IS NULL" if unread else ""
        found = await self._read(
            recipient_id,
            f"n.recipient_id = ? AND n.listed = 1 AND n.sequence < ?{some}{new} ORDER BY n.sequence DESC LIMIT ?",
            [recipient_id, request.before_id, *sorted(types), request.limit + 1],
        )
        return cut(found, request.limit, lambda notification: notification.sequence)

    async def since(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]:
        """At most `limit` notifications with a sequence above `after`, oldest first; each like by itself."""
        return await self._read(
            recipient_id,
            "n.recipient_id = ? AND n.sequence > ? ORDER BY n.sequence LIMIT ?",
            [recipient_id, after, limit],
        )

    async def last_sequence(self, recipient_id: UserId) -> int:
        """The sequence of the newest notification, 0 before the first."""
        return (await self.last_sequences([recipient_id])).get(recipient_id, 0)

    async def last_sequences(self, recipient_ids: Sequence[UserId]) -> Mapping[UserId, int]:
        """The newest sequence of each who was ever told anything."""
        if not recipient_ids:
            return {}
        found = await self._database.rows(
            f"SELECT user_id, last_sequence FROM inboxes WHERE user_id IN ({placeholders(len(recipient_ids))})",
            recipient_ids,
        )
        return {UserId(row["user_id"]): row["last_sequence"] for row in found}

    async def unread_count(self, recipient_id: UserId) -> int:
        """How many of the list have not been read; counted up to MOST_COUNTED."""
        shown = queries.shown(self._visibility.condition(recipient_id))
        counted = await self._database.rows(
            f"SELECT COUNT(*) AS n FROM (SELECT n.id FROM notifications n WHERE n.recipient_id = ? AND n.listed = 1"
            f" AND n.read_at_ms IS NULL AND {shown.sql} LIMIT ?) unread",
            [recipient_id, *shown.parameters, MAX_COUNTED],
        )
        return counted[0]["n"]

    async def read_some(self, recipient_id: UserId, notification_ids: Sequence[NotificationId]) -> int:
        """Mark these as read, and where one is listed under another, that one; how many are left unread.

        Those that are read already, that are gone or that belong to somebody else are passed over.
        """
        found = await self._database.rows(
            "SELECT n.id, h.id AS head_id FROM notifications n LEFT JOIN notifications h ON n.listed = 0 AND"
            " h.recipient_id = n.recipient_id AND h.type = n.type AND h.target_id = n.target_id AND h.listed = 1"
            f" WHERE n.recipient_id = ? AND n.id IN ({placeholders(len(notification_ids))})",
            [recipient_id, *notification_ids],
        )
        await self._mark({row["head_id"] or row["id"] for row in found})
        return await self.unread_count(recipient_id)

    async def read_up_to(self, recipient_id: UserId, notification_id: NotificationId | None) -> int:
        """Mark this one and all before it as read, or all there are now; how many are left unread. Raises InvalidInput.

        In pieces, each on its own: a person with a crowd may have left very many unread.
        """
        last = await self._place(recipient_id, notification_id)
        while found := await self._database.rows(
            "SELECT id FROM notifications WHERE recipient_id = ? AND listed = 1 AND read_at_ms IS NULL"
            " AND sequence <= ? ORDER BY sequence LIMIT ?",
            [recipient_id, last, BATCH],
        ):
            await self._mark({row["id"] for row in found})
        return await self.unread_count(recipient_id)

    async def _place(self, recipient_id: UserId, notification_id: NotificationId | None) -> int:
        if notification_id is None:
            return await self.last_sequence(recipient_id)
        found = await self._database.rows(
            "SELECT sequence FROM notifications WHERE recipient_id = ? AND id = ?",
            [recipient_id, notification_id],
        )
        if not found:
            raise InvalidInput(
                "Some values cannot be accepted.", fields={"upTo": ["No notification of yours."]}
            )
        return found[0]["sequence"]

    async def _mark(self, notification_ids: Collection[int]) -> None:
        if not notification_ids:
            return
        sql = (
            f"UPDATE notifications SET read_at_ms = ? WHERE id IN ({placeholders(len(notification_ids))})"
            " AND read_at_ms IS NULL"
        )
        parameters = [self._clock.now_ms(), *sorted(notification_ids)]
        await retry_on_deadlock(lambda: self._database.execute(sql, parameters))

    async def _read(
        self, recipient_id: UserId, condition: str, parameters: Sequence[Any]
    ) -> list[Notification]:
        seen = self._visibility.condition(recipient_id)
        return await queries.read(self._database, self._cards, seen, condition, parameters)
