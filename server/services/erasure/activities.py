"""Erases the notifications that a user caused, and the user's id in the mentions of others."""

from functools import partial

from server.gateways.feed_store.cached_users import CachedUsers
from server.ids import UserId
from server.models.erasure.mentions import MentioningTable, StoredMentionRepository
from server.models.erasure.user_rows import ACTIVITIES, UserRowRepository
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.notifications.store import NotificationStore

MENTIONS_PER_QUERY = 2000


class ActivityErasure:
    def __init__(
        self,
        rows: UserRowRepository,
        mentions: StoredMentionRepository,
        store: NotificationStore,
        cached: CachedUsers,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        batch: int,
    ) -> None:
        """`batch`: the maximum number of notifications per transaction."""
        self._rows = rows
        self._mentions = mentions
        self._store = store
        self._cached = cached
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._batch = batch

    async def erase_notifications(self, claim: Claim, user_id: UserId) -> None:
        """Delete the notifications of others about the user."""
        while recipients := await self._rows.list_distinct(ACTIVITIES, "recipient_id", user_id, self._batch):
            for recipient_id in recipients:
                await self._unit_of_work.run(partial(self._erase_some, UserId(recipient_id), user_id))
            await self._jobs.save_progress(claim, {"erasing": ACTIVITIES.table})

    async def erase_mentions(self, claim: Claim, user_id: UserId) -> None:
        """Drop the user's id from all captions and comments, continuing where an earlier attempt stopped.

        Cards in Redis are deleted; those in the memory of processes show the mention until they are replaced.
        """
        scanned = dict(claim.progress.get("scanned", {}))
        for table in MentioningTable:
            after_id = int(scanned.get(table.value, 0))
            while batch := await self._mentions.find(table, user_id, after_id, MENTIONS_PER_QUERY):
                for row_id in batch.mentioning:
                    await self._unit_of_work.run(partial(self._erase_mention, table, row_id, user_id))
                if table is MentioningTable.POSTS:
                    await self._cached.drop_post_cards(batch.mentioning)
                after_id = scanned[table.value] = batch.last_id
                await self._jobs.save_progress(claim, {"scanned": scanned})

    async def _erase_some(self, recipient_id: UserId, actor_id: UserId, _: WorkContext) -> None:
        """Retract notifications, so that another like of the same post is listed instead; then delete them."""
        await self._store.retract_by_actor(recipient_id, actor_id, self._batch)
        retracted = await self._rows.list_retracted(recipient_id, actor_id, self._batch)
        if retracted:
            await self._rows.delete(ACTIVITIES, retracted)

    async def _erase_mention(
        self, table: MentioningTable, row_id: int, user_id: UserId, _: WorkContext
    ) -> None:
        await self._mentions.remove(table, row_id, user_id)
