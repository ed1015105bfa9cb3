"""One queue in Redis: a normal and a high-priority stream, read by one consumer group.

Owns the keys and the commands. What an entry means is left to the broker; errors of Redis pass through.
Every call ends within `call_timeout_s`, `wait` within its block time plus that. Needs Redis 6.2 or later.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

GROUP = "workers"
PIPELINE_LENGTH = 500
GARBAGE_LENGTH = 1000
GARBAGE_BYTES = 4096
SWEPT_ENTRIES = 100

# Read, acknowledge and delete in one step: no kill, cancel or timeout can leave an entry half taken. An entry
# that a blocked read has already assigned to this consumer ("0") comes before those of nobody (">").
TAKE = """
for _, stream in ipairs(KEYS) do
  for _, from in ipairs({'0', '>'}) do
    local reply = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', 1, 'STREAMS', stream, from)
    local entry = reply and reply[1][2][1]
    if entry then
      redis.call('XACK', stream, ARGV[1], entry[1])
      redis.call('XDEL', stream, entry[1])
      if entry[2] then return {stream, entry[1], entry[2]} end
    end
  end
end
return false
"""

# Add again, at the end, what was assigned to a consumer that will not take it, then forget the consumer: the
# one that is named, or all that were silent for the given time and have nothing left.
RETURN_TO_QUEUE = """
local group, idle_ms, count, only = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local handed_back = 0
for _, stream in ipairs(KEYS) do
  local query = {'XPENDING', stream, group, 'IDLE', idle_ms, '-', '+', count}
  if only then table.insert(query, only) end
  for _, pending in ipairs(redis.call(unpack(query))) do
    local entry = redis.call('XRANGE', stream, pending[1], pending[1])[1]
    if entry then
      redis.call('XADD', stream, '*', unpack(entry[2]))
      handed_back = handed_back + 1
    end
    redis.call('XACK', stream, group, pending[1])
    redis.call('XDEL', stream, pending[1])
  end
  if only then
    redis.call('XGROUP', 'DELCONSUMER', stream, group, only)
  else
    for _, facts in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
      local consumer = {}
      for at = 1, #facts, 2 do consumer[facts[at]] = facts[at + 1] end
      if consumer['pending'] == 0 and consumer['idle'] >= idle_ms then
        redis.call('XGROUP', 'DELCONSUMER', stream, group, consumer['name'])
      end
    end
  end
end
return handed_back
"""


class Priority(StrEnum):
    """Which of a queue's two streams an entry goes to."""

    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that was taken off its stream."""

    stream: bytes
    id: bytes
    fields: dict[bytes, bytes]


class PriorityStreams:
    """The two streams of the queue `name`, as `consumer` sees them."""

    def __init__(self, redis: Redis, name: str, consumer: str, call_timeout_s: float) -> None:
        self._redis = redis
        self._consumer = consumer
        self._call_timeout_s = call_timeout_s
        self._keys = {Priority.HIGH: f"queue:{name}:high", Priority.NORMAL: f"queue:{name}"}
        self._garbage_key = f"queue:{name}:garbage"
        self._take = redis.register_script(TAKE)
        self._hand_back = redis.register_script(RETURN_TO_QUEUE)

    async def create_groups(self) -> None:
        """Create what is missing of streams and groups; a group sees every entry, older ones too."""
        for key in self._keys.values():
            try:
                async with asyncio.timeout(self._call_timeout_s):
                    await self._redis.xgroup_create(key, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    async def add(self, entries: Sequence[tuple[Priority, bytes]]) -> None:
        """Append `data` entries, in pipelines; those before an error stay."""
        for start in range(0, len(entries), PIPELINE_LENGTH):
            pipeline = self._redis.pipeline(transaction=False)
            async with asyncio.timeout(self._call_timeout_s), pipeline:
                for priority, data in entries[start : start + PIPELINE_LENGTH]:
                    pipeline.xadd(self._keys[priority], {"data": data})
                await pipeline.execute()

    async def take(self) -> Entry | None:
        """The oldest high entry, else the oldest normal one; it is gone from Redis. None: both are empty."""
        async with asyncio.timeout(self._call_timeout_s):
            reply = cast(
                "tuple[bytes, bytes, list[bytes]] | None",
                await self._take(keys=list(self._keys.values()), args=[GROUP, self._consumer]),
            )
        if reply is None:
            return None
        stream, entry_id, flat = reply
        return Entry(stream, entry_id, dict(zip(flat[::2], flat[1::2], strict=True)))

    async def put_back(self, entry: Entry) -> None:
        """Append a taken entry to its stream again, as a new one."""
        async with asyncio.timeout(self._call_timeout_s):
            await self._redis.xadd(entry.stream, cast("dict[Any, Any]", entry.fields))

    async def wait(self, block_ms: int) -> None:
        """Return when an entry may be there to take, or after `block_ms`.

        Assigns at most one entry a stream to this consumer, for `take` or `hand_back`.
        """
        async with asyncio.timeout(block_ms / 1000 + self._call_timeout_s):
            await self._redis.xreadgroup(
                GROUP, self._consumer, dict.fromkeys(self._keys.values(), ">"), count=1, block=block_ms
            )

    async def hand_back(self) -> None:
        """Leave the group: entries assigned to this consumer go to the others."""
        await self._return_pending(0, self._consumer)

    async def sweep(self, idle_ms: int) -> None:
        """Hand back (up to 100 a stream) what was assigned `idle_ms` ago; forget consumers silent as long."""
        await self._return_pending(idle_ms)

    async def _return_pending(self, idle_ms: int, *consumer: str) -> None:
        async with asyncio.timeout(self._call_timeout_s):
            args = [GROUP, idle_ms, SWEPT_ENTRIES, *consumer]
            await self._hand_back(keys=list(self._keys.values()), args=args)

    async def set_aside(self, entry: Entry, reason: str) -> None:
        """Keep a taken entry, with the reason, among the last 1,000 or so in the garbage stream."""
        data = entry.fields.get(b"data", repr(entry.fields).encode())
        fields = {"reason": reason, "stream": entry.stream, "id": entry.id, "data": data[:GARBAGE_BYTES]}
        async with asyncio.timeout(self._call_timeout_s):
            await self._redis.xadd(self._garbage_key, cast("dict[Any, Any]", fields), maxlen=GARBAGE_LENGTH)

    async def garbage_length(self) -> int:
        """Entries in the garbage stream, which keeps the last 1,000 or so."""
        async with asyncio.timeout(self._call_timeout_s):
            return await self._redis.xlen(self._garbage_key)

    async def depth(self) -> dict[Priority, int]:
        """Entries of each stream that are assigned to nobody: what a killed consumer had in hand is not waiting."""
        pipeline = self._redis.pipeline(transaction=False)
        async with asyncio.timeout(self._call_timeout_s), pipeline:
            for key in self._keys.values():
                pipeline.xlen(key)
                pipeline.xpending(key, GROUP)
            answers = await pipeline.execute(raise_on_error=False)
        depths: dict[Priority, int] = {}
        for priority, length, pending in zip(self._keys, answers[::2], answers[1::2], strict=True):
            if isinstance(length, Exception):
                raise length
            if isinstance(pending, Exception) and not isinstance(pending, ResponseError):
                raise pending
            # Without a group, before the first worker or after a FLUSHALL, nothing is assigned.
            assigned = 0 if isinstance(pending, ResponseError) else int(pending["pending"])
            depths[priority] = max(0, length - assigned)
        return depths
