"""Hashtags of posts, and for each hashtag the number of posts that everyone may see."""

from collections.abc import Mapping, Sequence

from server.ids import HashtagId, PostId, UserId
from server.models.discovery.hashtags import HashtagPostRepository, HashtagRepository, HashtagRow
from server.services.jobs.unit_of_work import WorkContext


class HashtagCounts:
    """Methods join a transaction in which the post is locked. They return the hashtags whose count changed."""

    def __init__(self, hashtags: HashtagRepository, posts: HashtagPostRepository) -> None:
        self._hashtags = hashtags
        self._posts = posts

    async def list_by_posts(self, post_ids: Sequence[PostId]) -> dict[PostId, dict[HashtagId, bool]]:
        """Return the stored hashtags of posts that have any, each with whether it counts the post."""
        return await self._posts.list_by_posts(post_ids)

    async def set(
        self,
        post_id: PostId,
        author_id: UserId,
        tags: Sequence[str],
        stored: Mapping[HashtagId, bool],
        work: WorkContext,
        *,
        counted: bool,
    ) -> dict[HashtagId, HashtagRow]:
        """Make the hashtags of a post those of `tags`, and count the post or not."""
        # All transactions lock hashtags in the order of their tags, so that few of them deadlock.
        wanted = [await self._hashtags.lock_or_insert(tag, work.new_id()) for tag in sorted(tags)]
        gone = {hashtag_id: stored[hashtag_id] for hashtag_id in stored if hashtag_id not in wanted}
        changed = await self.remove(post_id, gone)
        for hashtag_id in wanted:
            before = stored.get(hashtag_id)
            if before is counted:
                continue
            if before is None:
                await self._posts.insert(work.new_id(), hashtag_id, post_id, author_id, counted=counted)
            else:
                await self._posts.set_counted(hashtag_id, post_id, counted=counted)
            if change := int(counted) - int(before or False):
                changed[hashtag_id] = await self._hashtags.change_count(hashtag_id, change)
        return changed

    async def remove(self, post_id: PostId, stored: Mapping[HashtagId, bool]) -> dict[HashtagId, HashtagRow]:
        """Remove a post from hashtags."""
        changed: dict[HashtagId, HashtagRow] = {}
        for hashtag_id in sorted(stored):
            await self._posts.delete(hashtag_id, post_id)
            if stored[hashtag_id]:
                changed[hashtag_id] = await self._hashtags.change_count(hashtag_id, -1)
        return changed
