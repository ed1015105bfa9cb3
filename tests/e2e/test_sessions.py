"""Sign-in on several devices, sign-out, stolen tokens and password resets."""

import asyncio
import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.e2e.conftest import NewProgram, Register
from tests.support.accounts import verify_addresses
from tests.support.fakes.smtp_server import FakeSmtpServer
from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program
from tests.support.sse_reader import Reader
from tests.support.valkey_processes import servers
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

ON_EMBEDDED = pytest.mark.parametrize("stack", ["embedded"], indirect=True)
ON_MARIADB = pytest.mark.parametrize("stack", ["mariadb"], indirect=True)
STREAM_ENDS_WITHIN_S = 5.0
REFRESHES = 20


async def refresh(person: Person, token: str) -> Answer:
    return await person.call("POST", "/auth/refresh", json={"refreshToken": token})


async def session_of(person: Person) -> str:
    (current,) = [each for each in await person.list_all("/auth/sessions") if each["current"]]
    return current["id"]


async def assert_signed_out(*devices: Person) -> None:
    """Assert the same 401 as for an invalid token."""
    for device in devices:
        nonsense = Person(device.program, device.session, device.username, token="nonsense")
        expected = await nonsense.call("GET", "/users/profile")
        for path in ("/users/profile", "/notifications/stream"):
            refused = await device.call("GET", path)
            assert refused.status == 401
            assert _without_path(refused) == _without_path(expected)
        assert (await refresh(device, device.refresh_token)).status == 401


async def assert_ends(stream: Reader, began: float) -> None:
    async with asyncio.timeout(STREAM_ENDS_WITHIN_S):
        await stream.rest()
    assert time.monotonic() - began < STREAM_ENDS_WITHIN_S


def _without_path(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.json.items() if name != "instance"}


async def test_lost_phone_is_signed_out_from_the_laptop(program: Program, register: Register) -> None:
    (laptop,) = await register(program, "ana")
    phone = await laptop.on_another_device()
    devices = await laptop.list_all("/auth/sessions")
    assert [device["current"] for device in devices] == [False, True]
    assert {
        "id", "device", "address", "createdAt", "lastUsedAt", "current", "method", "secondFactor"
    } == set(devices[0])  # fmt: skip
    assert (devices[0]["method"], devices[0]["secondFactor"]) == ("password", None)
    assert devices[0]["address"] == "127.0.0.1"
    async with phone.stream() as heard, laptop.stream() as kept:
        began = time.monotonic()
        gone = await laptop.call("DELETE", f"/auth/sessions/{await session_of(phone)}")
        assert (gone.status, gone.content) == (204, b"")
        await assert_signed_out(phone)
        await assert_ends(heard, began)
        assert len(await laptop.list_all("/auth/sessions")) == 1
        bob = (await register(program, "bob"))[0]
        await bob.follow(laptop)
        assert (await kept.event()).event == "follow"
    assert (await laptop.call("POST", "/auth/logout")).status == 204
    await assert_signed_out(laptop)
    await assert_signed_out(phone)
    await phone.sign_in()
    assert len(await phone.list_all("/auth/sessions")) == 1


@ON_MARIADB
@pytest.mark.usefixtures("migrated_stack")
async def test_sign_out_applies_at_once_in_other_processes(
    new_program: NewProgram, register: Register
) -> None:
    one, other = [await new_program("--port=0", "--role=api").start() for _ in range(2)]
    (ana,) = await register(one, "ana")
    for _ in range(20):
        phone = await ana.on_another_device(other)
        await phone.request("GET", "/users/profile")
        async with phone.stream() as heard:
            began = time.monotonic()
            await ana.call("DELETE", f"/auth/sessions/{await session_of(phone)}")
            await assert_signed_out(phone)
            await assert_ends(heard, began)


@ON_EMBEDDED
async def test_stream_of_an_ended_session_closes_without_a_signal(
    program: Program, register: Register, stack: Stack
) -> None:
    (ana,) = await register(program, "ana")
    async with ana.stream() as heard:
        with sqlite3.connect(stack.sqlite_file, timeout=5) as database:
            database.execute("UPDATE sessions SET revoked_at_ms = ?", [time.time_ns() // 1_000_000])
        database.close()
        await assert_ends(heard, time.monotonic())


async def test_users_cannot_end_sessions_of_others(program: Program, register: Register) -> None:
    ana, bob = await register(program, "ana", "bob")
    session_id = await session_of(ana)
    answers = [
        await bob.call("DELETE", f"/auth/sessions/{each}") for each in (session_id, "1", "abc", str(2**63))
    ]
    assert {answer.status for answer in answers} == {404}
    await ana.request("GET", "/users/profile")
    nobody = Person(program, ana.session, "nobody")
    for method, path in [
        ("POST", "/auth/logout"),
        ("GET", "/auth/sessions"),
        ("DELETE", f"/auth/sessions/{session_id}"),
        ("POST", "/auth/change-password"),
    ]:
        assert (await nobody.call(method, path)).status == 401


async def test_reused_refresh_token_ends_the_session(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    stolen = ana.refresh_token
    answers = await asyncio.gather(*(refresh(ana, stolen) for _ in range(REFRESHES)))
    assert {answer.status for answer in answers} == {200}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}
    (following,) = {answer.json["refreshToken"] for answer in answers}
    ana.token, ana.refresh_token = answers[0].json["accessToken"], following
    await ana.request("GET", "/users/profile")

    last = await refresh(ana, following)
    assert last.status == 200
    assert (await refresh(ana, stolen)).status == 401  # reused by the thief
    ana.token, ana.refresh_token = last.json["accessToken"], last.json["refreshToken"]
    await assert_signed_out(ana)
    for nonsense in ("", "nonsense", ana.token, "\udcff", "x" * 2000):
        answer = await refresh(ana, nonsense)
        assert answer.status in ({400} if nonsense == "\udcff" else {401})


async def test_password_change_ends_all_other_sessions(
    program: Program, register: Register, stack: Stack
) -> None:
    (ana,) = await register(program, "ana")
    await verify_addresses(stack)
    phone = await ana.on_another_device()
    async with phone.stream() as heard:
        body = {"oldPassword": ana.password, "newPassword": "another password"}
        wrong = await ana.call("POST", "/auth/change-password", json={**body, "oldPassword": "wrong"})
        assert (wrong.status, list(wrong.json["errors"])) == (422, ["oldPassword"])
        began = time.monotonic()
        assert (await ana.call("POST", "/auth/change-password", json=body)).status == 204
        await assert_signed_out(phone)
        await assert_ends(heard, began)
    await ana.request("GET", "/users/profile")
    phone.password = "another password"
    await phone.sign_in()
    await wait_until(lambda: emails_with(program, "Your password was changed"))


async def test_forgotten_password_is_reset_by_email(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    phone = await ana.on_another_device()
    nobody = Person(program, ana.session, "nobody")
    asked = [
        await nobody.call("POST", "/auth/forgot-password", json={"email": email})
        for email in ("nobody@example.com", "ANA@example.com")
    ]
    assert {(answer.status, answer.content) for answer in asked} == {(202, b"")}
    (email,) = await wait_until(lambda: emails_with(program, "Reset your password"))
    assert email["To"] == "ana@example.com"
    token = token_in(email)

    body = {"token": token, "newPassword": "a password that is new"}
    answers = await asyncio.gather(
        *(nobody.call("POST", "/auth/reset-password", json=body) for _ in range(20))
    )
    assert sorted(answer.status for answer in answers) == [200] + [422] * 19
    await assert_signed_out(ana, phone)
    assert (
        await nobody.call("GET", "/users/profile", headers={"Authorization": f"Bearer {token}"})
    ).status == 401
    ana.password = "a password that is new"
    await ana.sign_in()
    await wait_until(lambda: emails_with(program, "Your password was changed"))
    assert await program.interrupt() == 0
    for secret in (
        token,
        "a password that is new",
        phone.password,
        ana.token,
        phone.token,
        ana.refresh_token,
    ):
        assert secret not in program.out + program.err


@ON_EMBEDDED
async def test_signed_out_sessions_stay_ended_without_redis(
    program: Program, register: Register, stack: Stack
) -> None:
    ana, bob = await register(program, "ana", "bob")
    phone = await ana.on_another_device()
    await ana.call("DELETE", f"/auth/sessions/{await session_of(phone)}")
    statuses: set[tuple[str, int]] = set()
    for _ in range(3):
        (pid,) = servers(stack.var_dir / "redis")
        _kill(pid)
        for _ in range(100):
            refused, allowed = await asyncio.gather(
                phone.call("GET", "/users/profile"), bob.call("GET", "/users/profile")
            )
            statuses |= {("phone", refused.status), ("bob", allowed.status)}
        await wait_until(partial(_is_back, stack, pid))
    assert statuses == {("phone", 401), ("bob", 200)}

    tablet = await ana.on_another_device()
    (pid,) = servers(stack.var_dir / "redis")
    _kill(pid)
    assert (await ana.call("DELETE", f"/auth/sessions/{await session_of(tablet)}")).status == 204
    for _ in range(100):
        assert (await tablet.call("GET", "/users/profile")).status == 401
    await wait_until(partial(_is_back, stack, pid))
    assert (await tablet.call("GET", "/users/profile")).status == 401


@ON_MARIADB
async def test_flushed_redis_revives_no_session(program: Program, register: Register, stack: Stack) -> None:
    ana, bob = await register(program, "ana", "bob")
    phone = await ana.on_another_device()
    await ana.call("DELETE", f"/auth/sessions/{await session_of(phone)}")
    for _ in range(10):
        stack.redis.flush()
        answers = await asyncio.gather(*(who.call("GET", "/users/profile") for who in [phone, bob] * 10))
        assert [answer.status for answer in answers] == [401, 200] * 10


@pytest.fixture
def smtp_server() -> Iterator[FakeSmtpServer]:
    office = FakeSmtpServer().start()
    yield office
    office.stop()


@ON_EMBEDDED
async def test_slow_smtp_server_delays_nothing_else(
    new_program: NewProgram, register: Register, smtp_server: FakeSmtpServer
) -> None:
    smtp_server.replies["MAIL"] = "451 Not now"
    mail = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(smtp_server.port), "EMAIL_TLS": "none"}
    program = await new_program("--port=0", **mail).start()
    ana, bob = await register(program, "ana", "bob")
    await bob.call("POST", "/auth/forgot-password", json={"email": "ana@example.com"})
    await wait_until(lambda: _has_logged(program, "job_failed"))
    async with ana.stream() as heard:
        await bob.like((await ana.publish(photos.small()))["id"])
        assert (await heard.event()).event == "like"
    smtp_server.replies.clear()

    async def delivered() -> bool:
        return any(b"password" in (each.content or b"") for each in smtp_server.taken)  # type: ignore[operator]

    await wait_until(delivered)
    taken = [_read(envelope.content) for envelope in smtp_server.taken if isinstance(envelope.content, bytes)]
    (email,) = [each for each in taken if "password" in each["Subject"]]
    assert email["To"] == "ana@example.com"
    token = token_in(email)
    body = {"token": token, "newPassword": "a password that is new"}
    assert (await bob.call("POST", "/auth/reset-password", json=body)).status == 200
    assert await program.interrupt() == 0
    assert token not in program.out + program.err


async def emails_with(program: Program, subject: str) -> list[EmailMessage]:
    """Return the e-mails in the program's outbox."""
    files = [
        Path(line["file"]) for line in program.logged("email_written_to_outbox") if line["subject"] == subject
    ]
    return [_read(file.read_bytes()) for file in files]


def token_in(email: EmailMessage) -> str:
    text = email.get_body(("plain",))
    assert text is not None
    (link,) = re.findall(r"http\S+", text.get_content())
    assert urlsplit(link).path == "/reset-password"
    (token,) = parse_qs(urlsplit(link).query)["token"]
    return token


def _read(content: bytes) -> EmailMessage:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


async def _is_back(stack: Stack, before: int) -> bool:
    return bool(set(servers(stack.var_dir / "redis")) - {before})


async def _has_logged(program: Program, message: str) -> bool:
    return bool(program.logged(message))
