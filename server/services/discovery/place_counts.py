"""Places of posts, and for each place the number of posts that everyone may see."""

from server.ids import PlaceId, PostId, UserId
from server.models.content.places import PlaceRepository
from server.models.discovery.place_posts import PlacePostRepository, PlacePostRow


class PlaceCounts:
    """Joins a transaction in which the post is locked."""

    def __init__(self, places: PlaceRepository, posts: PlacePostRepository) -> None:
        self._places = places
        self._posts = posts
        self.list_by_posts = posts.list_by_posts

    async def set(
        self,
        post_id: PostId,
        author_id: UserId | None,
        place_id: PlaceId | None,
        stored: PlacePostRow | None,
        *,
        counted: bool,
    ) -> set[PlaceId]:
        """Record the place of a post, or None for a post without one. Return the places whose count changed.

        `author_id` is None for a post that was deleted, which has no place.
        """
        if stored is not None and stored.place_id == place_id:
            if stored.counted is counted:
                return set()
            await self._posts.set_counted(post_id, counted=counted)
            await self._places.change_count(stored.place_id, 1 if counted else -1)
            return {stored.place_id}
        changed: set[PlaceId] = set()
        if stored is not None:
            await self._posts.delete(post_id)
            if stored.counted:
                await self._places.change_count(stored.place_id, -1)
                changed.add(stored.place_id)
        if place_id is not None and author_id is not None:
            await self._posts.insert(PlacePostRow(post_id, place_id, counted), author_id)
            if counted:
                await self._places.change_count(place_id, 1)
                changed.add(place_id)
        return changed
