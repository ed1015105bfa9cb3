"""Keeps the cached lists of followed hashtags equal to the database."""

from collections.abc import Sequence

from server.gateways.feed_store.timelines import Timelines
from server.ids import HashtagId, PostId
from server.models.feed.tagged_posts import TaggedPostRepository
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs


class TagLists:
    def __init__(self, posts: TaggedPostRepository, timelines: Timelines, jobs: Jobs) -> None:
        self._posts = posts
        self._timelines = timelines
        self._jobs = jobs

    async def update(self, claim: Claim) -> None:
        """Add a post to the cached lists of hashtags that count it, and remove it from the others.

        Idempotent: reads which hashtags count the post now, so jobs of one post may run in any order.
        """
        post_id = PostId(claim.payload["post_id"])
        changed = [HashtagId(int(each)) for each in str(claim.payload["hashtag_ids"]).split(",")]
        counting = await self._posts.list_counting(post_id)
        await self._apply(post_id, [each for each in changed if each in counting], added=True)
        await self._apply(post_id, [each for each in changed if each not in counting], added=False)
        await self._jobs.finish(claim)

    async def _apply(self, post_id: PostId, hashtag_ids: Sequence[HashtagId], *, added: bool) -> None:
        if hashtag_ids:
            change = self._timelines.add_tagged_post if added else self._timelines.remove_tagged_post
            await change(hashtag_ids, post_id)
