"""Suggestions of users to follow: followed by those that the viewer follows, then popular ones."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from server.events import CacheKey, DismissalChanged
from server.ids import UserId
from server.models.conditions import Column
from server.models.discovery.suggested_users import MutualFollower, SuggestedUserRepository
from server.models.people.dismissed_suggestions import DismissedSuggestionRepository
from server.models.people.profiles import ProfileRepository
from server.paging import KeptPage
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.discovery.kept_suggestions import KeptSuggestions
from server.services.discovery.suggestion import Suggestion, SuggestionReason
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import UserLookup
from server.services.records import RelatedUser, UserCard

MAX_NAMED = 2
POPULAR = 200
POPULAR_KEPT_S = 60.0


class Suggestions:
    def __init__(  # noqa: PLR0913 - collaborators
        self,
        suggested: SuggestedUserRepository,
        dismissed: DismissedSuggestionRepository,
        profiles: ProfileRepository,
        lookup: UserLookup,
        cards: Cards,
        visibility: Visibility,
        unit_of_work: UnitOfWork,
        kept: KeptSuggestions,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._suggested = suggested
        self._dismissed = dismissed
        self._profiles = profiles
        self._lookup = lookup
        self._cards = cards
        self._visibility = visibility
        self._unit_of_work = unit_of_work
        self._kept = kept
        self._monotonic = monotonic
        self._popular: Sequence[UserId] = ()
        self._popular_until = float("-inf")

    async def list_suggestions(self, viewer_id: UserId, limit: int) -> KeptPage[Suggestion]:
        """Return users that the viewer may want to follow: none followed, requested, avoided or dismissed.

        Those with the most mutual follows come first; of the viewer's followees, the 200 newest count. The choice may
        be a minute old; no user is in it who must not be suggested now.
        """
        if (kept := await self._kept.get(viewer_id, limit)) is not None:
            return kept
        token = await self._kept.begin(viewer_id)
        found = KeptPage(await self._choose(viewer_id, limit), None)
        if token is not None:
            await self._kept.put(viewer_id, limit, token, found)
        return found

    async def _choose(self, viewer_id: UserId, limit: int) -> list[Suggestion]:
        mutual = [each.id for each in await self._suggested.list_mutual(viewer_id, limit)]
        chosen = mutual + await self._fill(viewer_id, mutual, limit - len(mutual))
        visible = self._visibility.users(viewer_id, Column("u.id"))
        users = await self._cards.list_related(viewer_id, chosen, visible)
        followers = await self._suggested.list_mutual_followers(viewer_id, mutual)
        named = {follower.id for each in followers.values() for follower in each[:MAX_NAMED]}
        cards = await self._cards.get_users(named)
        return [_suggestion(user, followers.get(user.card.id, ()), cards) for user in users]

    async def dismiss(self, viewer_id: UserId, user: UserId | str) -> None:
        """Never suggest a user to the viewer; a second time changes nothing.

        Raises NotFound, and InvalidInput for oneself.
        """
        user_id = await self._lookup.resolve_other(viewer_id, user)
        await self._unit_of_work.run(
            partial(self._dismiss, viewer_id, user_id), changes=(CacheKey("feed", viewer_id),)
        )

    async def restore(self, viewer_id: UserId, user: UserId | str) -> None:
        """Allow to suggest a user again; otherwise nothing changes. Raises NotFound."""
        user_id = await self._lookup.resolve(viewer_id, user)

        async def restore(work: WorkContext) -> None:
            await self._dismissed.delete(viewer_id, user_id)
            work.emit(DismissalChanged(viewer_id))

        await self._unit_of_work.run(restore, changes=(CacheKey("feed", viewer_id),))

    async def _dismiss(self, viewer_id: UserId, user_id: UserId, work: WorkContext) -> None:
        await self._profiles.lock_pair(viewer_id, user_id)
        if not await self._dismissed.exists(viewer_id, user_id):
            await self._dismissed.insert(work.new_id(), viewer_id, user_id)
            work.emit(DismissalChanged(viewer_id))

    async def _fill(self, viewer_id: UserId, known: Sequence[UserId], wanted: int) -> list[UserId]:
        """Return popular users that are not among the known ones."""
        if wanted <= 0:
            return []
        if self._monotonic() >= self._popular_until:
            self._popular = await self._suggested.list_popular(POPULAR)
            self._popular_until = self._monotonic() + POPULAR_KEPT_S
        others = [user_id for user_id in self._popular if user_id not in known]
        allowed = await self._suggested.filter_suggested(viewer_id, others)
        return [user_id for user_id in others if user_id in allowed][:wanted]


def _suggestion(
    user: RelatedUser, followers: Sequence[MutualFollower], cards: dict[UserId, UserCard]
) -> Suggestion:
    named = [each for each in followers[:MAX_NAMED] if each.id in cards]
    return Suggestion(
        user,
        SuggestionReason.FOLLOWED_BY if named else SuggestionReason.POPULAR,
        [cards[each.id] for each in named],
        len(followers) - len(named),
        [each.follow_id for each in named],
    )
