"""The stream reader: concurrent reads share a few queries, with the results of separate ones."""

import asyncio
import random
from collections.abc import Mapping, Sequence

import pytest

from server.errors import Unavailable
from server.ids import UserId
from server.models.notifications.inboxes import InboxTable
from server.models.notifications.notifications import NotificationTable
from server.services.notifications.notifications import Notifications
from server.services.notifications.stream_reader import (
    MAX_CONCURRENT_PAGES,
    RECIPIENTS_PER_QUERY,
    StreamReader,
)
from server.services.records import Notification
from tools.harness.services import ServiceHarness

MANY = 2 * RECIPIENTS_PER_QUERY + 7


class Counted:
    """Counts the queries for pages and for last sequences; `unavailable` makes them fail."""

    def __init__(self, notifications: Notifications) -> None:
        self.page_queries = 0
        self.sequence_queries = 0
        self.max_concurrent_pages = 0
        self.unavailable = False
        self._under_way = 0
        self._notifications = notifications

    async def list_after(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]:
        self.page_queries += 1
        self._answer()
        self._under_way += 1
        self.max_concurrent_pages = max(self.max_concurrent_pages, self._under_way)
        page = await self._notifications.list_after(recipient_id, after, limit)
        self._under_way -= 1
        return page

    def _answer(self) -> None:
        if self.unavailable:
            raise Unavailable("The database does not answer.")

    async def list_last_sequences(self, recipient_ids: Sequence[UserId]) -> Mapping[UserId, int]:
        self.sequence_queries += 1
        self._answer()
        return await self._notifications.list_last_sequences(recipient_ids)


@pytest.fixture
def counted(harness: ServiceHarness) -> Counted:
    return Counted(harness.notifications)


@pytest.fixture
def reader(harness: ServiceHarness, counted: Counted) -> StreamReader:
    return StreamReader(harness.notification_list, harness.cards, counted)


async def insert(harness: ServiceHarness, people: Sequence[UserId], each: int) -> None:
    """Insert `each` notifications per user, some of them about a deleted comment or post."""
    post_id = await harness.post(people[0])
    rows: list[NotificationTable] = []
    for number, one in enumerate(people):
        for sequence in range(1, each + 1):
            about = {"post_id": post_id} if sequence % 2 else {}
            if (number + sequence) % 5 == 0:
                about = (
                    {"post_id": harness.ids.next()} if sequence % 2 else {"comment_id": harness.ids.next()}
                )
            rows.append(
                NotificationTable(
                    id=harness.ids.next(),
                    recipient_id=one,
                    sequence=sequence,
                    type="like",
                    actor_id=people[number - 1],
                    target_id=sequence,
                    created_at_ms=1,
                    **about,
                )
            )
    await NotificationTable.bulk_create(rows)
    await InboxTable.bulk_create([InboxTable(user_id=one, last_sequence=each) for one in people])


async def test_concurrent_reads_equal_separate_reads(harness: ServiceHarness, reader: StreamReader) -> None:
    people = await harness.users(12)
    await insert(harness, people[:-1], 20)
    await NotificationTable.filter(recipient_id=people[3], sequence__lte=9).delete()
    await NotificationTable.filter(recipient_id=people[4]).delete()
    dice = random.Random(1)
    questions = [
        (dice.choice(people), dice.randrange(0, 24), dice.choice([1, 5, 20, 50])) for _ in range(300)
    ]
    answers = await asyncio.gather(*(reader.list_after(*question) for question in questions))
    for question, answer in zip(questions, answers, strict=True):
        assert answer == await harness.notifications.list_after(*question), question


async def test_single_read_equals_a_page(harness: ServiceHarness, reader: StreamReader) -> None:
    people = await harness.users(2)
    await insert(harness, people, 8)
    for after in range(10):
        assert await reader.list_after(people[0], after, 3) == await harness.notifications.list_after(
            people[0], after, 3
        )


async def test_many_reads_share_a_few_queries(
    harness: ServiceHarness, reader: StreamReader, counted: Counted
) -> None:
    people = await harness.users(MANY)
    await insert(harness, people, 2)
    answers = await asyncio.gather(*(reader.list_after(one, 1, 10) for one in people))
    for one, answer in zip(people, answers, strict=True):
        assert answer == await harness.notifications.list_after(one, 1, 10)
    assert counted.page_queries == 0
    assert counted.sequence_queries <= 3


async def test_streams_far_behind_read_pages_in_turn(
    harness: ServiceHarness, reader: StreamReader, counted: Counted
) -> None:
    people = await harness.users(20)
    await insert(harness, people, 12)
    pages = await asyncio.gather(*(reader.list_after(one, 0, 5) for one in people))
    assert all(len(page) == 5 for page in pages)
    assert counted.page_queries == len(people)
    assert counted.max_concurrent_pages <= MAX_CONCURRENT_PAGES


async def test_rows_per_query_are_bounded(
    harness: ServiceHarness, reader: StreamReader, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.services.notifications.stream_reader.ROWS_PER_QUERY", 50)
    people = await harness.users(20)
    await insert(harness, people, 12)
    pages = await asyncio.gather(*(reader.list_after(one, 0, 20) for one in people))
    for one, page in zip(people, pages, strict=True):
        assert page == await harness.notifications.list_after(one, 0, 20)
    assert counted.page_queries == len(people) - 50 // 12


async def test_last_sequences_share_a_query(
    harness: ServiceHarness, reader: StreamReader, counted: Counted
) -> None:
    people = await harness.users(MANY)
    await insert(harness, people[1:], 3)
    assert await asyncio.gather(*map(reader.get_last_sequence, people)) == [0, *[3] * (MANY - 1)]
    assert counted.sequence_queries <= 2


async def test_visibility_is_applied_per_recipient(harness: ServiceHarness, reader: StreamReader) -> None:
    people = await harness.users(3)
    await insert(harness, people, 1)
    await harness.blocks.block(people[1], people[0])  # the author of the post
    answers = await asyncio.gather(*(reader.list_after(one, 0, 10) for one in people))
    assert [len(answer) for answer in answers] == [1, 0, 1]


async def test_outage_fails_all_waiting_reads_at_once(
    harness: ServiceHarness, reader: StreamReader, counted: Counted
) -> None:
    people = await harness.users(MANY)
    await insert(harness, people, 12)
    counted.unavailable = True
    for limit in (20, 5):
        counted.sequence_queries = counted.page_queries = 0
        asked = (reader.list_after(one, 0, limit) for one in people)
        assert {type(each) for each in await asyncio.gather(*asked, return_exceptions=True)} == {Unavailable}
        assert counted.sequence_queries + counted.page_queries == 1
    counted.unavailable = False
    assert len(await reader.list_after(people[0], 0, 5)) == 5
