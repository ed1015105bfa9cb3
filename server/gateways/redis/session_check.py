"""What every request of somebody signed in asks of Redis, in one call: does the session stand, and are the limits kept?

It is the question of `revocation_list` and that of `throttle`, and costs a third less than the two in turn.
"""

from collections.abc import Sequence

from server.gateways.redis.pipelined_client import PipelinedRedis, RedisUnavailable, ReplyError, Script
from server.gateways.redis.rate_limits import COUNT, Limit, RateLimitStatus, bounds, keys, statuses
from server.gateways.redis.revocation_list import KEY
from server.ids import SessionId
from server.outages import Outage

# KEYS: the list, then those of the limits; ARGV: life, session, then the bounds. The answer: 1 for a session on the
# list, and nothing was counted; 0 for one that is not, -1 if the list is not known to be whole; then what was counted.
_ASK = Script(
    COUNT
    + """
local found = redis.call('ZMSCORE', KEYS[1], ARGV[2], 'complete:' .. ARGV[1])
if found[1] then return {1} end
return {found[2] and 0 or -1, unpack(count(2, 3))}
"""
)


class SessionCheck:
    def __init__(self, wire: PipelinedRedis) -> None:
        self._wire = wire
        self._refusals = Outage("admission")

    async def ask(
        self, session_id: SessionId, limits: Sequence[Limit], who: str
    ) -> tuple[bool | None, list[RateLimitStatus]]:
        """Whether a session was ended, None if that is not known here; and how `who` stands with the limits, against
        which this request was counted if the session was not ended. Raises Unavailable."""
        where = (KEY, *keys(limits, who))
        try:
            found, *ahead = await self._wire.run(_ASK, where, (session_id, *bounds(limits)), with_life=True)
        except ReplyError as error:  # it may not write, a key is something else, ...
            self._refusals.failed(error)
            raise RedisUnavailable(str(error)) from error
        self._refusals.succeeded()
        if found == 1:
            return True, []
        return (False if found == 0 else None), statuses(limits, ahead)
