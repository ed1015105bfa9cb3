"""For tests of live delivery: an in-memory notification store, and a reader of SSE streams."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import ClientResponse

from server.errors import Unavailable
from server.ids import NotificationId, PostId, UserId
from server.outages import CircuitBreaker
from server.pubsub.publisher import NotificationSignal
from server.services.records import Notification, NotificationType, PostPreview, Relationship, UserCard

DEADLINE_S = 15.0
ACTOR = UserCard(id=UserId(7), username="ada", full_name="Ada", avatar_url=None, is_celebrity=False)
STRANGERS = Relationship(following=False, requested=False, followed_by=False, blocking=False, muting=False)


def open_circuit(part: str) -> CircuitBreaker:
    """Return an open circuit breaker that allows a probe after half a second."""
    circuit = CircuitBreaker(part)
    for message in ("one", "two", "three"):
        circuit.failed("no answer", message)
    return circuit


class NotificationRows:
    """Notifications in memory. While `unavailable` is set every query fails, as without a database."""

    def __init__(self) -> None:
        self.unavailable = False
        self.queries = 0
        self._rows: dict[UserId, list[Notification]] = {}
        self._last: dict[UserId, int] = {}

    def add(self, recipient_id: int, type_: NotificationType = NotificationType.LIKE) -> Notification:
        """Add one notification."""
        user_id = UserId(recipient_id)
        sequence = self._last[user_id] = self._last.get(user_id, 0) + 1
        notification = Notification(
            id=NotificationId(user_id * 1_000_000 + sequence),
            recipient_id=user_id,
            sequence=sequence,
            type=type_,
            actor=ACTOR,
            relationship=STRANGERS,
            post=PostPreview(PostId(99), None, is_public=True),
            comment=None,
            read=False,
            created_at_ms=1_790_000_000_123,
        )
        self._rows.setdefault(user_id, []).append(notification)
        return notification

    def delete(self, recipient_id: int, *sequences: int) -> None:
        rows = self._rows[UserId(recipient_id)]
        self._rows[UserId(recipient_id)] = [row for row in rows if row.sequence not in sequences]

    async def list_after(self, recipient_id: UserId, after: int, limit: int) -> list[Notification]:
        await self._query()
        found = [row for row in self._rows.get(recipient_id, []) if row.sequence > after]
        return found[:limit]

    async def get_last_sequence(self, recipient_id: UserId) -> int:
        await self._query()
        return self._last.get(recipient_id, 0)

    async def list_last_sequences(self, user_ids: Sequence[UserId]) -> Mapping[UserId, int]:
        await self._query()
        return {user_id: self._last[user_id] for user_id in user_ids if user_id in self._last}

    async def _query(self) -> None:
        self.queries += 1
        await asyncio.sleep(0)
        if self.unavailable:
            raise Unavailable("The database does not answer.")


def signal_of(notification: Notification, text: str = "") -> NotificationSignal:
    return NotificationSignal(
        recipient_id=notification.recipient_id,
        sequence=notification.sequence,
        type=notification.type,
        actor_id=notification.actor.id,
        post_id=notification.post_id,
        text=text,
        created_at_ms=notification.created_at_ms,
    )


@dataclass(frozen=True, slots=True)
class Block:
    """One block of a stream. Missing members are empty."""

    id: str = ""
    event: str = ""
    data: str = ""
    retry: str = ""
    comment: str = ""


class Reader:
    """Reads a stream block by block."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def block(self) -> Block:
        """Return the next block. Raises EOFError at the end of the stream."""
        members: dict[str, str] = {}
        async with asyncio.timeout(DEADLINE_S):
            while line := (await self.response.content.readline()).decode():
                if line == "\n":
                    return Block(**members)
                name, _, value = line.rstrip("\n").partition(":")
                members[name or "comment"] = value.strip()
        raise EOFError

    async def event(self) -> Block:
        """Return the next block that is an event."""
        while not (block := await self.block()).event:
            pass
        return block

    async def events(self, count: int) -> list[Block]:
        return [await self.event() for _ in range(count)]

    async def rest(self) -> list[Block]:
        """Return all blocks up to the end of the stream."""
        blocks: list[Block] = []
        try:
            while True:
                blocks.append(await self.block())
        except EOFError:
            return blocks
