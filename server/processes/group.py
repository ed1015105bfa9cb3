"""A group of equal processes: starts them, restarts those that end, replaces them one by one, and stops them."""

import asyncio
import time

import structlog

from server.metrics import PROCESS_RESTARTS
from server.processes.member import Launch, Member
from server.processes.merged_metrics import GroupMetrics, Snapshot

log = structlog.get_logger(__name__)

START_S = 60.0
EXIT_S = 1.0  # for a process that did not get to serve
FIRST_BACKOFF_S, MAX_BACKOFF_S = 0.2, 10.0
STABLE_AFTER_S = 30.0  # a process that ran this long is restarted without backoff
CHECK_S = 1.0
# A process whose event loop is stuck for this long is killed.
MAX_SILENCE_S = 30


class StartFailed(Exception):
    """The first process ended instead of serving. It has said why."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"The first process ended with exit code {exit_code}.")
        self.exit_code = exit_code


class _Place:
    """A place in the group, and the process that has it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.member: Member | None = None
        self.changing = asyncio.Lock()


class ProcessGroup:
    """The processes of one supervisor."""

    def __init__(self, launch: Launch, total_s: float) -> None:
        """`total_s` bounds the shutdown of a process."""
        self.total_s = total_s
        self._launch = launch
        self._places = [_Place(number) for number in range(launch.members)]
        self._metrics = GroupMetrics()
        self._members: set[Member] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._restarts = 0
        self._clean = True

    @property
    def pids(self) -> set[int]:
        """The ids of processes that have not ended."""
        return {member.pid for member in self._members}

    async def start(self) -> dict[str, str]:
        """Start all processes, the first one alone, and return what it says about itself.

        Raises StartFailed if it ends, or does not serve within a minute.
        """
        first = await self._launch_member()
        if not await first.is_ready(START_S):
            await first.has_ended(EXIT_S)
            raise StartFailed(first.exit_code or 1)
        self._places[0].member = first
        await asyncio.gather(*(self._fill(place) for place in self._places[1:]))
        for run in (*(self._keep_filled(place) for place in self._places), self._kill_silent()):
            self._own(asyncio.create_task(run))
        return first.facts or {}

    async def replace_all(self) -> bool:
        """Replace the processes one by one, each when a new one serves; return False if one did not.

        Those that were not replaced then go on.
        """
        for place in self._places:
            async with place.changing:
                if self._stopping:
                    return False
                new = await self._launch_member()
                if not await new.is_ready(START_S):
                    await new.has_ended(EXIT_S)
                    return False
                old, place.member = place.member, new
                log.info("process_replaced", place=place.number, pid=new.pid, old=old.pid if old else None)
                if old is not None:
                    old.leave()
                    self._clean &= await old.has_ended(self.total_s) and old.clean
        return True

    async def stop(self) -> bool:
        """Stop all processes; return True if each ended by itself, with nothing cut off."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        members = set(self._members)
        for member in members:
            member.stop()
        ended = await asyncio.gather(*(member.has_ended(self.total_s) for member in members))
        return self._clean and all(ended) and all(member.clean for member in members)

    def kill(self) -> None:
        """Kill all processes."""
        for member in self._members:
            member.kill()

    async def _keep_filled(self, place: _Place) -> None:
        backoff_s = FIRST_BACKOFF_S
        while True:
            member = place.member
            if member is not None:
                await member.ended.wait()
            async with place.changing:
                if self._stopping:
                    return
                if place.member is not member:
                    continue
                if member is not None:
                    log.warning(
                        "process_ended", place=place.number, pid=member.pid, exit_code=member.exit_code
                    )
                    if time.monotonic() - member.started_at > STABLE_AFTER_S:
                        backoff_s = FIRST_BACKOFF_S
                self._restarts += 1
                await asyncio.sleep(backoff_s)
                backoff_s = min(MAX_BACKOFF_S, 2 * backoff_s)
                place.member = None
                await self._fill(place)

    async def _fill(self, place: _Place) -> None:
        """Start a process for a place; the place stays empty if the process does not serve."""
        member = await self._launch_member()
        if await member.is_ready(START_S):
            place.member = member
            return
        await member.has_ended(EXIT_S)
        log.error("process_not_ready", place=place.number, pid=member.pid, exit_code=member.exit_code)

    async def _launch_member(self) -> Member:
        member = await Member.start(self._launch, self)
        self._members.add(member)
        return member

    def remove(self, member: Member) -> None:
        """Forget a process that has ended, but not what it counted."""
        self._members.discard(member)
        self._metrics.add_departed(member.snapshot)

    def merge(self, member: Member, number: int) -> None:
        """Send the metrics of the group to the process that asks for them."""
        self._own(asyncio.create_task(self._send_merged(member, number)))

    async def _send_merged(self, member: Member, number: int) -> None:
        others = [each for each in self._members if each is not member and each.facts is not None]
        snapshots = await asyncio.gather(*(each.take_snapshot() for each in others))
        member.send_merged(number, self._metrics.render(member.snapshot, [*snapshots, self._counted()]))

    def _counted(self) -> Snapshot:
        name, text = PROCESS_RESTARTS
        return [[name, "counter", text, [[f"{name}_total", {}, float(self._restarts)]]]]

    async def _kill_silent(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            for member in self._members:
                if member.facts is None:
                    continue
                # Counted rather than timed: a suspended machine must not make everybody look stuck.
                member.silent_s += CHECK_S
                if member.silent_s > MAX_SILENCE_S:
                    log.error("process_stuck", pid=member.pid, silent_s=round(member.silent_s))
                    member.kill()

    def _own(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
