"""Notifications: what a person is told of the acts of others, numbered in order, once each."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from server.clock import SystemClock
from server.ids import CommentId, NotificationId, PostId, UserId
from server.metrics import Metrics
from server.models.database import Database, DuplicateKey, SerializationFailure, placeholders
from server.models.notifications import Inbox
from server.models.notifications import Notification as NotificationRow
from server.paging import Page, PageRequest, cut
from server.pubsub.publisher import Publisher, Signal
from server.services.cards import USER_COLUMNS, Cards
from server.services.jobs import Claim
from server.services.markup import mentions
from server.services.records import Notification, NotificationType
from server.services.unit_of_work import UnitOfWork, Work
from server.services.visibility import Visibility

# Whom a job has told, and of which notification.
Told = list[tuple[UserId, NotificationId]]


class Notifications:
    def __init__(
        self,
        database: Database,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
        publisher: Publisher,
        metrics: Metrics | None = None,
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility
        self._publisher = publisher
        self._metrics = metrics or Metrics()
        self._clock = SystemClock()

    async def page(self, recipient_id: UserId, request: PageRequest) -> Page[Notification]:
        """What a person was told, newest first. The cursor is the sequence."""
        found = await self._read(
            recipient_id,
            "n.recipient_id = ? AND n.sequence < ? ORDER BY n.sequence DESC LIMIT ?",
            [recipient_id, request.before_id, request.limit + 1],
        )
        return cut(found, request.limit, lambda notification: notification.sequence)

    async def since(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]:
        """At most `limit` notifications with a sequence above `after`, oldest first."""
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
        rows = await self._database.rows(
            f"SELECT user_id, last_sequence FROM inboxes WHERE user_id IN ({placeholders(len(recipient_ids))})",
            recipient_ids,
        )
        return {UserId(row["user_id"]): row["last_sequence"] for row in rows}

    async def deliver_like(self, claim: Claim) -> None:
        """Tell an author of a like that still stands. Twice is once, by the unique key and the job's completion."""
        post_id, actor_id = PostId(claim.payload["post_id"]), UserId(claim.payload["actor_id"])

        author_id = UserId(claim.payload["author_id"])
        seen = self._visibility.of_posts(author_id)

        async def body(work: Work) -> Told:
            stands = await self._database.rows(
                "SELECT 1 FROM likes l JOIN posts p ON p.id = l.post_id WHERE l.user_id = ? AND l.post_id = ?"
                f" AND {seen.sql}",
                [actor_id, post_id, *seen.parameters],
            )
            if not stands:
                return []
            return await self._tell(work, author_id, NotificationType.LIKE, actor_id, post_id, post_id)

        await self._deliver(claim, body, "")

    async def deliver_follow(self, claim: Claim) -> None:
        """Tell somebody of a new follower who still follows. Twice is once."""
        follower_id, followee_id = UserId(claim.payload["follower_id"]), UserId(claim.payload["followee_id"])

        async def body(work: Work) -> Told:
            stands = await self._database.rows(
                "SELECT 1 FROM follows WHERE follower_id = ? AND followee_id = ?", [follower_id, followee_id]
            )
            if not stands:
                return []
            return await self._tell(work, followee_id, NotificationType.FOLLOW, follower_id, followee_id)

        await self._deliver(claim, body, "")

    async def deliver_comment(self, claim: Claim) -> None:
        """Tell the post's author, whom it answers and whom it mentions of a comment; each once. Twice is once."""
        comment_id, post_id = CommentId(claim.payload["comment_id"]), PostId(claim.payload["post_id"])
        actor_id = UserId(claim.payload["actor_id"])
        post_author_id = UserId(claim.payload["post_author_id"])
        seen = self._visibility.of_posts(post_author_id)
        rows = await self._database.rows(
            f"SELECT c.content FROM comments c JOIN posts p ON p.id = c.post_id WHERE c.id = ? AND {seen.sql}",
            [comment_id, *seen.parameters],
        )
        content = rows[0]["content"] if rows else ""
        mentioned = await self._ids_of(mentions(content))

        async def body(work: Work) -> Told:
            if not rows:
                return []
            recipients: dict[UserId, NotificationType] = dict.fromkeys(mentioned, NotificationType.MENTION)
            recipients[post_author_id] = NotificationType.COMMENT
            answered_id = claim.payload["answered_id"]
            if answered_id is not None:
                recipients[UserId(answered_id)] = NotificationType.REPLY
            told: Told = []
            for recipient_id, type_ in sorted(recipients.items()):  # in one order, or two comments deadlock
                told += await self._tell(work, recipient_id, type_, actor_id, comment_id, post_id, comment_id)
            return told

        await self._deliver(claim, body, content)

    async def _deliver(self, claim: Claim, body: Callable[[Work], Awaitable[Told]], text: str) -> None:
        for recipient_id, notification_id in await self._unit_of_work.run(body, completes=claim):
            self._metrics.delivered("in_app", self._age_s(claim))
            for notification in await self._read(recipient_id, "n.id = ?", [notification_id]):
                sent = await self._publisher.publish(
                    Signal(
                        recipient_id=notification.recipient_id,
                        sequence=notification.sequence,
                        type=notification.type,
                        actor_id=notification.actor.id,
                        post_id=notification.post_id,
                        text=text,
                        created_at_ms=notification.created_at_ms,
                    )
                )
                self._metrics.delivered("live", self._age_s(claim) if sent else None)

    def _age_s(self, claim: Claim) -> float:
        """Seconds since the event, which was committed with its job."""
        return (self._clock.now_ms() - claim.created_at_ms) / 1000

    async def _tell(
        self,
        work: Work,
        recipient_id: UserId,
        type_: NotificationType,
        actor_id: UserId,
        target_id: int,
        post_id: PostId | None = None,
        comment_id: CommentId | None = None,
    ) -> Told:
        """Insert one notification under the recipient's next number; or nothing if they know or did it."""
        told = NotificationRow.filter(
            recipient_id=recipient_id, type=type_, actor_id=actor_id, target_id=target_id
        )
        if recipient_id == actor_id or await told.exists():
            return []
        sequence = await self._next_sequence(recipient_id)
        try:
            row = await NotificationRow.create(
                id=work.new_id(),
                recipient_id=recipient_id,
                sequence=sequence,
                type=type_,
                actor_id=actor_id,
                target_id=target_id,
                post_id=post_id,
                comment_id=comment_id,
                created_at_ms=work.now_ms(),
            )
        except DuplicateKey as error:
            raise SerializationFailure("Another worker told them at the same moment.") from error
        return [(recipient_id, NotificationId(row.id))]

    async def _next_sequence(self, recipient_id: UserId) -> int:
        """Counts on under the lock of the recipient's inbox, so numbers have no gap and follow the commits."""
        changed = await self._database.execute(
            "UPDATE inboxes SET last_sequence = last_sequence + 1 WHERE user_id = ?", [recipient_id]
        )
        if changed:
            return (await self.last_sequences([recipient_id]))[recipient_id]
        try:
            await Inbox.create(user_id=recipient_id, last_sequence=1)
        except DuplicateKey as error:
            raise SerializationFailure("Another worker opened this inbox at the same moment.") from error
        return 1

    async def _ids_of(self, usernames: Sequence[str]) -> list[UserId]:
        if not usernames:
            return []
        rows = await self._database.rows(
            f"SELECT id FROM users WHERE username_key IN ({placeholders(len(usernames))})", usernames
        )
        return [UserId(row["id"]) for row in rows]

    async def _read(
        self, recipient_id: UserId, condition: str, parameters: Sequence[Any]
    ) -> list[Notification]:
        """What is not about a post that the recipient may no longer see, or a comment that is gone."""
        seen = self._visibility.of_posts(recipient_id)
        rows = await self._database.rows(
            "SELECT n.id, n.recipient_id, n.sequence, n.type, n.post_id, n.comment_id, n.read_at_ms, n.created_at_ms,"
            f" {USER_COLUMNS} FROM notifications n JOIN users u ON u.id = n.actor_id WHERE (n.post_id IS NULL OR"
            f" EXISTS(SELECT 1 FROM posts p WHERE p.id = n.post_id AND {seen.sql})) AND (n.comment_id IS NULL OR"
            f" EXISTS(SELECT 1 FROM comments c WHERE c.id = n.comment_id)) AND {condition}",
            [*seen.parameters, *parameters],
        )
        return [
            Notification(
                id=NotificationId(row["id"]),
                recipient_id=UserId(row["recipient_id"]),
                sequence=row["sequence"],
                type=NotificationType(row["type"]),
                actor=self._cards.user(row),
                post_id=row["post_id"],
                comment_id=row["comment_id"],
                read=row["read_at_ms"] is not None,
                created_at_ms=row["created_at_ms"],
            )
            for row in rows
        ]
