"""Job handlers that notify users of likes, follows, comments and mentions, and retract those notifications.

Each handler checks whether the activity still exists and makes the notifications agree with that. Running it twice, or
in another order, is therefore safe: the last job to run sees the latest state.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial

from server.clock import SystemClock
from server.ids import CommentId, PostId, UserId, id_timestamp_ms
from server.metrics import Metrics
from server.models.notifications.activities import ActivityRepository
from server.models.notifications.notification_list import NotificationListRepository
from server.pubsub.publisher import NotificationSignal, Publisher
from server.services.content.mentions import mentions_in
from server.services.content.visibility import Visibility
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.notifications.activities import Activity, CreatedNotification
from server.services.notifications.store import NotificationStore
from server.services.records import NotificationType

COMMENTS_PER_QUERY = 500

Created = list[CreatedNotification]


class NotificationJobs:
    def __init__(
        self,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        activities: ActivityRepository,
        notifications: NotificationListRepository,
        store: NotificationStore,
        visibility: Visibility,
        publisher: Publisher,
        metrics: Metrics,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._activities = activities
        self._notifications = notifications
        self._store = store
        self._visibility = visibility
        self._publisher = publisher
        self._metrics = metrics
        self._clock = SystemClock()

    async def handle_like(self, claim: Claim) -> None:
        """Notify a post's author of a like, or retract the notification."""
        post_id, actor_id = PostId(claim.payload["post_id"]), UserId(claim.payload["actor_id"])
        author_id = UserId(claim.payload["author_id"])
        activity = Activity(NotificationType.LIKE, actor_id, post_id, 0, post_id)
        visible = self._visibility.condition(author_id)
        await self._handle_one(
            claim, author_id, activity, partial(self._activities.find_like, post_id, actor_id, visible)
        )

    async def handle_follow(self, claim: Claim) -> None:
        """Notify a user of a new follower, or retract the notification."""
        follower_id, followee_id = UserId(claim.payload["follower_id"]), UserId(claim.payload["followee_id"])
        activity = Activity(NotificationType.FOLLOW, follower_id, followee_id, 0)
        await self._handle_one(
            claim, followee_id, activity, partial(self._activities.find_follow, follower_id, followee_id)
        )

    async def handle_comment(self, claim: Claim) -> None:
        """Notify the post's author, the author of the comment replied to, and the mentioned users, each once."""
        comment_id, actor_id = CommentId(claim.payload["comment_id"]), UserId(claim.payload["actor_id"])
        visible = self._visibility.condition(UserId(claim.payload["post_author_id"]))
        content = await self._activities.find_comment(comment_id, visible)
        recipients: dict[UserId, list[Activity]] = {}
        for recipient_id, activity in await self._comment_activities(claim, content or ""):
            if recipient_id != actor_id:
                recipients.setdefault(recipient_id, []).append(activity)

        async def notify(work: WorkContext) -> Created:
            locked = await self._store.lock(list(recipients))
            if await self._activities.find_comment(comment_id, visible) is None:
                return []
            return await self._create(work, locked, recipients)

        await self._commit(claim, notify if content is not None and recipients else _skip, content or "")

    async def handle_mentions(self, claim: Claim) -> None:
        """Notify the users that a caption mentions; retract notifications of those that it no longer mentions."""
        post_id, author_id = PostId(claim.payload["post_id"]), UserId(claim.payload["author_id"])
        caption = await self._activities.find_caption(post_id, self._visibility.condition(author_id))
        if caption is None:
            await self._commit(claim, _skip, "")
            return
        mentioned = set(await self._activities.list_user_ids(mentions_in(caption.text))) - {author_id}
        notified = await self._activities.list_mentioned_in_caption(post_id, NotificationType.MENTION)
        at_ms = caption.edited_at_ms or id_timestamp_ms(post_id)
        activity = Activity(NotificationType.MENTION, author_id, post_id, at_ms, post_id)

        async def update(work: WorkContext) -> Created:
            locked = await self._store.lock([*mentioned | notified])
            if not await self._activities.has_caption(post_id, caption.text):
                return []  # a later edit has its own job
            for recipient_id in sorted(notified - mentioned):
                await self._store.retract(recipient_id, activity)
            return await self._create(work, locked, {each: [activity] for each in mentioned})

        await self._commit(claim, update if mentioned or notified else _skip, caption.text)

    async def retract_comments(self, claim: Claim) -> None:
        """Delete the notifications about a post's deleted comments, in batches."""
        post_id = PostId(claim.payload["post_id"])
        while ids := await self._notifications.list_of_deleted_comments(post_id, COMMENTS_PER_QUERY):
            await self._notifications.delete(ids)
            await self._jobs.save_progress(claim, {})
        await self._jobs.finish(claim)

    async def _comment_activities(self, claim: Claim, content: str) -> list[tuple[UserId, Activity]]:
        """Return the users that a comment concerns and why: a reply before a comment before a mention.

        A recipient who appears more than once is notified of the first type that they want.
        """
        payload = claim.payload
        post_id, comment_id = PostId(payload["post_id"]), CommentId(payload["comment_id"])
        at_ms = id_timestamp_ms(comment_id)

        def activity(type_: NotificationType) -> Activity:
            return Activity(type_, UserId(payload["actor_id"]), comment_id, at_ms, post_id, comment_id)

        found = [(UserId(payload["post_author_id"]), activity(NotificationType.COMMENT))]
        if payload["answered_id"] is not None:
            found.insert(0, (UserId(payload["answered_id"]), activity(NotificationType.REPLY)))
        mentioned = await self._activities.list_user_ids(mentions_in(content))
        return [*found, *((user_id, activity(NotificationType.MENTION)) for user_id in mentioned)]

    async def _handle_one(
        self,
        claim: Claim,
        recipient_id: UserId,
        activity: Activity,
        find: Callable[[], Awaitable[int | None]],
    ) -> None:
        """Make one recipient's notification agree with an activity; `find` returns its id, or None if undone."""

        async def update(work: WorkContext) -> Created:
            locked = await self._store.lock([recipient_id])
            found = await find()
            if found is None:
                await self._store.retract(recipient_id, activity)
                return []
            done = replace(activity, at_ms=id_timestamp_ms(found))
            return await self._create(work, locked, {recipient_id: [done]})

        await self._commit(claim, update if recipient_id != activity.actor_id else _skip, "")

    async def _create(
        self, work: WorkContext, locked: dict[UserId, int], activities: dict[UserId, list[Activity]]
    ) -> Created:
        """Store each recipient's notification; return the new ones, ordered by recipient id."""
        created = [
            await self._store.create(work, locked, recipient_id, activities[recipient_id])
            for recipient_id in sorted(activities)
        ]
        return [each for each in created if each is not None]

    async def _commit(
        self, claim: Claim, operation: Callable[[WorkContext], Awaitable[Created]], text: str
    ) -> None:
        """Run `operation` and finish the job in one transaction; then announce what it created."""
        for created in await self._unit_of_work.run(operation, completes=claim):
            age_s = (self._clock.now_ms() - claim.created_at_ms) / 1000
            self._metrics.count_delivery("in_app", age_s)
            announced = await self._publisher.publish(_signal(created, text))
            self._metrics.count_delivery("live", age_s if announced else None)


def _signal(created: CreatedNotification, text: str) -> NotificationSignal:
    return NotificationSignal(
        recipient_id=created.recipient_id,
        sequence=created.sequence,
        type=created.activity.type,
        actor_id=created.activity.actor_id,
        post_id=created.activity.post_id,
        text=text,
        created_at_ms=created.activity.at_ms,
    )


async def _skip(_: WorkContext) -> Created:
    """Only finish the job: there is nothing to create or retract."""
    return []
