"""Requests to follow a private account: listed, accepted and declined by its owner."""

from functools import partial

from server.errors import NotFound
from server.events import FollowAccepted
from server.ids import MAX_ID, UserId
from server.models.conditions import Column
from server.models.people.follow_requests import FollowRequestRepository
from server.models.people.profiles import ProfileRepository
from server.paging import Page, PageRequest
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.follows import Follows, feeds_of
from server.services.people.user_lookup import UserLookup
from server.services.records import RelatedUser

REQUESTS_PER_QUERY = 100


class FollowRequests:
    def __init__(
        self,
        requests: FollowRequestRepository,
        follows: Follows,
        profiles: ProfileRepository,
        lookup: UserLookup,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._requests = requests
        self._follows = follows
        self._profiles = profiles
        self._lookup = lookup
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._cards = cards
        self._visibility = visibility

    async def list_received(self, user_id: UserId, request: PageRequest) -> Page[RelatedUser]:
        """Return the users with a request to follow the user, newest request first."""
        visible = self._visibility.users(user_id, Column("u.id"))
        rows = await self._requests.list_subjects(user_id, request.before_id, request.limit + 1, visible)
        return await self._cards.cut_related(user_id, rows, request.limit)

    async def list_sent(self, user_id: UserId, request: PageRequest) -> Page[RelatedUser]:
        """Return the private accounts that the user requested to follow, newest request first."""
        visible = self._visibility.users(user_id, Column("u.id"))
        rows = await self._requests.list_targets(user_id, request.before_id, request.limit + 1, visible)
        return await self._cards.cut_related(user_id, rows, request.limit)

    async def accept(self, user_id: UserId, requester: UserId | str) -> None:
        """Let the requester follow the user. Raises NotFound without a request."""
        requester_id = await self._lookup.resolve(user_id, requester)
        await self._unit_of_work.run(
            partial(self._accept, user_id, requester_id), changes=feeds_of(requester_id, user_id)
        )

    async def decline(self, user_id: UserId, requester: UserId | str) -> None:
        """Delete a request; the requester is not notified. Raises NotFound without a request."""
        requester_id = await self._lookup.resolve(user_id, requester)

        async def decline(work: WorkContext) -> None:
            await self._end(user_id, requester_id, work)

        await self._unit_of_work.run(decline, changes=feeds_of(requester_id))

    async def accept_all(self, claim: Claim) -> None:
        """Accept what an account that became public still has to answer.

        Idempotent: accepted requests are gone. Stops if the account is private again.
        """
        user_id, before_id = UserId(claim.payload["user_id"]), MAX_ID + 1
        while rows := await self._requests.list_subjects(user_id, before_id, REQUESTS_PER_QUERY):
            profile = (await self._profiles.list_by_ids([user_id])).get(user_id)
            if profile is None or profile.is_private:
                break
            for row in rows:
                try:
                    await self.accept(user_id, row.user.id)
                except NotFound:  # withdrawn just now, or the requester is not active
                    continue
            before_id = rows[-1].id
            await self._jobs.save_progress(claim, {})
        await self._jobs.finish(claim)

    async def _accept(self, user_id: UserId, requester_id: UserId, work: WorkContext) -> None:
        await self._end(user_id, requester_id, work)
        if not await self._follows.is_following(requester_id, user_id):
            await self._follows.begin_follow(FollowAccepted(requester_id, user_id), work)

    async def _end(self, user_id: UserId, requester_id: UserId, work: WorkContext) -> None:
        """Lock both users and delete the request. Raises NotFound without one."""
        await self._profiles.lock_pair(requester_id, user_id)
        if not await self._follows.end_request(requester_id, user_id, work):
            raise NotFound("Follow request not found.")
