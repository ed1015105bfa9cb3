"""Tickets that open the live stream without an access token, for a browser's EventSource, which sends no headers.

Access tokens do not belong in URLs. A ticket works once, within half a minute. Redis keeps its hash only.
"""

import hashlib
import secrets

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import SessionId, UserId
from server.services.accounts.revocations import Revocations
from server.services.accounts.tokens import invalid_access_token
from server.services.records import Principal, Role

TICKET_TTL_S = 30


class StreamTickets:
    def __init__(self, redis: PipelinedRedis, revocations: Revocations) -> None:
        self._redis = redis
        self._revocations = revocations

    async def issue(self, principal: Principal) -> str:
        """Return a ticket for the principal. Raises Unavailable without Redis."""
        ticket = secrets.token_urlsafe(24)
        value = f"{principal.user_id} {principal.session_id} {principal.role}"
        await self._redis.command("SET", _key(ticket), value, "EX", TICKET_TTL_S)
        return ticket

    async def redeem(self, ticket: str) -> Principal:
        """Use up a ticket; return its principal. Raises Unauthenticated, Unavailable."""
        value: bytes | None = await self._redis.command("GETDEL", _key(ticket))
        if value is None:
            raise invalid_access_token()
        user_id, session_id, role = value.decode().split(" ")
        principal = Principal(UserId(int(user_id)), SessionId(int(session_id)), Role(role))
        # Not the list of ended sessions: the ticket may be of a session that a restored database lacks.
        if await self._revocations.is_revoked_in_database(principal.session_id):
            raise invalid_access_token()
        return principal


def _key(ticket: str) -> str:
    return f"ticket:{hashlib.sha256(ticket.encode(errors='replace')).hexdigest()}"
