"""Revocations: sessions that were ended early, and that no request may use any more, in any process.

The database is the truth. Every request asks the list in Redis instead, which is told after the commit, and again by a
job, so that a process killed in between changes nothing. Which sessions are to end is decided by the nouns.
"""

from collections.abc import Sequence

from server.batching import BatchingQueue
from server.errors import Unavailable
from server.events import SessionsRevoked
from server.gateways.redis.revocation_list import RevocationList
from server.ids import SessionId, UserId
from server.models.database import Database, placeholders
from server.pubsub.publisher import Publisher
from server.services.accounts.tokens import LEEWAY_S
from server.services.jobs.jobs import Claim, Jobs
from server.services.jobs.unit_of_work import WorkContext

CLOCKS_APART_S = (
    600  # an access token lives longer where the clock is behind that of the process which signed it
)
MAX_WAITING = 10_000


def kept_ms(access_ttl_s: int) -> int:
    """How long after its revocation a session may still have an access token that did not expire."""
    return (access_ttl_s + LEEWAY_S + CLOCKS_APART_S) * 1000


class Revocations:
    def __init__(
        self, database: Database, jobs: Jobs, revoked: RevocationList, publisher: Publisher, access_ttl_s: int
    ) -> None:
        self._database = database
        self._jobs = jobs
        self._list = revoked
        self._publisher = publisher
        self._kept_ms = kept_ms(access_ttl_s)
        self._rebuilds = BatchingQueue(self._rebuild, most=MAX_WAITING)
        self._questions = BatchingQueue(self._ask_database)
        self._away = False
        self._probing = False

    async def revoke(self, work: WorkContext, user_id: UserId, session_id: SessionId) -> bool:
        """End a session, within a transaction; False if this user has no such session that stands. `tell` follows."""
        return await self._end(work, user_id, "AND id = ?", [session_id])

    async def revoke_all(self, work: WorkContext, user_id: UserId, but: SessionId | None = None) -> None:
        """End every session of a user but this one, within a transaction. `tell` follows."""
        await self._end(work, user_id, "" if but is None else "AND id <> ?", [] if but is None else [but])

    async def tell(self, user_id: UserId) -> None:
        """After the commit: let every process know, and end the streams. What fails here is done by the job."""
        try:
            await self._tell(user_id)
        except Unavailable:
            return

    async def deliver(self, claim: Claim) -> None:
        """The job of SessionsRevoked. Twice is once: it tells what the database says now."""
        await self._tell(UserId(claim.payload["user_id"]))
        await self._jobs.finish(claim)

    async def is_revoked(self, session_id: SessionId) -> bool:
        """Whether a session was ended, or is not there at all. Raises Unavailable if nobody can tell.

        While Redis is away the database is asked, for many at once; one call at a time tries Redis again, lest every
        request wait for it in vain.
        """
        if not (self._away and self._probing):
            self._probing = True
            try:
                answer = await self._ask_list(session_id)
                self._away = False
                if answer is not None:
                    return answer
            except Unavailable:
                self._away = True
            finally:
                self._probing = False
        return await self.is_revoked_by_database(session_id)

    async def is_revoked_by_database(self, session_id: SessionId) -> bool:
        """The same without Redis; those who ask at the same moment share a query."""
        return await self._questions.ask(session_id)

    async def lately(self, within_s: float) -> frozenset[SessionId]:
        """The sessions that were revoked within the last `within_s` seconds."""
        now = self._database.now_ms
        rows = await self._database.rows(
            f"SELECT id FROM sessions WHERE revoked_at_ms > {now} - ?", [round(within_s * 1000)]
        )
        return frozenset(SessionId(row["id"]) for row in rows)

    async def _end(self, work: WorkContext, user_id: UserId, which: str, parameters: Sequence[int]) -> bool:
        ended = await self._database.execute(
            f"UPDATE sessions SET revoked_at_ms = {self._database.now_ms}"
            f" WHERE user_id = ? AND revoked_at_ms IS NULL {which}",
            [user_id, *parameters],
        )
        if ended:
            work.emit(SessionsRevoked(user_id))
        return ended > 0

    async def _tell(self, user_id: UserId) -> None:
        remaining_ms = await self._remaining_ms("AND user_id = ?", [user_id])
        if remaining_ms:
            await self._list.add(remaining_ms)
            await self._publisher.publish_ended(user_id, list(remaining_ms))

    async def _ask_list(self, session_id: SessionId) -> bool | None:
        answer = await self._list.has(session_id)
        if answer is None:
            await self._rebuilds.ask(None)
            answer = await self._list.has(session_id)
        return answer

    async def _rebuild(self, askers: Sequence[None]) -> Sequence[None]:
        """Complete the list out of the database, once for all who found it incomplete."""
        ticket = await self._list.open()
        if ticket is not None:
            await self._list.add(await self._remaining_ms("", []))
            await self._list.seal(ticket)
        return askers

    async def _remaining_ms(self, which: str, parameters: Sequence[int]) -> dict[SessionId, int]:
        """What belongs on the list, and for how long."""
        now = self._database.now_ms
        rows = await self._database.rows(
            f"SELECT id, revoked_at_ms - {now} + ? AS remaining_ms FROM sessions"
            f" WHERE revoked_at_ms > {now} - ? {which}",
            [self._kept_ms, self._kept_ms, *parameters],
        )
        return {SessionId(row["id"]): row["remaining_ms"] for row in rows}

    async def _ask_database(self, session_ids: Sequence[SessionId]) -> list[bool]:
        rows = await self._database.rows(
            f"SELECT id FROM sessions WHERE id IN ({placeholders(len(session_ids))}) AND revoked_at_ms IS NULL",
            session_ids,
        )
        standing = {row["id"] for row in rows}
        return [session_id not in standing for session_id in session_ids]
