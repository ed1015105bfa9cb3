"""Follows, and the requests that private accounts receive instead. Users are given by id or username."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from server.errors import Conflict
from server.events import (
    CacheKey,
    FollowAccepted,
    FollowBackChanged,
    FollowErased,
    FollowRequestChanged,
    UserFollowed,
    UserUnfollowed,
)
from server.ids import UserId
from server.models.people.follow_requests import FollowRequestRepository
from server.models.people.follows import FollowRepository
from server.models.people.profiles import LockedUser, ProfileRepository
from server.models.people.relationships import RelationshipRepository, RelationshipRow
from server.paging import Page, PageRequest
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import UserLookup, user_not_found
from server.services.records import FollowState, RelatedUser

ERASED_PER_TRANSACTION = 50


@dataclass(frozen=True, slots=True)
class LockedPair:
    """A follower and a followee, locked until the commit, and how the follower relates to the followee."""

    followee: LockedUser
    relationship: RelationshipRow


class Follows:
    """A change locks both users first, so that the changes of one pair follow each other."""

    def __init__(
        self,
        follows: FollowRepository,
        requests: FollowRequestRepository,
        profiles: ProfileRepository,
        relationships: RelationshipRepository,
        lookup: UserLookup,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._follows = follows
        self._requests = requests
        self._profiles = profiles
        self._relationships = relationships
        self._lookup = lookup
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility

    async def follow(self, follower_id: UserId, followee: UserId | str) -> FollowState:
        """Follow a user, or ask a private account for it; a second follow or request changes nothing.

        Raises NotFound, InvalidInput for oneself, and Conflict for a user that the follower has blocked.
        """
        followee_id = await self._lookup.resolve_other(follower_id, followee)
        return await self._unit_of_work.run(
            partial(self._follow, follower_id, followee_id), changes=feeds_of(follower_id, followee_id)
        )

    async def unfollow(self, follower_id: UserId, followee: UserId | str) -> FollowState:
        """Unfollow a user, or withdraw the request; without either nothing changes. Raises NotFound."""
        followee_id = await self._lookup.resolve(follower_id, followee)
        return await self._unit_of_work.run(
            partial(self._unfollow, follower_id, followee_id), changes=feeds_of(follower_id, followee_id)
        )

    async def remove_follower(self, user_id: UserId, follower: UserId | str) -> None:
        """End another user's follow of the user; without one nothing changes. Raises NotFound."""
        follower_id = await self._lookup.resolve(user_id, follower)
        await self._unit_of_work.run(
            partial(self._unfollow, follower_id, user_id), changes=feeds_of(follower_id, user_id)
        )

    async def list_followers(
        self, viewer_id: UserId, user: UserId | str, request: PageRequest
    ) -> Page[RelatedUser]:
        """Return who follows a user, newest follow first; none if the account is private to the viewer.

        Raises NotFound.
        """
        user_id = await self._lookup.resolve(viewer_id, user)
        visible = self._visibility.connections(viewer_id, user_id)
        rows = await self._follows.list_subjects(user_id, request.before_id, request.limit + 1, visible)
        return await self._cards.cut_related(viewer_id, rows, request.limit)

    async def list_following(
        self, viewer_id: UserId, user: UserId | str, request: PageRequest
    ) -> Page[RelatedUser]:
        """Return the followees of a user, as `list_followers`."""
        user_id = await self._lookup.resolve(viewer_id, user)
        visible = self._visibility.connections(viewer_id, user_id)
        rows = await self._follows.list_targets(user_id, request.before_id, request.limit + 1, visible)
        return await self._cards.cut_related(viewer_id, rows, request.limit)

    async def _follow(self, follower_id: UserId, followee_id: UserId, work: WorkContext) -> FollowState:
        pair = await self._lock(follower_id, followee_id)
        followee, relationship = pair.followee, pair.relationship
        if relationship.blocked_by:
            raise user_not_found()
        if relationship.blocking:
            raise Conflict("You have blocked this user. Unblock them before you follow them.", code="blocked")
        if relationship.following:
            return FollowState(True, followee.followers_count)
        if followee.is_private:
            if not relationship.requested:
                await self._requests.insert(work.new_id(), follower_id, followee_id)
                work.emit(FollowRequestChanged(follower_id, followee_id))
            return FollowState(False, followee.followers_count, requested=True)
        if relationship.requested:  # when the account was private
            await self.end_request(follower_id, followee_id, work)
        await self.begin_follow(UserFollowed(follower_id, followee_id), work)
        return FollowState(True, followee.followers_count + 1)

    async def _unfollow(self, follower_id: UserId, followee_id: UserId, work: WorkContext) -> FollowState:
        pair = await self._lock(follower_id, followee_id)
        count = pair.followee.followers_count
        if await self.end_request(follower_id, followee_id, work):
            return FollowState(False, count)
        return FollowState(False, count - int(await self.end_follow(follower_id, followee_id, work)))

    async def is_following(self, follower_id: UserId, followee_id: UserId) -> bool:
        return await self._follows.exists(follower_id, followee_id)

    async def begin_follow(self, follow: UserFollowed | FollowAccepted, work: WorkContext) -> None:
        """Insert a new follow between two locked users."""
        await self._follows.insert(work.new_id(), follow.follower_id, follow.followee_id)
        await self._profiles.change_follow_counts(follow.follower_id, follow.followee_id, +1)
        work.emit(follow)
        await self._update_follow_back(follow.follower_id, follow.followee_id, work)

    async def end_request(self, requester_id: UserId, target_id: UserId, work: WorkContext) -> bool:
        """Delete the request between two locked users; return whether there was one."""
        found = await self._requests.delete(requester_id, target_id)
        if found:
            work.emit(FollowRequestChanged(requester_id, target_id))
        return found

    async def end_follow(self, follower_id: UserId, followee_id: UserId, work: WorkContext) -> bool:
        """Delete the follow between two locked users; return whether there was one."""
        found = await self._follows.delete(follower_id, followee_id)
        if found:
            await self._profiles.change_follow_counts(follower_id, followee_id, -1)
            work.emit(UserUnfollowed(follower_id, followee_id))
            await self._update_follow_back(follower_id, followee_id, work)
        return found

    async def erase_some(self, user_id: UserId) -> bool:
        """Delete some of the follows by and of an erased account; return whether there were any.

        The counters of the others change in the same transaction. There are no notifications.
        """
        pairs = await self._follows.list_pairs(user_id, ERASED_PER_TRANSACTION)
        if pairs:
            feeds = [key for pair in pairs for key in feeds_of(*pair)]
            await self._unit_of_work.run(partial(self._erase, pairs), changes=feeds)
        return bool(pairs)

    async def _erase(self, pairs: Sequence[tuple[UserId, UserId]], work: WorkContext) -> None:
        await self._profiles.lock_all(sorted({user_id for pair in pairs for user_id in pair}))
        for follower_id, followee_id in pairs:
            if await self._follows.delete(follower_id, followee_id):
                await self._profiles.change_follow_counts(follower_id, followee_id, -1)
                work.emit(FollowErased(follower_id, followee_id))
                await self._update_follow_back(follower_id, followee_id, work)

    async def _update_follow_back(self, follower_id: UserId, followee_id: UserId, work: WorkContext) -> None:
        """Emit the event for the followee's feed, which says who follows back, if it has the follower's posts."""
        if await self._follows.exists(followee_id, follower_id):
            work.emit(FollowBackChanged(followee_id))

    async def _lock(self, follower_id: UserId, followee_id: UserId) -> LockedPair:
        """Lock both users until the commit. Raises NotFound."""
        followee = await self._profiles.lock_pair(follower_id, followee_id)
        found = await self._relationships.find(follower_id, [followee_id])
        if followee is None or followee_id not in found:
            raise user_not_found()
        return LockedPair(followee, found[followee_id])


def feeds_of(*user_ids: UserId) -> tuple[CacheKey, ...]:
    """Return the cache keys of users' feeds."""
    return tuple(CacheKey("feed", user_id) for user_id in user_ids)
