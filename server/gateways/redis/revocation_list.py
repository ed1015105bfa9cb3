"""List of revoked sessions in Redis, which every request of every process checks.

`sessions:revoked` is a sorted set of session ids, scored by the time at which the last access token of the session has
expired. A marker says that the list is complete, and names the `run_id` under which it was completed: that of the Redis
server, with the epoch of the database.
A list that was emptied, evicted, expired or loaded from an old snapshot lacks the marker, and is completed from the
database again. Until then a second marker takes its place: if that one is lost, sessions added since may be lost, too.
"""

import secrets
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import Any

from server.gateways.redis.connection import Value
from server.gateways.redis.error_replies import RedisUnavailable, ReplyError
from server.gateways.redis.lua import Script
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import SessionId
from server.outages import Outage

REVOKED = "sessions:revoked"
SESSIONS_PER_CALL = 1000

_SCRIPTS = Path(__file__).parent / "scripts"
_ADD = Script.load(_SCRIPTS, "add_revoked")
_BEGIN = Script.load(_SCRIPTS, "begin_revoked")
_COMPLETE = Script.load(_SCRIPTS, "complete_revoked")


class RevocationList:
    """List that keeps a session for at most `keep_ms`, and expires as long after the last change.

    Every method raises RedisUnavailable if Redis does not answer or rejects the command.
    """

    def __init__(self, redis: PipelinedRedis, keep_ms: int) -> None:
        self._redis = redis
        self._keep_ms = keep_ms
        self._outage = Outage("revocation_list")

    async def has(self, session_id: SessionId) -> bool | None:
        """Return whether a session is on the list; None if it is not and the list is not known to be complete."""
        for _ in range(2):  # a new connection knows its run id only after the first answer
            run_id = self._redis.run_id
            marker = f"complete:{run_id}"
            revoked, complete = await self._answer(
                self._redis.command("ZMSCORE", REVOKED, session_id, marker)
            )
            if revoked is not None:
                return True
            if run_id and run_id == self._redis.run_id:
                return None if complete is None else False
        return None

    async def add(self, remaining_ms: Mapping[SessionId, int]) -> None:
        """Add sessions, each for its remaining time. Idempotent."""
        items = list(remaining_ms.items())
        for start in range(0, len(items), SESSIONS_PER_CALL):
            pairs = [value for item in items[start : start + SESSIONS_PER_CALL] for value in item]
            await self._run(_ADD, [self._keep_ms, *pairs], with_run_id=False)

    async def begin(self) -> str | None:
        """Start to complete the list; return the token for `complete`, or None if the list is complete.

        Sessions added from here on stay, so none is missed between reading the database and `complete`.
        """
        token = secrets.token_hex(8)
        return token if await self._run(_BEGIN, [self._keep_ms, token]) else None

    async def complete(self, token: str) -> bool:
        """Mark the list as complete; return False if it was lost after `begin`."""
        return bool(await self._run(_COMPLETE, [self._keep_ms, token]))

    async def _run(self, script: Script, arguments: Sequence[Value], *, with_run_id: bool = True) -> Any:
        return await self._answer(self._redis.run(script, [REVOKED], arguments, with_run_id=with_run_id))

    async def _answer(self, call: Awaitable[Any]) -> Any:
        try:
            answer = await call
        except ReplyError as error:  # Redis may not write, the key is not a sorted set, ...
            self._outage.failed(error)
            raise RedisUnavailable(str(error)) from error
        self._outage.succeeded()
        return answer
