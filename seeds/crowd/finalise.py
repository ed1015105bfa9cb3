"""What is to be true once a crowd is written: who is pulled instead of pushed, and no cache from before.

Somebody may have read a feed while the crowd grew, or before; what Redis keeps lacks what was written past it. So all
of it is dropped, and built again when it is next read.
"""

from collections.abc import Sequence

from seeds.crowd.people import Crowd
from seeds.crowd.rows import MAX_IDS, slices
from server.control import SeedContext
from server.errors import Unavailable
from server.ids import UserId
from server.models.database import Database, placeholders
from server.services.records import Role


async def settle(workshop: SeedContext, crowd: Crowd, celebrity_threshold: int) -> bool:
    """Mark the pulled, as the fan-out of their posts would have, and drop caches; False if Redis does not answer."""
    pulled = await unmarked(workshop.database, crowd, celebrity_threshold)
    for some in slices(pulled, MAX_IDS):
        await workshop.database.execute(
            f"UPDATE users SET fan_out_on_read = 1 WHERE id IN ({placeholders(len(some))})", some
        )
    try:
        await workshop.timelines.drop_all()
    except Unavailable:
        return False
    return True


async def unmarked(database: Database, crowd: Crowd, celebrity_threshold: int) -> list[UserId]:
    """The authors of the crowd whose posts are to be pulled, and are not marked so."""
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
