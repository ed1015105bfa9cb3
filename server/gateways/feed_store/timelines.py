"""The feeds in Redis: for each who reads, the newest post ids, and beside them what a page needs besides the pictures.

What is kept, under which keys, and in which form is told in `timeline_scripts`. All of it can be built again from SQL,
which is the truth; nothing here is ever waited for but Redis.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from server.gateways.feed_store import timeline_scripts as scripts
from server.gateways.redis.pipelined_client import Call, PipelinedRedis
from server.ids import PostId, UserId

BUILDING_TTL_MS = 30_000
PULLED_TTL_S = 86_400
NOTES_TTL_S = 86_400
MAX_LIKES = 5000
TOKENS = 1 << 52
REMEMBERED = 32_768
REMEMBERED_LOOKS = 1024
SCAN_COUNT = 500
PULLED, COUNTS, PEOPLE, TOUCHED = "pulled", "counts", "people", "touched"


class State(StrEnum):
    """What a look at a feed found: it, or what has to be built first."""

    OK = "ok"
    MISSING = "missing"
    BUILDING = "building"
    UNPULLED = "unpulled"
    LISTS = "lists"


STATES = {state.encode(): state for state in State}


@dataclass(frozen=True, slots=True)
class Counts:
    """What changes of a post. `revision` tells which of two is newer; None for `edited_at_ms`: never edited."""

    revision: int
    author_id: UserId
    likes: int
    comments: int
    edited_at_ms: int | None

    def packed(self) -> str:
        edited = "" if self.edited_at_ms is None else self.edited_at_ms
        return f"{self.revision},{self.author_id},{self.likes},{self.comments},{edited}"


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A post in a feed, with what tells one state of it from another; what Redis does not know is None.

    The same state is the same object, as long as it is remembered.
    """

    post_id: PostId
    counts: Counts | None
    liked: bool | None
    author_revision: int | None


@dataclass(frozen=True, slots=True, eq=False)
class TimelineRead:
    """What a feed showed. From `floor` up it has everything, 0: all there is. The same is the same object, as long as
    it is remembered.

    `likes_known` is False when not even the likes of new posts are known, `authors` are those whose lists are wanted.
    """

    state: State
    floor: int = 0
    entries: Sequence[Entry] = ()
    likes_known: bool = True
    authors: Sequence[UserId] = ()


class Timelines:
    """Lists of at most `window` posts; a feed is dropped `ttl_s` seconds after it was last read. At most `most_notes`
    posts' counters are kept, and as many people's revisions.

    Every method raises Unavailable when Redis does not answer, and bears being repeated.
    """

    def __init__(self, wire: PipelinedRedis, window: int, ttl_s: int, most_notes: int) -> None:
        self.window = window
        self._wire = wire
        self._ttl_s = ttl_s
        self._most_notes = most_notes

    async def look(self, reader_id: UserId, before_id: int, limit: int) -> TimelineRead:
        """The newest `limit` posts below `before_id` of those whom the reader follows, from the feed and from the
        lists of the authors whose posts are not pushed."""
        keys = (_feed(reader_id), _follows(reader_id), _liked(reader_id), COUNTS, PEOPLE, PULLED)
        answer = await self._wire.run(scripts.READ, keys, (before_id, limit, self._ttl_s), with_life=True)
        if isinstance(answer, bytes):
            return _look(answer)
        state = STATES[answer[0]]
        if state is State.LISTS:
            return TimelineRead(state, authors=[UserId(int(author)) for author in answer[1]])
        return TimelineRead(state)

    async def push(self, reader_ids: Sequence[UserId], post_id: PostId) -> int:
        """Add a post to those of the feeds that are kept and reach down to it; to how many."""
        return await self._push([_feed(reader_id) for reader_id in reader_ids], post_id)

    async def push_own(self, author_id: UserId, post_id: PostId) -> None:
        """Add a post to its author's own feed, and to the list that is read instead of pushing."""
        await self._wire.batch((self.push_own_call(author_id, post_id),))

    async def withdraw(self, reader_ids: Sequence[UserId], post_ids: Sequence[PostId]) -> None:
        """Take posts out of feeds."""
        if reader_ids and post_ids:
            await self._wire.run(scripts.WITHDRAW, [_feed(reader_id) for reader_id in reader_ids], post_ids)

    async def withdraw_own(self, author_id: UserId, post_id: PostId) -> None:
        """Take a post out of its author's feed and list."""
        await self._wire.run(scripts.WITHDRAW, (_feed(author_id), _author(author_id)), (post_id,))

    async def reset(self, reader_ids: Sequence[UserId]) -> None:
        """Drop feeds, so that they are built again when they are next read; a build under way is given up."""
        if reader_ids:
            await self._wire.run(scripts.RESET, [_feed(reader_id) for reader_id in reader_ids])

    async def drop_all(self) -> None:
        """Forget everything of everybody."""
        await drop_all(self._wire)

    async def open_feed(self, reader_id: UserId) -> int | None:
        """Begin to build a feed; the token to fill it with, or None if it is there or somebody else is at it.

        From here on new posts are pushed to it and likes noted, so none is missed between reading SQL and filling.
        """
        return await self._open(_feed(reader_id), _liked(reader_id), _follows(reader_id))

    async def fill_feed(
        self,
        reader_id: UserId,
        token: int,
        post_ids: Sequence[PostId],
        followee_ids: Sequence[UserId],
        likes: tuple[int, Sequence[PostId]],
    ) -> bool:
        """Complete a feed that was opened with what SQL has; False if it was reset meanwhile.

        `likes` are a post id from which on all likes are known, and the posts.
        """
        floor, liked_ids = likes
        _, filled, _ = await self._wire.batch(
            (
                Call(
                    scripts.FILL_FOLLOWS,
                    (_feed(reader_id), _follows(reader_id)),
                    (token, self._ttl_s, reader_id, *followee_ids),
                    with_life=True,
                ),
                Call(
                    scripts.FILL,
                    (_feed(reader_id),),
                    (token, self.window, self._ttl_s, *post_ids),
                    with_life=True,
                ),
                Call(scripts.FILL_LIKED, (_liked(reader_id),), (token, floor, self._ttl_s, *liked_ids)),
            )
        )
        return bool(filled)

    async def open_likes(self, reader_id: UserId) -> int | None:
        """Begin to build what a reader likes; the token, or None as with `open_feed`."""
        token = _token()
        opened = await self._wire.run(scripts.OPEN_LIKED, (_liked(reader_id),), (token, BUILDING_TTL_MS))
        return token if opened else None

    async def fill_likes(self, reader_id: UserId, token: int, likes: tuple[int, Sequence[PostId]]) -> None:
        """Complete it; `likes` as in `fill_feed`."""
        floor, liked_ids = likes
        await self._wire.run(
            scripts.FILL_LIKED, (_liked(reader_id),), (token, floor, self._ttl_s, *liked_ids)
        )

    async def open_list(self, author_id: UserId) -> int | None:
        """Begin to build the list of an author whose posts are not pushed."""
        return await self._open(_author(author_id))

    async def fill_list(self, author_id: UserId, token: int, post_ids: Sequence[PostId]) -> None:
        """Complete it with the author's newest posts."""
        arguments = (token, self.window, self._ttl_s, *post_ids)
        await self._wire.run(scripts.FILL, (_author(author_id),), arguments, with_life=True)

    async def fill_pulled(self, author_ids: Sequence[UserId]) -> None:
        """Say which authors' posts are not pushed."""
        await self._wire.run(scripts.FILL_PULLED, (PULLED,), (PULLED_TTL_S, *author_ids), with_life=True)

    async def pull(self, author_id: UserId) -> None:
        """From now on this author's posts are read from their own list. The set need not be there yet."""
        await self._wire.command("SADD", PULLED, author_id)
        await self._wire.command("EXPIRE", PULLED, PULLED_TTL_S)

    async def stop_pulling(self, author_id: UserId) -> None:
        """From now on this author's posts are read from where they were pushed to."""
        await self._wire.command("SREM", PULLED, author_id)

    async def note(self, counts: Mapping[PostId, Counts], revisions: Mapping[UserId, int]) -> None:
        """Remember counters of posts and revisions of people's cards, unless newer ones are known."""
        if counts:
            packed = {post_id: noted.packed() for post_id, noted in counts.items()}
            await self._wire.batch((self.counts_call(packed), self.people_call(revisions)))

    def push_own_call(self, author_id: UserId, post_id: PostId) -> Call:
        keys = (_feed(author_id), _author(author_id))
        return Call(scripts.PUSH, keys, (self.window, post_id), with_life=True)

    def reset_call(self, reader_id: UserId) -> Call:
        return Call(scripts.RESET, (_feed(reader_id),))

    def like_call(self, reader_id: UserId, post_id: PostId, revision: int, *, liked: bool) -> Call:
        """What makes Redis note that a post is liked, or no longer, unless it knows of something newer."""
        return Call(scripts.NOTE_LIKE, (_liked(reader_id),), (post_id, revision, int(liked), MAX_LIKES))

    def counts_call(self, packed: Mapping[PostId, str]) -> Call:
        return self._note(COUNTS, [part for item in packed.items() for part in item])

    def people_call(self, revisions: Mapping[UserId, int]) -> Call:
        return self._note(PEOPLE, [part for item in revisions.items() for part in item])

    async def _push(self, keys: Sequence[str], post_id: PostId) -> int:
        if not keys:
            return 0
        pushed: int = await self._wire.run(scripts.PUSH, keys, (self.window, post_id), with_life=True)
        return pushed

    async def _open(self, *keys: str) -> int | None:
        token = _token()
        opened = await self._wire.run(scripts.OPEN, keys, (token, BUILDING_TTL_MS), with_life=True)
        return token if opened else None

    def _note(self, key: str, items: Sequence[Any]) -> Call:
        return Call(scripts.NOTE, (key,), (NOTES_TTL_S, self._most_notes, *items), with_life=True)


async def drop_all(wire: PipelinedRedis) -> None:
    """Forget every feed, list, like and counter: all of it is built again when it is wanted."""
    for pattern in ("feed:*", "author:*", "liked:*"):
        cursor = b"0"
        while True:
            cursor, keys = await wire.command("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT)
            if keys:
                await wire.command("DEL", *keys)
            if cursor == b"0":
                break
    await wire.command("DEL", COUNTS, PEOPLE, PULLED)


def _feed(user_id: int) -> str:
    return f"feed:{user_id}"


def _follows(user_id: int) -> str:
    return f"follows:{user_id}"


def _liked(user_id: int) -> str:
    return f"liked:{user_id}"


def _author(user_id: int) -> str:
    return f"author:{user_id}"


def _token() -> int:
    return 1 + secrets.randbelow(TOKENS)


# Most posts of a page are as they were on the page before.
@lru_cache(maxsize=REMEMBERED)
def _entry(packed: bytes) -> Entry:
    post_id, counts, liked, revision = packed.split(b"|")
    return Entry(
        PostId(int(post_id)),
        _counts(counts) if counts else None,
        liked == b"1" if liked else None,
        int(revision) if revision else None,
    )


def _counts(packed: bytes) -> Counts:
    revision, author_id, likes, comments, edited = packed.split(b",")
    return Counts(
        int(revision), UserId(int(author_id)), int(likes), int(comments), int(edited) if edited else None
    )


# And most pages, of whoever comes back to see whether there is news.
@lru_cache(maxsize=REMEMBERED_LOOKS)
def _look(packed: bytes) -> TimelineRead:
    floor, likes_known, *posts = packed.split(b" ")
    return TimelineRead(
        State.OK, int(floor), [_entry(post) for post in posts], likes_known=likes_known == b"1"
    )
