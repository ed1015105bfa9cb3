"""Standing of users with the moderators: sanctions that were not undone, reports and appeals."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.ids import UserId
from server.models.accounts.users import UserRepository, UserStandingRow
from server.models.moderation.actions import ModerationAction
from server.services.accounts.usernames import normalize
from server.services.content.cards import Cards
from server.services.moderation.tables import ModerationTables
from server.services.people.user_lookup import user_not_found
from server.services.records import UserCard


@dataclass(frozen=True, slots=True)
class UserStanding:
    """`sanctions` by action, and `appeals` by status."""

    card: UserCard
    account: UserStandingRow
    sanctions: Mapping[str, int]
    reports_made: int
    reports_about: int
    appeals: Mapping[str, int]

    def count(self, action: ModerationAction) -> int:
        return self.sanctions.get(action, 0)


class Standings:
    def __init__(self, tables: ModerationTables, users: UserRepository, cards: Cards) -> None:
        self._tables = tables
        self._users = users
        self._cards = cards

    async def get(self, user: UserId | str) -> UserStanding:
        """Return the standing of a user, given by id or name, whatever the account's status. Raises NotFound."""
        user_id = user if isinstance(user, int) else await self._users.find_id(normalize(user))
        account = None if user_id is None else await self._users.get_standing(user_id)
        if user_id is None or account is None:
            raise user_not_found()
        cards = await self._cards.get_users([user_id])
        made, about = await self._tables.reports.count_of_user(user_id)
        return UserStanding(
            cards[user_id],
            account,
            await self._tables.actions.count_standing(user_id),
            made,
            about,
            await self._tables.appeals.count_by_status(user_id),
        )
