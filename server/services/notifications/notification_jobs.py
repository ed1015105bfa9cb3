"""Job handlers that notify users of likes, comments, mentions and tags, and retract those notifications.

Each handler checks whether the activity still exists and makes the notifications agree with that. Running it twice, or
in another order, is therefore safe: the last job to run sees the latest state.
"""

from collections.abc import Sequence
from functools import partial

from server.ids import CommentId, PostId, UserId, id_timestamp_ms
from server.models.notifications.activities import ActivityRepository
from server.models.notifications.notification_list import NotificationListRepository
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import WorkContext
from server.services.notifications.activities import Activity
from server.services.notifications.store import NotificationStore
from server.services.notifications.writer import Created, NotificationWriter, skip
from server.services.records import NotificationType

COMMENTS_PER_QUERY = 500


class NotificationJobs:
    def __init__(
        self,
        jobs: Jobs,
        activities: ActivityRepository,
        notifications: NotificationListRepository,
        store: NotificationStore,
        writer: NotificationWriter,
    ) -> None:
        self._jobs = jobs
        self._activities = activities
        self._notifications = notifications
        self._store = store
        self._writer = writer

    async def handle_like(self, claim: Claim) -> None:
        """Notify a post's author of a like, or retract the notification."""
        post_id, actor_id = PostId(claim.payload["post_id"]), UserId(claim.payload["actor_id"])
        author_id = UserId(claim.payload["author_id"])
        activity = Activity(NotificationType.LIKE, actor_id, post_id, 0, post_id)
        await self._writer.write_one(
            claim, author_id, activity, partial(self._activities.find_like, post_id, actor_id)
        )

    async def handle_comment_like(self, claim: Claim) -> None:
        """Notify a comment's author of a like, or retract the notification."""
        comment_id, actor_id = CommentId(claim.payload["comment_id"]), UserId(claim.payload["actor_id"])
        author_id, post_id = UserId(claim.payload["author_id"]), PostId(claim.payload["post_id"])
        activity = Activity(NotificationType.COMMENT_LIKE, actor_id, comment_id, 0, post_id, comment_id)
        await self._writer.write_one(
            claim, author_id, activity, partial(self._activities.find_comment_like, comment_id, actor_id)
        )

    async def handle_comment(self, claim: Claim) -> None:
        """Notify the post's author, the author of the comment replied to, and the mentioned users, each once."""
        comment_id, actor_id = CommentId(claim.payload["comment_id"]), UserId(claim.payload["actor_id"])
        comment = await self._activities.find_comment(comment_id)
        mentioned = () if comment is None else comment.mentioned
        recipients: dict[UserId, list[Activity]] = {}
        for recipient_id, activity in await self._comment_activities(claim, mentioned):
            if recipient_id != actor_id:
                recipients.setdefault(recipient_id, []).append(activity)

        async def notify(work: WorkContext) -> Created:
            locked = await self._store.lock(list(recipients))
            if await self._activities.find_comment(comment_id) is None:
                return []
            return await self._writer.create(work, locked, recipients)

        await self._writer.commit(
            claim, notify if comment and recipients else skip, comment.content if comment else ""
        )

    async def handle_comment_edited(self, claim: Claim) -> None:
        """Notify the users that an edited comment mentions; retract notifications of those that it no longer mentions.

        Those who were notified of the comment for another reason are not notified again.
        """
        comment_id, post_id = CommentId(claim.payload["comment_id"]), PostId(claim.payload["post_id"])
        actor_id = UserId(claim.payload["actor_id"])
        comment = await self._activities.find_comment(comment_id)
        if comment is None:
            await self._writer.commit(claim, skip)
            return
        mentioned = set(await self._activities.list_existing(comment.mentioned)) - {actor_id}
        at_ms = comment.edited_at_ms or id_timestamp_ms(comment_id)
        activity = Activity(NotificationType.MENTION, actor_id, comment_id, at_ms, post_id, comment_id)

        async def update(work: WorkContext) -> Created:
            before = await self._activities.list_notified_of_comment(post_id, comment_id)
            locked = await self._store.lock([*mentioned | before.keys()])
            found = await self._activities.find_comment(comment_id)
            if found is None or found.mentioned != comment.mentioned:
                return []  # a later edit has its own job
            notified = await self._activities.list_notified_of_comment(post_id, comment_id)
            for recipient_id in sorted(notified.keys() & before.keys() - mentioned):
                if notified[recipient_id] == NotificationType.MENTION:
                    await self._store.retract(recipient_id, activity)
            new = [each for each in mentioned if notified.get(each) in (None, NotificationType.MENTION)]
            return await self._writer.create(work, locked, {each: [activity] for each in new})

        await self._writer.commit(claim, update, comment.content)

    async def handle_mentions(self, claim: Claim) -> None:
        """Notify the users that a caption mentions; retract notifications of those that it no longer mentions."""
        post_id, author_id = PostId(claim.payload["post_id"]), UserId(claim.payload["author_id"])
        caption = await self._activities.find_caption(post_id)
        if caption is None:
            await self._writer.commit(claim, skip)
            return
        mentioned = set(await self._activities.list_existing(caption.mentioned)) - {author_id}
        notified = await self._activities.list_mentioned_in_caption(post_id, NotificationType.MENTION)
        at_ms = caption.edited_at_ms or id_timestamp_ms(post_id)
        activity = Activity(NotificationType.MENTION, author_id, post_id, at_ms, post_id)

        async def update(work: WorkContext) -> Created:
            locked = await self._store.lock([*mentioned | notified])
            found = await self._activities.find_caption(post_id)
            if found is None or found.mentioned != caption.mentioned:
                return []  # a later edit has its own job, but only if it changed the mentions
            for recipient_id in sorted(notified - mentioned):
                await self._store.retract(recipient_id, activity)
            return await self._writer.create(work, locked, {each: [activity] for each in mentioned})

        await self._writer.commit(claim, update if mentioned or notified else skip, caption.text)

    async def handle_tags(self, claim: Claim) -> None:
        """Notify the users that are tagged in a post; retract notifications of those that no longer are."""
        post_id, author_id = PostId(claim.payload["post_id"]), UserId(claim.payload["author_id"])
        tagged = await self._activities.list_tagged(post_id)
        notified = await self._activities.list_recipients(post_id, NotificationType.TAG)
        concerned = sorted(({*tagged} | notified) - {author_id})

        async def update(work: WorkContext) -> Created:
            locked = await self._store.lock(concerned)
            found = await self._activities.list_tagged(post_id)
            activities = {
                user_id: Activity(
                    NotificationType.TAG, author_id, post_id, id_timestamp_ms(found.get(user_id, 0)), post_id
                )
                for user_id in concerned
            }
            for user_id in concerned:
                if user_id not in found:  # users that were tagged in between have another job
                    await self._store.retract(user_id, activities[user_id])
            present = {user_id: [activities[user_id]] for user_id in concerned if user_id in found}
            return await self._writer.create(work, locked, present)

        await self._writer.commit(claim, update if concerned else skip)

    async def retract_comments(self, claim: Claim) -> None:
        """Delete the notifications about a post's deleted comments, in batches."""
        post_id = PostId(claim.payload["post_id"])
        while ids := await self._notifications.list_of_deleted_comments(post_id, COMMENTS_PER_QUERY):
            await self._notifications.delete(ids)
            await self._jobs.save_progress(claim, {})
        await self._jobs.finish(claim)

    async def _comment_activities(
        self, claim: Claim, mentioned: Sequence[UserId]
    ) -> list[tuple[UserId, Activity]]:
        """Return the users that a comment concerns and why: a reply before a comment before a mention.

        A recipient who appears more than once is notified of the first type that they want.
        """
        payload = claim.payload
        post_id, comment_id = PostId(payload["post_id"]), CommentId(payload["comment_id"])
        at_ms = id_timestamp_ms(comment_id)

        def activity(type_: NotificationType) -> Activity:
            return Activity(type_, UserId(payload["actor_id"]), comment_id, at_ms, post_id, comment_id)

        found: list[tuple[UserId, Activity]] = []
        if "post_author_id" in payload:  # who approved a comment has seen it
            found.append((UserId(payload["post_author_id"]), activity(NotificationType.COMMENT)))
        if payload["answered_id"] is not None:
            found.insert(0, (UserId(payload["answered_id"]), activity(NotificationType.REPLY)))
        existing = await self._activities.list_existing(mentioned)
        return [*found, *((user_id, activity(NotificationType.MENTION)) for user_id in existing)]
