"""Tickets for the live stream: for a browser, whose EventSource sends no access token, and no token belongs in a URL.

A ticket is good once, and for half a minute. Redis keeps its hash; with Redis away there is none to be had.
"""

import hashlib
import secrets

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import SessionId, UserId
from server.services.accounts.revocations import Revocations
from server.services.accounts.tokens import invalid_access_token
from server.services.records import Principal, Role

GOOD_FOR_S = 30


class StreamTickets:
    def __init__(self, wire: PipelinedRedis, revocations: Revocations) -> None:
        self._wire = wire
        self._revocations = revocations

    async def issue(self, principal: Principal) -> str:
        """A ticket that stands for the principal. Raises Unavailable without Redis."""
        ticket = secrets.token_urlsafe(24)
        said = f"{principal.user_id} {principal.session_id} {principal.role}"
        await self._wire.command("SET", _key(ticket), said, "EX", GOOD_FOR_S)
        return ticket

    async def redeem(self, ticket: str) -> Principal:
        """Whom a ticket stands for, whose session stands; it is spent by this. Raises Unauthenticated, Unavailable."""
        said: bytes | None = await self._wire.command("GETDEL", _key(ticket))
        if said is None:
            raise invalid_access_token()
        user_id, session_id, role = said.decode().split(" ")
        principal = Principal(UserId(int(user_id)), SessionId(int(session_id)), Role(role))
        if await self._revocations.is_revoked(principal.session_id):
            raise invalid_access_token()
        return principal


def _key(ticket: str) -> str:
    return f"ticket:{hashlib.sha256(ticket.encode(errors='replace')).hexdigest()}"
