"""Follows of hashtags, whose public posts come into the follower's feed."""

from functools import partial

from server.errors import Conflict
from server.events import CacheKey, HashtagFollowChanged
from server.ids import UserId
from server.models.discovery.hashtag_follows import FollowedHashtag, HashtagFollowRepository
from server.models.discovery.hashtags import HashtagRepository
from server.paging import Page, PageRequest, cut
from server.services.discovery.hashtag_search import Hashtag, key_of
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

MAX_FOLLOWED = 50  # each is a list that pages of the feed merge


class HashtagFollows:
    """A follow locks the hashtag, as counting its posts does.

    So a post is counted either before the follow, and then the follower's feed is built with it, or after it, and then
    the counting sees that the hashtag is followed, and updates its list.
    """

    def __init__(
        self, follows: HashtagFollowRepository, hashtags: HashtagRepository, unit_of_work: UnitOfWork
    ) -> None:
        self._follows = follows
        self._hashtags = hashtags
        self._unit_of_work = unit_of_work

    async def follow(self, user_id: UserId, tag: str) -> Hashtag:
        """Follow a hashtag in any spelling, also one that no post has; a second follow changes nothing.

        Raises NotFound for a text that is not a hashtag, and Conflict for more than 50.
        """
        key = key_of(tag)
        await self._unit_of_work.run(
            partial(self._follow, user_id, key), changes=(CacheKey("feed", user_id),)
        )
        return await self.get(user_id, key)

    async def unfollow(self, user_id: UserId, tag: str) -> Hashtag:
        """Stop to follow a hashtag; otherwise nothing changes. Raises NotFound."""
        key = key_of(tag)
        await self._unit_of_work.run(
            partial(self._unfollow, user_id, key), changes=(CacheKey("feed", user_id),)
        )
        return await self.get(user_id, key)

    async def list_followed(self, user_id: UserId, request: PageRequest) -> Page[FollowedHashtag]:
        """Return the hashtags that the user follows, newest follow first."""
        rows = await self._follows.list_by_user(user_id, request.before_id, request.limit + 1)
        return cut(rows, request.limit, lambda row: row.id)

    async def _follow(self, user_id: UserId, key: str, work: WorkContext) -> None:
        hashtag_id = await self._hashtags.lock_or_insert(key, work.new_id())
        followed = await self._follows.list_ids(user_id)
        if hashtag_id in followed:
            return
        if len(followed) >= MAX_FOLLOWED:
            raise Conflict(
                f"You follow {MAX_FOLLOWED} hashtags: stop to follow one of them first.",
                code="too_many_hashtags",
            )
        await self._follows.insert(work.new_id(), user_id, hashtag_id)
        work.emit(HashtagFollowChanged(user_id))

    async def _unfollow(self, user_id: UserId, key: str, work: WorkContext) -> None:
        hashtag = await self._hashtags.find(key)
        if hashtag is not None and await self._follows.delete(user_id, hashtag.id):
            work.emit(HashtagFollowChanged(user_id))

    async def get(self, viewer_id: UserId, tag: str) -> Hashtag:
        """Return a hashtag in any spelling; one that no post has has a count of 0. Raises NotFound."""
        key = key_of(tag)
        hashtag = await self._hashtags.find(key)
        if hashtag is None:
            return Hashtag(key, 0)
        following = bool(await self._follows.filter_followed(viewer_id, [hashtag.id]))
        return Hashtag(key, hashtag.posts_count, following)
