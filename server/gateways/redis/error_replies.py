"""Error replies of Redis: which of them mean that this server cannot execute commands now.

https://redis.io/docs/latest/develop/reference/protocol-spec/ lists no codes; these are those of Redis 6.2 to 8 and
Valkey 7 to 9 (`server.c`, `script.c`, `acl.c`).
"""

from server.errors import Unavailable

# A replica, or a primary without its replicas, data or cluster: another server may do. A proxy or Sentinel knows which.
OTHER_SERVER = ("READONLY", "MASTERDOWN", "LOADING", "NOREPLICAS", "CLUSTERDOWN")
# Out of memory, cannot save to disk, may not execute the command, runs a long script, moves a key.
THIS_SERVER = ("OOM", "MISCONF", "NOPERM", "BUSY ", "TRYAGAIN")
# What a script gets instead of NOPERM, in Redis 7 and 6.2.
SCRIPT_NOT_PERMITTED = ("ACL failure in script", "The user executing the script can't run this command")
SCRIPT_PREFIX = "ERR Error running script"


class RedisUnavailable(Unavailable):
    """Redis was not reached, did not answer in time, or rejected the command for now."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason=f"Redis does not answer ({reason}); try again.")


class CommandRefused(RedisUnavailable):
    """Redis answered, and does not execute the command now; the command had no effect."""

    def __init__(self, reply: str) -> None:
        Unavailable.__init__(self, reason=f"Redis refuses commands ({reply}); try again.")
        self.needs_other_server = reply.startswith(OTHER_SERVER)


class ReplyError(Exception):
    """Redis rejected a command, because of a mistake in the command or in the configuration of Redis."""


class ScriptMissing(ReplyError):
    """Redis has no script with this digest."""


def error_of(reply: str) -> CommandRefused | ReplyError:
    """Return the exception for an error reply."""
    if reply.startswith(SCRIPT_PREFIX):  # Redis 6 wraps the error of a command inside a script
        reply = reply.rpartition(": -")[2] or reply
    if reply.startswith((*OTHER_SERVER, *THIS_SERVER)) or any(text in reply for text in SCRIPT_NOT_PERMITTED):
        return CommandRefused(reply)
    return ScriptMissing(reply) if reply.startswith("NOSCRIPT") else ReplyError(reply)
