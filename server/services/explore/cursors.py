"""Cursors of explore: a place in one ranking."""

from dataclasses import dataclass

from server.ids import RankingId
from server.services.discovery.search_queries import decode_cursor, encode_cursor

_QUERY, _AREA = "explore", "at"
_SHAPES = {_AREA: (int, int, int, int, int)}


@dataclass(frozen=True, slots=True)
class ExplorePosition:
    """The next rank to show in a ranking. The page before it began at the rank `page_from`.

    Only posts with ids from `from_id` up are shown: those that the rankings of earlier pages cannot have.
    `again`: the viewer has seen everything, so what was seen is shown once more.
    """

    ranking_id: RankingId
    rank: int
    page_from: int
    from_id: int = 0
    again: bool = False

    def encode(self) -> str:
        values = (self.ranking_id, self.rank, self.page_from, self.from_id, int(self.again))
        return encode_cursor(_QUERY, _AREA, values)

    @classmethod
    def decode(cls, cursor: str) -> "ExplorePosition":
        """Return the position in a cursor. Raises InvalidInput for a cursor of another list."""
        _, (ranking_id, rank, page_from, from_id, again) = decode_cursor(_QUERY, cursor, _SHAPES)
        return cls(RankingId(ranking_id), rank, page_from, from_id, bool(again))
