"""Announces new posts to the live streams of those whose feeds have them."""

from collections.abc import Sequence

from server.clock import Clock
from server.ids import PostId, UserId, id_timestamp_ms
from server.models.audience import Audience
from server.models.feed.feeds import FeedRepository
from server.pubsub.publisher import Publisher

# A post that was restored, or shown to more people, is not new.
NEW_FOR_MS = 3_600_000
USERS_PER_QUERY = 1000


class FeedAnnouncements:
    """Best effort: a client that misses one reads its feed anyway."""

    def __init__(self, feeds: FeedRepository, publisher: Publisher, clock: Clock) -> None:
        self._feeds = feeds
        self._publisher = publisher
        self._clock = clock

    async def announce(self, post_id: PostId, follower_ids: Sequence[UserId]) -> None:
        """Announce a post to some followers: one call per thousand, and a message for each who has a stream."""
        if self._is_new(post_id):
            await self._publisher.publish_new_post(follower_ids, post_id)

    async def announce_to_listeners(self, author_id: UserId, post_id: PostId, audience: Audience) -> None:
        """Announce a post with fan-out on read, whose followers are too many to go through.

        Goes through the users with a stream instead: one query and one call per thousand.
        """
        if not self._is_new(post_id):
            return
        listeners = await self._publisher.list_listeners()
        for start in range(0, len(listeners), USERS_PER_QUERY):
            some = listeners[start : start + USERS_PER_QUERY]
            followers = await self._feeds.filter_followers(author_id, some, audience)
            if followers and not await self._publisher.publish_new_post(followers, post_id):
                return

    def _is_new(self, post_id: PostId) -> bool:
        return id_timestamp_ms(post_id) > self._clock.now_ms() - NEW_FOR_MS
