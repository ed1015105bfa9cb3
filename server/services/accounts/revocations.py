"""Revocations: sessions that were ended early and that every process must reject.

The database is the source of truth. Requests check a list in Redis, which is updated after the commit and again by a
job, so that a process that is killed in between loses nothing. The callers decide which sessions to revoke.
"""

from collections.abc import Sequence
from contextlib import suppress

from server.batching import BatchingQueue
from server.errors import Unavailable
from server.events import SessionsRevoked
from server.gateways.redis.revocation_list import RevocationList
from server.ids import SessionId, UserId
from server.models.accounts.sessions import SessionRepository
from server.pubsub.publisher import Publisher
from server.services.accounts.tokens import LEEWAY_S
from server.services.jobs.cache_guard import CacheGuard
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import WorkContext

# An access token lives longer where the clock is behind that of the process that signed it.
MAX_CLOCK_SKEW_S = 600
MAX_REBUILD_BATCH = 10_000


def retention_ms(access_ttl_s: int) -> int:
    """Return how long after its revocation a session may still have an unexpired access token."""
    return (access_ttl_s + LEEWAY_S + MAX_CLOCK_SKEW_S) * 1000


class Revocations:
    def __init__(
        self,
        sessions: SessionRepository,
        jobs: Jobs,
        revocation_list: RevocationList,
        publisher: Publisher,
        access_ttl_s: int,
        guard: CacheGuard | None = None,
    ) -> None:
        """`guard` suspends the list in Redis, for all processes, when it cannot be updated."""
        self._guard = guard
        self._sessions = sessions
        self._jobs = jobs
        self._list = revocation_list
        self._publisher = publisher
        self._retention_ms = retention_ms(access_ttl_s)
        self._rebuilds = BatchingQueue(self._rebuild, max_batch=MAX_REBUILD_BATCH)
        self._checks = BatchingQueue(self._check_database)
        self._redis_unavailable = False
        self._probing = False

    async def revoke(self, work: WorkContext, user_id: UserId, session_id: SessionId) -> bool:
        """Revoke a session within a transaction; return False if the user has no such active session.

        Call `propagate` after the commit.
        """
        revoked = await self._sessions.revoke(user_id, session_id)
        if revoked:
            work.emit(SessionsRevoked(user_id))
        return revoked

    async def revoke_all(
        self, work: WorkContext, user_id: UserId, except_id: SessionId | None = None
    ) -> None:
        """Revoke the user's sessions within a transaction. Call `propagate` after the commit."""
        if await self._sessions.revoke_all(user_id, except_id):
            work.emit(SessionsRevoked(user_id))

    async def propagate(self, user_id: UserId) -> None:
        """Update the list and end the user's streams after the commit; the job repeats what fails here.

        Returns when every process refuses the sessions: if the list cannot be updated, it is suspended. Raises
        Unavailable if the database does not answer either.
        """
        with suppress(Unavailable):
            await self._propagate(user_id)
            if self._guard is None or await self._guard.is_current():
                return
        if self._guard is not None:
            await self._guard.suspend()

    async def propagate_job(self, claim: Claim) -> None:
        """Run the job of SessionsRevoked. Idempotent: it publishes the current state of the database."""
        await self._propagate(UserId(claim.payload["user_id"]))
        await self._jobs.finish(claim)

    async def is_revoked(self, session_id: SessionId) -> bool:
        """Return whether a session was revoked or does not exist; raise Unavailable if neither store answers.

        While Redis is unavailable, batched queries check the database. One call at a time probes Redis, so that the
        other requests do not wait for it.
        """
        if not (self._redis_unavailable and self._probing):
            self._probing = True
            try:
                revoked = await self._check_list(session_id)
                self._redis_unavailable = False
                if revoked is not None:
                    return revoked
            except Unavailable:
                self._redis_unavailable = True
            finally:
                self._probing = False
        return await self.is_revoked_in_database(session_id)

    async def is_revoked_in_database(self, session_id: SessionId) -> bool:
        """Check without Redis; concurrent callers share one query."""
        return await self._checks.submit(session_id)

    async def list_recent(self, within_s: float) -> frozenset[SessionId]:
        """Return the sessions that were revoked within the last `within_s` seconds."""
        return frozenset(await self._sessions.list_revoked(round(within_s * 1000)))

    async def _propagate(self, user_id: UserId) -> None:
        remaining_ms = await self._sessions.list_remaining_ms(self._retention_ms, user_id)
        if remaining_ms:
            await self._list.add(remaining_ms)
            await self._publisher.publish_ended_sessions(user_id, list(remaining_ms))

    async def _check_list(self, session_id: SessionId) -> bool | None:
        revoked = await self._list.has(session_id)
        if revoked is None:
            await self._rebuilds.submit(None)
            revoked = await self._list.has(session_id)
        return revoked

    async def _rebuild(self, callers: Sequence[None]) -> Sequence[None]:
        """Rebuild the list from the database, once for all callers that found it incomplete."""
        token = await self._list.begin()
        if token is not None:
            await self._list.add(await self._sessions.list_remaining_ms(self._retention_ms))
            await self._list.complete(token)
        return callers

    async def _check_database(self, session_ids: Sequence[SessionId]) -> list[bool]:
        unrevoked = await self._sessions.list_unrevoked(session_ids)
        return [session_id not in unrevoked for session_id in session_ids]
