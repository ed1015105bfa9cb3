"""Bodies may be slow, but not idle, and not slower than the lowest rate."""

import asyncio
from unittest.mock import Mock

import pytest
from aiohttp import StreamReader
from aiohttp.base_protocol import BaseProtocol

from server.errors import RequestTimeout
from server.handlers.http.bodies.time_limits import BodyTimer, TimeLimits

IDLE_S = 0.1
# For a body that must not end: a busy machine may pause the test itself for longer than IDLE_S.
LONG_IDLE_S = 1.0


async def receive(limits: TimeLimits, piece: bytes, pieces: int, every_s: float) -> int:
    """Return how many bytes arrived of `pieces` equal pieces, the first of which arrives at once."""
    loop = asyncio.get_running_loop()
    content = StreamReader(Mock(BaseProtocol), 2**16, loop=loop)
    timer, received = BodyTimer(content, limits), 0
    timers = [loop.call_later(number * every_s, content.feed_data, piece) for number in range(pieces)]
    timers.append(loop.call_later((pieces - 1) * every_s, content.feed_eof))
    try:
        while chunk := await timer.wait(content.readany()):
            received += len(chunk)
    finally:
        for each in timers:
            each.cancel()
    return received


async def test_body_may_take_longer_than_the_idle_limit() -> None:
    limits = TimeLimits(LONG_IDLE_S, min_bytes_per_s=1000, total_s=30)
    assert await receive(limits, b"x" * 100, pieces=15, every_s=LONG_IDLE_S / 10) == 1500


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (TimeLimits(IDLE_S, min_bytes_per_s=1, total_s=10), "No data arrived for 0.1 s"),
        (TimeLimits(10, min_bytes_per_s=1, total_s=IDLE_S), "did not arrive within 0.1 s"),
    ],
)
async def test_pause_ends_the_body(limits: TimeLimits, reason: str) -> None:
    with pytest.raises(RequestTimeout, match=reason) as raised:
        await receive(limits, b"x" * 1000, pieces=2, every_s=IDLE_S * 3)
    assert raised.value.code == "body_timeout"


async def test_rate_below_the_lowest_ends_the_body() -> None:
    limits = TimeLimits(IDLE_S, min_bytes_per_s=10_000, total_s=10)
    with pytest.raises(RequestTimeout, match="less than 10000 bytes per second"):
        await receive(limits, b"x", pieces=1000, every_s=IDLE_S / 10)


async def test_data_that_arrived_is_read_without_waiting() -> None:
    content = StreamReader(Mock(BaseProtocol), 2**16, loop=asyncio.get_running_loop())
    timer = BodyTimer(content, TimeLimits(0.001, min_bytes_per_s=1, total_s=0.001))
    with pytest.raises(RequestTimeout):
        await timer.wait(content.readany())
    content.feed_data(b"late")
    assert await timer.wait(content.readany()) == b"late"
