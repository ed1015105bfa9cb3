"""Deliveries: pushes and letters of what a person was told, each a job on its own feet.

A notification is delivered while it stands and has not been read, to whoever still wants it; otherwise it is owed no
more, and owed again if it comes back. Run twice, after a worker that died at the wrong moment, a delivery may go out
twice, under the same key: mail programs and devices show it once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from server.clock import SystemClock
from server.gateways.mail import Mail, MailFailed, MailRefused
from server.gateways.push import Push, PushMessage, PushOutcome
from server.ids import NotificationId, UserId
from server.metrics import Metrics
from server.models import notifications as models
from server.models.database import Database, placeholders
from server.services.jobs import Claim, Jobs
from server.services.letters import Told, notification_letter
from server.services.mail_links import MailLinks
from server.services.records import NotificationType
from server.services.unit_of_work import UnitOfWork, Work
from server.services.visibility import Visibility
from server.services.wording import SUBJECTS, headline

log = structlog.get_logger(__name__)

PUSH, EMAIL = "push", "email"  # columns of the preferences, and channels of the metrics
BITS = {PUSH: models.PUSH, EMAIL: models.EMAIL}
EXCERPT_LENGTH = 140


class PushFailed(Exception):
    """Some devices could not be reached; the others have it, and are not sent it again."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be said of a notification, to whom."""

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
        return f"notification-{self.id}"

    @property
    def headline(self) -> str:
        return headline(self.type, self.actor, self.others, in_comment=self.comment_id is not None)


class Deliveries:
    """`client_url` is where the pages of the client are, to which letters and pushes lead."""

    def __init__(
        self,
        database: Database,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        visibility: Visibility,
        ways: tuple[Mail, Push],
        links: MailLinks,
        client_url: str,
        metrics: Metrics | None = None,
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._visibility = visibility
        self._mail, self._push = ways
        self._links = links
        self._client_url = client_url
        self._metrics = metrics or Metrics()
        self._clock = SystemClock()

    async def send_letter(self, claim: Claim) -> None:
        """Mail a notification. Raises MailFailed while the mail server does not take it."""
        notice = await self._notice(claim, EMAIL) or await self._let_go(claim, EMAIL)
        if notice is not None:
            page, label = self._page(notice)
            letter = notification_letter(
                notice.key,
                notice.email,
                notice.username,
                Told(f"{notice.headline}.", notice.words, page, label, SUBJECTS[notice.type]),
                self._links.unsubscribe_url(notice.recipient_id, notice.type),
                self._links.list_id(notice.type),
            )
            try:
                await self._mail.send(letter)
            except MailRefused as error:  # it would be refused again
                log.warning("mail_refused", kind=claim.kind, user_id=notice.recipient_id, reason=error.detail)
                self._metrics.undelivered(EMAIL, "refused")
            except MailFailed:
                self._metrics.undelivered(EMAIL, "failed")
                raise
            else:
                self._delivered(EMAIL, notice)
        await self._jobs.finish(claim)

    async def send_push(self, claim: Claim) -> None:
        """Push a notification to the devices of its recipient, each until it has it or is found to be dead.

        Raises PushFailed while some were not reached; which were is saved first, and those are left out from then on.
        """
        notice = await self._notice(claim, PUSH) or await self._let_go(claim, PUSH)
        if notice is not None:
            done: list[int] = list(claim.progress.get("done", []))
            devices = [each for each in await self._devices(notice.recipient_id) if each["id"] not in done]
            outcomes = await self._push.send(self._message(notice), [each["token"] for each in devices])
            by_outcome: dict[PushOutcome, list[int]] = {outcome: [] for outcome in PushOutcome}
            for each, outcome in zip(devices, outcomes, strict=True):
                by_outcome[outcome].append(each["id"])
            self._count(notice, by_outcome)
            await self._forget(notice.recipient_id, by_outcome[PushOutcome.GONE])
            if failed := by_outcome[PushOutcome.FAILED]:
                done += [each["id"] for each in devices if each["id"] not in failed]
                await self._jobs.save_progress(claim, {"done": done})
                raise PushFailed(f"{len(failed)} of {len(devices)} devices were not reached")
        await self._jobs.finish(claim)

    async def _notice(self, claim: Claim, channel: str) -> Notice | None:
        """What to say, if it still stands, was not read meanwhile, and is wanted by this way."""
        notification_id, recipient_id = claim.payload["notification_id"], claim.payload["recipient_id"]
        seen = self._visibility.of_posts(recipient_id)
        rows = await self._database.rows(
            "SELECT n.id, n.type, n.recipient_id, n.post_id, n.comment_id, n.others_count, n.created_at_ms,"
            " r.username, r.email, u.id AS actor_id, u.username AS actor, c.content, p.caption FROM notifications n"
            " JOIN users r ON r.id = n.recipient_id JOIN users u ON u.id = n.actor_id"
            f" LEFT JOIN posts p ON p.id = n.post_id AND {seen.sql}"
            " LEFT JOIN comments c ON c.id = n.comment_id"
            " LEFT JOIN notification_preferences f ON f.user_id = n.recipient_id AND f.type = n.type"
            " WHERE n.id = ? AND n.withdrawn = 0 AND n.read_at_ms IS NULL AND (n.post_id IS NULL OR p.id IS NOT NULL)"
            f" AND (n.comment_id IS NULL OR c.id IS NOT NULL) AND COALESCE(f.{channel}, 1) = 1",
            [*seen.parameters, notification_id],
        )
        return _notice(rows[0]) if rows else None

    async def _let_go(self, claim: Claim, channel: str) -> Notice | None:
        """Owe it no more by this way; or what to say after all, if it came back at this moment. Who brings it back
        holds the inbox, too."""
        notification_id, recipient_id = claim.payload["notification_id"], claim.payload["recipient_id"]

        async def body(_: Work) -> Notice | None:
            await self._database.rows(
                f"SELECT user_id FROM inboxes WHERE user_id = ?{self._database.for_update}", [recipient_id]
            )
            notice = await self._notice(claim, channel)
            if notice is None:
                await self._database.execute(
                    "UPDATE notifications SET owed = owed & ? WHERE id = ?", [~BITS[channel], notification_id]
                )
            return notice

        return await self._unit_of_work.run(body)

    async def _devices(self, user_id: UserId) -> Sequence[Mapping[str, Any]]:
        """Where the recipient is signed in at this moment: whoever has the device now registered it anew."""
        return await self._database.rows(
            "SELECT d.id, d.token FROM devices d JOIN sessions s ON s.id = d.session_id AND s.user_id = d.user_id"
            " WHERE d.user_id = ? AND s.revoked_at_ms IS NULL"
            f" AND s.expires_at_ms > {self._database.now_ms} ORDER BY d.id",
            [user_id],
        )

    async def _forget(self, user_id: UserId, device_ids: Sequence[int]) -> None:
        """The tokens are dead; but a device may have been taken over since they were read."""
        if device_ids:
            await self._database.execute(
                f"DELETE FROM devices WHERE user_id = ? AND id IN ({placeholders(len(device_ids))})",
                [user_id, *device_ids],
            )
            log.info("devices_forgotten", user_id=user_id, devices=len(device_ids))

    def _message(self, notice: Notice) -> PushMessage:
        """`data` is what a client needs to open the right page, and to drop what is meant for somebody else."""
        data = {
            "notificationId": str(notice.id),
            "recipientId": str(notice.recipient_id),
            "type": notice.type.value,
            "actorId": str(notice.actor_id),
            "link": self._page(notice)[0],
        }
        if notice.post_id is not None:
            data["postId"] = str(notice.post_id)
        if notice.comment_id is not None:
            data["commentId"] = str(notice.comment_id)
        return PushMessage(
            key=notice.key,
            title=notice.headline,
            body=_cut(notice.words),
            data=data,
            # The newest says how many there are; of comments each says something else.
            group=f"likes-{notice.post_id}" if notice.type is NotificationType.LIKE else "",
        )

    def _page(self, notice: Notice) -> tuple[str, str]:
        """Where it can be seen, and what is there."""
        if notice.post_id is None:
            return f"{self._client_url}/users/{notice.actor_id}", f"See {notice.actor}"
        return f"{self._client_url}/posts/{notice.post_id}", "See the post"

    def _count(self, notice: Notice, by_outcome: Mapping[PushOutcome, Sequence[int]]) -> None:
        for outcome, device_ids in by_outcome.items():
            for _ in device_ids:
                if outcome is PushOutcome.SENT:
                    self._delivered(PUSH, notice)
                else:
                    self._metrics.undelivered(PUSH, outcome.value)

    def _delivered(self, channel: str, notice: Notice) -> None:
        self._metrics.delivered(channel, (self._clock.now_ms() - notice.at_ms) / 1000)


def _notice(row: Mapping[str, Any]) -> Notice:
    type_ = NotificationType(row["type"])
    words = row["content"]
    if type_ is NotificationType.MENTION and words is None:
        words = row["caption"]
    return Notice(
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


def _cut(words: str) -> str:
    return words if len(words) <= EXCERPT_LENGTH else f"{words[: EXCERPT_LENGTH - 1].rstrip()}…"
