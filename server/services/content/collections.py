"""Collections: named lists of saved posts, which only their owner sees."""

from collections.abc import Collection as Ids
from collections.abc import Sequence
from functools import partial

from server.errors import Conflict, NotFound
from server.ids import CollectionId, PostId, UserId, id_timestamp_ms
from server.models.content.collections import CollectionRepository, CollectionRow
from server.models.content.saves import SaveRepository
from server.models.people.profiles import ProfileRepository
from server.paging import Page, PageRequest, cut
from server.services.content.cards import Cards
from server.services.content.limits import MAX_COLLECTION_POSTS, MAX_COLLECTIONS
from server.services.content.saves import Saves, changed
from server.services.content.visibility import Visibility
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import Collection, Post


class Collections:
    """A change locks the owner, as a change of saves does."""

    def __init__(
        self,
        collections: CollectionRepository,
        save_rows: SaveRepository,
        saves: Saves,
        profiles: ProfileRepository,
        unit_of_work: UnitOfWork,
        cards: Cards,
        visibility: Visibility,
    ) -> None:
        self._collections = collections
        self._save_rows = save_rows
        self._saves = saves
        self._profiles = profiles
        self._unit_of_work = unit_of_work
        self._cards = cards
        self._visibility = visibility

    async def create(self, owner_id: UserId, name: str, once: IdempotencyToken | None = None) -> Collection:
        """Create an empty collection.

        Raises Conflict for a name that another collection has, and at the maximum number; AlreadyDone for `once`.
        """
        collection_id = await self._unit_of_work.run(partial(self._create, owner_id, name), token=once)
        return await self.get(owner_id, collection_id)

    async def rename(self, owner_id: UserId, collection_id: CollectionId, name: str) -> Collection:
        """Rename a collection. Raises NotFound, and Conflict for a name that another one has."""
        await self._unit_of_work.run(partial(self._rename, owner_id, collection_id, name))
        return await self.get(owner_id, collection_id)

    async def delete(self, owner_id: UserId, collection_id: CollectionId) -> None:
        """Delete a collection; its posts stay saved. Raises NotFound."""

        async def delete(_: WorkContext) -> None:
            await self._profiles.lock_all([owner_id])
            if not await self._collections.delete(owner_id, collection_id):
                raise _not_found()

        await self._unit_of_work.run(delete)

    async def get(self, owner_id: UserId, collection_id: CollectionId) -> Collection:
        """Return a collection. Raises NotFound."""
        row = await self._collections.get(owner_id, collection_id)
        if row is None:
            raise _not_found()
        return (await self._show([row], None))[0]

    async def list_page(
        self, owner_id: UserId, request: PageRequest, post_id: PostId | None = None
    ) -> Page[Collection]:
        """Return the collections, newest first; with `post_id`, also which of them have this post."""
        rows = await self._collections.list_by_owner(owner_id, request.before_id, request.limit + 1)
        page = cut(rows, request.limit, lambda row: row.id)
        containing = None if post_id is None else await self._collections.list_containing(owner_id, post_id)
        return Page(await self._show(page.items, containing), page.next_cursor)

    async def list_posts(
        self, owner_id: UserId, collection_id: CollectionId, request: PageRequest
    ) -> Page[Post]:
        """Return the posts of a collection that the owner may see, those added last first. Raises NotFound."""
        await self._require(owner_id, collection_id)
        rows = await self._collections.list_posts(
            collection_id, self._visibility.listed_posts(owner_id), request.before_id, request.limit + 1
        )
        return await self._cards.cut_posts(owner_id, rows, request.limit)

    async def add_post(self, owner_id: UserId, collection_id: CollectionId, post_id: PostId) -> None:
        """Add a post to a collection, and save it; a second time changes nothing.

        Raises NotFound for the collection and the post, and Conflict for a full collection.
        """
        await self._unit_of_work.run(
            partial(self._add_post, owner_id, collection_id, post_id), changes=changed(owner_id)
        )

    async def remove_post(self, owner_id: UserId, collection_id: CollectionId, post_id: PostId) -> None:
        """Remove a post from a collection; it stays saved. Nothing happens if it is not there.

        Raises NotFound for the collection. The post may be hidden from the owner.
        """

        async def remove(_: WorkContext) -> None:
            await self._lock(owner_id, collection_id)
            save_id = await self._save_rows.find(owner_id, post_id)
            if save_id is not None:
                await self._collections.remove_post(collection_id, save_id)

        await self._unit_of_work.run(remove)

    async def _create(self, owner_id: UserId, name: str, work: WorkContext) -> CollectionId:
        await self._profiles.lock_all([owner_id])
        if await self._collections.find_name(owner_id, name.casefold()) is not None:
            raise _name_taken(name)
        if await self._collections.count(owner_id) >= MAX_COLLECTIONS:
            raise Conflict(
                f"You have {MAX_COLLECTIONS} collections, which is the maximum: delete one first.",
                code="too_many_collections",
            )
        collection_id = CollectionId(work.result_id)
        await self._collections.insert(collection_id, owner_id, name, name.casefold())
        return collection_id

    async def _rename(self, owner_id: UserId, collection_id: CollectionId, name: str, _: WorkContext) -> None:
        await self._lock(owner_id, collection_id)
        other = await self._collections.find_name(owner_id, name.casefold())
        if other not in (None, collection_id):
            raise _name_taken(name)
        await self._collections.rename(collection_id, name, name.casefold())

    async def _add_post(
        self, owner_id: UserId, collection_id: CollectionId, post_id: PostId, work: WorkContext
    ) -> None:
        await self._lock(owner_id, collection_id)
        save_id = await self._saves.ensure(owner_id, post_id, work)
        if await self._collections.has_post(collection_id, save_id):
            return
        if await self._collections.count_posts(collection_id) >= MAX_COLLECTION_POSTS:
            raise Conflict(
                f"This collection has {MAX_COLLECTION_POSTS} posts, which is the maximum: remove one first.",
                code="collection_full",
            )
        await self._collections.add_post(work.new_id(), collection_id, save_id)

    async def _lock(self, owner_id: UserId, collection_id: CollectionId) -> None:
        """Lock the owner of a collection. Raises NotFound."""
        await self._profiles.lock_all([owner_id])
        await self._require(owner_id, collection_id)

    async def _require(self, owner_id: UserId, collection_id: CollectionId) -> None:
        if not await self._collections.exists(owner_id, collection_id):
            raise _not_found()

    async def _show(
        self, rows: Sequence[CollectionRow], containing: Ids[CollectionId] | None
    ) -> list[Collection]:
        """Return rows with the pictures of their covers; one query."""
        previews = await self._cards.list_previews([cover for row in rows for cover in row.covers])
        return [
            Collection(
                row.id,
                row.name,
                row.posts_count,
                tuple(previews[cover] for cover in row.covers),
                id_timestamp_ms(row.id),
                None if containing is None else row.id in containing,
            )
            for row in rows
        ]


def _not_found() -> NotFound:
    return NotFound("Collection not found.")


def _name_taken(name: str) -> Conflict:
    return Conflict(
        f"You have a collection named {name!r} already: choose another name.",
        code="collection_exists",
        fields={"name": ["Another collection has this name."]},
    )
