"""Clients that send slowly, or not HTTP, are refused in time with a readable problem."""

import asyncio
import time
from contextlib import suppress

import pytest

from tests.e2e.conftest import NewProgram, Register
from tests.e2e.test_bad_requests import faults_in
from tests.support.program import Answer, Program, config_file
from tools.harness.backends import Stack

pytestmark = pytest.mark.parametrize("stack", ["embedded"], indirect=True)

BODY_TIMEOUT_S = 0.5
TOKEN_CANARY = "canary-token-in-no-request"


@pytest.fixture
async def program(stack: Stack, new_program: NewProgram) -> Program:
    changes = {
        "body_timeout_s = 30.0": f"body_timeout_s = {BODY_TIMEOUT_S}",
        "idle_timeout_s = 30.0": f"idle_timeout_s = {BODY_TIMEOUT_S}",
    }
    return await new_program("--port=0", config=config_file(stack.var_dir, changes)).start()


async def answer_to(program: Program, *pieces: bytes, every_s: float = 0.0) -> Answer:
    """Send pieces one after the other and return the answer up to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", program.port)

    async def send() -> None:
        for part in pieces:
            writer.write(part)
            await asyncio.sleep(every_s)

    sending, said = asyncio.create_task(send()), b""
    async with asyncio.timeout(15):
        with suppress(ConnectionError):  # closed while the client still sends
            while piece := await reader.read(65_536):
                said += piece
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    writer.close()
    head, _, body = said.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Answer(int(first.split()[1]), headers, body)


async def test_dribbling_body_times_out(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    kinds = {"/auth/login": "application/json", "/posts": "multipart/form-data; boundary=cut"}
    heads = [
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\nContent-Length: 60000\r\n"
        f"Authorization: Bearer {ana.token}\r\n\r\n"
        for path, kind in kinds.items()
    ]
    began = time.monotonic()
    for answer in await asyncio.gather(
        *(answer_to(program, head.encode(), *[b"-"] * 200, every_s=0.05) for head in heads)
    ):
        assert list(faults_in(answer, 408)) == []
        assert answer.json["code"] == "body_timeout"
    assert time.monotonic() - began < BODY_TIMEOUT_S + 5


MALFORMED_HTTP = {
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "half a line": b"GET\r\n\r\n",
    "version": b"GET / HTTP/9.9\r\n\r\n",
    "long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "NUL": b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + TOKEN_CANARY.encode() + b"\x00\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost: x\r\nno colon " + TOKEN_CANARY.encode() + b"\r\n\r\n",
    "negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
}


async def test_malformed_http_gets_a_problem(program: Program) -> None:
    ids: dict[str, str] = {}
    for name, sent in MALFORMED_HTTP.items():
        answer = await answer_to(program, sent)
        assert list(faults_in(answer, 400)) == [], name
        assert answer.json["code"] == "malformed_request", name
        assert answer.headers["X-Content-Type-Options"] == "nosniff", name
        ids[name] = answer.headers["X-Request-Id"]
    assert await program.interrupt() == 0
    said = program.out + program.err
    logged = [line["request_id"] for line in program.logged("request_malformed")]
    assert dict(zip(MALFORMED_HTTP, logged, strict=True)) == ids
    assert "Traceback" not in said
    assert TOKEN_CANARY not in said


async def test_connect_and_other_versions_are_refused(program: Program) -> None:
    for sent, status in (
        (b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"CONNECT /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", 501),
    ):
        answer = await answer_to(program, sent)
        assert list(faults_in(answer, status)) == [], sent


async def test_unknown_expectation_gets_a_problem(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    for path in ("/feed", "/nothing"):
        answer = await ana.call("GET", path, headers={"Expect": "a miracle"})
        assert list(faults_in(answer, 417)) == []
    assert (await ana.call("GET", "/feed", headers={"Expect": "100-continue"})).status == 200
