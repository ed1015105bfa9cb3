"""Slots for image workers, given to users in turn."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from server.gateways.images.refusals import too_many_pictures

# A user may have this share of all waiting requests.
SHARE_OF_WAITING = 4


class WorkerSlots:
    """`size` slots. At most `max_waiting` requests wait for one, and the users who wait get them in turn.

    One user has all slots but one at most, so that no other user waits for the pictures of one. Requests without an
    owner may have all.
    """

    def __init__(self, size: int, max_waiting: int) -> None:
        self._size = size
        self._free = size
        self._max_waiting = max_waiting
        self._running: Counter[int | None] = Counter()
        # In the order of turns. Every user here has at least one waiting request.
        self._waiting: OrderedDict[int | None, deque[asyncio.Future[None]]] = OrderedDict()
        self._closed = False
        self._all_free = asyncio.Event()
        self._all_free.set()

    @property
    def running(self) -> int:
        """The number of slots in use."""
        return self._size - self._free

    @property
    def waiting(self) -> int:
        """The number of requests that wait for a slot."""
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def slot(self, owner: int | None, timeout_s: float) -> AsyncGenerator[None]:
        """Hold a slot. Raises Unavailable if too many requests wait, and after waiting for `timeout_s`."""
        if self._closed:
            raise too_many_pictures()
        if self._may_run(owner):
            self._take(owner)
        else:
            await self._wait(owner, timeout_s)
        try:
            yield
        finally:
            self._release(owner)

    async def close(self) -> None:
        """Reject waiting requests and wait until every slot is free."""
        self._closed = True
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_exception(too_many_pictures())
        self._waiting.clear()
        await self._all_free.wait()

    async def _wait(self, owner: int | None, timeout_s: float) -> None:
        waiting = self.waiting
        own = self._waiting.setdefault(owner, deque())
        if waiting >= self._max_waiting or len(own) > self._max_waiting // SHARE_OF_WAITING:
            self._forget_idle(owner)
            raise too_many_pictures()
        future = asyncio.get_running_loop().create_future()
        own.append(future)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except BaseException as error:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._release(owner)  # the slot was given while this request was cancelled
            elif future in own:
                own.remove(future)
                self._forget_idle(owner)
            if isinstance(error, TimeoutError):
                raise too_many_pictures() from error
            raise

    def _may_run(self, owner: int | None) -> bool:
        others_slot = 0 if owner is None or self._size == 1 else 1
        return self._free > 0 and self._running[owner] < self._size - others_slot

    def _take(self, owner: int | None) -> None:
        self._free -= 1
        self._running[owner] += 1
        self._all_free.clear()

    def _release(self, owner: int | None) -> None:
        self._free += 1
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
        if owner in self._waiting:  # those who came while this picture was processed are first
            self._waiting.move_to_end(owner)
        self._give()
        if self._free == self._size:
            self._all_free.set()

    def _give(self) -> None:
        """Give free slots to those who may have one; who gets one is last in the next round."""
        while (owner := next((one for one in self._waiting if self._may_run(one)), _NO_OWNER)) != _NO_OWNER:
            future = self._waiting[owner].popleft()
            self._waiting.move_to_end(owner)
            self._forget_idle(owner)
            if not future.done():
                self._take(owner)
                future.set_result(None)

    def _forget_idle(self, owner: int | None) -> None:
        if not self._waiting.get(owner):
            self._waiting.pop(owner, None)


_NO_OWNER = -1
