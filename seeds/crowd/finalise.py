"""Final steps after a crowd is written: mark authors for fan-out on read, and drop cached feeds.

Feeds that were cached before or during the run lack its posts. They are dropped and built again on the next read.
"""

from collections.abc import Sequence

from seeds.crowd.people import Crowd
from seeds.crowd.rows import MAX_IDS, slices
from server.control import SeedContext
from server.errors import Unavailable
from server.ids import UserId
from server.models.database import Database, placeholders
from server.services.records import Role


async def finalise(context: SeedContext, crowd: Crowd, celebrity_threshold: int) -> bool:
    """Mark authors as the fan-out of posts does, and drop cached feeds; return False if Redis is unavailable."""
    authors = await authors_to_mark(context.database, crowd, celebrity_threshold)
    for some in slices(authors, MAX_IDS):
        await context.database.execute(
            f"UPDATE users SET fan_out_on_read = 1 WHERE id IN ({placeholders(len(some))})", some
        )
    try:
        await context.timelines.drop_all()
    except Unavailable:
        return False
    return True


async def authors_to_mark(database: Database, crowd: Crowd, celebrity_threshold: int) -> list[UserId]:
    """Return the authors of the crowd that need fan-out on read and are not marked for it."""
    found: list[UserId] = []
    people: Sequence[int] = [user_id for user_id in crowd.ids if user_id]
    for some in slices(people, MAX_IDS):
        rows = await database.rows(
            f"SELECT id FROM users WHERE id IN ({placeholders(len(some))}) AND fan_out_on_read = 0 AND posts_count > 0"
            " AND (role = ? OR followers_count >= ?)",
            [*some, Role.CELEBRITY, celebrity_threshold],
        )
        found += [UserId(row["id"]) for row in rows]
    return found
