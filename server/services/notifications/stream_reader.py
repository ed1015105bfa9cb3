"""What arrived for those who listen to their streams: those who ask at the same moment are answered by one query.

Something that is told to ten thousand people would be ten thousand queries, with every other request behind them.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from server.batching import BatchingQueue
from server.ids import UserId
from server.models.conditions import Condition
from server.models.database import Database
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.notifications import queries
from server.services.records import Notification

PEOPLE_PER_QUERY = 100
ROWS_PER_QUERY = 1000  # about 20 ms of this process's time
NUMBERS_PER_QUERY = 500
FAR_BEHIND_AT_ONCE = 3


class NotificationReader(Protocol):
    """What is known of one person's notifications, or of the newest of many."""

    async def since(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]: ...
    async def last_sequences(self, recipient_ids: Sequence[UserId]) -> Mapping[UserId, int]: ...


@dataclass(frozen=True, slots=True)
class Question:
    recipient_id: UserId
    after: int
    limit: int


@dataclass(frozen=True, slots=True)
class Span:
    """Of one person's notifications those above the one number, up to the other."""

    recipient_id: UserId
    after: int
    last: int


class StreamReader:
    """One query at a time, so a storm of streams leaves the other connections to the database to the requests."""

    def __init__(
        self, database: Database, cards: Cards, visibility: Visibility, inboxes: NotificationReader
    ) -> None:
        self._database = database
        self._cards = cards
        self._visibility = visibility
        self._inboxes = inboxes
        self._numbers = BatchingQueue(self._number_all, NUMBERS_PER_QUERY, fail_together=True)
        self._questions = BatchingQueue(self._answer_all, PEOPLE_PER_QUERY, fail_together=True)
        self._pages = BatchingQueue(self._page_each, FAR_BEHIND_AT_ONCE, fail_together=True)

    async def since(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]:
        """At most `limit` notifications with a sequence above `after`, oldest first."""
        question = Question(recipient_id, after, limit)
        found = await self._questions.ask(question)
        return await self._pages.ask(question) if found is None else found

    async def last_sequence(self, recipient_id: UserId) -> int:
        """The sequence of the newest notification, 0 before the first."""
        return await self._numbers.ask(recipient_id)

    async def _number_all(self, recipient_ids: Sequence[UserId]) -> list[int]:
        last = await self._inboxes.last_sequences(recipient_ids)
        return [last.get(recipient_id, 0) for recipient_id in recipient_ids]

    async def _answer_all(self, questions: Sequence[Question]) -> list[list[Notification] | None]:
        """None for whoever has to be read by themselves: who is more than a page behind, since where that page ends is
        not known beforehand; and whose rows would be too many beside those of the others."""
        if len(questions) == 1:
            return [*await self._page_each(questions)]
        last = await self._number_all([question.recipient_id for question in questions])
        spans: dict[UserId, Span] = {}
        room = ROWS_PER_QUERY
        for question, end in zip(questions, last, strict=True):
            missing, span = end - question.after, spans.get(question.recipient_id)
            if 0 < missing <= min(question.limit, room) and (span is None or question.after < span.after):
                spans[question.recipient_id] = Span(question.recipient_id, question.after, end)
                room -= missing
        found = await self._read(spans.values())
        return [
            self._answer(question, end, spans.get(question.recipient_id), found)
            for question, end in zip(questions, last, strict=True)
        ]

    def _answer(
        self, question: Question, end: int, span: Span | None, found: Mapping[UserId, list[Notification]]
    ) -> list[Notification] | None:
        if end <= question.after:
            return []
        if end - question.after > question.limit or span is None or span.after > question.after:
            return None
        return [each for each in found.get(question.recipient_id, ()) if each.sequence > question.after]

    async def _page_each(self, questions: Sequence[Question]) -> list[list[Notification]]:
        pages = await asyncio.gather(
            *(self._inboxes.since(each.recipient_id, each.after, each.limit) for each in questions),
            return_exceptions=True,
        )
        for page in pages:
            if isinstance(page, BaseException):
                raise page
        return cast("list[list[Notification]]", pages)

    async def _read(self, spans: Iterable[Span]) -> dict[UserId, list[Notification]]:
        """What is in the spans, by the recipient, in order: one query for all who may see the same."""
        groups: dict[Condition, list[Span]] = {}
        for span in spans:
            groups.setdefault(self._visibility.condition(span.recipient_id), []).append(span)
        found: dict[UserId, list[Notification]] = {}
        for seen, group in groups.items():
            for notification in await self._read_group(seen, group):
                found.setdefault(notification.recipient_id, []).append(notification)
        return found

    async def _read_group(self, seen: Condition, spans: Sequence[Span]) -> list[Notification]:
        within = " OR ".join(["(n.recipient_id = ? AND n.sequence > ? AND n.sequence <= ?)"] * len(spans))
        parameters = [value for span in spans for value in (span.recipient_id, span.after, span.last)]
        return await queries.read(
            self._database, self._cards, seen, f"({within}) ORDER BY n.sequence", parameters
        )
