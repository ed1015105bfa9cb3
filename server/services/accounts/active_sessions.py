"""Which sessions stand: the one condition, for what is done without a request that proves it."""

from server.models.conditions import Condition
from server.models.database import Database


class ActiveSessions:
    """`idle_s`: a session that was not used for so long cannot be refreshed any more."""

    def __init__(self, database: Database, idle_s: int) -> None:
        self._now = database.now_ms
        self._idle_ms = idle_s * 1000

    def condition(self, alias: str = "s") -> Condition:
        """What is true of a row of `sessions`, under the name that the statement gives the table, that was neither
        ended nor left alone for too long."""
        return Condition(
            f"{alias}.revoked_at_ms IS NULL AND {alias}.expires_at_ms > {self._now}"
            f" AND {alias}.last_used_at_ms > {self._now} - ?",
            (self._idle_ms,),
        )
