"""The filters of words and links, as moderators manage them."""

from collections.abc import Sequence
from functools import partial

from server.domains import ascii_domain
from server.errors import Conflict, InvalidInput, NotFound
from server.ids import ActionId, FilterId, UserId
from server.models.database import DuplicateKey
from server.models.moderation.actions import ModerationAction, ModerationActionRow
from server.models.moderation.audit_chain import AuditChainRepository
from server.models.moderation.content_filters import (
    ContentFilterRepository,
    FilterAction,
    FilterKind,
    FilterRow,
)
from server.services.filters.normalization import fold
from server.services.filters.text_filters import TextFilters
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

__all__ = ["FilterAction", "FilterAdministration", "FilterKind", "FilterRow"]

MAX_FILTERS = 2000
NO_USER = UserId(0)


class FilterAdministration:
    """A change applies to this process when a method returns, to others within seconds."""

    def __init__(
        self,
        filters: ContentFilterRepository,
        audit: AuditChainRepository,
        text_filters: TextFilters,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._filters = filters
        self._audit = audit
        self._text_filters = text_filters
        self._unit_of_work = unit_of_work

    async def list_all(self) -> Sequence[FilterRow]:
        """Return all filters, oldest first."""
        return await self._filters.list_all()

    async def add(
        self, moderator_id: UserId, kind: FilterKind, pattern: str, action: FilterAction
    ) -> FilterRow:
        """Add a filter. Raises InvalidInput for a pattern without a word, and Conflict for one that exists."""
        cleaned, key = _clean(kind, pattern)
        if await self._filters.count() >= MAX_FILTERS:
            raise Conflict(f"There are {MAX_FILTERS} filters: delete some of them.", code="too_many_filters")

        async def insert(work: WorkContext) -> FilterRow:
            row = FilterRow(FilterId(work.new_id()), kind, cleaned, action)
            await self._filters.insert(row, key)
            await self._record(moderator_id, ModerationAction.ADD_FILTER, row, work)
            return row

        try:
            row = await self._unit_of_work.run(insert)
        except DuplicateKey as error:
            raise Conflict("There is such a filter already.", code="filter_exists") from error
        await self._text_filters.refresh()
        return row

    async def edit(self, moderator_id: UserId, filter_id: FilterId, action: FilterAction) -> FilterRow:
        """Change what a filter does. Raises NotFound."""
        row = await self._unit_of_work.run(partial(self._edit, moderator_id, filter_id, action))
        await self._text_filters.refresh()
        return row

    async def delete(self, moderator_id: UserId, filter_id: FilterId) -> None:
        """Delete a filter. Raises NotFound."""

        async def delete(work: WorkContext) -> None:
            row = await self._lock(filter_id)
            await self._filters.delete(filter_id)
            await self._record(moderator_id, ModerationAction.DROP_FILTER, row, work)

        await self._unit_of_work.run(delete)
        await self._text_filters.refresh()

    async def _edit(
        self, moderator_id: UserId, filter_id: FilterId, action: FilterAction, work: WorkContext
    ) -> FilterRow:
        before = await self._lock(filter_id)
        row = FilterRow(filter_id, before.kind, before.pattern, action)
        if row != before:
            await self._filters.set_action(filter_id, action)
            await self._record(moderator_id, ModerationAction.EDIT_FILTER, row, work)
        return row

    async def _lock(self, filter_id: FilterId) -> FilterRow:
        row = await self._filters.lock(filter_id)
        if row is None:
            raise NotFound("Filter not found.")
        return row

    async def _record(
        self, moderator_id: UserId, action: ModerationAction, row: FilterRow, work: WorkContext
    ) -> None:
        entry = ModerationActionRow(
            id=ActionId(work.new_id()),
            actor_id=moderator_id,
            action=action,
            subject_type="filter",
            subject_id=row.id,
            author_id=NO_USER,
            created_at_ms=work.now_ms(),
            detail=f"{row.action} {row.kind} {row.pattern}"[:255],
        )
        await self._audit.append(entry)


def _clean(kind: FilterKind, pattern: str) -> tuple[str, str]:
    """Return the pattern to store, and the form in which it is compared. Raises InvalidInput."""
    if kind is FilterKind.DOMAIN:
        host = pattern.strip().partition("://")[2] or pattern.strip()
        try:
            domain = ascii_domain(host.partition("/")[0].removeprefix("www."))
        except ValueError as error:
            raise InvalidInput("Some values are invalid.", fields={"pattern": [str(error)]}) from error
        return domain, domain
    cleaned = " ".join(pattern.split())
    key = fold(cleaned)
    if not any(character.isalnum() for character in key):
        raise InvalidInput("Some values are invalid.", fields={"pattern": ["Must have a word."]})
    return cleaned, key
