"""Table `search_terms`: the terms under which the subjects of a search are found, in the order of a list of results.

The table is its own index: rows are stored in the order of the primary key, which has every column. Neither the models
nor aerich can describe that, so a hand-written part of a migration creates it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from server.models.database import Database, placeholders

MAX_TERM = 24
TIERS = 12
ROWS_PER_STATEMENT = 500
# Sorts after every character that a term may have.
_LAST = "\U0010ffff"


class SearchKind(IntEnum):
    """Kinds of subject."""

    USER = 1
    HASHTAG = 2
    POST = 3
    PLACE = 4

    @property
    def plural(self) -> str:
        """The name for messages to operators."""
        return f"{self.name.lower()}s"


class Form(IntEnum):
    """Ways in which a term occurs in the text of its subject."""

    START = 0
    INSIDE = 1
    TYPO = 2
    WORD = 3

    @property
    def has_tier(self) -> bool:
        """Return whether terms of this form are listed by popularity; the others all have tier 0."""
        return self in (Form.START, Form.INSIDE)


@dataclass(frozen=True, slots=True)
class TermRow:
    """A term of a subject, of which tier 0 has the most popular ones."""

    kind: SearchKind
    form: Form
    tier: int
    term: str
    subject_id: int


@dataclass(frozen=True, slots=True)
class TermMatch:
    """A term that begins as asked, with the text of its subject."""

    tier: int
    term: str
    subject_id: int
    text: str


@dataclass(frozen=True, slots=True)
class TermRange:
    """Terms of one form that begin with `prefix`, after a position in the order (tier, term, subject)."""

    kind: SearchKind
    form: Form
    prefix: str
    tier: int = 0
    term: str = ""
    subject_id: int = 0


def tier_of(popularity: int) -> int:
    """Return the tier of a number of followers or posts: it quadruples from one tier to the next."""
    return max(0, TIERS - 1 - (popularity.bit_length() + 1) // 2)


class SearchTermRepository:
    """`changes` counts the changes through this object, for those who keep what they read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.changes = 0

    async def insert(self, rows: Iterable[TermRow]) -> None:
        """Insert terms; those that exist stay."""
        self.changes += 1
        ignore = "INSERT IGNORE" if self._database.dialect == "mysql" else "INSERT OR IGNORE"
        ordered = sorted(rows, key=_key)
        for start in range(0, len(ordered), ROWS_PER_STATEMENT):
            some = ordered[start : start + ROWS_PER_STATEMENT]
            await self._database.execute(
                f"{ignore} INTO search_terms (kind, form, tier, term, subject_id)"
                f" VALUES {', '.join(['(?, ?, ?, ?, ?)'] * len(some))}",
                [value for row in some for value in _key(row)],
            )

    async def delete(self, rows: Iterable[TermRow]) -> None:
        """Delete terms, of one subject per statement."""
        self.changes += 1
        grouped: dict[tuple[int, int, int, int], list[str]] = {}
        for row in sorted(rows, key=_key):
            grouped.setdefault((row.kind, row.form, row.tier, row.subject_id), []).append(row.term)
        for (kind, form, tier, subject_id), terms in grouped.items():
            await self._database.execute(
                "DELETE FROM search_terms WHERE kind = ? AND form = ? AND tier = ?"
                f" AND term IN ({placeholders(len(terms))}) AND subject_id = ?",
                [kind, form, tier, *terms, subject_id],
            )

    async def list_matches(self, wanted: TermRange, limit: int) -> list[TermMatch]:
        """Return the next terms of a range, popular subjects first: one seek per tier, until there are enough."""
        found: list[TermMatch] = []
        if wanted.term:  # the rest of the tier in which the previous page ended
            found = await self._list(wanted, (wanted.tier,), limit)
        tiers = range(wanted.tier + bool(wanted.term), TIERS)
        if len(found) < limit and tiers:
            found += await self._list(
                TermRange(wanted.kind, wanted.form, wanted.prefix), tiers, limit - len(found)
            )
        return found

    async def _list(self, wanted: TermRange, tiers: Sequence[int], limit: int) -> list[TermMatch]:
        # The inner statement reads the primary key alone and stops at its limit.
        rows = await self._database.rows(
            "SELECT t.tier, t.term, t.subject_id, e.text FROM (SELECT tier, term, subject_id FROM search_terms"
            f" WHERE kind = ? AND form = ? AND tier IN ({placeholders(len(tiers))}) AND term >= ? AND term < ?"
            " AND (term > ? OR subject_id > ?) ORDER BY tier, term, subject_id LIMIT ?) t"
            " JOIN search_entries e ON e.subject_id = t.subject_id ORDER BY t.tier, t.term, t.subject_id",
            [
                wanted.kind, wanted.form, *tiers, max(wanted.prefix, wanted.term), wanted.prefix + _LAST,
                wanted.term, wanted.subject_id, limit,
            ],
        )  # fmt: skip
        return [TermMatch(**row) for row in rows]

    async def list_any(
        self, kind: SearchKind, form: Form, prefixes: Sequence[str], limit: int
    ) -> list[TermMatch]:
        """Return terms that begin with one of `prefixes`, at most `limit` of each, popular subjects first."""
        # A statement per prefix, because SQLite scans the table for ranges that OR connects.
        tiers = range(TIERS if form.has_tier else 1)
        ranges = " UNION ALL ".join(
            "SELECT * FROM (SELECT tier, term, subject_id FROM search_terms WHERE kind = ? AND form = ?"
            f" AND tier IN ({placeholders(len(tiers))}) AND term >= ? AND term < ?"
            f" ORDER BY tier, term, subject_id LIMIT ?) t{number}"
            for number in range(len(prefixes))
        )
        rows = await self._database.rows(
            f"SELECT t.tier, t.term, t.subject_id, e.text FROM ({ranges}) t"
            " JOIN search_entries e ON e.subject_id = t.subject_id",
            [value for each in prefixes for value in (kind, form, *tiers, each, each + _LAST, limit)],
        )
        return [TermMatch(**row) for row in rows]

    async def count_existing(self, rows: Iterable[TermRow]) -> int:
        """Return how many of the terms of one subject exist."""
        grouped: dict[tuple[int, int, int, int], list[str]] = {}
        for row in rows:
            grouped.setdefault((row.kind, row.form, row.tier, row.subject_id), []).append(row.term)
        found = 0
        for (kind, form, tier, subject_id), terms in grouped.items():
            (counted,) = await self._database.rows(
                "SELECT COUNT(*) AS n FROM search_terms WHERE kind = ? AND form = ? AND tier = ?"
                f" AND term IN ({placeholders(len(terms))}) AND subject_id = ?",
                [kind, form, tier, *terms, subject_id],
            )
            found += counted["n"]
        return found

    async def list_rows(self, after: TermRow, limit: int) -> list[TermRow]:
        """Return the next terms of the same kind, form and tier, in the order of the table."""
        rows = await self._database.rows(
            "SELECT term, subject_id FROM search_terms WHERE kind = ? AND form = ? AND tier = ? AND term >= ?"
            " AND (term > ? OR subject_id > ?) ORDER BY term, subject_id LIMIT ?",
            [after.kind, after.form, after.tier, after.term, after.term, after.subject_id, limit],
        )
        return [TermRow(after.kind, after.form, after.tier, row["term"], row["subject_id"]) for row in rows]

    async def clear(self) -> None:
        """Delete all terms."""
        self.changes += 1
        await self._database.execute(
            "TRUNCATE TABLE search_terms" if self._database.dialect == "mysql" else "DELETE FROM search_terms"
        )


def _key(row: TermRow) -> tuple[int, int, int, str, int]:
    return (row.kind, row.form, row.tier, row.term, row.subject_id)
