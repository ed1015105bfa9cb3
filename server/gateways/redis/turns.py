"""Turns of processes that change the same objects, so that their transactions need not give way to each other.

Only objects that were in a conflict lately have turns; other changes make no call. A turn is a courtesy: without Redis,
or after MAX_WAIT_S, a change is made without one, and the database decides.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from server.gateways.redis.error_replies import RedisUnavailable, ReplyError
from server.gateways.redis.lua import Call, Script
from server.gateways.redis.pipelined_client import PipelinedRedis

# After a conflict, an object has turns for this long.
CONTENDED_S = 2.0
MAX_CONTENDED = 1000
# A process that was killed in its turn holds up the others for this long.
TURN_MS = 1000
MAX_WAIT_S = 1.0
# Pauses of a waiting process between two calls. One that had a turn that others wait for begins later than they do.
POLL_S = (0.001, 0.003)
YIELD_S = 0.004
WAITING_MS = 50

_SCRIPTS = Path(__file__).parent / "scripts"
_TAKE = Script.load(_SCRIPTS, "take_turn")
_END = Script.load(_SCRIPTS, "end_turn")


@dataclass(slots=True)
class _Contended:
    """An object with turns. `lock` is held by the change of this process that has or awaits the turn."""

    until: float
    not_before: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Turns:
    """Gives changes of the same objects turns among all processes on one Redis."""

    def __init__(self, redis: PipelinedRedis) -> None:
        self._redis = redis
        self._contended: dict[str, _Contended] = {}

    def conflicted(self, names: Iterable[str]) -> None:
        """Record that a change of these objects gave way to another one."""
        now = asyncio.get_running_loop().time()
        if len(self._contended) > MAX_CONTENDED:
            self._contended = {name: each for name, each in self._contended.items() if each.until > now}
        for name in names:
            self._contended.setdefault(name, _Contended(0.0)).until = now + CONTENDED_S

    @asynccontextmanager
    async def hold(self, names: Iterable[str]) -> AsyncGenerator[None]:
        """Hold the turns of those objects that were in a conflict lately."""
        if not self._contended:
            yield
            return
        now = asyncio.get_running_loop().time()
        contended = sorted(
            name for name in names if name in self._contended and self._contended[name].until > now
        )
        async with AsyncExitStack() as stack:
            for name in contended:
                await stack.enter_async_context(self._contended[name].lock)
            owner = await self._take(contended) if contended else ""
            try:
                yield
            finally:
                if owner:
                    await self._end(contended, owner)

    async def _take(self, names: Sequence[str]) -> str:
        """Return the owner of the turns; empty if they could not be had."""
        loop, owner = asyncio.get_running_loop(), secrets.token_hex(8)
        deadline = loop.time() + MAX_WAIT_S
        await asyncio.sleep(max(0.0, *(self._contended[name].not_before - loop.time() for name in names)))
        while loop.time() < deadline:
            try:
                taken = await self._redis.batch(
                    [Call(_TAKE, _keys(name), (owner, TURN_MS, WAITING_MS)) for name in names]
                )
            except (RedisUnavailable, ReplyError):  # the health monitor reports it
                return ""
            if all(taken):
                return owner
            if any(taken):
                await self._end([name for name, has in zip(names, taken, strict=True) if has], owner)
            await asyncio.sleep(random.uniform(*POLL_S))
        return ""

    async def _end(self, names: Sequence[str], owner: str) -> None:
        try:
            waited_for = await self._redis.batch([Call(_END, _keys(name), (owner,)) for name in names])
        except (RedisUnavailable, ReplyError):  # they end by themselves
            return
        now = asyncio.get_running_loop().time()
        for name, is_waited_for in zip(names, waited_for, strict=True):
            if is_waited_for and name in self._contended:
                self._contended[name].not_before = now + YIELD_S


def _keys(name: str) -> tuple[str, str]:
    return f"turn:{{{name}}}", f"turn:{{{name}}}:waiting"
