"""Access tokens signed like the program's, for many users at once."""

from collections.abc import Iterable

from server.clock import SystemClock
from server.epoch import DatabaseEpoch
from server.ids import SessionId, UserId
from server.services.accounts.tokens import TokenRules, Tokens
from server.services.records import Principal, Role
from tools.harness.backends import Stack

LIFETIME_S = 7200


def access_tokens(stack: Stack, sessions: Iterable[tuple[UserId, SessionId]], epoch: str = "") -> list[str]:
    """Return a token per session, valid for two hours on `stack`.

    `epoch`: that of the database. The server looks sessions of tokens with another epoch up in the database.
    """
    auth, clock = stack.settings().auth, SystemClock()
    rules = TokenRules(
        access_secret=auth.jwt_secret.get_secret_value(),
        refresh_secret=auth.jwt_refresh_secret.get_secret_value(),
        issuer=auth.issuer,
        audience=auth.audience,
        access_ttl_s=LIFETIME_S,
        refresh_idle_s=LIFETIME_S,
        refresh_absolute_s=LIFETIME_S,
    )
    tokens, ends_at_ms = Tokens(clock, rules, DatabaseEpoch(epoch)), clock.now_ms() + LIFETIME_S * 1000
    return [
        tokens.issue_access(Principal(user_id, session_id, Role.USER), ends_at_ms)
        for user_id, session_id in sessions
    ]
