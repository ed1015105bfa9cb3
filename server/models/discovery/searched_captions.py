"""Captions of posts, found by the terms that all of them have."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.ids import PostId
from server.models.conditions import Condition
from server.models.database import Database
from server.models.discovery.search_terms import Form, SearchKind

COUNTED_ROWS = 1000
_TERM = "kind = ? AND form = ? AND tier = 0 AND term = ?"


@dataclass(frozen=True, slots=True)
class CaptionMatch:
    """A post, and the text of its entry, which is None if the post lacks a term or the viewer may not see it."""

    post_id: PostId
    text: str | None


class SearchedCaptionRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def count_some(self, term: str) -> int:
        """Return the number of captions with a term, at most 1,000."""
        (row,) = await self._database.list_rows(
            f"SELECT COUNT(*) AS n FROM (SELECT 1 FROM search_terms WHERE {_TERM} LIMIT ?) t",
            [SearchKind.POST, Form.WORD, term, COUNTED_ROWS],
        )
        return row["n"]

    async def list_matches(
        self, term: str, others: Sequence[str], visible: Condition, before_id: int, limit: int
    ) -> list[CaptionMatch]:
        """Return the next posts `p` whose captions have `term`, newest first, and which of them match.

        Those match that have the `others`, too, and satisfy `visible`. So a statement reads a bounded number of rows.
        """
        also = "".join(
            f" AND EXISTS(SELECT 1 FROM search_terms WHERE {_TERM} AND subject_id = p.id)" for _ in others
        )
        rows = await self._database.list_rows(
            "SELECT t.subject_id, (SELECT e.text FROM posts p JOIN search_entries e ON e.subject_id = p.id"
            f" WHERE p.id = t.subject_id{also} AND {visible.sql}) AS text"
            f" FROM (SELECT subject_id FROM search_terms WHERE {_TERM} AND subject_id < ?"
            " ORDER BY subject_id DESC LIMIT ?) t ORDER BY t.subject_id DESC",
            [
                *(value for other in others for value in (SearchKind.POST, Form.WORD, other)),
                *visible.parameters, SearchKind.POST, Form.WORD, term, before_id, limit,
            ],
        )  # fmt: skip
        return [CaptionMatch(PostId(row["subject_id"]), row["text"]) for row in rows]
