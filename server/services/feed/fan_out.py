"""Brings a post to those who follow its author: pushed to the many, left to be pulled where they are a crowd."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.gateways.feed_store.timelines import Timelines
from server.ids import PostId, UserId
from server.models.database import Database
from server.services.feed.queries import FeedQueries
from server.services.jobs.jobs import Claim, Jobs
from server.services.records import Role

BATCHES_PER_SAVE = 5


@dataclass(frozen=True, slots=True)
class FanOutRules:
    """Followers a step; from how many on an author's posts are pulled."""

    batch: int
    celebrity_threshold: int


class FanOut:
    def __init__(
        self, database: Database, source: FeedQueries, timelines: Timelines, jobs: Jobs, rules: FanOutRules
    ) -> None:
        self._database = database
        self._source = source
        self._timelines = timelines
        self._jobs = jobs
        self._rules = rules

    async def publish(self, claim: Claim) -> None:
        """Bring a new post into the feeds of its author's followers.

        Twice is once: a set takes an id once, and the progress only saves work that was done.
        """
        post_id, author_id = PostId(claim.payload["post_id"]), UserId(claim.payload["author_id"])
        rows = await self._database.rows(
            "SELECT u.followers_count, u.role, u.fan_out_on_read FROM posts p JOIN users u ON u.id = p.author_id"
            " WHERE p.id = ? AND p.deleted_at_ms IS NULL",
            [post_id],
        )
        if rows:
            (author,) = rows
            await self._timelines.push_own(author_id, post_id)
            crowded = author["followers_count"] >= self._rules.celebrity_threshold
            if crowded or author["role"] == Role.CELEBRITY:
                await self._pull(author_id, already=bool(author["fan_out_on_read"]))
            elif claim.progress.get("again") or self._has_lost_the_crowd(author):
                await self._jobs.save_progress(claim, {"again": True})  # or a repeat would take it for done
                await self._push_again(author_id)
            elif not author["fan_out_on_read"]:
                await self._push_from(claim, post_id, author_id)
            else:
                await self._timelines.pull(author_id)
        await self._jobs.finish(claim)

    def _has_lost_the_crowd(self, author: Mapping[str, Any]) -> bool:
        return author["fan_out_on_read"] and author["followers_count"] < self._rules.celebrity_threshold / 2

    async def withdraw(self, claim: Claim) -> None:
        """Take a deleted post out of the feeds. Nobody sees it there any more; it only takes up room. Twice is once."""
        post_id, author_id = PostId(claim.payload["post_id"]), UserId(claim.payload["author_id"])
        await self._timelines.withdraw_own(author_id, post_id)
        await self._to_followers(
            author_id, claim, lambda followers: self._timelines.withdraw(followers, [post_id])
        )
        await self._jobs.finish(claim)

    async def _pull(self, author_id: UserId, *, already: bool) -> None:
        """The database first, then Redis, and only then is a post left unpushed: who builds a feed meanwhile, or the
        set of the pulled, finds the author in one of the two."""
        if not already:
            await self._database.execute("UPDATE users SET fan_out_on_read = 1 WHERE id = ?", [author_id])
        await self._timelines.pull(author_id)

    async def _push_again(self, author_id: UserId) -> None:
        """Stop pulling an author who has no crowd any more.

        From the first step on new posts are pushed; feeds built after it have all from SQL, and those from before are
        dropped before pulling ends. This post is in SQL, so in all of them.
        """
        await self._database.execute("UPDATE users SET fan_out_on_read = 0 WHERE id = ?", [author_id])
        await self._to_followers(author_id, None, self._timelines.reset)
        await self._timelines.stop_pulling(author_id)
        rows = await self._database.rows(
            "SELECT 1 FROM users WHERE id = ? AND fan_out_on_read = 1", [author_id]
        )
        if rows:  # by another post's fan-out, meanwhile
            await self._timelines.pull(author_id)

    async def _push_from(self, claim: Claim, post_id: PostId, author_id: UserId) -> None:
        async def push(followers: Sequence[UserId]) -> None:
            await self._timelines.push(followers, post_id)

        await self._to_followers(author_id, claim, push)

    async def _to_followers(
        self, author_id: UserId, claim: Claim | None, step: Callable[[Sequence[UserId]], Awaitable[None]]
    ) -> None:
        """Do `step` for every follower, a batch at a time, while the next batch is already read.

        With a claim it goes on where it was interrupted: how far it has come is saved now and then.
        """
        after = int(claim.progress.get("after", 0)) if claim is not None else 0
        followers = await self._source.followers(author_id, after, self._rules.batch)
        batches = 0
        while followers:
            following = asyncio.create_task(
                self._source.followers(author_id, followers[-1], self._rules.batch), name="next followers"
            )
            try:
                await step(followers)
            except BaseException:
                following.cancel()
                raise
            after, followers, batches = followers[-1], await following, batches + 1
            if claim is not None and followers and batches % BATCHES_PER_SAVE == 0:
                await self._jobs.save_progress(claim, {"after": after})
