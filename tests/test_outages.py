"""How the outages of a part are told."""

import pytest
from structlog.testing import capture_logs

from server import outages
from server.outages import CircuitBreaker, Outage


def test_an_outage_that_many_meet_is_one_line_and_its_end_another() -> None:
    outage = Outage("database", settled_after_s=0.0, by="everybody")
    with capture_logs() as lines:
        outage.succeeded()
        for _ in range(50):
            outage.failed(ConnectionError("gone"))
        assert outage.going_on
        outage.succeeded()
        outage.succeeded()
    assert not outage.going_on
    assert [line["event"] for line in lines] == ["database_unavailable", "database_recovered"]
    assert lines[0]["reason"] == "ConnectionError: gone"
    assert lines[1]["attempts"] == 50
    assert {line["by"] for line in lines} == {"everybody"}


def test_a_success_among_failures_does_not_end_an_outage() -> None:
    outage = Outage("redis", settled_after_s=3600.0)
    with capture_logs() as lines:
        for _ in range(10):
            outage.failed("no answer")
            outage.succeeded()
    assert [line["event"] for line in lines] == ["redis_unavailable"]


def test_a_second_outage_is_told_as_well() -> None:
    outage = Outage("redis", settled_after_s=0.0)
    with capture_logs() as lines:
        for _ in range(2):
            outage.failed("no answer")
            outage.succeeded()
    assert [line["event"] for line in lines] == ["redis_unavailable", "redis_recovered"] * 2


def test_an_exception_without_words_is_told_by_its_name() -> None:
    with capture_logs() as lines:
        Outage("redis").failed(TimeoutError())
    assert lines[0]["reason"] == "TimeoutError"


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(outages, "time", hands)
    return hands


def fail(circuit: CircuitBreaker, *messages: str) -> None:
    for message in messages:
        circuit.failed("no answer", message)


def test_a_circuit_opens_after_three_failures_in_a_row_and_closes_with_a_success(hands: Hands) -> None:
    circuit = CircuitBreaker("smtp")
    with capture_logs() as lines:
        for _ in range(2):
            fail(circuit, "one", "two")
            assert not circuit.is_open
            circuit.succeeded()
        fail(circuit, "one", "two", "three")
        assert circuit.is_open
        assert not circuit.enter(1)
        hands.now_s += 7.0
        circuit.succeeded()
        assert not circuit.is_open
        assert circuit.enter(1)
        assert circuit.enter(2)
    assert [line["event"] for line in lines] == ["smtp_unavailable", "smtp_recovered"]
    assert (lines[0]["reason"], lines[1]["away_s"], lines[1]["attempts"]) == ("no answer", 7.0, 3)


def test_one_message_that_fails_over_and_over_opens_no_circuit() -> None:
    circuit = CircuitBreaker("smtp")
    fail(circuit, *["one"] * 20, *["two"] * 20)
    assert not circuit.is_open
    fail(circuit, "three")
    assert circuit.is_open


def test_an_open_circuit_is_tried_by_one_at_a_time_after_pauses_that_double(hands: Hands) -> None:
    circuit = CircuitBreaker("smtp")
    fail(circuit, "one", "two", "three")
    fail(circuit, *"abcdef")  # these were let in before
    for pause_s in (0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0):
        hands.now_s += pause_s - 0.01
        assert not circuit.enter(1)
        hands.now_s += 0.02
        assert circuit.enter(1)
        assert circuit.enter(1)
        assert not circuit.enter(2)
        circuit.leave(2)
        assert not circuit.enter(2)
        hands.now_s += 60.0  # it hangs
        fail(circuit, "four")
        circuit.leave(1)


def test_who_did_not_need_the_part_leaves_the_try_to_the_next(hands: Hands) -> None:
    circuit = CircuitBreaker("smtp")
    fail(circuit, "one", "two", "three")
    hands.now_s += 1.0
    assert circuit.enter(1)
    circuit.leave(1)
    assert circuit.enter(2)
