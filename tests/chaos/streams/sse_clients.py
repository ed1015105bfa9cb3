"""Hundreds of users, inserted directly into the tables: some read their streams, others cause notifications."""

import asyncio
import random
import resource
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from server.ids import SessionId, UserId
from server.models.database import NOW_MS
from tests.chaos.environment import insert
from tests.support.program import Person, Program
from tests.support.sse_reader import Block, Reader
from tools.harness.access_tokens import LIFETIME_S, access_tokens
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

FIRST_PERSON = 1_000_000  # below all generated ids, one range per kind
FIRST_POST = 2_000_000
FIRST_SESSION = 3_000_000
RETRY_AFTER_S = 0.1

# Recipient, type, actor, and the target post, comment or user.
Expected = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Member:
    """A signed-in user with one post."""

    id: str
    username: str
    token: str = field(repr=False)
    post_id: str

    def acts(self, program: Program, session: ClientSession) -> Person:
        """Return the member as a client that calls the API."""
        return Person(program, session, self.username, self.id, self.token)


def insert_members(stack: Stack, count: int) -> list[Member]:
    """Insert `count` users with one session and one post each."""
    now = NOW_MS["sqlite" if stack.mariadb is None else "mysql"]
    numbers = range(count)
    insert(
        stack,
        "users",
        "id, username, username_key, email, email_key, password_hash, password_changed_at_ms, full_name, bio, website,"
        " avatar_key, role, posts_count, followers_count, following_count, created_at_ms",
        (
            f"{FIRST_PERSON + n}, 'member{n}', 'member{n}', 'm{n}@example.com', 'm{n}@example.com', '', 0,"
            f" 'Member {n}', '', '', '', 'user', 1, 0, 0, {now}"
            for n in numbers
        ),
    )
    insert(
        stack,
        "sessions",
        "id, user_id, refresh_hash, previous_hash, rotated_at_ms, user_agent, address, created_at_ms, last_used_at_ms,"
        " expires_at_ms",
        (
            f"{FIRST_SESSION + n}, {FIRST_PERSON + n}, '', '', 0, '', '', {now}, {now}, {now} + {LIFETIME_S * 1000}"
            for n in numbers
        ),
    )
    insert(
        stack,
        "posts",
        "id, author_id, caption, likes_count, comments_count",
        (f"{FIRST_POST + n}, {FIRST_PERSON + n}, '', 0, 0" for n in numbers),
    )
    sessions = ((UserId(FIRST_PERSON + n), SessionId(FIRST_SESSION + n)) for n in numbers)
    return [
        Member(str(FIRST_PERSON + n), f"member{n}", token, str(FIRST_POST + n))
        for n, token in enumerate(access_tokens(stack, sessions))
    ]


def many_connections() -> ClientSession:
    """Return a client with as many connections as the system allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(total=30))


class Listener:
    """A stream client that is disconnected repeatedly, resumes, and keeps every event.

    `refused` counts answers that were not a stream, by status.
    """

    def __init__(self, member: Member, program: Program, session: ClientSession, cut_after_s: float) -> None:
        """Create a listener whose connections last `cut_after_s` on average."""
        self.member = member
        self.program = program
        self.events: list[Block] = []
        self.refused = Counter[int]()
        self.streams = 0
        self._session = session
        self._cut_after_s = cut_after_s
        self._cut: asyncio.Timeout | None = None
        self._steady = False
        self._last_id = "0"

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            with suppress(ClientError, OSError, EOFError):  # a TimeoutError is an OSError
                await self._listen()
            self._cut = None
            await asyncio.sleep(random.uniform(0, 2 * RETRY_AFTER_S))

    def keep(self) -> None:
        """Stop the disconnections."""
        self._steady = True
        if self._cut is not None and not self._cut.expired():
            self._cut.reschedule(None)

    async def _listen(self) -> None:
        headers = {"Authorization": f"Bearer {self.member.token}", "Last-Event-ID": self._last_id}
        url, life_s = f"{self.program.url}/notifications/stream", random.expovariate(1 / self._cut_after_s)
        async with (
            asyncio.timeout(None if self._steady else life_s) as self._cut,
            self._session.get(url, headers=headers, timeout=ClientTimeout(total=None)) as response,
        ):
            if response.status != 200:
                self.refused[response.status] += 1
                return
            self.streams += 1
            reader = Reader(response)
            while True:
                block = await reader.block()
                if block.event:
                    self.events.append(block)
                self._last_id = block.id or self._last_id


class Writers:
    """Writers who follow, like and comment, and the notifications that they cause."""

    def __init__(self, writers: list[Person], others: list[Member]) -> None:
        self.owed: set[Expected] = set()
        self.acknowledged = 0
        self._writers = writers
        self._others = others
        self._stopping = False

    async def more(self, writes: int) -> None:
        """Wait until `writes` more writes are acknowledged."""
        goal = self.acknowledged + writes

        async def reached() -> bool:
            return self.acknowledged >= goal

        await wait_until(reached, 60)

    @asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Run the writers during the block; pending requests finish after it."""
        writing = [asyncio.create_task(self._write(writer)) for writer in self._writers]
        try:
            yield
        finally:
            self._stopping = True
            await asyncio.gather(*writing)

    async def _write(self, writer: Person) -> None:
        while not self._stopping:
            try:
                told = await self._act(writer, *random.sample(self._others, 2))
            except (ClientError, OSError):
                told = []
            if told:
                self.owed.update(told)
                self.acknowledged += 1
            else:
                await asyncio.sleep(0.05)

    async def _act(self, writer: Person, one: Member, another: Member) -> list[Expected]:
        """Perform a random activity on `one`. Return the notifications it must cause."""
        match random.choice(("follow", "like", "comment")):
            case "follow":
                answer = await writer.call("POST", f"/users/{one.id}/follow")
                told = [(one.id, "follow", writer.id, one.id)]
            case "like":
                answer = await writer.call("POST", f"/posts/{one.post_id}/likes")
                told = [(one.id, "like", writer.id, one.post_id)]
            case _:
                content = {"content": f"look at this, @{another.username}"}
                answer = await writer.call("POST", f"/posts/{one.post_id}/comments", json=content)
                id_ = answer.json.get("id")
                told = [(one.id, "comment", writer.id, id_), (another.id, "mention", writer.id, id_)]
        assert answer.ok or answer.status == 503, answer
        return told if answer.ok else []
