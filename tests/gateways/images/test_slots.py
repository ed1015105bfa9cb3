"""Turns of users who wait for an image process."""

import asyncio

import pytest

from server.errors import Unavailable
from server.gateways.images.slots import WorkerSlots


class Users:
    """Requests that hold a slot until they are finished, in the order in which they got one."""

    def __init__(self, slots: WorkerSlots) -> None:
        self._slots = slots
        self._done: list[asyncio.Event] = []
        self.order: list[int | None] = []

    async def ask(self, owner: int | None, timeout_s: float = 20.0) -> None:
        async with self._slots.slot(owner, timeout_s):
            self.order.append(owner)
            done = asyncio.Event()
            self._done.append(done)
            await done.wait()

    async def finish_all(self, tasks: list[asyncio.Task[None]]) -> None:
        while not all(task.done() for task in tasks):
            for done in self._done:
                done.set()
            await asyncio.sleep(0)


async def test_users_take_turns() -> None:
    users = Users(WorkerSlots(1, 32))
    tasks = [asyncio.create_task(users.ask(owner)) for owner in (1, 1, 1, 1, 2, 3)]
    await asyncio.sleep(0)
    await users.finish_all(tasks)
    assert users.order == [1, 2, 3, 1, 1, 1]


async def test_one_user_leaves_a_slot_for_others() -> None:
    users = Users(WorkerSlots(2, 32))
    tasks = [asyncio.create_task(users.ask(1)) for _ in range(4)]
    await asyncio.sleep(0)
    assert users.order == [1]
    tasks.append(asyncio.create_task(users.ask(2)))
    await asyncio.sleep(0)
    assert users.order == [1, 2]
    await users.finish_all(tasks)


async def test_one_user_fills_a_quarter_of_the_queue() -> None:
    users = Users(WorkerSlots(1, 8))
    tasks = [asyncio.create_task(users.ask(1)) for _ in range(4)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await users.ask(1)
    tasks.append(asyncio.create_task(users.ask(2)))
    await users.finish_all(tasks)
    assert users.order.count(2) == 1


async def test_cancelled_and_late_requests_keep_no_slot() -> None:
    slots = WorkerSlots(1, 8)
    users = Users(slots)
    first = asyncio.create_task(users.ask(1))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await users.ask(2, timeout_s=0.01)
    waiting = asyncio.create_task(users.ask(3))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await users.finish_all([first])
    await asyncio.wait_for(slots.close(), 1)
