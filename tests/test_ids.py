"""Ids, on a clock that the tests set."""

import random

import pytest

from server.ids import EPOCH_MS, MAX_ID, NODES, IdGenerator, id_timestamp_ms, min_id_at

NOW_MS = 1_800_000_000_000
LAST_MS = EPOCH_MS + (1 << 41) - 1


class SetClock:
    def __init__(self, at_ms: int = NOW_MS) -> None:
        self.at_ms = at_ms

    def now_ms(self) -> int:
        return self.at_ms


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def test_ids_are_unique_and_increase_for_any_clock(clock: SetClock) -> None:
    ids = IdGenerator(clock, node=5)
    made: list[int] = []
    for _ in range(20_000):
        made.append(ids.next())
        clock.at_ms += random.choice([0, 0, 0, 0, 1, 7, -1, -5000])
    assert made == sorted(set(made))


def test_id_contains_its_time(clock: SetClock) -> None:
    new_id = IdGenerator(clock, node=NODES - 1).next()
    assert id_timestamp_ms(new_id) == NOW_MS
    assert min_id_at(NOW_MS) <= new_id < min_id_at(NOW_MS + 1)


def test_last_id_has_53_bits(clock: SetClock) -> None:
    clock.at_ms = LAST_MS
    ids = IdGenerator(clock, node=NODES - 1)
    newest = [ids.next() for _ in range(32)][-1]
    assert newest == MAX_ID == 2**53 - 1
    assert int(float(newest)) == newest


def test_ids_of_two_nodes_are_distinct(clock: SetClock) -> None:
    one, other = IdGenerator(clock, node=1), IdGenerator(clock, node=2)
    made = [ids.next() for _ in range(500) for ids in (one, other)]
    assert len(set(made)) == len(made)


def test_exhausted_millisecond_borrows_from_the_next(clock: SetClock) -> None:
    ids = IdGenerator(clock, node=0)
    made = [ids.next() for _ in range(33)]
    assert [id_timestamp_ms(row_id) for row_id in made] == [NOW_MS] * 32 + [NOW_MS + 1]
    clock.at_ms += 1
    assert ids.next() > made[-1]


def test_ids_increase_when_the_clock_steps_back(clock: SetClock) -> None:
    ids = IdGenerator(clock, node=0)
    before = ids.next()
    clock.at_ms -= 3_600_000
    after = [ids.next() for _ in range(100)]
    assert before < min(after)
    assert ids.last_ms < NOW_MS + 5


def test_ids_start_after_the_last_use_of_the_node(clock: SetClock) -> None:
    ids = IdGenerator(clock, node=3, not_before_ms=NOW_MS + 10_000)
    assert id_timestamp_ms(ids.next()) > NOW_MS + 10_000


def test_second_holder_of_a_node_repeats_no_id(clock: SetClock) -> None:
    first = IdGenerator(clock, node=3)
    made = {first.next() for _ in range(100)}
    clock.at_ms -= 50
    second = IdGenerator(clock, node=3, not_before_ms=first.last_ms)
    assert made.isdisjoint(second.next() for _ in range(100))


def test_ids_increase_after_a_move_to_another_node(clock: SetClock) -> None:
    ids = IdGenerator(clock, node=100)
    before = ids.next()
    ids.move(node=2, not_before_ms=0)
    after = ids.next()
    assert after > before
    assert after >> 5 & (NODES - 1) == 2
    ids.move(node=3, not_before_ms=NOW_MS + 500)
    assert id_timestamp_ms(ids.next()) == NOW_MS + 501


def test_restart_follows_a_clock_that_was_set_back(clock: SetClock) -> None:
    ids = IdGenerator(clock, node=100)
    made = {ids.next() for _ in range(100)}
    clock.at_ms -= 3_600_000
    assert ids.ahead_ms >= 3_600_000
    ids.restart(node=2, not_before_ms=0)
    after = [ids.next() for _ in range(100)]
    assert id_timestamp_ms(after[0]) == clock.at_ms
    assert after == sorted(set(after))
    assert made.isdisjoint(after)


@pytest.mark.parametrize("node", [-1, NODES])
def test_node_out_of_range_is_rejected(clock: SetClock, node: int) -> None:
    with pytest.raises(ValueError, match="node"):
        IdGenerator(clock, node)


def test_minimum_id_before_the_epoch_is_zero() -> None:
    assert min_id_at(0) == min_id_at(EPOCH_MS) == 0
