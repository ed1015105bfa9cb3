"""The list of sessions that were ended early, in Redis: every request of every process asks it.

`sessions:revoked` is a sorted set: a session's id, and when its last access token will have expired. A marker among
them says that the list is complete, and in which life of the server it was made so: emptied, evicted, expired, or
restored from what was saved a while ago, the list is known not to be, and has to be made anew from the database. While
that is done another marker stands for it: if it is lost on the way, so may be what was added meanwhile.
"""

import secrets
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

from server.gateways.redis.pipelined_client import PipelinedRedis, RedisUnavailable, ReplyError, Script, Value
from server.ids import SessionId
from server.outages import Outage

KEY = "sessions:revoked"
BATCH = 1000

_LIFE = "local life = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)'):sub(1, 12)\n"

# By Redis's own clock, so it does not matter how those of the processes differ. Markers have the score inf.
_ADD = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
for i = 2, #ARGV, 2 do redis.call('ZADD', KEYS[1], now + ARGV[i + 1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
""")
_OPEN = Script(
    _LIFE
    + """
if redis.call('ZSCORE', KEYS[1], 'complete:' .. life) then return 0 end
redis.call('ZADD', KEYS[1], 'inf', 'building:' .. life .. ':' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
)
_SEAL = Script(
    _LIFE
    + """
if not redis.call('ZSCORE', KEYS[1], 'building:' .. life .. ':' .. ARGV[2]) then return 0 end
redis.call('ZREMRANGEBYSCORE', KEYS[1], 'inf', 'inf')
redis.call('ZADD', KEYS[1], 'inf', 'complete:' .. life)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
"""
)


class RevocationList:
    """Keeps a session for `keep_ms` at most, and the key for as long after the last change.

    Every method raises Unavailable when Redis does not answer, or not as it should.
    """

    def __init__(self, wire: PipelinedRedis, keep_ms: int) -> None:
        self._wire = wire
        self._keep_ms = keep_ms
        self._refusals = Outage("revocation_list")

    async def has(self, session_id: SessionId) -> bool | None:
        """Whether a session is on the list; None if it is not there and the list is not known to be complete."""
        for _ in range(2):  # on a new connection it is known only after the first answer whose life it is
            life = self._wire.life
            answer = await self._answer(self._wire.command("ZMSCORE", KEY, session_id, f"complete:{life}"))
            revoked, complete = answer
            if revoked is not None:
                return True
            if life and life == self._wire.life:
                return None if complete is None else False
        return None

    async def add(self, remaining_ms: Mapping[SessionId, int]) -> None:
        """Put sessions on the list, each for its remaining time. Twice is once."""
        items = list(remaining_ms.items())
        for start in range(0, len(items), BATCH):
            pairs = [value for item in items[start : start + BATCH] for value in item]
            await self._run(_ADD, [self._keep_ms, *pairs])

    async def open(self) -> str | None:
        """Begin to complete the list; what `seal` wants to have. None: it is complete already.

        What is added from here on is kept, so nothing is missed between reading the database and `seal`.
        """
        ticket = secrets.token_hex(8)
        return ticket if await self._run(_OPEN, [self._keep_ms, ticket]) else None

    async def seal(self, ticket: str) -> bool:
        """Everything was added: the list is complete. False if it was lost since `open`."""
        return bool(await self._run(_SEAL, [self._keep_ms, ticket]))

    async def _run(self, script: Script, arguments: Sequence[Value]) -> Any:
        return await self._answer(self._wire.run(script, [KEY], arguments))

    async def _answer(self, call: Awaitable[Any]) -> Any:
        try:
            answer = await call
        except ReplyError as error:  # it is loading, it may not write, the key is no sorted set, ...
            self._refusals.failed(error)
            raise RedisUnavailable(str(error)) from error
        self._refusals.succeeded()
        return answer
