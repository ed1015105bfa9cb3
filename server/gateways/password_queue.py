"""Threads for password hashing, with a bounded queue that no network can fill.

Hashing takes 0.3 s of a processor, and anybody may ask for it by trying to sign in.
"""

import asyncio
import heapq
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from server.errors import Unavailable

Result = TypeVar("Result")

MAX_SHARE = 4  # a network holds at most one of four places
RESERVED_SHARE = 8  # one of eight places is for trusted callers
MAX_PER_ACCOUNT = 2  # places of one account that trusted callers sign in to
FIRST = 0
RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Caller that needs a place: the network of a client, and the account that it signed in to before, if any.

    A caller with an account is trusted.
    """

    network: str
    account: str = ""


class PasswordQueue:
    """`threads` threads, and at most `queue` calls that wait for one.

    A network of untrusted callers holds at most a quarter of these places, and all of them together leave one eighth
    free. Trusted callers are served first; a network and an account have a bound of trusted callers, too. The others
    take turns: the second call of a network waits for the first calls of all networks. So a flood from one network
    hardly delays the others, and a user on a known device is served at once even if many networks take part.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt")
        places = threads + queue
        self._free_places = places
        self._reserved = places // RESERVED_SHARE
        self._max_per_network = max(1, places // MAX_SHARE)
        self._held: Counter[tuple[str, str]] = Counter()
        self._threads = self._idle_threads = threads
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = count()
        self._round = FIRST

    @property
    def running(self) -> int:
        """The number of threads in use."""
        return self._threads - self._idle_threads

    @property
    def waiting(self) -> int:
        """The number of calls that wait for a thread."""
        return len(self._waiting)

    async def run(self, work: Callable[[], Result], caller: Caller | None) -> Result:
        """Run `work` in a thread. Raises Unavailable without a free place.

        None is a caller inside the program, to which only the bound of the whole queue applies.
        """
        if not self._has_place(caller):
            raise Unavailable("Too many sign-ins at the moment. Try again.", retry_after_s=RETRY_S)
        keys = _keys(caller)
        self._free_places -= 1
        self._held.update(keys)
        try:
            await self._wait_for_thread(caller)
            try:
                return await asyncio.get_running_loop().run_in_executor(self._pool, work)
            finally:
                self._pass_thread_on()
        finally:
            self._free_places += 1
            self._held.subtract(keys)
            for key in keys:
                if not self._held[key]:
                    del self._held[key]

    async def close(self) -> None:
        """Stop the threads and abandon waiting calls."""
        for _, _, turn in self._waiting:
            turn.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _wait_for_thread(self, caller: Caller | None) -> None:
        if self._idle_threads:
            self._idle_threads -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        entry = (self._rank(caller), next(self._arrivals), turn)
        heapq.heappush(self._waiting, entry)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._waiting = [each for each in self._waiting if each is not entry]
                heapq.heapify(self._waiting)
            else:
                self._pass_thread_on()
            raise

    def _pass_thread_on(self) -> None:
        """Let the next caller use the thread."""
        while self._waiting:
            rank, _, turn = heapq.heappop(self._waiting)
            if turn.cancelled():
                continue
            self._round = max(self._round, rank)
            turn.set_result(None)
            return
        self._idle_threads += 1

    def _rank(self, caller: Caller | None) -> int:
        """Return the round in which a caller is served: the next one for the first call of its network."""
        if caller is None or caller.account:
            return FIRST
        return self._round + self._held["network", caller.network]

    def _has_place(self, caller: Caller | None) -> bool:
        if not self._free_places:
            return False
        if caller is None:
            return True
        if caller.account:
            return (
                self._held["account", caller.account] < MAX_PER_ACCOUNT
                and self._held["trusted", caller.network] < self._max_per_network
            )
        return (
            self._free_places > self._reserved
            and self._held["network", caller.network] < self._max_per_network
        )


def _keys(caller: Caller | None) -> list[tuple[str, str]]:
    """Return what a caller is counted by."""
    if caller is None:
        return []
    if caller.account:
        return [("account", caller.account), ("trusted", caller.network)]
    return [("network", caller.network)]
