"""Uploads over a slow connection arrive whole, however long they take."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientTimeout

from tests.chaos.conftest import Report
from tests.chaos.environment import FULL, configuration, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tools.harness.backends import Stack

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.usefixtures("migrated_stack"),
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
]

BYTES_PER_S = 60_000
UPLOAD_S = rounds(2, 600)
IMAGES = rounds(1, 10)
IDLE_S = 30.0 if FULL else 0.5
PIECE = 6_000


def multipart(photo: bytes) -> bytes:
    head = b'--slow\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\n'
    return b"".join([(head + photo + b"\r\n") * IMAGES, b"--slow--\r\n"])


async def paced(body: bytes) -> AsyncIterator[bytes]:
    """Yield `body` at BYTES_PER_S."""
    started = time.monotonic()
    for start in range(0, len(body), PIECE):
        await asyncio.sleep(started + start / BYTES_PER_S - time.monotonic())
        yield body[start : start + PIECE]


@pytest.mark.timeout(UPLOAD_S + 60)
async def test_slow_upload_arrives_whole(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    config = configuration(stack, {"idle_timeout_s = 30.0": f"idle_timeout_s = {IDLE_S}"})
    program = await new_program("--port=0", config=config, MAX_FILE_SIZE="50000000").start()
    (ana,) = await register(program, "ana")
    side = round((BYTES_PER_S * UPLOAD_S / IMAGES / 0.9) ** 0.5)
    body = multipart(photos.noise(side, side))
    started = time.monotonic()
    answer = await ana.call(
        "POST",
        "/posts",
        data=paced(body),
        headers={"Content-Type": "multipart/form-data; boundary=slow", "Content-Length": str(len(body))},
        timeout=ClientTimeout(total=UPLOAD_S + 50),
    )
    took_s = time.monotonic() - started
    assert answer.status == 201, answer
    assert len(answer.json["images"]) == IMAGES
    assert took_s > 2 * IDLE_S
    report(f"R28: {len(body) / 1e6:.1f} MB at {BYTES_PER_S / 1000:g} KB/s arrived whole in {took_s:.0f} s")
