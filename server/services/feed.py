"""The personalised feed: pushed to readers' windows when a post appears, read from there, and from SQL beyond."""

from collections.abc import Mapping
from typing import Any

from server.errors import Unavailable
from server.gateways.timelines import Timelines
from server.ids import PostId, UserId
from server.models.database import Database, placeholders
from server.paging import Page, PageRequest, cut
from server.services.cards import Cards
from server.services.jobs import Claim, Jobs
from server.services.records import Post
from server.services.visibility import Visibility


class Feed:
    def __init__(
        self,
        database: Database,
        visibility: Visibility,
        timelines: Timelines,
        cards: Cards,
        jobs: Jobs,
        batch: int,
    ) -> None:
        self._database = database
        self._visibility = visibility
        self._timelines = timelines
        self._cards = cards
        self._jobs = jobs
        self._batch = batch

    async def page(self, reader_id: UserId, request: PageRequest) -> Page[Post]:
        """Posts of those whom the reader follows and the reader's own, newest first.

        Stale entries of the window are left out and the page is filled up, so it is short only where the feed ends.
        """
        posts: list[Post] = []
        before_id, wanted = request.before_id, request.limit + 1
        in_window = True
        while len(posts) < wanted:
            missing = wanted - len(posts)
            ids = await self._from_window(reader_id, before_id, missing) if in_window else []
            if not ids:
                in_window = False
                ids = await self._from_sql(reader_id, before_id, missing)
            if not ids:
                break
            posts += await self._visible(reader_id, ids)
            before_id = ids[-1]
        return cut(posts, request.limit, lambda post: post.id)

    async def fan_out(self, claim: Claim) -> None:
        """Push a new post to its followers' feeds, a batch of followers at a time.

        Twice is once: a set takes an id once, and the progress only saves work that was done.
        """
        post_id, author_id = PostId(claim.payload["post_id"]), UserId(claim.payload["author_id"])
        if await self._database.rows("SELECT 1 FROM posts WHERE id = ?", [post_id]):
            await self._push_from(claim, post_id, author_id)
        await self._jobs.finish(claim)

    async def _push_from(self, claim: Claim, post_id: PostId, author_id: UserId) -> None:
        after = int(claim.progress.get("after", 0))
        if after == 0:
            await self._timelines.push([author_id], post_id)
        while followers := await self._followers(author_id, after):
            await self._timelines.push(followers, post_id)
            after = followers[-1]
            if len(followers) < self._batch:
                return
            await self._jobs.save_progress(claim, {"after": after})

    async def merge(self, claim: Claim) -> None:
        """Bring a new followee's posts into the follower's feed. Twice is once: a set, and the follow is checked."""
        reader_id, author_id = _relation(claim.payload)
        if await self._follows(reader_id, author_id):
            await self._timelines.merge(reader_id, await self._newest_of(author_id))
        await self._jobs.finish(claim)

    async def purge(self, claim: Claim) -> None:
        """Take the posts of somebody who is followed no longer out of the feed. Twice is once."""
        reader_id, author_id = _relation(claim.payload)
        if not await self._follows(reader_id, author_id):
            await self._timelines.remove(reader_id, await self._newest_of(author_id))
        await self._jobs.finish(claim)

    async def _from_window(self, reader_id: UserId, before_id: int, limit: int) -> list[PostId]:
        """Ids from Redis; from SQL while the window is being built or Redis is away."""
        try:
            ids = await self._timelines.read(reader_id, before_id, limit)
            if ids is None and await self._timelines.open(reader_id):
                window = await self._from_sql(reader_id, PageRequest().before_id, self._timelines.window)
                await self._timelines.fill(reader_id, window)
                return [post_id for post_id in window if post_id < before_id][:limit]
        except Unavailable as error:
            if error.code != "redis_away":
                raise
            return []
        return ids or []

    async def _from_sql(self, reader_id: UserId, before_id: int, limit: int) -> list[PostId]:
        seen = self._visibility.of_posts(reader_id)
        rows = await self._database.rows(
            "SELECT p.id FROM posts p WHERE p.id < ? AND (p.author_id = ? OR p.author_id IN (SELECT f.followee_id FROM"
            f" follows f WHERE f.follower_id = ?)) AND {seen.sql} ORDER BY p.id DESC LIMIT ?",
            [before_id, reader_id, reader_id, *seen.parameters, limit],
        )
        return [PostId(row["id"]) for row in rows]

    async def _visible(self, reader_id: UserId, post_ids: list[PostId]) -> list[Post]:
        """Of these posts, those that belong in the reader's feed now, whatever the window still holds."""
        posts = await self._cards.posts(post_ids, reader_id)
        authors = list({post.author.id for post in posts} - {reader_id})
        followed = {reader_id}
        if authors:
            rows = await self._database.rows(
                "SELECT followee_id FROM follows WHERE follower_id = ?"
                f" AND followee_id IN ({placeholders(len(authors))})",
                [reader_id, *authors],
            )
            followed |= {UserId(row["followee_id"]) for row in rows}
        return [post for post in posts if post.author.id in followed]

    async def _followers(self, author_id: UserId, after: int) -> list[UserId]:
        rows = await self._database.rows(
            "SELECT follower_id FROM follows WHERE followee_id = ? AND follower_id > ? ORDER BY follower_id LIMIT ?",
            [author_id, after, self._batch],
        )
        return [UserId(row["follower_id"]) for row in rows]

    async def _follows(self, follower_id: UserId, followee_id: UserId) -> bool:
        rows = await self._database.rows(
            "SELECT 1 FROM follows WHERE follower_id = ? AND followee_id = ?", [follower_id, followee_id]
        )
        return bool(rows)

    async def _newest_of(self, author_id: UserId) -> list[PostId]:
        """As many posts of an author as a window can hold: fewer would leave a gap above the window's lowest id."""
        rows = await self._database.rows(
            "SELECT id FROM posts WHERE author_id = ? ORDER BY id DESC LIMIT ?",
            [author_id, self._timelines.window],
        )
        return [PostId(row["id"]) for row in rows]


def _relation(payload: Mapping[str, Any]) -> tuple[UserId, UserId]:
    return UserId(payload["follower_id"]), UserId(payload["followee_id"])
