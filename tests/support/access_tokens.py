"""Access tokens as the program signs them, for more people than could be registered one by one."""

from collections.abc import Iterable

from server.clock import SystemClock
from server.ids import SessionId, UserId
from server.services.accounts.tokens import TokenRules, Tokens
from server.services.records import Principal, Role
from tests.support.backends import Stack

LIVES_S = 7200


def access_tokens(stack: Stack, sessions: Iterable[tuple[UserId, SessionId]]) -> list[str]:
    """A token for each session, good for two hours with a program that runs on `stack`."""
    auth, clock = stack.settings().auth, SystemClock()
    rules = TokenRules(
        access_secret=auth.jwt_secret.get_secret_value(),
        refresh_secret=auth.jwt_refresh_secret.get_secret_value(),
        issuer=auth.issuer,
        audience=auth.audience,
        access_ttl_s=LIVES_S,
        refresh_idle_s=LIVES_S,
        refresh_absolute_s=LIVES_S,
    )
    tokens, ends_at_ms = Tokens(clock, rules), clock.now_ms() + LIVES_S * 1000
    return [
        tokens.issue_access(Principal(user_id, session_id, Role.USER), ends_at_ms)
        for user_id, session_id in sessions
    ]
