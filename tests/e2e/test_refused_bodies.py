"""Refusals of requests whose body is still on its way: every client can read them."""

import asyncio
import shutil
from pathlib import Path

import orjson
import pytest

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Program, config_file
from tools.harness.backends import Stack

pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True)

PIECES, PIECE_BYTES, PAUSE_S = 12, 40_000, 0.2
FORM, JSON = "Content-Type: multipart/form-data; boundary=cut", "Content-Type: application/json"
TEXT = "Content-Type: text/plain"
EXPECT = "Expect: 100-continue"


def head(line: str, length: int, *headers: str, version: str = "1.1") -> bytes:
    lines = [f"{line} HTTP/{version}", "Host: x", f"Content-Length: {length}", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def write_all_then_read(program: Program, line: str, *headers: str) -> int:
    """Write a body at 200 KB/s, then read, and return the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
    writer.write(head(line, PIECES * PIECE_BYTES, *headers))
    for _ in range(PIECES):
        writer.write(b"x" * PIECE_BYTES)
        await writer.drain()
        await asyncio.sleep(PAUSE_S)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return int(answer.split()[1])


async def first_answer(
    program: Program, sent: bytes
) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
    """Send only a head, and return the status of the first response to it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port)
    writer.write(sent)
    answer = await reader.readuntil(b"\r\n\r\n")
    return int(answer.split()[1]), reader, writer


async def test_refusals_are_readable_after_the_body(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    token = f"Authorization: Bearer {ana.token}"
    cases = {
        ("POST /posts", FORM): 401,
        ("POST /posts", FORM, "Authorization: Bearer x.y.z"): 401,
        ("POST /nothing", FORM): 404,
        ("POST /feed", FORM): 405,
        ("POST /auth/login", JSON): 413,
        ("POST /posts", TEXT, token): 415,
        ("POST /queues/feed/pause", JSON, token): 403,
    }
    statuses = await asyncio.gather(*(write_all_then_read(program, *case) for case in cases))
    assert dict(zip(cases, statuses, strict=True)) == cases


async def test_refusal_by_a_rate_limit_is_readable_after_the_body(
    migrated_stack: Stack, new_program: NewProgram, register: Register
) -> None:
    few = {"uploads = { limit = 30, window_s = 3600 }": "uploads = { limit = 1, window_s = 3600 }"}
    config = config_file(migrated_stack.var_dir, few)
    program = await new_program("--port=0", config=config, THROTTLE_ENABLED="true").start()
    (ana,) = await register(program, "ana")
    await ana.publish(photos.small())
    token = f"Authorization: Bearer {ana.token}"
    assert await write_all_then_read(program, "POST /posts", FORM, token) == 429


async def test_refusal_comes_instead_of_continue(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    token = f"Authorization: Bearer {ana.token}"
    cases = {
        head("POST /posts", 1000, FORM, EXPECT): 401,
        head("POST /nothing", 1000, FORM, EXPECT): 404,
        head("POST /auth/login", 70_000, JSON, EXPECT): 413,
        head("POST /posts", 1 << 40, FORM, EXPECT, token): 413,
        head("POST /posts", 1000, TEXT, EXPECT, token): 415,
        head("POST /posts", 1000, FORM, EXPECT, token): 100,
        head("GET /feed?limit=no", 1000, JSON, EXPECT, token): 422,
    }
    for sent, status in cases.items():
        given, _, writer = await first_answer(program, sent)
        assert given == status, sent
        writer.close()


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_body_after_continue_is_read(program: Program, register: Register, version: str) -> None:
    (ana,) = await register(program, "ana")
    body = orjson.dumps({"username": "ana", "password": ana.password})
    sent = head("POST /auth/login", len(body), JSON, EXPECT, version=version)
    if version == "1.0":  # which has no such response
        given, _, writer = await first_answer(program, sent + body)
    else:
        given, reader, writer = await first_answer(program, sent)
        assert given == 100
        writer.write(body)
        given = int((await reader.readuntil(b"\r\n\r\n")).split()[1])
    assert given == 200
    writer.close()


@pytest.mark.skipif(not shutil.which("curl"), reason="needs curl")
async def test_curl_reads_a_refusal_at_a_limited_rate(program: Program, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(bytes(2_000_000))
    curl = await asyncio.create_subprocess_exec(
        "curl", "-sS", "--limit-rate", "50K", "-F", f"images=@{photo}", f"{program.url}/posts",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(15):
        said, complaints = await curl.communicate()
    assert orjson.loads(said)["status"] == 401, complaints
