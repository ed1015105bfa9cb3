"""R11: clients that stop reading their streams are dropped, cost little memory and slow no other client down."""

import asyncio
import socket
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import FULL, configuration, insert, rounds, with_faults
from tests.chaos.streams.sse_clients import Member, insert_members, many_connections
from tests.e2e.conftest import NewProgram
from tests.support.program import Person, Program
from tests.support.sse_reader import Reader
from tests.support.valkey_processes import linux
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = [pytest.mark.chaos, linux]

STREAMS_EACH = 5  # the maximum per user
STALLED_USERS = rounds(2, 20)
STALLED = STALLED_USERS * STREAMS_EACH
READERS = rounds(4, 20)
COMMENTS = rounds(8, 300)
MISSED = 500  # notifications, about 170 KB: more than kernel and server may buffer per client
DROPPED_WITHIN_S = 30.0
HELD_AT_MOST = 65_536
SLOWER_AT_MOST = 1.5
NOTICEABLE_MS = 5.0
# The default of 20 s is too long for the suite.
WRITE_TIMEOUT = {} if FULL else with_faults(write_timeout_s=1.5)
FIRST_NOTIFICATION = 4_000_000


async def test_stalled_clients_are_dropped_and_slow_no_other(
    migrated_stack: Stack, new_program: NewProgram, report: Report
) -> None:
    stack = migrated_stack
    async with many_connections() as session, AsyncExitStack() as open_streams:
        program = await new_program("--port=0", config=configuration(stack), **WRITE_TIMEOUT).start()
        writer, *members = insert_members(stack, 1 + STALLED_USERS + READERS)
        stalled_members, reading = members[:STALLED_USERS], members[STALLED_USERS:]
        insert_missed(stack, stalled_members, about=writer)
        readers = [
            (one, await open_streams.enter_async_context(one.acts(program, session).stream()))
            for one in reading
        ]
        author = writer.acts(program, session)
        # Warm: everything is loaded, and all database connections are open.
        await asyncio.gather(*(one.acts(program, session).call("GET", "/notifications") for one in members))
        await latencies(author, readers)
        before_ms, resident = await latencies(author, readers), resident_bytes(program)
        began = time.monotonic()
        deaf = [
            open_streams.enter_context(stalled_client(program, member))
            for member in stalled_members
            for _ in range(STREAMS_EACH)
        ]
        await wait_until(lambda: all_stuck(program))
        held = (resident_bytes(program) - resident) / STALLED
        sent = max(unsent_bytes(program))
        during_ms = await latencies(author, readers)
        await wait_until(lambda: all_dropped(program), 2 * DROPPED_WITHIN_S)
        dropped_s = time.monotonic() - began
        for client in deaf:
            assert_cut_off(client)
        assert unsent_bytes(program) == []
        # Unread notifications are kept.
        async with stalled_members[0].acts(program, session).stream("0") as reader:
            assert [int((await reader.event()).id) for _ in range(MISSED)] == list(range(1, MISSED + 1))
    report(
        f"R11 {stack.name}: {STALLED} clients that do not read dropped within {dropped_s:.1f} s,"
        f" {held / 1024:.0f} KiB of memory and at most {sent / 1024:.0f} KiB in the kernel for each;"
        f" an event took {figures(before_ms)} to the"
        f" others before, {figures(during_ms)} during the stall"
    )
    if FULL:
        assert dropped_s < DROPPED_WITHIN_S
        assert held + sent < HELD_AT_MOST
        assert statistics.median(during_ms) < SLOWER_AT_MOST * statistics.median(before_ms) + NOTICEABLE_MS
        assert p90(during_ms) < SLOWER_AT_MOST * p90(before_ms) + NOTICEABLE_MS


def insert_missed(stack: Stack, members: Sequence[Member], about: Member) -> None:
    """Insert MISSED notifications for each member."""
    insert(
        stack,
        "notifications",
        "id, recipient_id, sequence, type, actor_id, target_id, post_id, created_at_ms",
        (
            f"{FIRST_NOTIFICATION + n * MISSED + sequence}, {member.id}, {sequence}, 'comment', {about.id}, {sequence},"
            f" {about.post_id}, 1"
            for n, member in enumerate(members)
            for sequence in range(1, MISSED + 1)
        ),
    )
    insert(stack, "inboxes", "user_id, last_sequence", (f"{member.id}, {MISSED}" for member in members))


async def latencies(author: Person, readers: Sequence[tuple[Member, Reader]]) -> list[float]:
    """Return the milliseconds from each comment to its event."""
    took_ms: list[float] = []
    for n in range(COMMENTS):
        member, reader = readers[n % len(readers)]
        began = time.monotonic()
        comment, event = await asyncio.gather(author.comment(member.post_id, "nice"), reader.event())
        took_ms.append((time.monotonic() - began) * 1000)
        assert comment["id"] in event.data
    return took_ms


def stalled_client(program: Program, member: Member) -> socket.socket:
    """Open a stream from its beginning and read nothing."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", program.port))
    head = ["GET /notifications/stream HTTP/1.1", "Host: x", f"Authorization: Bearer {member.token}"]
    client.sendall("\r\n".join([*head, "Last-Event-ID: 0", "", ""]).encode())
    return client


def unsent_bytes(program: Program) -> list[int]:
    """Return the unsent bytes that the kernel holds for each connection of the server."""
    port = f":{program.port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    waiting = [int(row[4].partition(":")[0], 16) for row in rows if row[1].endswith(port)]
    return [count for count in waiting if count > 1]


async def all_stuck(program: Program) -> bool:
    return len(unsent_bytes(program)) == STALLED


async def all_dropped(program: Program) -> bool:
    return len(program.logged("slow_reader_dropped")) == STALLED


def assert_cut_off(client: socket.socket) -> None:
    client.settimeout(5)
    with pytest.raises(ConnectionResetError):
        while client.recv(65_536):
            pass


def resident_bytes(program: Program) -> int:
    status = Path(f"/proc/{program.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def figures(took_ms: Sequence[float]) -> str:
    return f"{statistics.median(took_ms):.1f} ms (p90 {p90(took_ms):.1f})"


def p90(figures: Sequence[float]) -> float:
    return statistics.quantiles(figures, n=10)[-1]
