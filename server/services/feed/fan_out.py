"""Delivers posts to the followers: fan-out on write, or on read for authors with many followers."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from server.gateways.feed_store.timelines import Timelines
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.models.feed.fan_outs import FanOutAuthor, FanOutRepository
from server.services.feed.announcements import FeedAnnouncements
from server.services.feed.queries import FeedQueries
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.records import Role

BATCHES_PER_SAVE = 5
ListFollowers = Callable[[UserId, int, int], Coroutine[Any, Any, list[UserId]]]


@dataclass(frozen=True, slots=True)
class FanOutRules:
    """Followers per batch, and the number of followers from which posts are fanned out on read."""

    batch: int
    celebrity_threshold: int


class FanOut:
    """Handlers of the jobs that add posts to feeds and remove them."""

    def __init__(
        self,
        repository: FanOutRepository,
        queries: FeedQueries,
        timelines: Timelines,
        announcements: FeedAnnouncements,
        jobs: Jobs,
        rules: FanOutRules,
    ) -> None:
        self._repository = repository
        self._queries = queries
        self._timelines = timelines
        self._announcements = announcements
        self._jobs = jobs
        self._rules = rules

    async def publish(self, claim: Claim) -> None:
        """Deliver a post to those followers of its author who may see it.

        It is a new one, one that was restored, or one whose audience was widened.

        Idempotent: a list holds an id once, and the saved progress only skips batches that are done.
        """
        post_id, author_id = _subject(claim)
        author = await self._repository.get_author(post_id)
        if author is not None:
            await self._timelines.add_own_post(author_id, post_id)
            if await self._is_added_to_feeds(author_id, author, claim):
                add = partial(self._add_post, post_id)
                await self._for_followers(author_id, claim, add, self._followers_in(author.audience))
            else:
                await self._announcements.announce_to_listeners(author_id, post_id, author.audience)
        await self._jobs.finish(claim)

    async def withdraw(self, claim: Claim) -> None:
        """Remove a deleted post from the feeds. Idempotent; readers do not see the post before that either."""
        post_id, author_id = _subject(claim)
        await self._timelines.remove_own_post(author_id, post_id)
        await self._for_followers(author_id, claim, partial(self._remove_post, post_id))
        await self._jobs.finish(claim)

    async def restore_author(self, claim: Claim) -> None:
        """Drop the followers' feeds, which lack the author's posts if they were built while the author was hidden.

        Idempotent: a dropped feed is built again from the database.
        """
        author_id = UserId(claim.payload["user_id"])
        await self._for_followers(author_id, claim, self._timelines.drop_feeds)
        await self._jobs.finish(claim)

    async def _is_added_to_feeds(self, author_id: UserId, author: FanOutAuthor, claim: Claim) -> bool:
        """Bring the author's mode up to date; return whether the post is to be added to the followers' feeds."""
        if self._is_celebrity(author):
            await self._enable_fan_out_on_read(author_id, already=author.fan_out_on_read)
        elif claim.progress.get("again") or self._has_lost_followers(author):
            # Saved first: a retry would otherwise see the new mode and take the switch for complete.
            await self._jobs.save_progress(claim, {"again": True})
            await self._disable_fan_out_on_read(author_id)
        elif author.fan_out_on_read:
            await self._timelines.enable_fan_out_on_read(author_id)
        else:
            return True
        return False

    def _is_celebrity(self, author: FanOutAuthor) -> bool:
        return author.followers_count >= self._rules.celebrity_threshold or author.role == Role.CELEBRITY

    def _has_lost_followers(self, author: FanOutAuthor) -> bool:
        return author.fan_out_on_read and author.followers_count < self._rules.celebrity_threshold / 2

    async def _enable_fan_out_on_read(self, author_id: UserId, *, already: bool) -> None:
        """Switch to fan-out on read: first in the database, then in Redis, and only then a post skips the feeds.

        So whatever builds a feed or the author set in between finds the author in one of the two.
        """
        if not already:
            await self._repository.set_fan_out_on_read(author_id, enabled=True)
        await self._timelines.enable_fan_out_on_read(author_id)

    async def _disable_fan_out_on_read(self, author_id: UserId) -> None:
        """Switch back to fan-out on write.

        From the first step on new posts are added to feeds. Feeds built after it have all posts from SQL, including the
        post of this job; feeds from before it are dropped before fan-out on read ends.
        """
        await self._repository.set_fan_out_on_read(author_id, enabled=False)
        await self._for_followers(author_id, None, self._timelines.drop_feeds)
        await self._timelines.disable_fan_out_on_read(author_id)
        if await self._repository.has_fan_out_on_read(author_id):  # enabled by the job of another post
            await self._timelines.enable_fan_out_on_read(author_id)

    def _followers_in(self, audience: Audience) -> ListFollowers:
        """Return the query of the followers who may see a post with this audience."""
        if audience is Audience.CLOSE_FRIENDS:
            return self._queries.list_close_followers
        return self._queries.list_followers

    async def _add_post(self, post_id: PostId, followers: Sequence[UserId]) -> None:
        await self._timelines.add_post(followers, post_id)
        await self._announcements.announce(post_id, followers)

    async def _remove_post(self, post_id: PostId, followers: Sequence[UserId]) -> None:
        await self._timelines.remove_posts(followers, [post_id])

    async def _for_followers(
        self,
        author_id: UserId,
        claim: Claim | None,
        process: Callable[[Sequence[UserId]], Awaitable[None]],
        list_some: ListFollowers | None = None,
    ) -> None:
        """Process followers in batches, while the next batch is read: all, or those that `list_some` returns.

        With a claim, the progress is saved every few batches and an interrupted job resumes there.
        """
        after = int(claim.progress.get("after", 0)) if claim is not None else 0
        read = list_some or self._queries.list_followers
        followers = await read(author_id, after, self._rules.batch)
        batches = 0
        while followers:
            next_followers = asyncio.create_task(
                read(author_id, followers[-1], self._rules.batch),
                name="next followers",
            )
            try:
                await process(followers)
            except BaseException:
                next_followers.cancel()
                raise
            after, followers, batches = followers[-1], await next_followers, batches + 1
            if claim is not None and followers and batches % BATCHES_PER_SAVE == 0:
                await self._jobs.save_progress(claim, {"after": after})


def _subject(claim: Claim) -> tuple[PostId, UserId]:
    return PostId(claim.payload["post_id"]), UserId(claim.payload["author_id"])
