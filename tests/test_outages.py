"""Tests of outages and circuit breakers."""

import pytest
from structlog.testing import capture_logs

from server import outages
from server.outages import CircuitBreaker, CircuitState, Outage, RetryGate


def test_outage_and_recovery_are_logged_once_each() -> None:
    outage = Outage("database", settled_after_s=0.0, by="everybody")
    with capture_logs() as lines:
        outage.succeeded()
        for _ in range(50):
            outage.failed(ConnectionError("gone"))
        assert outage.is_ongoing
        outage.succeeded()
        outage.succeeded()
    assert not outage.is_ongoing
    assert [line["event"] for line in lines] == ["database_unavailable", "database_recovered"]
    assert lines[0]["reason"] == "ConnectionError: gone"
    assert lines[1]["attempts"] == 50
    assert {line["by"] for line in lines} == {"everybody"}


def test_success_among_failures_does_not_end_an_outage() -> None:
    outage = Outage("redis", settled_after_s=3600.0)
    with capture_logs() as lines:
        for _ in range(10):
            outage.failed("no answer")
            outage.succeeded()
    assert [line["event"] for line in lines] == ["redis_unavailable"]


def test_second_outage_is_logged() -> None:
    outage = Outage("redis", settled_after_s=0.0)
    with capture_logs() as lines:
        for _ in range(2):
            outage.failed("no answer")
            outage.succeeded()
    assert [line["event"] for line in lines] == ["redis_unavailable", "redis_recovered"] * 2


def test_exception_without_text_is_logged_by_name() -> None:
    with capture_logs() as lines:
        Outage("redis").failed(TimeoutError())
    assert lines[0]["reason"] == "TimeoutError"


class FakeTime:
    """Clock that tests set."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


@pytest.fixture
def fake_time(monkeypatch: pytest.MonkeyPatch) -> FakeTime:
    fake_time = FakeTime()
    monkeypatch.setattr(outages, "time", fake_time)
    return fake_time


def test_retry_gate_allows_one_attempt_per_second(fake_time: FakeTime) -> None:
    gate = RetryGate()
    assert gate.may_try()
    assert gate.may_try()
    gate.failed()
    assert not gate.may_try()
    fake_time.now_s += 1.0
    assert gate.may_try()
    assert not gate.may_try()
    gate.succeeded()
    assert gate.may_try()


def fail(circuit: CircuitBreaker, *messages: str) -> None:
    for message in messages:
        circuit.failed("no answer", message)


def test_circuit_opens_after_three_failures_in_a_row(fake_time: FakeTime) -> None:
    circuit = CircuitBreaker("smtp")
    with capture_logs() as lines:
        for _ in range(2):
            fail(circuit, "one", "two")
            assert not circuit.is_open
            circuit.succeeded()
        fail(circuit, "one", "two", "three")
        assert circuit.is_open
        assert not circuit.acquire(1)
        fake_time.now_s += 7.0
        circuit.succeeded()
        assert not circuit.is_open
        assert circuit.acquire(1)
        assert circuit.acquire(2)
    assert [line["event"] for line in lines] == ["smtp_unavailable", "smtp_recovered"]
    assert (lines[0]["reason"], lines[1]["duration_s"], lines[1]["attempts"]) == ("no answer", 7.0, 3)


def test_repeated_failure_of_one_message_opens_no_circuit() -> None:
    circuit = CircuitBreaker("smtp")
    fail(circuit, *["one"] * 20, *["two"] * 20)
    assert not circuit.is_open
    fail(circuit, "three")
    assert circuit.is_open


def test_open_circuit_probes_one_at_a_time_with_longer_pauses(fake_time: FakeTime) -> None:
    circuit = CircuitBreaker("smtp")
    fail(circuit, "one", "two", "three")
    fail(circuit, *"abcdef")  # calls from before it opened
    for pause_s in (0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0):
        fake_time.now_s += pause_s - 0.01
        assert not circuit.acquire(1)
        fake_time.now_s += 0.02
        assert circuit.acquire(1)
        assert circuit.acquire(1)
        assert not circuit.acquire(2)
        circuit.release(2)
        assert not circuit.acquire(2)
        fake_time.now_s += 60.0  # the probe hangs
        fail(circuit, "four")
        circuit.release(1)


def test_released_probe_goes_to_the_next_caller(fake_time: FakeTime) -> None:
    circuit = CircuitBreaker("smtp")
    fail(circuit, "one", "two", "three")
    fake_time.now_s += 1.0
    assert circuit.state is CircuitState.OPEN
    assert circuit.acquire(1)
    assert circuit.state is CircuitState.HALF_OPEN
    circuit.release(1)
    assert circuit.state is CircuitState.OPEN
    assert circuit.acquire(2)
