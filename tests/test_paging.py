"""Cursors and pages."""

import base64
import random

import pytest

from server.errors import InvalidInput
from server.ids import MAX_ID
from server.paging import OLDEST_FIRST, Page, PageRequest, cut, decode_cursor, decode_positions, encode_cursor


@pytest.mark.parametrize("position", [0, 1, 63, 64, 2**32, MAX_ID])
def test_cursor_contains_its_position(position: int) -> None:
    assert decode_cursor(encode_cursor(position)) == position


def test_cursors_are_url_safe() -> None:
    for _ in range(1000):
        cursor = encode_cursor(random.randint(0, MAX_ID))
        assert cursor.replace("-", "").replace("_", "").isalnum(), cursor


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "1",
        "12345",
        "=",
        "zzzzzzzzzz=",
        "AAAAAAAAAA\n",
        " AAAAAAAAAA",
        "AAAAAAAAA!",
        "AAAAAAAAAB",
        "AAAAAAAAAAAAAAAA",
        "ÄAAAAAAAAA",
        "\ud800AAAAAAAAA",
        "A" * 100_000,
        base64.urlsafe_b64encode((MAX_ID + 1).to_bytes(7, "big")).decode().rstrip("="),
    ],
)
def test_unknown_cursor_is_rejected(cursor: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_cursor(cursor)
    assert refused.value.code == "unknown_cursor"
    assert refused.value.fields


def test_pages_join_without_gaps_or_repeats() -> None:
    rows = sorted(random.sample(range(1, MAX_ID), 100), reverse=True)
    for limit in (1, 7, 50, 99, 100, 101):
        seen: list[int] = []
        request = PageRequest(limit)
        while True:
            asked = [row for row in rows if row < request.before_id][: limit + 1]
            page = cut(asked, limit, int)
            seen += page.items
            if page.next_cursor is None:
                break
            request = PageRequest(limit, decode_cursor(page.next_cursor))
        assert seen == rows


def test_each_order_refuses_cursors_of_the_other() -> None:
    for position in (0, 1, 2**52, MAX_ID):
        oldest_first, newest_first = encode_cursor(position, order=OLDEST_FIRST), encode_cursor(position)
        assert decode_cursor(oldest_first, OLDEST_FIRST) == position
        for cursor, order in ((oldest_first, b""), (newest_first, OLDEST_FIRST)):
            with pytest.raises(InvalidInput):
                decode_positions(cursor, 4, order)


def test_cursor_contains_the_ids_that_were_shown() -> None:
    cursor = encode_cursor(MAX_ID, 1, MAX_ID)
    assert decode_positions(cursor, 3) == (MAX_ID, 1, MAX_ID)
    for maximum in (1, 2):
        with pytest.raises(InvalidInput):
            decode_positions(cursor, maximum)
    assert len(encode_cursor(MAX_ID, *[MAX_ID] * 3)) <= 64


def test_last_page_has_no_cursor() -> None:
    assert cut([3, 2], 2, int) == Page([3, 2], None)
    assert cut(list[int](), 2, int) == Page([], None)
    assert cut([3, 2, 1], 2, int) == Page([3, 2], encode_cursor(2))


def test_first_page_starts_at_the_greatest_id() -> None:
    assert PageRequest().before_id > MAX_ID
    assert PageRequest(after=0).before_id == 0


def test_mapped_page_keeps_its_cursor() -> None:
    assert Page([1, 2], "next").map(str) == Page(["1", "2"], "next")
