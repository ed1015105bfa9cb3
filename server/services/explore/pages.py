"""Explore, page by page: a ranking, without what a viewer follows, likes, has seen or must not see."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from server.gateways.feed_store.explore_reads import ExploreReads
from server.gateways.redis.error_replies import RedisUnavailable
from server.ids import PostId, UserId, id_timestamp_ms, min_id_at
from server.models.explore.explore_posts import ExplorePostRepository
from server.paging import Page
from server.services.content.cards import Cards
from server.services.explore.cursors import ExplorePosition
from server.services.explore.rankings import ExploreRankings, Ranking
from server.services.feed.entry_loader import EntryLoader
from server.services.feed.strangers import UNRESTRICTED
from server.services.records import Post

POSTS_PER_READ = 60
MAX_PASSED = 500


@dataclass(frozen=True, slots=True)
class _Found:
    """Posts of a ranking, and the rank at which the search for more continues."""

    posts: list[Post]
    next_rank: int


class Explore:
    """A page whose posts this process has rendered costs one round trip to Redis and no query."""

    def __init__(
        self,
        rankings: ExploreRankings,
        reads: ExploreReads,
        posts: ExplorePostRepository,
        cards: Cards,
        loader: EntryLoader,
    ) -> None:
        self._rankings = rankings
        self._reads = reads
        self._posts = posts
        self._cards = cards
        self._loader = loader

    async def page(self, viewer_id: UserId, limit: int, cursor: str | None = None) -> Page[Post]:
        """Return the page at a cursor, or the first one; it is short only at the end.

        A cursor stays in its ranking. If that is no longer kept, the list goes on with posts that are newer than it
        in the newest ranking, so that none repeats. What the pages before a cursor had counts as seen from then on,
        and first pages leave it out, unless nothing else is left. Raises InvalidInput for a cursor of another list.
        """
        if cursor is None:
            newest = await self._rankings.newest()
            start = ExplorePosition(newest.id, 0, 0)
            page = await self._page(viewer_id, newest, start, limit, ())
            if page.items or not newest.posts:
                return page
            return await self._page(
                viewer_id, newest, ExplorePosition(newest.id, 0, 0, again=True), limit, ()
            )
        position = ExplorePosition.decode(cursor)
        ranking = await self._rankings.find(position.ranking_id)
        if ranking is not None:
            passed = ranking.posts[position.page_from : position.rank][-MAX_PASSED:]
            return await self._page(viewer_id, ranking, position, limit, [each for each, _ in passed])
        newest = await self._rankings.newest()
        later = max(position.from_id, min_id_at(id_timestamp_ms(position.ranking_id)))
        return await self._page(viewer_id, newest, ExplorePosition(newest.id, 0, 0, later), limit, ())

    async def _page(
        self,
        viewer_id: UserId,
        ranking: Ranking,
        position: ExplorePosition,
        limit: int,
        passed: Sequence[PostId],
    ) -> Page[Post]:
        posts: list[Post] = []
        rank = position.rank
        while len(posts) <= limit and rank < len(ranking.posts):
            found = await self._find(
                viewer_id, ranking, position, rank, limit + 1 - len(posts), passed if not posts else ()
            )
            posts += found.posts
            rank = found.next_rank
        if len(posts) <= limit:
            return Page(posts, None)
        shown = posts[:limit]
        following = ExplorePosition(
            ranking.id,
            ranking.ranks[shown[-1].id] + 1,
            position.rank,
            position.from_id,
            position.again,
        )
        return Page(shown, following.encode())

    async def _find(
        self,
        viewer_id: UserId,
        ranking: Ranking,
        position: ExplorePosition,
        rank: int,
        wanted: int,
        passed: Sequence[PostId],
    ) -> _Found:
        """Return up to `wanted` posts among the next ones of the ranking."""
        end = min(rank + POSTS_PER_READ, len(ranking.posts))
        ranked = [each for each in ranking.posts[rank:end] if each[1] and each[0] >= position.from_id]
        if not ranked:
            return _Found([], end)
        try:
            read = await self._reads.read(
                viewer_id, ranked, wanted, passed=passed, hide_seen=not position.again
            )
        except RedisUnavailable:
            return await self._find_in_database(viewer_id, ranking, ranked, wanted, end)
        if len(read.entries) == wanted:
            end = ranking.ranks[read.entries[-1].post_id] + 1
        related = await self._loader.relate(viewer_id, read)
        entries = [entry for entry in related.entries if entry.author_relation in UNRESTRICTED]
        kept = related if len(entries) == len(related.entries) else replace(related, entries=entries)
        posts = await self._loader.load_posts(viewer_id, kept, _all)
        return _Found([post for post in posts if post.is_public and not post.liked], end)

    async def _find_in_database(
        self,
        viewer_id: UserId,
        ranking: Ranking,
        ranked: Sequence[tuple[PostId, UserId]],
        wanted: int,
        end: int,
    ) -> _Found:
        """Find posts without Redis, where nothing is known to be seen."""
        shown = await self._posts.filter_shown(viewer_id, [post_id for post_id, _ in ranked])
        found = [post_id for post_id, _ in ranked if post_id in shown][:wanted]
        if len(found) == wanted:
            end = ranking.ranks[found[-1]] + 1
        return _Found(await self._cards.list_posts(found, viewer_id), end)


async def _all(_: UserId, posts: Sequence[Post]) -> Sequence[Post]:
    return posts
