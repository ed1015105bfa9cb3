"""Reads new notifications for the live streams, with one query for all concurrent reads.

An activity that notifies ten thousand users would otherwise cause ten thousand queries.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from server.batching import BatchingQueue
from server.ids import UserId
from server.models.notifications.notification_list import NotificationListRepository, SequenceRange
from server.services.content.cards import Cards
from server.services.notifications.notifications import to_notification
from server.services.records import Notification

RECIPIENTS_PER_QUERY = 100
ROWS_PER_QUERY = 1000  # about 20 ms of this process's time
SEQUENCES_PER_QUERY = 500
MAX_CONCURRENT_PAGES = 3


class NotificationReader(Protocol):
    """Reads one recipient's notifications, or the last sequences of many recipients."""

    async def list_after(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]: ...
    async def list_last_sequences(self, recipient_ids: Sequence[UserId]) -> Mapping[UserId, int]: ...


@dataclass(frozen=True, slots=True)
class StreamQuery:
    recipient_id: UserId
    after: int
    limit: int


class StreamReader:
    """Runs one query at a time, so that many streams leave most database connections to the requests."""

    def __init__(
        self,
        repository: NotificationListRepository,
        cards: Cards,
        notifications: NotificationReader,
    ) -> None:
        self._repository = repository
        self._cards = cards
        self._notifications = notifications
        self._sequences = BatchingQueue(self._read_sequences, SEQUENCES_PER_QUERY, fail_together=True)
        self._queries = BatchingQueue(self._read_batch, RECIPIENTS_PER_QUERY, fail_together=True)
        self._pages = BatchingQueue(self._read_pages, MAX_CONCURRENT_PAGES, fail_together=True)

    async def list_after(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]:
        """Return at most `limit` notifications with a sequence above `after`, oldest first."""
        query = StreamQuery(recipient_id, after, limit)
        found = await self._queries.submit(query)
        return await self._pages.submit(query) if found is None else found

    async def get_last_sequence(self, recipient_id: UserId) -> int:
        """Return the sequence of the newest notification, 0 before the first."""
        return await self._sequences.submit(recipient_id)

    async def _read_sequences(self, recipient_ids: Sequence[UserId]) -> list[int]:
        last = await self._notifications.list_last_sequences(recipient_ids)
        return [last.get(recipient_id, 0) for recipient_id in recipient_ids]

    async def _read_batch(self, queries: Sequence[StreamQuery]) -> list[list[Notification] | None]:
        """Return a result per query; None for a query that must be read by itself.

        That is a stream more than a page behind, because the end of its page is unknown, and a stream whose rows would
        exceed ROWS_PER_QUERY together with those of the others.
        """
        if len(queries) == 1:
            return [*await self._read_pages(queries)]
        last = await self._read_sequences([query.recipient_id for query in queries])
        ranges: dict[UserId, SequenceRange] = {}
        rows_left = ROWS_PER_QUERY
        for query, end in zip(queries, last, strict=True):
            missing, chosen = end - query.after, ranges.get(query.recipient_id)
            if 0 < missing <= min(query.limit, rows_left) and (chosen is None or query.after < chosen.after):
                ranges[query.recipient_id] = SequenceRange(query.recipient_id, query.after, end)
                rows_left -= missing
        found = await self._read_ranges(ranges.values())
        return [
            _result(query, end, ranges.get(query.recipient_id), found)
            for query, end in zip(queries, last, strict=True)
        ]

    async def _read_pages(self, queries: Sequence[StreamQuery]) -> list[list[Notification]]:
        pages = await asyncio.gather(
            *(self._notifications.list_after(each.recipient_id, each.after, each.limit) for each in queries),
            return_exceptions=True,
        )
        for page in pages:
            if isinstance(page, BaseException):
                raise page
        return cast("list[list[Notification]]", pages)

    async def _read_ranges(self, ranges: Iterable[SequenceRange]) -> dict[UserId, list[Notification]]:
        """Return the notifications by recipient, in order, in one query."""
        wanted = list(ranges)
        found: dict[UserId, list[Notification]] = {}
        for row in await self._repository.list_ranges(wanted) if wanted else ():
            found.setdefault(row.recipient_id, []).append(to_notification(self._cards, row))
        return found


def _result(
    query: StreamQuery,
    end: int,
    read: SequenceRange | None,
    found: Mapping[UserId, list[Notification]],
) -> list[Notification] | None:
    if end <= query.after:
        return []
    if end - query.after > query.limit or read is None or read.after > query.after:
        return None
    return [each for each in found.get(query.recipient_id, ()) if each.sequence > query.after]
