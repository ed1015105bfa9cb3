"""Result of reading a cached feed, parsed from the answer of the script `read_feed`."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from server.gateways.feed_store.reader_marks import LIKED, SAVED
from server.ids import HashtagId, PostId, UserId
from server.sized_cache import SizedCache

MAX_REMEMBERED_ENTRIES = 32_768
# Readers who poll for new posts mostly get the page that they had before. A page of 20 posts takes 2 KB, so this is
# enough for 8,000 pages.
REMEMBERED_READS_BYTES = 16 << 20
READ_OVERHEAD_BYTES = 512
DELETED = "x"
FOR_CLOSE_FRIENDS = "c"


class ReadStatus(StrEnum):
    """Outcome of a read: a page, or what has to be built first."""

    OK = "ok"
    MISSING = "missing"
    BUILDING = "building"
    AUTHOR_SET_MISSING = "author_set_missing"
    AUTHOR_LISTS_MISSING = "author_lists_missing"
    TAG_LISTS_MISSING = "tag_lists_missing"


class AuthorRelation(StrEnum):
    """Relation of a reader to an author.

    Authors in a feed are the reader, or followed users who follow the reader or not. Others are strangers: `fan` ones
    follow the reader, `requested` ones are private accounts that the reader asked. The reader has restricted those in
    capitals, and has muted, or blocked, or is blocked by, those to avoid.
    """

    SELF = "s"
    FOLLOWED = ""
    MUTUAL = "m"
    STRANGER = "n"
    FAN = "f"
    REQUESTED = "r"
    REQUESTED_FAN = "b"
    RESTRICTED_STRANGER = "N"
    RESTRICTED_FAN = "F"
    RESTRICTED_REQUESTED = "R"
    RESTRICTED_REQUESTED_FAN = "B"
    AVOIDED = "x"
    KNOWN_FOLLOWED = "y"
    UNKNOWN = "u"


_MARKS = b"".join(relation.encode() for relation in AuthorRelation)
_STATUSES = {status.encode(): status for status in ReadStatus}


@dataclass(frozen=True, slots=True)
class PostCounts:
    """Counters of a post. The higher `revision` is the newer state; `changed_at_ms` identifies its card."""

    revision: int
    author_id: UserId
    likes: int
    comments: int
    changed_at_ms: int | None
    for_close_friends: bool = False

    def packed(self) -> str:
        """Return the form that Redis stores."""
        changed = "" if self.changed_at_ms is None else self.changed_at_ms
        audience = f",{FOR_CLOSE_FRIENDS}" if self.for_close_friends else ""
        return f"{self.revision},{self.author_id},{self.likes},{self.comments},{changed}{audience}"


@dataclass(frozen=True, slots=True, eq=False)
class TimelineEntry:
    """A post in a feed with its current state; what is missing in Redis is None.

    `saved` is unknown with `liked`. Equal states are the same object while they are cached, so entries serve as cache
    keys.
    """

    post_id: PostId
    counts: PostCounts | None
    liked: bool | None
    author_revision: int | None
    author_relation: AuthorRelation = AuthorRelation.FOLLOWED
    saved: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class TimelineRead:
    """One page of a cached feed, which has every post from `complete_from_id` up; 0 means every post that exists.

    `likes_known` is False if the likes and saves of the reader are not cached. `authors` and `hashtags` are those whose
    lists are missing. Equal results are the same object while they are cached.
    """

    status: ReadStatus
    complete_from_id: int = 0
    entries: Sequence[TimelineEntry] = ()
    likes_known: bool = True
    authors: Sequence[UserId] = ()
    hashtags: Sequence[HashtagId] = ()


def parse_read(answer: Any) -> TimelineRead:
    """Return the answer of the script `read_feed` as an object."""
    if isinstance(answer, bytes):
        read = _READS.get(answer)
        if read is None:
            read = _parse_page(answer)
            _READS.put(answer, read, len(answer) + READ_OVERHEAD_BYTES)
        return read
    status = _STATUSES[answer[0]]
    if status is ReadStatus.AUTHOR_LISTS_MISSING:
        return TimelineRead(status, authors=[UserId(int(author)) for author in answer[1]])
    if status is ReadStatus.TAG_LISTS_MISSING:
        return TimelineRead(status, hashtags=[HashtagId(int(hashtag)) for hashtag in answer[1]])
    return TimelineRead(status)


_READS: SizedCache[bytes, TimelineRead] = SizedCache(REMEMBERED_READS_BYTES)


def _parse_page(packed: bytes) -> TimelineRead:
    complete_from_id, likes_known, *posts = packed.split(b" ")
    return TimelineRead(
        ReadStatus.OK,
        int(complete_from_id),
        [_parse_entry(post) for post in posts],
        likes_known=likes_known == b"1",
    )


# Most posts of a page are unchanged since the last page.
@lru_cache(maxsize=MAX_REMEMBERED_ENTRIES)
def _parse_entry(packed: bytes) -> TimelineEntry:
    post_id, counts, marks, author = packed.split(b"|")
    mark = int(marks) if marks else 0
    revision = author.rstrip(_MARKS)
    return TimelineEntry(
        PostId(int(post_id)),
        _parse_counts(counts) if counts else None,
        bool(mark & LIKED) if marks else None,
        int(revision) if revision else None,
        AuthorRelation(author[len(revision) :].decode()),
        saved=bool(mark & SAVED),
    )


def _parse_counts(packed: bytes) -> PostCounts:
    revision, author_id, likes, comments, changed, *audience = packed.split(b",")
    return PostCounts(
        int(revision),
        UserId(int(author_id)),
        int(likes),
        int(comments),
        int(changed) if changed else None,
        for_close_friends=bool(audience),
    )
