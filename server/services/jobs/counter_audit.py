"""The job that compares every counter column with what it counts, and corrects it."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from server.events import CacheKey
from server.models.counters import COUNTED_TABLES, CountedRow, CountedTable, CounterRepository
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

log = structlog.get_logger(__name__)

MAX_LINES = 20


class CounterAudit:
    """Corrects counters and logs the first MAX_LINES of them."""

    def __init__(
        self,
        counters: CounterRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        drop_stale: Callable[[Sequence[CacheKey]], Awaitable[None]] | None = None,
    ) -> None:
        """`drop_stale` removes cached posts whose counters changed."""
        self._counters = counters
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._drop_stale = drop_stale

    async def audit(self, claim: Claim) -> None:
        """Compare all counters, continuing where an earlier attempt stopped."""
        corrected = int(claim.progress.get("corrected", 0))
        first_table = int(claim.progress.get("table", 0))
        after_id = int(claim.progress.get("after", 0))
        for number, table in enumerate(COUNTED_TABLES):
            if number < first_table:
                continue
            while rows := await self._counters.compare_batch(table, after_id):
                for row in rows:
                    if row.wrong:
                        corrected += await self._correct(table, row.id, quiet=corrected >= MAX_LINES)
                after_id = rows[-1].id
                progress = {"table": number, "after": after_id, "corrected": corrected}
                await self._jobs.save_progress(claim, progress)
            after_id = 0
        if corrected:
            log.warning("counters_corrected", counters=corrected)
        await self._jobs.complete(claim)

    async def _correct(self, table: CountedTable, row_id: int, *, quiet: bool) -> int:
        """Correct the counters of a row. Return how many were wrong."""
        row = await self._unit_of_work.run(partial(self._compare_and_correct, table, row_id))
        if row is None or not row.wrong:
            return 0
        if table.name == "posts" and self._drop_stale is not None:
            await self._drop_stale((CacheKey("post", row_id),))
        for wrong in row.wrong if not quiet else ():
            log.warning(
                "counter_corrected",
                table=table.name,
                id=row_id,
                counter=wrong.name,
                was=wrong.value,
                counted=wrong.counted,
            )
        return len(row.wrong)

    async def _compare_and_correct(
        self, table: CountedTable, row_id: int, work: WorkContext
    ) -> CountedRow | None:
        row = await self._counters.lock_and_compare(table, row_id)
        if row is not None:
            await self._counters.correct(table, row)
        return row
