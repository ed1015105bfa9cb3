"""How the outages of a part are told."""

from structlog.testing import capture_logs

from server.outages import Outage


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
