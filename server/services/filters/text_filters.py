"""Checks texts against the filters before they are published."""

import time
from collections.abc import Callable, Mapping

from server.errors import InvalidInput
from server.events import TextMatched
from server.ids import FilterId, UserId
from server.models.moderation.content_filters import ContentFilterRepository, FilterAction, FilterRow
from server.services.filters.matcher import Matcher
from server.services.jobs.unit_of_work import WorkContext

REFRESH_S = 3.0


class TextFilters:
    """Holds the filters in memory, and reads them again after `refresh_s` at the next check.

    So a change applies to this process at once, and to others within that time.
    """

    def __init__(
        self,
        filters: ContentFilterRepository,
        refresh_s: float = REFRESH_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._filters = filters
        self._refresh_s = refresh_s
        self._monotonic = monotonic
        self._read_at = float("-inf")
        self._rows: list[FilterRow] = []
        self._refused, self._reported = Matcher(()), Matcher(())

    async def apply(
        self, work: WorkContext, subject: tuple[str, int], author_id: UserId, texts: Mapping[str, str]
    ) -> None:
        """Check the texts of a `subject`, its type and id, by field, before they are stored; have a match reported.

        Raises InvalidInput (`content_refused`), which does not say what matched.
        """
        filter_id = await self._check(texts)
        if filter_id is not None:
            work.emit(TextMatched(*subject, author_id, filter_id))

    async def matches(self, text: str) -> bool:
        """Return whether a filter refuses a text or has it reported."""
        await self._refresh_if_due()
        return any(matcher.find(text) is not None for matcher in (self._refused, self._reported))

    async def _check(self, texts: Mapping[str, str]) -> FilterId | None:
        """Return a filter that causes a report, or None."""
        await self._refresh_if_due()
        if not self._rows:
            return None
        written = {name: text for name, text in texts.items() if text}
        refused = [name for name, text in written.items() if self._refused.find(text) is not None]
        if refused:
            raise InvalidInput(
                "This text contains words or links that are not allowed here.",
                code="content_refused",
                fields={name: ["Contains words or links that are not allowed."] for name in refused},
            )
        return next(filter(None, (self._reported.find(text) for text in written.values())), None)

    async def _refresh_if_due(self) -> None:
        if self._monotonic() - self._read_at >= self._refresh_s:
            await self.refresh()

    async def refresh(self) -> None:
        """Read the filters now."""
        rows = await self._filters.list_all()
        self._read_at = self._monotonic()
        if rows != self._rows:
            self._rows = rows
            self._refused = Matcher(row for row in rows if row.action is FilterAction.REFUSE)
            self._reported = Matcher(row for row in rows if row.action is FilterAction.REPORT)
