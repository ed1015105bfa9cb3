"""Job handlers that notify users of follows and follow requests, and that retract notifications after a block.

Each handler checks the current state and makes the notifications agree with it, so running it twice is safe.
"""

from functools import partial

from server.ids import UserId
from server.models.notifications.activities import ActivityRepository
from server.models.people.blocks import BlockRepository
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.notifications.activities import Activity
from server.services.notifications.store import NotificationStore
from server.services.notifications.writer import NotificationWriter
from server.services.records import NotificationType

ACTIVITIES_PER_TRANSACTION = 100


class FollowNotificationJobs:
    def __init__(
        self,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        activities: ActivityRepository,
        blocks: BlockRepository,
        store: NotificationStore,
        writer: NotificationWriter,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._activities = activities
        self._blocks = blocks
        self._store = store
        self._writer = writer

    async def handle_follow(self, claim: Claim) -> None:
        """Notify a user of a new follower, or retract the notification."""
        follower_id, followee_id = UserId(claim.payload["follower_id"]), UserId(claim.payload["followee_id"])
        activity = Activity(NotificationType.FOLLOW, follower_id, followee_id, 0)
        await self._writer.write_one(
            claim, followee_id, activity, partial(self._activities.find_follow, follower_id, followee_id)
        )

    async def handle_follow_request(self, claim: Claim) -> None:
        """Notify a private account of a request to follow it, or retract the notification."""
        requester_id, target_id = UserId(claim.payload["requester_id"]), UserId(claim.payload["target_id"])
        activity = Activity(NotificationType.FOLLOW_REQUEST, requester_id, target_id, 0)
        await self._writer.write_one(
            claim,
            target_id,
            activity,
            partial(self._activities.find_follow_request, requester_id, target_id),
        )

    async def handle_follow_accepted(self, claim: Claim) -> None:
        """Notify a user that a private account accepted the request, unless the follow has ended."""
        follower_id, followee_id = UserId(claim.payload["follower_id"]), UserId(claim.payload["followee_id"])
        activity = Activity(NotificationType.FOLLOW_ACCEPTED, followee_id, follower_id, 0)
        await self._writer.write_one(
            claim, follower_id, activity, partial(self._activities.find_follow, follower_id, followee_id)
        )

    async def retract_blocked(self, claim: Claim) -> None:
        """Retract what two users did to each other, unless the block has ended.

        Reads hide these notifications at once; this corrects which like of a post is listed.
        """
        blocker_id, blocked_id = UserId(claim.payload["blocker_id"]), UserId(claim.payload["blocked_id"])
        if await self._blocks.exists(blocker_id, blocked_id):
            for recipient_id, actor_id in ((blocker_id, blocked_id), (blocked_id, blocker_id)):
                retract = partial(self._retract_some, recipient_id, actor_id)
                while await self._unit_of_work.run(retract):
                    await self._jobs.save_progress(claim, {})
        await self._jobs.finish(claim)

    async def _retract_some(self, recipient_id: UserId, actor_id: UserId, _: WorkContext) -> bool:
        return await self._store.retract_by_actor(recipient_id, actor_id, ACTIVITIES_PER_TRANSACTION)
