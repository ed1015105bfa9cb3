"""Threads for password hashing, with a bounded queue that no network can fill.

Hashing takes 0.3 s of a processor, and anybody may ask for it by trying to sign in.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from server.errors import Unavailable

Result = TypeVar("Result")

MAX_SHARE = 4  # a network holds at most one of four places
RESERVED_SHARE = 8  # one of eight places is for trusted callers
RETRY_S = 2.0


@dataclass(frozen=True, slots=True)
class Caller:
    """Caller that needs a place: the network of a client, and whether it proved to have signed in before."""

    network: str
    trusted: bool = False


class PasswordQueue:
    """`threads` threads, and at most `queue` calls that wait for one.

    A network of untrusted callers holds at most a quarter of these places, and all of them together leave one eighth
    free. So a flood from one network delays the others by a few seconds at most, and a user on a known device is served
    even if many networks take part.
    """

    def __init__(self, threads: int, queue: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="bcrypt")
        places = threads + queue
        self._free_places = places
        self._reserved = places // RESERVED_SHARE
        self._max_per_network = max(1, places // MAX_SHARE)
        self._held: Counter[str] = Counter()

    async def run(self, work: Callable[[], Result], caller: Caller | None) -> Result:
        """Run `work` in a thread. Raises Unavailable without a free place.

        None is a caller inside the program, to which only the bound of the whole queue applies.
        """
        if not self._has_place(caller):
            raise Unavailable("Too many sign-ins at the moment. Try again.", retry_after_s=RETRY_S)
        network = caller.network if caller is not None and not caller.trusted else None
        self._free_places -= 1
        if network is not None:
            self._held[network] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        finally:
            self._free_places += 1
            if network is not None:
                self._held[network] -= 1
                if not self._held[network]:
                    del self._held[network]

    async def close(self) -> None:
        """Stop the threads and abandon waiting calls."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _has_place(self, caller: Caller | None) -> bool:
        if caller is None or caller.trusted:
            return self._free_places > 0
        return self._free_places > self._reserved and self._held[caller.network] < self._max_per_network
