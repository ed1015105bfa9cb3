"""Growing delays between failed attempts, shared by all processes through Redis."""

import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from server.errors import Unavailable
from server.gateways.redis.error_replies import ReplyError
from server.gateways.redis.lua import Script
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.outages import RetryGate

MAX_LOCAL_KEYS = 10_000
SECOND_US = 1_000_000

_SCRIPTS = Path(__file__).parent / "scripts"
_TAKE = Script.load(_SCRIPTS, "take_attempt")
_CANCEL = Script.load(_SCRIPTS, "cancel_attempt")
_CLEAR = Script("return redis.call('DEL', KEYS[1])", "clear_delays")


@dataclass(frozen=True, slots=True)
class DelayRule:
    """The delay after the n-th consecutive failure: none below `free`, then `first_s`, doubling up to `max_s`.

    From `locked_after` failures on it is `lock_s`. Failures are forgotten after `forget_s` without another one.
    """

    free: int = 10
    first_s: float = 15.0
    max_s: float = 900.0
    locked_after: int = 100
    lock_s: float = 86_400.0
    forget_s: float = 172_800.0

    def delay_s(self, failures: int) -> float:
        """Return the delay after so many failures; take_attempt.lua computes the same."""
        if failures >= self.locked_after:
            return self.lock_s
        if failures < self.free:
            return 0.0
        return min(self.first_s * 2.0 ** (failures - self.free), self.max_s)


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt: the consecutive failures including it, or how long to wait if it was refused."""

    failures: int
    wait_s: float = 0.0


class GrowingDelays:
    """Failed attempts per subject. While Redis is unavailable, each process counts its own.

    An attempt counts as failed from its start, so that concurrent ones cannot exceed the bound. Its caller then calls
    `clear` if it succeeded, or `cancel` if it had no outcome.
    """

    def __init__(self, redis: PipelinedRedis, rule: DelayRule) -> None:
        self.rule = rule
        self._arguments = (
            rule.free,
            round(rule.first_s * SECOND_US),
            round(rule.max_s * SECOND_US),
            rule.locked_after,
            round(rule.lock_s * SECOND_US),
            round(rule.forget_s * 1000),
        )
        self._redis = redis
        self._local = LocalDelays(rule, MAX_LOCAL_KEYS)
        self._gate = RetryGate()

    async def take(self, subject: str) -> Attempt:
        """Count an attempt, or refuse it while a delay runs."""
        answer = await self._run(_TAKE, subject, self._arguments)
        if answer is None:
            return self._local.take(subject, time.monotonic())
        return Attempt(answer[0], answer[1] / SECOND_US)

    async def cancel(self, subject: str) -> None:
        """Take back an attempt that had no outcome."""
        self._local.cancel(subject)
        await self._run(_CANCEL, subject, ())

    async def clear(self, subject: str) -> None:
        """Forget the failures of a subject."""
        self._local.clear(subject)
        await self._run(_CLEAR, subject, ())

    async def _run(self, script: Script, subject: str, arguments: tuple[int, ...]) -> list[int] | None:
        """Return the script's answer; None while Redis is unavailable."""
        if not self._gate.may_try():
            return None
        try:
            answer = await self._redis.run(script, (f"attempts:{{{subject}}}",), arguments)
        except (Unavailable, ReplyError):  # the health monitor reports it
            self._gate.failed()
            return None
        self._gate.succeeded()
        return answer


class LocalDelays:
    """The same delays for at most `max_keys` subjects in memory; the least recently used are dropped."""

    def __init__(self, rule: DelayRule, max_keys: int) -> None:
        self._rule = rule
        self._max_keys = max_keys
        self._states: OrderedDict[str, tuple[int, float]] = (
            OrderedDict()
        )  # failures, time of the next attempt

    def take(self, subject: str, now_s: float) -> Attempt:
        failures, next_at_s = self._states.get(subject, (0, -math.inf))
        if next_at_s > now_s:
            return Attempt(failures, next_at_s - now_s)
        failures += 1
        self._states[subject] = failures, now_s + self._rule.delay_s(failures)
        self._states.move_to_end(subject)
        if len(self._states) > self._max_keys:
            self._states.popitem(last=False)
        return Attempt(failures)

    def cancel(self, subject: str) -> None:
        if subject in self._states:
            self._states[subject] = max(0, self._states[subject][0] - 1), -math.inf

    def clear(self, subject: str) -> None:
        self._states.pop(subject, None)
