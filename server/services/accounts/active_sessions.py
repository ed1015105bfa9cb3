"""The condition that a session is active, for work without a request that proves it."""

from server.models.accounts.sessions import SessionRepository
from server.models.conditions import Condition


class ActiveSessions:
    """A session that was not used for `idle_s` cannot be refreshed any more and is inactive."""

    def __init__(self, sessions: SessionRepository, idle_s: int) -> None:
        self._sessions = sessions
        self._idle_ms = idle_s * 1000

    def condition(self, alias: str = "s") -> Condition:
        """Return the condition on a row of `sessions`; `alias` is the table's name in the statement."""
        return self._sessions.active(self._idle_ms, alias)
