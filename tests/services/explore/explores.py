"""Actions and observations that tests of explore share."""

from server.ids import PostId, UserId
from server.services.explore.pages import Explore
from tools.harness.services import ServiceHarness


async def age(harness: ServiceHarness, *post_ids: PostId, by_ms: int = 3_600_000) -> None:
    """Make posts older, so that the ranking counts them as settled."""
    for post_id in post_ids:
        await harness.database.execute(
            "UPDATE posts SET published_at_ms = ? WHERE id = ?", [harness.clock.now_ms() - by_ms, post_id]
        )


async def rank(harness: ServiceHarness) -> None:
    """Rank all posts, also those of this moment."""
    await harness.explore_ranking.rank(anew=True)
    harness.feeds.rankings.forget()


async def read_all(explore: Explore, viewer_id: UserId, limit: int = 3) -> list[PostId]:
    """Return the whole of explore, page by page."""
    shown: list[PostId] = []
    cursor = None
    while True:
        page = await explore.page(viewer_id, limit, cursor)
        shown += [post.id for post in page.items]
        if page.next_cursor is None:
            return shown
        assert len(page.items) == limit, "only the last page may be short"
        cursor = page.next_cursor
