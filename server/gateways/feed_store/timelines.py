"""Cached feeds in Redis: per reader the newest post ids, and what a page needs apart from the cards.

Everything can be rebuilt from SQL. Keys and values are described in `keys`.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from server.gateways.feed_store import timeline_scripts as scripts
from server.gateways.feed_store.followed_authors import FollowedAuthors
from server.gateways.feed_store.keys import (
    COUNTS,
    FAN_OUT_ON_READ,
    PEOPLE,
    author_key,
    feed_key,
    follows_key,
    liked_key,
    relations_key,
    strangers_key,
    tag_key,
    tags_key,
)
from server.gateways.feed_store.reader_marks import ReaderMarks
from server.gateways.feed_store.timeline_reads import DELETED, PostCounts, TimelineRead, parse_read
from server.gateways.redis.lua import Call
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import HashtagId, PostId, UserId

BUILDING_TTL_MS = 30_000
AUTHOR_SET_TTL_S = 86_400
REVISIONS_TTL_S = 86_400
MAX_RECORDED_LIKES = 5000
MAX_TOKEN = 1 << 52
DROP_SCAN_COUNT = 500


class Timelines:
    """Lists of at most `window` posts; a feed expires `ttl_s` seconds after its last read.

    The counters of at most `max_revisions` posts are kept, and the revisions of as many users. Every method raises
    RedisUnavailable and is idempotent.
    """

    def __init__(self, redis: PipelinedRedis, window: int, ttl_s: int, max_revisions: int) -> None:
        self.window = window
        self._redis = redis
        self._ttl_s = ttl_s
        self._max_revisions = max_revisions

    async def read(self, reader_id: UserId, before_id: int, limit: int) -> TimelineRead:
        """Return the newest `limit` posts below `before_id` in the reader's feed, newest first.

        Posts of authors with fan-out on read are merged in.
        """
        users = (feed_key(reader_id), follows_key(reader_id), relations_key(reader_id), liked_key(reader_id))
        others = (tags_key(reader_id), strangers_key(reader_id))
        keys = (*users, COUNTS, PEOPLE, FAN_OUT_ON_READ, *others)
        arguments = (before_id, limit, self._ttl_s)
        return parse_read(await self._redis.run(scripts.READ_FEED, keys, arguments, with_run_id=True))

    async def add_post(self, reader_ids: Sequence[UserId], post_id: PostId) -> int:
        """Add a post to the feeds that are cached and reach down to it; return their number."""
        if not reader_ids:
            return 0
        keys = [feed_key(reader_id) for reader_id in reader_ids]
        added: int = await self._redis.run(scripts.ADD_POST, keys, (self.window, post_id), with_run_id=True)
        return added

    async def add_own_post(self, author_id: UserId, post_id: PostId) -> None:
        """Add a post to its author's feed and to the author's list for fan-out on read."""
        await self._redis.batch((self.add_own_post_call(author_id, post_id),))

    async def remove_posts(self, reader_ids: Sequence[UserId], post_ids: Sequence[PostId]) -> None:
        """Remove posts from feeds."""
        if reader_ids and post_ids:
            keys = [feed_key(reader_id) for reader_id in reader_ids]
            await self._redis.run(scripts.REMOVE_POSTS, keys, post_ids)

    async def remove_own_post(self, author_id: UserId, post_id: PostId) -> None:
        """Remove a post from its author's feed and list."""
        await self._redis.run(scripts.REMOVE_POSTS, (feed_key(author_id), author_key(author_id)), (post_id,))

    async def drop_feeds(self, reader_ids: Sequence[UserId]) -> None:
        """Drop feeds, so that the next read builds them again; a build in progress is abandoned."""
        if reader_ids:
            await self._redis.run(scripts.DROP_LISTS, [feed_key(reader_id) for reader_id in reader_ids])

    async def drop_all(self) -> None:
        """Drop all feeds, lists, likes and counters."""
        await drop_all(self._redis)

    async def begin_feed(self, reader_id: UserId) -> int | None:
        """Start to build a feed; return the token to complete it, or None if it is built or being built.

        From here on new posts are added to it and likes are recorded, so none is missed while SQL is read.
        """
        others = (
            liked_key(reader_id), follows_key(reader_id), relations_key(reader_id), tags_key(reader_id)
        )  # fmt: skip
        return await self._begin(feed_key(reader_id), *others)

    async def complete_feed(
        self,
        reader_id: UserId,
        token: int,
        post_ids: Sequence[PostId],
        followed: FollowedAuthors,
        marks: ReaderMarks,
    ) -> bool:
        """Complete a feed with what SQL has; return False if it was dropped after `begin_feed`."""
        feed = feed_key(reader_id)
        keys = (feed, follows_key(reader_id), relations_key(reader_id), tags_key(reader_id))
        relations = followed.relations()
        counts = (len(followed.authors), len(relations))
        authors = (*counts, *followed.authors, *relations, 0, *followed.hashtags)
        posts = (token, self.window, self._ttl_s, *post_ids)
        _, completed, _ = await self._redis.batch(
            (
                Call(scripts.COMPLETE_FOLLOWS, keys, (token, self._ttl_s, *authors), with_run_id=True),
                Call(scripts.COMPLETE_LIST, (feed,), posts, with_run_id=True),
                self._complete_likes_call(reader_id, token, marks),
            )
        )
        return bool(completed)

    async def begin_likes(self, reader_id: UserId) -> int | None:
        """Start to build a reader's likes and saves; return the token, or None as in `begin_feed`."""
        token = _new_token()
        arguments = (token, BUILDING_TTL_MS)
        begun = await self._redis.run(scripts.BEGIN_LIKES, (liked_key(reader_id),), arguments)
        return token if begun else None

    async def complete_likes(self, reader_id: UserId, token: int, marks: ReaderMarks) -> None:
        """Complete a reader's likes and saves."""
        await self._redis.batch((self._complete_likes_call(reader_id, token, marks),))

    async def begin_author_list(self, author_id: UserId) -> int | None:
        """Start to build the list of an author with fan-out on read; return the token or None."""
        return await self._begin(author_key(author_id))

    async def complete_author_list(self, author_id: UserId, token: int, post_ids: Sequence[PostId]) -> None:
        """Complete an author's list with the newest posts."""
        arguments = (token, self.window, self._ttl_s, *post_ids)
        await self._redis.run(scripts.COMPLETE_LIST, (author_key(author_id),), arguments, with_run_id=True)

    async def begin_tag_list(self, hashtag_id: HashtagId) -> int | None:
        """Start to build the list of a hashtag; return the token or None."""
        return await self._begin(tag_key(hashtag_id))

    async def complete_tag_list(self, hashtag_id: HashtagId, token: int, post_ids: Sequence[PostId]) -> None:
        """Complete a hashtag's list with the newest posts that it counts."""
        arguments = (token, self.window, self._ttl_s, *post_ids)
        await self._redis.run(scripts.COMPLETE_LIST, (tag_key(hashtag_id),), arguments, with_run_id=True)

    async def add_tagged_post(self, hashtag_ids: Sequence[HashtagId], post_id: PostId) -> None:
        """Add a post to the lists of hashtags that are cached and reach down to it."""
        keys = [tag_key(hashtag_id) for hashtag_id in hashtag_ids]
        await self._redis.run(scripts.ADD_POST, keys, (self.window, post_id), with_run_id=True)

    async def remove_tagged_post(self, hashtag_ids: Sequence[HashtagId], post_id: PostId) -> None:
        """Remove a post from the lists of hashtags."""
        keys = [tag_key(hashtag_id) for hashtag_id in hashtag_ids]
        await self._redis.run(scripts.REMOVE_POSTS, keys, (post_id,))

    async def complete_author_set(self, author_ids: Sequence[UserId]) -> None:
        """Store which authors have fan-out on read."""
        arguments = (AUTHOR_SET_TTL_S, *author_ids)
        await self._redis.run(scripts.ADD_AUTHORS, (FAN_OUT_ON_READ,), arguments, with_run_id=True)

    async def enable_fan_out_on_read(self, author_id: UserId) -> None:
        """Read an author's posts from the author's list from now on; the set may be missing."""
        await self._redis.command("SADD", FAN_OUT_ON_READ, author_id)
        await self._redis.command("EXPIRE", FAN_OUT_ON_READ, AUTHOR_SET_TTL_S)

    async def disable_fan_out_on_read(self, author_id: UserId) -> None:
        """Read an author's posts from the readers' feeds from now on."""
        await self._redis.command("SREM", FAN_OUT_ON_READ, author_id)

    async def record(self, counts: Mapping[PostId, PostCounts], revisions: Mapping[UserId, int]) -> None:
        """Store counters of posts and revisions of users, unless newer ones are stored."""
        if counts:
            packed = {post_id: each.packed() for post_id, each in counts.items()}
            await self._redis.batch(
                (self._record_call(COUNTS, packed), self.record_revisions_call(revisions))
            )

    async def record_packed(self, counts: Mapping[PostId, str]) -> None:
        """Store counters of posts in their packed form, unless newer ones are stored."""
        if counts:
            await self._redis.batch((self._record_call(COUNTS, counts),))

    def add_own_post_call(self, author_id: UserId, post_id: PostId) -> Call:
        keys = (feed_key(author_id), author_key(author_id))
        return Call(scripts.ADD_POST, keys, (self.window, post_id), with_run_id=True)

    def drop_feed_call(self, reader_id: UserId) -> Call:
        """Drop the feed, and the reader's relations to authors that it does not have."""
        return Call(scripts.DROP_LISTS, (feed_key(reader_id), strangers_key(reader_id)))

    def drop_strangers_call(self, reader_id: UserId) -> Call:
        """Drop the reader's relations to authors that the feed does not have."""
        return Call(scripts.DROP_LISTS, (strangers_key(reader_id),))

    def drop_likes_call(self, reader_id: UserId) -> Call:
        """Return the call that drops a reader's likes and saves."""
        return Call(scripts.DROP_LISTS, (liked_key(reader_id),))

    def record_like_call(self, reader_id: UserId, post_id: PostId, revision: int, *, liked: bool) -> Call:
        arguments = (post_id, revision, int(liked), MAX_RECORDED_LIKES)
        return Call(scripts.RECORD_LIKE, (liked_key(reader_id),), arguments)

    def record_counts_call(self, post_id: PostId, counts: PostCounts) -> Call:
        return self._record_call(COUNTS, {post_id: counts.packed()})

    def record_deleted_call(self, post_id: PostId, revision: int) -> Call:
        return self._record_call(COUNTS, {post_id: f"{revision},{DELETED}"})

    def record_revisions_call(self, revisions: Mapping[UserId, int]) -> Call:
        return self._record_call(PEOPLE, revisions)

    def _record_call(self, key: str, values: Mapping[Any, str | int]) -> Call:
        pairs = [part for item in values.items() for part in item]
        arguments = (REVISIONS_TTL_S, self._max_revisions, *pairs)
        return Call(scripts.RECORD_REVISIONS, (key,), arguments, with_run_id=True)

    def _complete_likes_call(self, reader_id: UserId, token: int, marks: ReaderMarks) -> Call:
        posts = (len(marks.liked), *marks.liked, *marks.saved)
        arguments = (token, marks.complete_from_id, self._ttl_s, *posts)
        return Call(scripts.COMPLETE_LIKES, (liked_key(reader_id),), arguments)

    async def _begin(self, *keys: str) -> int | None:
        token = _new_token()
        begun = await self._redis.run(scripts.BEGIN_LIST, keys, (token, BUILDING_TTL_MS), with_run_id=True)
        return token if begun else None


async def drop_all(redis: PipelinedRedis) -> None:
    """Drop all feeds, lists, likes and counters; reads build them again."""
    for pattern in ("feed:*", "author:*", "tag:*", "liked:*", "strangers:*"):
        cursor = b"0"
        while True:
            cursor, keys = await redis.command("SCAN", cursor, "MATCH", pattern, "COUNT", DROP_SCAN_COUNT)
            if keys:
                await redis.command("DEL", *keys)
            if cursor == b"0":
                break
    await redis.command("DEL", COUNTS, PEOPLE, FAN_OUT_ON_READ)


def _new_token() -> int:
    return 1 + secrets.randbelow(MAX_TOKEN)
