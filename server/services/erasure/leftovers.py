"""Search for everything that still names a user, to prove that an erased account is gone."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.gateways.feed_store.cached_users import CachedUsers
from server.gateways.outbox import Outbox
from server.ids import UserId
from server.models.accounts.former_usernames import FormerUsernameRepository
from server.models.accounts.users import UserRepository
from server.models.erasure.mentions import MentioningTable, StoredMentionRepository
from server.models.erasure.user_rows import UserRowRepository
from server.services.accounts.usernames import normalize

MENTIONS_PER_QUERY = 2000


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Places that name a user: columns as `table.column`, keys in Redis, and files in the outbox."""

    user_id: UserId
    columns: Sequence[str]
    redis_keys: Sequence[str]
    outbox_files: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.columns or self.redis_keys or self.outbox_files)


class LeftoverSearch:
    def __init__(
        self,
        users: UserRepository,
        former_usernames: FormerUsernameRepository,
        rows: UserRowRepository,
        mentions: StoredMentionRepository,
        cached: CachedUsers,
        outbox: Outbox,
    ) -> None:
        self._users = users
        self._former_usernames = former_usernames
        self._rows = rows
        self._mentions = mentions
        self._cached = cached
        self._outbox = outbox

    async def find_user(self, user: str) -> UserId | None:
        """Return the user with this id, name or former name. An id need not exist."""
        if user.isascii() and user.isdigit():
            return UserId(int(user))
        key = normalize(user)
        return await self._users.find_id(key) or await self._former_usernames.find_owner(key)

    async def find(self, user_id: UserId) -> Leftovers:
        """Look in every column with a user, all mentions, Redis and the outbox. Raises Unavailable."""
        columns = ["users.id"] if await self._users.exists(user_id) else []
        columns += [f"{each.table}.{each.name}" for each in await self._rows.find_remaining(user_id)]
        for table in MentioningTable:
            if await self._is_mentioned(table, user_id):
                columns.append(f"{table.value}.mentions")
        keys, files = await self._cached.find_remaining(user_id), await self._outbox.find_pushes(user_id)
        return Leftovers(user_id, columns, keys, files)

    async def _is_mentioned(self, table: MentioningTable, user_id: UserId) -> bool:
        after_id = 0
        while batch := await self._mentions.find(table, user_id, after_id, MENTIONS_PER_QUERY):
            if batch.mentioning:
                return True
            after_id = batch.last_id
        return False
