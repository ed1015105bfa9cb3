"""What arrived: whoever asks together with others is answered as if they had asked alone, by a few queries for all."""

import asyncio
import random
from collections.abc import Mapping, Sequence

import pytest

from server.errors import Unavailable
from server.ids import UserId
from server.models.conditions import Condition
from server.models.notifications.inboxes import InboxTable
from server.models.notifications.notifications import NotificationTable
from server.services.content.visibility import Visibility
from server.services.notifications.notifications import Notifications
from server.services.notifications.stream_reader import (
    MAX_CONCURRENT_PAGES,
    RECIPIENTS_PER_QUERY,
    StreamReader,
)
from server.services.records import Notification
from tests.support.harness import ServiceHarness

MANY = 2 * RECIPIENTS_PER_QUERY + 7


class Counted:
    """The notifications, and how often they were asked for one person's page, or for the numbers of many."""

    def __init__(self, notifications: Notifications) -> None:
        self.pages = 0
        self.numbers = 0
        self.pages_at_once = 0
        self.away = False
        self._under_way = 0
        self._notifications = notifications

    async def list_after(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]:
        self.pages += 1
        self._answer()
        self._under_way += 1
        self.pages_at_once = max(self.pages_at_once, self._under_way)
        page = await self._notifications.list_after(recipient_id, after, limit)
        self._under_way -= 1
        return page

    def _answer(self) -> None:
        if self.away:
            raise Unavailable("The database does not answer.")

    async def list_last_sequences(self, recipient_ids: Sequence[UserId]) -> Mapping[UserId, int]:
        self.numbers += 1
        self._answer()
        return await self._notifications.list_last_sequences(recipient_ids)


@pytest.fixture
def counted(harness: ServiceHarness) -> Counted:
    return Counted(harness.notifications)


@pytest.fixture
def arrivals(harness: ServiceHarness, counted: Counted) -> StreamReader:
    return StreamReader(harness.notification_list, harness.cards, harness.visibility, counted)


async def tell(harness: ServiceHarness, people: Sequence[UserId], each: int) -> None:
    """Give each of them so many notifications: follows and likes, and some of a comment or a post that is gone."""
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


async def test_all_who_ask_at_once_are_answered_as_if_alone(
    harness: ServiceHarness, arrivals: StreamReader
) -> None:
    people = await harness.users(12)
    await tell(harness, people[:-1], 20)
    await NotificationTable.filter(recipient_id=people[3], sequence__lte=9).delete()
    await NotificationTable.filter(recipient_id=people[4]).delete()
    dice = random.Random(1)
    questions = [
        (dice.choice(people), dice.randrange(0, 24), dice.choice([1, 5, 20, 50])) for _ in range(300)
    ]
    answers = await asyncio.gather(*(arrivals.list_after(*question) for question in questions))
    for question, answer in zip(questions, answers, strict=True):
        assert answer == await harness.notifications.list_after(*question), question


async def test_whoever_asks_alone_is_answered_the_same(
    harness: ServiceHarness, arrivals: StreamReader
) -> None:
    people = await harness.users(2)
    await tell(harness, people, 8)
    for after in range(10):
        assert await arrivals.list_after(people[0], after, 3) == await harness.notifications.list_after(
            people[0], after, 3
        )


async def test_many_are_answered_by_a_few_queries(
    harness: ServiceHarness, arrivals: StreamReader, counted: Counted
) -> None:
    people = await harness.users(MANY)
    await tell(harness, people, 2)
    answers = await asyncio.gather(*(arrivals.list_after(one, 1, 10) for one in people))
    for one, answer in zip(people, answers, strict=True):
        assert answer == await harness.notifications.list_after(one, 1, 10)
    assert counted.pages == 0
    assert counted.numbers <= 3


async def test_those_who_are_far_behind_read_a_page_each_and_not_all_at_once(
    harness: ServiceHarness, arrivals: StreamReader, counted: Counted
) -> None:
    people = await harness.users(20)
    await tell(harness, people, 12)
    pages = await asyncio.gather(*(arrivals.list_after(one, 0, 5) for one in people))
    assert all(len(page) == 5 for page in pages)
    assert counted.pages == len(people)
    assert counted.pages_at_once <= MAX_CONCURRENT_PAGES


async def test_many_who_lack_much_are_not_read_all_in_one(
    harness: ServiceHarness, arrivals: StreamReader, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.services.notifications.stream_reader.ROWS_PER_QUERY", 50)
    people = await harness.users(20)
    await tell(harness, people, 12)
    pages = await asyncio.gather(*(arrivals.list_after(one, 0, 20) for one in people))
    for one, page in zip(people, pages, strict=True):
        assert page == await harness.notifications.list_after(one, 0, 20)
    assert counted.pages == len(people) - 50 // 12


async def test_newest_numbers_are_asked_for_together(
    harness: ServiceHarness, arrivals: StreamReader, counted: Counted
) -> None:
    people = await harness.users(MANY)
    await tell(harness, people[1:], 3)
    assert await asyncio.gather(*map(arrivals.get_last_sequence, people)) == [0, *[3] * (MANY - 1)]
    assert counted.numbers <= 2


async def test_what_may_be_seen_is_asked_for_each_who_asks(harness: ServiceHarness, counted: Counted) -> None:
    """With a rule that differs from one to the other."""

    class Private(Visibility):
        def condition(self, viewer_id: UserId, alias: str = "p") -> Condition:
            return Condition(f"{alias}.deleted_at_ms IS NULL AND ? <> ?", (viewer_id, people[1]))

    people = await harness.users(3)
    await tell(harness, people, 1)
    arrivals = StreamReader(harness.notification_list, harness.cards, Private(harness.post_rows), counted)
    answers = await asyncio.gather(*(arrivals.list_after(one, 0, 10) for one in people))
    assert [len(answer) for answer in answers] == [1, 0, 1]


async def test_that_nobody_answers_is_told_to_all_who_wait_at_once(
    harness: ServiceHarness, arrivals: StreamReader, counted: Counted
) -> None:
    people = await harness.users(MANY)
    await tell(harness, people, 12)
    counted.away = True
    for limit in (20, 5):
        counted.numbers = counted.pages = 0
        asked = (arrivals.list_after(one, 0, limit) for one in people)
        assert {type(each) for each in await asyncio.gather(*asked, return_exceptions=True)} == {Unavailable}
        assert counted.numbers + counted.pages == 1
    counted.away = False
    assert len(await arrivals.list_after(people[0], 0, 5)) == 5
