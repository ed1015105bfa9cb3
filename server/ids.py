"""Ids for every row that a client can see: 53 bits, ordered by time.

41 bits of milliseconds since EPOCH_MS, 7 bits of node, 5 bits of sequence. 53 bits fit a Redis score and a
JavaScript number exactly; the order makes an id a cursor.
"""

from typing import NewType

from server.clock import Clock

UserId = NewType("UserId", int)
PostId = NewType("PostId", int)
MediaId = NewType("MediaId", int)
DraftId = NewType("DraftId", int)
CommentId = NewType("CommentId", int)
CollectionId = NewType("CollectionId", int)
NotificationId = NewType("NotificationId", int)
SessionId = NewType("SessionId", int)
JobId = NewType("JobId", int)
DeviceId = NewType("DeviceId", int)
ReportId = NewType("ReportId", int)
PasskeyId = NewType("PasskeyId", int)
CaseId = NewType("CaseId", int)
ActionId = NewType("ActionId", int)
AppealId = NewType("AppealId", int)
HashtagId = NewType("HashtagId", int)
RankingId = NewType("RankingId", int)
RecentSearchId = NewType("RecentSearchId", int)
ExportId = NewType("ExportId", int)
FilterId = NewType("FilterId", int)
VersionId = NewType("VersionId", int)
PlaceId = NewType("PlaceId", int)

# The viewer without an account. No user has this id, so it has no relationships and no content.
NO_USER = UserId(0)

EPOCH_MS = 1_735_689_600_000  # 2025-01-01T00:00:00Z; 41 bits reach into the year 2094
NODE_BITS = 7
SEQUENCE_BITS = 5
NODES = 1 << NODE_BITS
MAX_ID = (1 << 53) - 1

# Times from 2010 to the second day of the epoch share the ids of its first day, in their order: rows may be older.
_PAST_FROM_MS = 1_262_304_000_000
_PAST_UNTIL_MS = EPOCH_MS + 86_400_000

_STEP_BITS = NODE_BITS + SEQUENCE_BITS
_SEQUENCES = 1 << SEQUENCE_BITS


class IdGenerator:
    """Hands out ids that are unique for its node and strictly rising.

    The time in an id is a hybrid logical clock: it follows the wall clock, and when that stands still or steps
    back, or a millisecond's 32 ids are used up, it advances by itself. So it never waits and never repeats.
    """

    def __init__(self, clock: Clock, node: int, not_before_ms: int = 0) -> None:
        """`not_before_ms`: the last time that this node number is known to have used, from its lease."""
        if not 0 <= node < NODES:
            raise ValueError(f"node {node} is not within 0..{NODES - 1}")
        self._clock = clock
        self._node = node
        self._time_ms = not_before_ms
        self._sequence = _SEQUENCES  # the first id starts a new millisecond

    @property
    def last_ms(self) -> int:
        """The time in the last id, milliseconds since the Unix epoch."""
        return self._time_ms

    def move(self, node: int, not_before_ms: int) -> None:
        """Continue under another node number, after the lease of the first was lost."""
        self._node = node
        self._time_ms = max(self._time_ms, not_before_ms)
        self._sequence = _SEQUENCES

    def restart(self, node: int, not_before_ms: int) -> None:
        """Continue at the clock's time under another node number, whose last use was at `not_before_ms`.

        Ids from then on are smaller than earlier ones if those are ahead of the clock.
        """
        self._node, self._time_ms, self._sequence = node, not_before_ms, _SEQUENCES

    @property
    def ahead_ms(self) -> int:
        """Lead of the last id over the clock, because the clock was set back; negative if it is behind."""
        return self._time_ms - self._clock.now_ms()

    def next(self) -> int:
        """Return a new id, greater than all earlier ids of this generator."""
        now_ms = self._clock.now_ms()
        if now_ms > self._time_ms:
            self._time_ms, self._sequence = now_ms, 0
        elif self._sequence >= _SEQUENCES:
            self._time_ms, self._sequence = self._time_ms + 1, 0
        sequence = self._sequence
        self._sequence += 1
        return (self._time_ms - EPOCH_MS) << _STEP_BITS | self._node << SEQUENCE_BITS | sequence


def id_timestamp_ms(row_id: int) -> int:
    """Return the time in an id, in milliseconds since the Unix epoch."""
    return (row_id >> _STEP_BITS) + EPOCH_MS


def min_id_at(at_ms: int) -> int:
    """Return the smallest id of the time `at_ms`, which turns a time into a cursor."""
    return max(0, at_ms - EPOCH_MS) << _STEP_BITS


def past_ids(at_ms: int) -> range:
    """Return the ids for a row that is inserted now and belongs to the past; older times have smaller ids.

    No generator returns them again, but another row may have one of them. Before 2025-01-02 the time in the id is not
    `at_ms`; all times before 2010 have the same ids.
    """
    if at_ms >= _PAST_UNTIL_MS:
        first = min_id_at(at_ms)
        return range(first, first + (1 << _STEP_BITS))
    seconds = (_PAST_UNTIL_MS - _PAST_FROM_MS) // 1000
    per_second = (min_id_at(_PAST_UNTIL_MS) - 1) // seconds
    first = 1 + max(0, at_ms - _PAST_FROM_MS) // 1000 * per_second
    return range(first, first + per_second)
