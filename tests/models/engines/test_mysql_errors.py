"""Error numbers of MySQL and MariaDB: temporary ones, and those that are mistakes."""

import pytest
from asyncmy import errors
from tortoise.exceptions import OperationalError

from server.models.engines.mysql_errors import (
    SERIALIZATION_FAILURES,
    UNAVAILABLE_BY_REASON,
    error_number,
    unavailable_reason,
)


def wrapped(number: int, text: str = "") -> OperationalError:
    """Return a server's error as Tortoise raises it."""
    return OperationalError(errors.OperationalError(number, text))


@pytest.mark.parametrize(
    ("reason", "numbers"),
    [
        ("read-only", [1290, 1792, 1836, 1874]),
        ("not part of its cluster", [1047, 3100]),
        ("shutting down, or the statement was killed", [1053, 1077, 1079, 1317, 1927, 3032, 3168, 3169]),
        ("the connection was lost", [1042, 1152, 1154, 1158, 1161, 2002, 2003, 2006, 2013, 2055]),
        ("out of connections or memory", [1037, 1040, 1041, 1135, 1203, 1226]),
        ("its disk is full or failed", [1021, 1026, 1114, 1180, 1598]),
        ("the statement took too long", [1969, 3024]),
    ],
)
def test_group_of_errors_is_unavailable(reason: str, numbers: list[int]) -> None:
    for number in numbers:
        assert unavailable_reason(wrapped(number)) == f"{reason}, error {number}"


@pytest.mark.parametrize("number", [1044, 1045, 1049, 1054, 1062, 1064, 1130, 1142, 1143, 1146, 1153, 1406])
def test_mistakes_and_denied_access_stay_errors(number: int) -> None:
    assert unavailable_reason(wrapped(number)) is None


@pytest.mark.parametrize("number", [1020, 1205, 1213, 3101])
def test_serialization_failures_are_not_unavailable(number: int) -> None:
    assert number in SERIALIZATION_FAILURES
    assert unavailable_reason(wrapped(number)) is None


def test_each_number_is_in_one_group() -> None:
    numbers = [
        number for group in [*UNAVAILABLE_BY_REASON.values(), SERIALIZATION_FAILURES] for number in group
    ]
    assert len(numbers) == len(set(numbers))


@pytest.mark.parametrize(
    ("text", "temporary"),
    [
        ('Got error 28 "No space left on device" from storage engine InnoDB', True),
        ("Got error 165 'Table is read only' from storage engine", True),
        ("Can't open file: 'x.ibd' (errno: 24 \"Too many open files\")", True),
        ("Got error 124 'Wrong medium type' from storage engine", False),
        ("Got error 1288 from storage engine", False),
    ],
)
def test_storage_error_depends_on_the_system_error(text: str, *, temporary: bool) -> None:
    assert (unavailable_reason(wrapped(1030, text)) is not None) == temporary


def test_number_is_found_in_a_chain() -> None:
    chained = RuntimeError("outer")
    chained.__cause__ = wrapped(1290)
    assert error_number(chained) == 1290
    assert error_number(OSError(28, "No space left on device")) == -1
    assert error_number(None) == -1
