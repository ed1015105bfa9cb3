"""Permission of this process to use what Redis caches: the list of revoked sessions, feeds, counters, revisions."""

import math
import time

from server.gateways.redis.error_replies import RedisUnavailable

LEASE_S = 2.0


class CacheLease:
    """Permission to use the caches on one Redis server, which lapses `LEASE_S` after it was last confirmed.

    `services/jobs/cache_guard.py` renews it. Caches carry the generation under which they were built; those of another
    generation are ignored. A `lasting` lease is always held, on any server.
    """

    def __init__(self, *, lasting: bool = False, generation: int = 0) -> None:
        """Create a lease that is not held, or a lasting one on a generation."""
        self.generation = generation
        self._lasting = lasting
        self._run_id = ""
        self._until = math.inf if lasting else 0.0
        self._revoked_at = 0.0

    def is_held(self, run_id: str) -> bool:
        """Return whether the caches of the server with this run id may be used."""
        return time.monotonic() < self._until and (self._lasting or run_id == self._run_id)

    def require(self, run_id: str) -> str:
        """Return the generation as text, or nothing without one. Raises RedisUnavailable if the lease is not held."""
        if not self.is_held(run_id):
            raise RedisUnavailable("its caches are not confirmed to be up to date")
        return f".{self.generation}" if self.generation else ""

    def grant(self, run_id: str, generation: int, confirmed_at: float) -> None:
        """Grant the lease, unless it was revoked after what confirmed it began."""
        if confirmed_at > self._revoked_at:
            self.generation, self._run_id, self._until = generation, run_id, confirmed_at + LEASE_S

    def revoke(self) -> None:
        """End the lease until it is granted again."""
        if not self._lasting:
            self._until, self._revoked_at = 0.0, time.monotonic()
