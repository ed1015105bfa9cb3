"""Writes the notifications of an activity in the transaction that finishes its job, and announces new ones."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from server.clock import SystemClock
from server.ids import UserId, id_timestamp_ms
from server.metrics import Metrics
from server.pubsub.publisher import NotificationSignal, Publisher
from server.services.jobs.claims import Claim
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.notifications.activities import Activity, CreatedNotification
from server.services.notifications.store import NotificationStore

Created = list[CreatedNotification]


class NotificationWriter:
    def __init__(
        self, unit_of_work: UnitOfWork, store: NotificationStore, publisher: Publisher, metrics: Metrics
    ) -> None:
        self._unit_of_work = unit_of_work
        self._store = store
        self._publisher = publisher
        self._metrics = metrics
        self._clock = SystemClock()

    async def write_one(
        self,
        claim: Claim,
        recipient_id: UserId,
        activity: Activity,
        find: Callable[[], Awaitable[int | None]],
    ) -> None:
        """Make one recipient's notification agree with an activity; `find` returns its id, or None if undone."""

        async def update(work: WorkContext) -> Created:
            locked = await self._store.lock([recipient_id])
            if not locked:  # the recipient was erased
                return []
            found = await find()
            if found is None:
                await self._store.retract(recipient_id, activity)
                return []
            done = replace(activity, at_ms=id_timestamp_ms(found))
            return await self.create(work, locked, {recipient_id: [done]})

        await self.commit(claim, update if recipient_id != activity.actor_id else skip)

    async def create(
        self, work: WorkContext, locked: dict[UserId, int], activities: dict[UserId, list[Activity]]
    ) -> Created:
        """Store each recipient's notification; return the new ones, ordered by recipient id."""
        created = [
            await self._store.create(work, locked, recipient_id, activities[recipient_id])
            for recipient_id in sorted(activities)
        ]
        return [each for each in created if each is not None]

    async def commit(
        self, claim: Claim, operation: Callable[[WorkContext], Awaitable[Created]], text: str = ""
    ) -> None:
        """Run `operation` and finish the job in one transaction; then announce what it created, with `text`."""
        await self._announce(claim, await self._unit_of_work.run(operation, completes=claim), text)

    async def commit_part(self, claim: Claim, operation: Callable[[WorkContext], Awaitable[Created]]) -> None:
        """Run `operation` in a transaction and announce what it created; the job goes on."""
        await self._announce(claim, await self._unit_of_work.run(operation), "")

    async def _announce(self, claim: Claim, notifications: Created, text: str) -> None:
        for created in notifications:
            age_s = (self._clock.now_ms() - claim.created_at_ms) / 1000
            self._metrics.count_delivery("in_app", age_s)
            announced = await self._publisher.publish(_signal(created, text))
            self._metrics.count_delivery("live", age_s if announced else None)


async def skip(_: WorkContext) -> Created:
    """Only finish the job: there is nothing to create or retract."""
    return []


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
