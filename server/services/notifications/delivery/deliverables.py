"""What is to be said of a notification outside of the app, if it is to be said still."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from server.events import EmailRequested, Event, PushRequested
from server.ids import NotificationId, UserId
from server.models.database import Database
from server.models.notifications import notifications as models
from server.services.content.visibility import Visibility
from server.services.jobs.jobs import Claim
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.notifications.notification_text import headline
from server.services.records import Channel, NotificationType

BITS: Mapping[Channel, int] = {Channel.PUSH: models.PUSH, Channel.EMAIL: models.EMAIL}
OWED: Mapping[Channel, Callable[[NotificationId, UserId], Event]] = {
    Channel.PUSH: PushRequested,
    Channel.EMAIL: EmailRequested,
}
# `h` is listed in the place of `n`, a like that others came after.
HEAD = (
    "n.type = 'like' AND n.listed = 0 AND n.sequence > 0 AND h.recipient_id = n.recipient_id AND h.type = n.type"
    " AND h.target_id = n.target_id AND h.listed = 1"
)


@dataclass(frozen=True, slots=True)
class DeliverableNotification:
    """What is to be said, and to whom. `words` are those of the comment or the caption, `others` did the same."""

    id: NotificationId
    recipient_id: UserId
    type: NotificationType
    username: str
    email: str
    actor_id: UserId
    actor: str
    post_id: int | None
    comment_id: int | None
    others: int
    words: str
    at_ms: int

    @property
    def key(self) -> str:
        """Names what is sent for ever: sent again, it is shown once."""
        return f"notification-{self.id}"

    @property
    def headline(self) -> str:
        return headline(self.type, self.actor, self.others, in_comment=self.comment_id is not None)

    def page(self, client_url: str) -> str:
        """Where it can be seen."""
        if self.post_id is None:
            return f"{client_url}/users/{self.actor_id}"
        return f"{client_url}/posts/{self.post_id}"


class Deliverables:
    def __init__(self, database: Database, unit_of_work: UnitOfWork, visibility: Visibility) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._visibility = visibility

    async def of(self, claim: Claim, channel: Channel) -> DeliverableNotification | None:
        """What a job of this channel has to say; None, and it is owed no more, if it is not to be said."""
        return await self._read(claim, channel) or await self._let_go(claim, channel)

    async def _read(self, claim: Claim, channel: Channel) -> DeliverableNotification | None:
        """If it still stands, was not read meanwhile, and is wanted by this way.

        Others may have come above it in the list since: what is read is theirs then, and they count.
        """
        notification_id, recipient_id = claim.payload["notification_id"], claim.payload["recipient_id"]
        seen = self._visibility.condition(recipient_id)
        rows = await self._database.rows(
            "SELECT n.id, n.type, n.recipient_id, n.post_id, n.comment_id, n.created_at_ms,"
            " COALESCE(h.others_count, n.others_count) AS others_count,"
            " r.username, r.email, u.id AS actor_id, u.username AS actor, c.content, p.caption FROM notifications n"
            " JOIN users r ON r.id = n.recipient_id JOIN users u ON u.id = n.actor_id"
            f" LEFT JOIN posts p ON p.id = n.post_id AND {seen.sql}"
            " LEFT JOIN comments c ON c.id = n.comment_id"
            f" LEFT JOIN notifications h ON {HEAD}"
            " LEFT JOIN notification_preferences f ON f.user_id = n.recipient_id AND f.type = n.type"
            " WHERE n.id = ? AND n.withdrawn = 0 AND n.read_at_ms IS NULL AND h.read_at_ms IS NULL"
            " AND (n.post_id IS NULL OR p.id IS NOT NULL) AND (n.comment_id IS NULL OR c.id IS NOT NULL)"
            f" AND COALESCE(f.{channel.value}, 1) = 1",
            [*seen.parameters, notification_id],
        )
        return _notice(rows[0]) if rows else None

    async def _let_go(self, claim: Claim, channel: Channel) -> DeliverableNotification | None:
        """Owe it no more by this way; or what to say after all, if it came back at this moment. Who brings it back
        holds the inbox, too.

        Was it taken back, and others that were not told of for its sake are listed and not read, they are owed now.
        """
        notification_id, recipient_id = claim.payload["notification_id"], claim.payload["recipient_id"]
        bit = BITS[channel]

        async def body(work: WorkContext) -> DeliverableNotification | None:
            await self._database.rows(
                f"SELECT user_id FROM inboxes WHERE user_id = ?{self._database.for_update}", [recipient_id]
            )
            notice = await self._read(claim, channel)
            if notice is None:
                others = await self._database.rows(
                    f"SELECT h.id FROM notifications n JOIN notifications h ON {HEAD}"
                    " WHERE n.id = ? AND n.withdrawn = 1 AND n.owed & ? AND h.owed & ? AND h.read_at_ms IS NULL",
                    [notification_id, bit, bit],
                )
                for row in others:
                    work.emit(OWED[channel](NotificationId(row["id"]), recipient_id))
                await self._database.execute(
                    "UPDATE notifications SET owed = owed & ? WHERE id = ?", [~bit, notification_id]
                )
            return notice

        return await self._unit_of_work.run(body)


def _notice(row: Mapping[str, Any]) -> DeliverableNotification:
    type_ = NotificationType(row["type"])
    words = row["content"]
    if type_ is NotificationType.MENTION and words is None:
        words = row["caption"]
    return DeliverableNotification(
        id=NotificationId(row["id"]),
        recipient_id=UserId(row["recipient_id"]),
        type=type_,
        username=row["username"],
        email=row["email"],
        actor_id=UserId(row["actor_id"]),
        actor=row["actor"],
        post_id=row["post_id"],
        comment_id=row["comment_id"],
        others=row["others_count"],
        words=words or "",
        at_ms=row["created_at_ms"],
    )
