"""The Redis streams of one queue: normal and high priority, read by one consumer group, and rejected messages.

This module owns the keys and commands; the broker interprets entries. Redis errors propagate. Every call ends within
`call_timeout_s`, `wait` within its block time plus that. Requires Redis 6.2.
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
MAX_REJECTED = 1000
MAX_REJECTED_BYTES = 4096
SWEEP_BATCH = 100

# Read, acknowledge and delete atomically, so that a kill, cancellation or timeout cannot leave an entry half taken.
# Entries that a blocked read has already assigned to this consumer ("0") come before unassigned ones (">").
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

# Append entries that are assigned to a consumer which will not take them, then delete the consumer: the named one, or
# every consumer that has been idle for the given time and has no entries left.
RETURN_TO_QUEUE = """
local group, idle_ms, count, only = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local returned = 0
for _, stream in ipairs(KEYS) do
  local query = {'XPENDING', stream, group, 'IDLE', idle_ms, '-', '+', count}
  if only then table.insert(query, only) end
  for _, pending in ipairs(redis.call(unpack(query))) do
    local entry = redis.call('XRANGE', stream, pending[1], pending[1])[1]
    if entry then
      redis.call('XADD', stream, '*', unpack(entry[2]))
      returned = returned + 1
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
return returned
"""


class Priority(StrEnum):
    """The stream of an entry."""

    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry that was removed from its stream."""

    stream: bytes
    id: bytes
    fields: dict[bytes, bytes]


class PriorityStreams:
    """The streams of the queue `name`, read as `consumer`."""

    def __init__(self, redis: Redis, name: str, consumer: str, call_timeout_s: float) -> None:
        self._redis = redis
        self._consumer = consumer
        self._call_timeout_s = call_timeout_s
        self._keys = {Priority.HIGH: f"queue:{name}:high", Priority.NORMAL: f"queue:{name}"}
        self._rejected_key = f"queue:{name}:rejected"
        self._take = redis.register_script(TAKE)
        self._return_to_queue = redis.register_script(RETURN_TO_QUEUE)

    async def create_groups(self) -> None:
        """Create missing streams and groups. A new group also reads older entries."""
        for key in self._keys.values():
            try:
                async with asyncio.timeout(self._call_timeout_s):
                    await self._redis.xgroup_create(key, GROUP, id="0", mkstream=True)
            except ResponseError as error:
                if "BUSYGROUP" not in str(error):
                    raise

    async def add(self, entries: Sequence[tuple[Priority, bytes]]) -> None:
        """Append entries in pipelines; those sent before an error stay."""
        for start in range(0, len(entries), PIPELINE_LENGTH):
            pipeline = self._redis.pipeline(transaction=False)
            async with asyncio.timeout(self._call_timeout_s), pipeline:
                for priority, data in entries[start : start + PIPELINE_LENGTH]:
                    pipeline.xadd(self._keys[priority], {"data": data})
                await pipeline.execute()

    async def take(self) -> Entry | None:
        """Remove and return the oldest high-priority entry, else the oldest normal one; None if there is none."""
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
        """Append a taken entry to its stream as a new one."""
        async with asyncio.timeout(self._call_timeout_s):
            await self._redis.xadd(entry.stream, cast("dict[Any, Any]", entry.fields))

    async def wait(self, block_ms: int) -> None:
        """Return when an entry may be available, or after `block_ms`.

        Assigns at most one entry per stream to this consumer, for `take` or `leave`.
        """
        async with asyncio.timeout(block_ms / 1000 + self._call_timeout_s):
            await self._redis.xreadgroup(
                GROUP, self._consumer, dict.fromkeys(self._keys.values(), ">"), count=1, block=block_ms
            )

    async def leave(self) -> None:
        """Leave the group and return the entries that are assigned to this consumer."""
        await self._return_pending(0, self._consumer)

    async def sweep(self, idle_ms: int) -> None:
        """Return entries that were assigned `idle_ms` ago, up to 100 per stream; delete consumers idle as long."""
        await self._return_pending(idle_ms)

    async def _return_pending(self, idle_ms: int, *consumer: str) -> None:
        async with asyncio.timeout(self._call_timeout_s):
            args = [GROUP, idle_ms, SWEEP_BATCH, *consumer]
            await self._return_to_queue(keys=list(self._keys.values()), args=args)

    async def reject(self, entry: Entry, reason: str) -> None:
        """Append a taken entry, with the reason, to the stream of rejected messages, which keeps about 1,000."""
        data = entry.fields.get(b"data", repr(entry.fields).encode())
        fields = {"reason": reason, "stream": entry.stream, "id": entry.id, "data": data[:MAX_REJECTED_BYTES]}
        async with asyncio.timeout(self._call_timeout_s):
            await self._redis.xadd(self._rejected_key, cast("dict[Any, Any]", fields), maxlen=MAX_REJECTED)

    async def count_rejected(self) -> int:
        """Return the length of the stream of rejected messages."""
        async with asyncio.timeout(self._call_timeout_s):
            return await self._redis.xlen(self._rejected_key)

    async def depth(self) -> dict[Priority, int]:
        """Return the unassigned entries of each stream. Those of a killed consumer do not count."""
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
            # There is no group before the first worker starts, or after a FLUSHALL: nothing is assigned.
            assigned = 0 if isinstance(pending, ResponseError) else int(pending["pending"])
            depths[priority] = max(0, length - assigned)
        return depths
