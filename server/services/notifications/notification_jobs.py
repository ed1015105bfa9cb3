"""Tells people of the acts of others: the jobs that acts cause, and that taking them back causes.

Each looks whether the act stands, and makes what was told agree with that. So it is safe to run twice, and in any
order: the last to run has seen the last that happened.
"""

from collections.abc import Awaitable, Callable, Sequence

from server.clock import SystemClock
from server.ids import CommentId, PostId, UserId, id_timestamp_ms
from server.metrics import Metrics
from server.models.database import Database, placeholders, retry_on_deadlock
from server.pubsub.publisher import Publisher, Signal
from server.services.accounts.active_sessions import ActiveSessions
from server.services.content.mentions import mentions_in
from server.services.content.visibility import Visibility
from server.services.jobs.jobs import Claim, Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.notifications.store import Activity, CreatedNotification, NotificationStore
from server.services.records import NotificationType

BATCH = 500

# What a job has told anew.
Created = list[CreatedNotification]


class NotificationJobs:
    def __init__(
        self,
        database: Database,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        views: tuple[Visibility, ActiveSessions],
        publisher: Publisher,
        metrics: Metrics | None = None,
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._visibility, standing = views
        self._publisher = publisher
        self._metrics = metrics or Metrics()
        self._clock = SystemClock()
        self._ledger = NotificationStore(database, standing)

    async def handle_like(self, claim: Claim) -> None:
        """Tell an author of a like, or take that back."""
        post_id, actor_id = PostId(claim.payload["post_id"]), UserId(claim.payload["actor_id"])
        author_id = UserId(claim.payload["author_id"])
        seen = self._visibility.condition(author_id)
        await self._settle(
            claim,
            author_id,
            Activity(NotificationType.LIKE, actor_id, post_id, 0, post_id),
            "SELECT l.id FROM likes l JOIN posts p ON p.id = l.post_id WHERE l.user_id = ? AND l.post_id = ?"
            f" AND {seen.sql}",
            [actor_id, post_id, *seen.parameters],
        )

    async def handle_follow(self, claim: Claim) -> None:
        """Tell somebody of a new follower, or take that back."""
        follower_id, followee_id = UserId(claim.payload["follower_id"]), UserId(claim.payload["followee_id"])
        await self._settle(
            claim,
            followee_id,
            Activity(NotificationType.FOLLOW, follower_id, followee_id, 0),
            "SELECT id FROM follows WHERE follower_id = ? AND followee_id = ?",
            [follower_id, followee_id],
        )

    async def handle_comment(self, claim: Claim) -> None:
        """Tell the post's author, whom it answers and whom it mentions of a comment; each once."""
        comment_id, post_id = CommentId(claim.payload["comment_id"]), PostId(claim.payload["post_id"])
        actor_id = UserId(claim.payload["actor_id"])
        post_author_id = UserId(claim.payload["post_author_id"])
        answered_id = claim.payload["answered_id"]
        seen = self._visibility.condition(post_author_id)
        sql = (
            f"SELECT c.content FROM comments c JOIN posts p ON p.id = c.post_id WHERE c.id = ? AND {seen.sql}"
        )
        rows = await self._database.rows(sql, [comment_id, *seen.parameters])
        content = rows[0]["content"] if rows else ""
        # To each the closest of what it is, unless they do not want to hear of such.
        closest = [
            *([(UserId(answered_id), NotificationType.REPLY)] if answered_id is not None else ()),
            (post_author_id, NotificationType.COMMENT),
            *(
                (mentioned, NotificationType.MENTION)
                for mentioned in await self._ids_of(mentions_in(content))
            ),
        ]
        recipients: dict[UserId, list[NotificationType]] = {}
        for recipient_id, type_ in closest:
            if recipient_id != actor_id:
                recipients.setdefault(recipient_id, []).append(type_)

        async def body(work: WorkContext) -> Created:
            locked = await self._ledger.lock(list(recipients))
            if not await self._database.rows(sql, [comment_id, *seen.parameters]):
                return []
            at_ms = id_timestamp_ms(comment_id)
            acts = {
                recipient_id: [
                    Activity(type_, actor_id, comment_id, at_ms, post_id, comment_id) for type_ in types
                ]
                for recipient_id, types in recipients.items()
            }
            return await self._enter(work, locked, acts)

        await self._tell(claim, body if rows and recipients else _nobody, content)

    async def handle_mentions(self, claim: Claim) -> None:
        """Tell those whom a caption mentions, and take it back from those whom it mentions no more."""
        post_id, author_id = PostId(claim.payload["post_id"]), UserId(claim.payload["author_id"])
        seen = self._visibility.condition(author_id)
        posts = await self._database.rows(
            f"SELECT p.caption, p.edited_at_ms FROM posts p WHERE p.id = ? AND {seen.sql}",
            [post_id, *seen.parameters],
        )
        caption = posts[0]["caption"] if posts else ""
        mentioned = {each for each in await self._ids_of(mentions_in(caption)) if each != author_id}
        told = {
            UserId(row["recipient_id"])
            for row in await self._database.rows(
                "SELECT recipient_id FROM notifications WHERE post_id = ? AND comment_id IS NULL AND type = ?",
                [post_id, NotificationType.MENTION],
            )
        }
        at_ms = posts[0]["edited_at_ms"] or id_timestamp_ms(post_id) if posts else 0
        act = Activity(NotificationType.MENTION, author_id, post_id, at_ms, post_id)

        async def body(work: WorkContext) -> Created:
            locked = await self._ledger.lock([*mentioned | told])
            now = await self._database.rows("SELECT caption FROM posts WHERE id = ?", [post_id])
            if not now or now[0]["caption"] != caption:
                return []  # the job of that edit knows more
            for recipient_id in sorted(told - mentioned):
                await self._ledger.withdraw(recipient_id, act)
            return await self._enter(work, locked, {each: [act] for each in mentioned})

        await self._tell(claim, body if posts and (mentioned or told) else _nobody, caption)

    async def retract_comments(self, claim: Claim) -> None:
        """Delete what was told of the comments of a post that are gone, in pieces: they cannot come back."""
        while rows := await self._database.rows(
            "SELECT n.id FROM notifications n WHERE n.post_id = ? AND n.comment_id IS NOT NULL AND NOT EXISTS"
            "(SELECT 1 FROM comments c WHERE c.id = n.comment_id) LIMIT ?",
            [claim.payload["post_id"], BATCH],
        ):
            gone = sorted(row["id"] for row in rows)
            sql = f"DELETE FROM notifications WHERE id IN ({placeholders(len(gone))})"
            await retry_on_deadlock(lambda sql=sql, gone=gone: self._database.execute(sql, gone))
            await self._jobs.save_progress(claim, {})
        await self._jobs.finish(claim)

    async def _settle(
        self, claim: Claim, recipient_id: UserId, act: Activity, stands: str, parameters: Sequence[object]
    ) -> None:
        """Make what one person was told agree with an act, whose row `stands` selects if it does."""

        async def body(work: WorkContext) -> Created:
            locked = await self._ledger.lock([recipient_id])
            rows = await self._database.rows(stands, parameters)
            if not rows:
                await self._ledger.withdraw(recipient_id, act)
                return []
            done = Activity(
                act.type, act.actor_id, act.target_id, id_timestamp_ms(rows[0]["id"]), act.post_id
            )
            return await self._enter(work, locked, {recipient_id: [done]})

        await self._tell(claim, body if recipient_id != act.actor_id else _nobody, "")

    async def _enter(
        self, work: WorkContext, locked: dict[UserId, int], acts: dict[UserId, list[Activity]]
    ) -> Created:
        entered = [
            await self._ledger.enter(work, locked, recipient_id, acts[recipient_id])
            for recipient_id in sorted(acts)
        ]
        return [each for each in entered if each is not None]

    async def _tell(self, claim: Claim, body: Callable[[WorkContext], Awaitable[Created]], text: str) -> None:
        """Commit with the job what `body` enters, then wake the streams of those who were told."""
        for entered in await self._unit_of_work.run(body, completes=claim):
            act = entered.act
            age_s = (self._clock.now_ms() - claim.created_at_ms) / 1000
            self._metrics.delivered("in_app", age_s)
            sent = await self._publisher.publish(
                Signal(
                    recipient_id=entered.recipient_id,
                    sequence=entered.sequence,
                    type=act.type,
                    actor_id=act.actor_id,
                    post_id=act.post_id,
                    text=text,
                    created_at_ms=act.at_ms,
                )
            )
            self._metrics.delivered("live", age_s if sent else None)

    async def _ids_of(self, usernames: Sequence[str]) -> list[UserId]:
        if not usernames:
            return []
        rows = await self._database.rows(
            f"SELECT id FROM users WHERE username_key IN ({placeholders(len(usernames))})", usernames
        )
        return [UserId(row["id"]) for row in rows]


async def _nobody(_: WorkContext) -> Created:
    """For a job that there is nothing to tell of."""
    return []
