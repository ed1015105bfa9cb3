"""Saved posts: the posts that a user keeps to find them again. Other users do not see which ones."""

from functools import partial

from server.events import CacheKey, SavesChanged
from server.ids import PostId, UserId
from server.models.content.saves import SaveRepository
from server.models.people.profiles import ProfileRepository
from server.paging import Page, PageRequest
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Post


class Saves:
    """A change locks the user, whose saves and collections so change one after the other. No post is locked."""

    def __init__(
        self,
        saves: SaveRepository,
        profiles: ProfileRepository,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._saves = saves
        self._profiles = profiles
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility

    async def save(self, user_id: UserId, post_id: PostId) -> None:
        """Save a post; a second save changes nothing. Raises NotFound."""
        await self._unit_of_work.run(partial(self._save, user_id, post_id), changes=changed(user_id))

    async def unsave(self, user_id: UserId, post_id: PostId) -> None:
        """Remove a save, and the post from the user's collections; without a save nothing changes.

        The post may be hidden from the user or missing: the answer does not tell.
        """
        await self._unit_of_work.run(partial(self._unsave, user_id, post_id), changes=changed(user_id))

    async def list_page(self, user_id: UserId, request: PageRequest) -> Page[Post]:
        """Return the saved posts that the user may see, newest save first; archived ones are in no list."""
        visible = self._visibility.listed_posts(user_id)
        rows = await self._saves.list_by_user(user_id, visible, request.before_id, request.limit + 1)
        return await self._cards.cut_posts(user_id, rows, request.limit)

    async def ensure(self, user_id: UserId, post_id: PostId, work: WorkContext) -> int:
        """Save a post in a unit of work that locked the user and names `changed`; return the id of the save.

        Raises NotFound.
        """
        await self._visibility.get_post(user_id, post_id)
        save_id = await self._saves.find(user_id, post_id)
        if save_id is None:
            save_id = work.new_id()
            await self._saves.insert(save_id, user_id, post_id)
            work.emit(SavesChanged(user_id))
        return save_id

    async def _save(self, user_id: UserId, post_id: PostId, work: WorkContext) -> None:
        await self._profiles.lock_all([user_id])
        await self.ensure(user_id, post_id, work)

    async def _unsave(self, user_id: UserId, post_id: PostId, work: WorkContext) -> None:
        await self._profiles.lock_all([user_id])
        if await self._saves.delete(user_id, post_id):
            work.emit(SavesChanged(user_id))


def changed(user_id: UserId) -> tuple[CacheKey, ...]:
    """Return what a change of a user's saves makes stale."""
    return (CacheKey("likes", user_id),)
