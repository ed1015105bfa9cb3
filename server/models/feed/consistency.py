"""Database side of the comparison between the cached feeds and the database."""

import orjson

from server.ids import PostId
from server.models.database import Database
from server.models.jobs.jobs import JobState


class ConsistencyRepository:
    """Pending fan-outs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list_pending_fan_outs(self, kind: str) -> set[PostId]:
        """Return the posts with an unfinished fan-out; `kind` is the kind of these jobs."""
        rows = await self._database.rows(
            "SELECT payload FROM jobs WHERE queue = 'feed' AND kind = ? AND state IN (?, ?)",
            [kind, JobState.READY, JobState.RUNNING],
        )
        return {PostId(orjson.loads(row["payload"])["post_id"]) for row in rows}
