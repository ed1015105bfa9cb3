"""Search for posts by the words of their captions, newest first."""

from server.ids import MAX_ID, PostId, UserId
from server.models.discovery.searched_captions import SearchedCaptionRepository
from server.paging import Page
from server.services.content.cards import Cards
from server.services.content.visibility import Visibility
from server.services.discovery.folding import runs
from server.services.discovery.search_queries import decode_cursor, encode_cursor
from server.services.discovery.terms import caption_lookups, caption_matches
from server.services.records import Post

ROWS_PER_STATEMENT = 200
MAX_ROWS = 4000
MAX_LOOKUPS = 12


class CaptionSearch:
    def __init__(self, captions: SearchedCaptionRepository, cards: Cards, visibility: Visibility) -> None:
        self._captions = captions
        self._cards = cards
        self._visibility = visibility

    async def search(self, viewer_id: UserId, text: str, limit: int, cursor: str | None = None) -> Page[Post]:
        """Return posts that the viewer may see, of whose captions a word begins with each word of the text.

        Words of scripts without spaces may be anywhere. A page is short if 4,000 captions have the rarest word and few
        have the others; its cursor goes on. Raises InvalidInput for a cursor of another search.
        """
        query = runs(text)
        key = f"posts {' '.join(query)}"
        before_id = MAX_ID + 1
        if cursor is not None:
            before_id = decode_cursor(key, cursor, {"posts": (int,)})[1][0]
        if not query:
            return Page([], None)
        found, last_id = await self._find(viewer_id, query, before_id, limit)
        more = None if last_id is None else encode_cursor(key, "posts", [last_id])
        return Page(await self._cards.list_posts(found, viewer_id), more)

    async def _find(
        self, viewer_id: UserId, query: list[str], before_id: int, limit: int
    ) -> tuple[list[PostId], int | None]:
        """Return the next posts, and the last id that was looked at unless there are no more."""
        terms = await self._terms_of(query)
        visible = self._visibility.listed_posts(viewer_id)
        found: list[PostId] = []
        for _ in range(MAX_ROWS // ROWS_PER_STATEMENT):
            rows = await self._captions.list_matches(
                terms[0], terms[1:], visible, before_id, ROWS_PER_STATEMENT
            )
            for row in rows:
                if row.text is not None and caption_matches(row.text, query):
                    if len(found) == limit:
                        return found, found[-1]
                    found.append(row.post_id)
            if len(rows) < ROWS_PER_STATEMENT:
                return found, None
            before_id = rows[-1].post_id
        return found, before_id

    async def _terms_of(self, query: list[str]) -> list[str]:
        """Return the terms to look up, the rarest one first."""
        terms = list(dict.fromkeys(term for run in query for term in caption_lookups(run)))[:MAX_LOOKUPS]
        if len(terms) == 1:
            return terms
        counts = {term: await self._captions.count_some(term) for term in terms}
        return sorted(terms, key=lambda term: counts[term])
