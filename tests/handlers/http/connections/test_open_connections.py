"""The process closes idle connections before it runs out of file descriptors."""

import resource

import pytest
from structlog.testing import capture_logs

from server.handlers.http.connections import open_connections
from server.handlers.http.connections.open_connections import OpenConnections, max_connections


class Connection:
    def __init__(self) -> None:
        self.closed = False

    def force_close(self) -> None:
        self.closed = True


def opened(connections: OpenConnections, number: int) -> list[Connection]:
    made = [Connection() for _ in range(number)]
    assert all(connections.add(each) for each in made)
    return made


def test_longest_idle_connection_is_closed_for_a_new_one() -> None:
    connections = OpenConnections(3)
    first, second, third = opened(connections, 3)
    connections.mark_busy(first)
    connections.mark_busy(second)
    connections.mark_idle(first)  # idle for a shorter time than the third
    connections.mark_idle(second)
    opened(connections, 2)
    assert [first.closed, second.closed, third.closed] == [True, False, True]


def test_new_connection_is_refused_while_all_have_requests() -> None:
    connections = OpenConnections(2)
    busy = opened(connections, 2)
    for each in busy:
        connections.mark_busy(each)
    refused = Connection()
    assert not connections.add(refused)
    connections.mark_idle(refused)  # the close of a refused connection changes nothing
    connections.remove(refused)
    assert not connections.add(Connection())
    connections.remove(busy[0])
    assert connections.add(Connection())
    assert not any(each.closed for each in busy)


def test_exhaustion_is_logged_once_until_a_quarter_is_free() -> None:
    connections = OpenConnections(4)
    with capture_logs() as logs:
        held = opened(connections, 10)[-4:]
        assert len(logs) == 1
        for each in held[:2]:
            connections.remove(each)
        opened(connections, 3)
    assert [line["event"] for line in logs] == ["connections_exhausted"] * 2


@pytest.mark.parametrize(
    ("descriptors", "connections"), [(64, 16), (128, 64), (1024, 768), (resource.RLIM_INFINITY, 0)]
)
def test_some_descriptors_are_kept_for_other_uses(
    descriptors: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_connections.resource, "getrlimit", lambda _: (descriptors, descriptors))
    assert max_connections() == connections
