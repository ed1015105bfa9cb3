"""Tiers of accounts: new ones, which have lower rate limits, and established ones.

An account is new by its age, or because moderators recently decided against its user.
"""

from dataclasses import dataclass

from server.clock import Clock
from server.ids import UserId, id_timestamp_ms
from server.models.moderation.actions import ModerationActionRepository
from server.services.records import Principal


@dataclass(frozen=True, slots=True)
class TierRules:
    """Durations for which an account is new: after its creation, and after a sanction against it."""

    new_ms: int = 86_400_000
    sanction_ms: int = 30 * 86_400_000


class AccountTiers:
    """Recognizes new accounts without a query: the age is in the id, and the last sanction in the access token."""

    def __init__(self, clock: Clock, actions: ModerationActionRepository, rules: TierRules) -> None:
        self._clock = clock
        self._actions = actions
        self._rules = rules

    def is_new(self, principal: Principal) -> bool:
        """Return whether the user has the limits of new accounts."""
        new_until_ms = id_timestamp_ms(principal.user_id) + self._rules.new_ms
        return self._clock.now_ms() < max(new_until_ms, principal.sanctioned_until_ms)

    async def sanctioned_until_ms(self, user_id: UserId) -> int:
        """Return until when the newest sanction that was not undone counts, for an access token; 0 if none does."""
        if not self._rules.sanction_ms:
            return 0
        at_ms = await self._actions.find_last_sanction_ms(user_id)
        until_ms = 0 if at_ms is None else at_ms + self._rules.sanction_ms
        return until_ms if until_ms > self._clock.now_ms() else 0
