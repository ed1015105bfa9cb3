"""Who may see what: the one rule, asked by every read of posts, comments, likes, lists, feeds and streams.

Today everybody sees every post that is not deleted. Blocks and private accounts would be said here, and nowhere else.
Pictures have addresses that cannot be guessed and that are shown with their post alone; they go when it goes.
"""

from collections.abc import Mapping
from typing import Any

from server.errors import NotFound
from server.ids import PostId, UserId
from server.models.conditions import Condition
from server.models.database import Database


class Visibility:
    def __init__(self, database: Database) -> None:
        self._database = database

    def condition(self, viewer_id: UserId, alias: str = "p") -> Condition:
        """What makes a row of `posts`, under the name that the statement gives the table, visible to the viewer."""
        del viewer_id  # nothing is kept from anybody yet
        return Condition(f"{alias}.deleted_at_ms IS NULL")

    async def post(self, viewer_id: UserId, post_id: PostId, *, lock: bool = False) -> Mapping[str, Any]:
        """The row of a post, counters and author among it, if the viewer may see it; with `lock` it is ours until the
        commit. Raises NotFound, in the same words for what is hidden and for what is not there."""
        seen = self.condition(viewer_id)
        rows = await self._database.rows(
            "SELECT p.id, p.author_id, p.likes_count, p.comments_count, p.edited_at_ms, p.revision FROM posts p"
            f" WHERE p.id = ? AND {seen.sql}{self._database.for_update if lock else ''}",
            [post_id, *seen.parameters],
        )
        if not rows:
            raise NotFound("There is no such post.")
        return rows[0]
