"""How the rows of what people are told are kept: once an act, numbered by recipient, the likes of a post under one.

Everything here happens in a transaction that holds the inboxes of those whom it is about (`lock`). So numbers have no
gap and follow the commits; and of two jobs about one act, the one that looks later sees what became of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.events import EmailRequested, PushRequested
from server.ids import CommentId, NotificationId, PostId, UserId
from server.models.database import Database, DuplicateKey, SerializationFailure, placeholders
from server.models.notifications.notifications import EMAIL, PUSH, InboxTable
from server.models.notifications.notifications import NotificationTable as NotificationRow
from server.services.accounts.active_sessions import ActiveSessions
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import NotificationType

GROUPED = frozenset({NotificationType.LIKE})
# What is older is no news: it is listed, and neither pushed nor mailed. As long as those are tried for.
NEWS_MS = 86_400_000
UNSEEN_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Activity:
    """What somebody did, to a post, a comment or a person: `target_id`."""

    type: NotificationType
    actor_id: UserId
    target_id: int
    at_ms: int
    post_id: PostId | None = None
    comment_id: CommentId | None = None


@dataclass(frozen=True, slots=True)
class CreatedNotification:
    """A new notification, as it is to be told live."""

    id: NotificationId
    recipient_id: UserId
    sequence: int
    act: Activity


class NotificationStore:
    def __init__(self, database: Database, standing: ActiveSessions) -> None:
        self._database = database
        self._standing = standing

    async def lock(self, recipient_ids: Sequence[UserId]) -> dict[UserId, int]:
        """The inboxes of people who exist are ours until the commit: the last number in each. In the order of ids, lest
        two comments that tell the same people deadlock."""
        wanted = sorted(set(recipient_ids))
        rows = await self._database.rows(
            f"SELECT user_id, last_sequence FROM inboxes WHERE user_id IN ({placeholders(len(wanted))})"
            f" ORDER BY user_id{self._database.for_update}",
            wanted,
        )
        locked = {UserId(row["user_id"]): int(row["last_sequence"]) for row in rows}
        for user_id in wanted:
            if user_id not in locked:
                try:
                    await InboxTable.create(user_id=user_id, last_sequence=0)
                except DuplicateKey as error:
                    raise SerializationFailure("Another worker opened this inbox just now.") from error
                locked[user_id] = 0
        return locked

    async def enter(
        self, work: WorkContext, locked: dict[UserId, int], recipient_id: UserId, acts: Sequence[Activity]
    ) -> CreatedNotification | None:
        """Note an act that stands, as the first of the kinds that it is and that the recipient wants to hear of; None
        if it is known already, was done by the recipient, or is not shown in the app.

        What was taken back and is done again comes back to its old place, and is news only to the channels that it was
        taken back from in time.
        """
        act, found = await self._wanted(recipient_id, acts)
        if recipient_id == act.actor_id:
            return None
        if found["id"] is not None:
            if found["withdrawn"]:
                await self._restore(found, act)
                if owed := self._owe(work, NotificationId(found["id"]), recipient_id, found, act):
                    await self._set(found["id"], owed=found["owed"] | owed)
            return None
        notification_id = NotificationId(work.new_id())
        shown = found["in_app"] != 0
        others = found["head_others"] + 1 if shown and found["head_id"] else 0
        if others:
            await self._set(found["head_id"], listed=0, others_count=0)
        sequence = await self._next_number(locked, recipient_id) if shown else -notification_id
        try:
            await NotificationRow.create(
                id=notification_id,
                recipient_id=recipient_id,
                sequence=sequence,
                type=act.type,
                actor_id=act.actor_id,
                target_id=act.target_id,
                post_id=act.post_id,
                comment_id=act.comment_id,
                listed=int(shown),
                others_count=others,
                owed=self._owe(work, notification_id, recipient_id, found, act),
                created_at_ms=act.at_ms,
            )
        except DuplicateKey as error:
            raise SerializationFailure("Another worker told them at the same moment.") from error
        return CreatedNotification(notification_id, recipient_id, sequence, act) if shown else None

    async def withdraw(self, recipient_id: UserId, act: Activity) -> None:
        """Take an act back that no longer stands; one that was never told is none. Its row stays, and is not shown."""
        found = await self._look(recipient_id, act)
        if found["id"] is None or found["withdrawn"]:
            return
        await self._set(found["id"], withdrawn=1, listed=0, others_count=0)
        if not found["head_id"] or found["sequence"] < 0:
            return
        others = found["head_others"] - 1
        if found["id"] != found["head_id"]:
            await self._set(found["head_id"], others_count=max(others, 0))
        elif newest := await self._newest(recipient_id, act):
            # It was read with the one above it.
            await self._database.execute(
                "UPDATE notifications SET listed = 1, others_count = ?, read_at_ms = COALESCE(read_at_ms, ?)"
                " WHERE id = ?",
                [max(others, 0), found["head_read_at_ms"], newest],
            )

    async def _restore(self, found: Mapping[str, Any], act: Activity) -> None:
        if found["sequence"] < 0 or act.type not in GROUPED or not found["head_id"]:
            await self._set(found["id"], withdrawn=0, listed=int(found["sequence"] > 0), others_count=0)
        elif found["head_sequence"] > found["sequence"]:
            await self._set(found["id"], withdrawn=0)
            await self._set(found["head_id"], others_count=found["head_others"] + 1)
        else:
            await self._set(found["head_id"], listed=0, others_count=0)
            await self._set(found["id"], withdrawn=0, listed=1, others_count=found["head_others"] + 1)

    async def _wanted(
        self, recipient_id: UserId, acts: Sequence[Activity]
    ) -> tuple[Activity, Mapping[str, Any]]:
        """The first that the recipient wants to see in the app, else the first that they want at all, else any."""
        looked = [(act, await self._look(recipient_id, act)) for act in acts]
        for wanted in (("in_app",), ("push", "email")):
            for act, found in looked:
                if found["id"] is not None or any(found[channel] != 0 for channel in wanted):
                    return act, found
        return looked[0]

    async def _look(self, recipient_id: UserId, act: Activity) -> Mapping[str, Any]:
        """What there is of this act, of the others that it is listed with, and what the recipient wants to hear."""
        standing = self._standing.condition()
        grouped = act.type in GROUPED
        rows = await self._database.rows(
            "SELECT n.id, n.withdrawn, n.sequence, n.owed, h.id AS head_id, h.sequence AS head_sequence,"
            " h.others_count AS head_others, h.owed AS head_owed, h.read_at_ms AS head_read_at_ms,"
            " f.push, f.email, f.in_app, EXISTS(SELECT 1 FROM devices d JOIN sessions s ON s.id = d.session_id"
            f" WHERE d.user_id = r.id AND {standing.sql}) AS has_device FROM users r"
            " LEFT JOIN notifications n ON n.recipient_id = r.id AND n.type = ? AND n.actor_id = ? AND n.target_id = ?"
            " LEFT JOIN notifications h ON ? AND h.recipient_id = r.id AND h.type = ? AND h.target_id = ?"
            " AND h.listed = 1"
            " LEFT JOIN notification_preferences f ON f.user_id = r.id AND f.type = ?"
            " WHERE r.id = ?",
            [
                *standing.parameters,
                *(act.type, act.actor_id, act.target_id),
                *(grouped, act.type, act.target_id),
                act.type,
                recipient_id,
            ],
        )
        if not rows:
            raise SerializationFailure("The recipient is on their way out.")
        found = rows[0]
        if grouped and found["in_app"] == 0:
            return {**found, "head_id": None, "beside": await self._unseen_owed(recipient_id, act)}
        unread = found["head_id"] is not None and found["head_read_at_ms"] is None
        return {**found, "beside": found["head_owed"] if unread else 0}

    async def _unseen_owed(self, recipient_id: UserId, act: Activity) -> int:
        """By which ways the last of those that are listed together was told of, within the last hour, to somebody who
        sees none of them in the app and so never reads them."""
        rows = await self._database.rows(
            "SELECT owed, created_at_ms FROM notifications WHERE recipient_id = ? AND type = ? AND target_id = ?"
            " AND listed = 0 AND sequence < 0 ORDER BY sequence LIMIT 1",
            [recipient_id, act.type, act.target_id],
        )
        return rows[0]["owed"] if rows and act.at_ms - rows[0]["created_at_ms"] < UNSEEN_MS else 0

    async def _newest(self, recipient_id: UserId, act: Activity) -> int:
        """The newest of the acts that are listed together and stand, 0 if there is none."""
        rows = await self._database.rows(
            "SELECT id FROM notifications WHERE recipient_id = ? AND type = ? AND target_id = ? AND withdrawn = 0"
            " AND sequence > 0 ORDER BY sequence DESC LIMIT 1",
            [recipient_id, act.type, act.target_id],
        )
        return rows[0]["id"] if rows else 0

    async def _next_number(self, locked: dict[UserId, int], recipient_id: UserId) -> int:
        locked[recipient_id] += 1
        await self._database.execute(
            "UPDATE inboxes SET last_sequence = ? WHERE user_id = ?", [locked[recipient_id], recipient_id]
        )
        return locked[recipient_id]

    async def _set(self, notification_id: int, **values: int) -> None:
        columns = ", ".join(f"{name} = ?" for name in values)
        await self._database.execute(
            f"UPDATE notifications SET {columns} WHERE id = ?", [*values.values(), notification_id]
        )

    def _owe(
        self,
        work: WorkContext,
        notification_id: NotificationId,
        recipient_id: UserId,
        found: Mapping[str, Any],
        act: Activity,
    ) -> int:
        """Have it pushed and mailed, if the recipient wants that, and it is news; but not by a way by which they were
        told of others of the same that they have not read of. By which of the two they are told, of it or of those."""
        if work.now_ms() - act.at_ms >= NEWS_MS:
            return 0
        told: int = (found["owed"] or 0) | (found["beside"] or 0)
        if found["has_device"] and found["push"] != 0 and not told & PUSH:
            work.emit(PushRequested(notification_id, recipient_id))
            told |= PUSH
        if found["email"] != 0 and not told & EMAIL:
            work.emit(EmailRequested(notification_id, recipient_id))
            told |= EMAIL
        return told
