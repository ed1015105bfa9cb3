"""Table `users`: accounts, their public profiles, and counters that services update with each change."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tortoise import fields
from tortoise.models import Model

from server.ids import UserId
from server.models.audience import Audience
from server.models.conditions import ALL, Condition
from server.models.database import Database, placeholders


class UserTable(Model):
    """`*_key` columns hold the normalized form that makes names and addresses unique.

    `email` is a verified address, or empty; `email_key` is then the id, which is no address. An address that still has
    to be verified is in `pending_email`, where several users may enter the same one.

    `revision` increases with each change of a column that cards show. While `fan_out_on_read` is 1, new posts are not
    written to followers' feeds; readers merge them in from the author's own list.

    `posts_count` counts all posts, `follower_posts_count` and `close_friend_posts_count` those with such an audience.

    `tags_from` says who may tag the user; with `approves_tags`, a tag waits for the user's approval.

    `delete_after_ms` is set after the owner deleted the account: from then on it is erased.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    username = fields.CharField(max_length=30)
    username_key = fields.CharField(max_length=60, unique=True)
    email = fields.CharField(max_length=254)
    email_key = fields.CharField(max_length=254, unique=True)
    email_verified_at_ms = fields.BigIntField(null=True)
    pending_email = fields.CharField(max_length=254, default="", db_default="")
    pending_email_key = fields.CharField(max_length=254, default="", db_default="", db_index=True)
    password_hash = fields.CharField(max_length=72)
    password_changed_at_ms = fields.BigIntField()
    full_name = fields.CharField(max_length=100, default="")
    bio = fields.CharField(max_length=500, default="")
    website = fields.CharField(max_length=200, default="")
    avatar_key = fields.CharField(max_length=120, default="")
    role = fields.CharField(max_length=16, default="user")
    posts_count = fields.IntField(default=0)
    follower_posts_count = fields.IntField(default=0, db_default=0)
    close_friend_posts_count = fields.IntField(default=0, db_default=0)
    followers_count = fields.IntField(default=0)
    following_count = fields.IntField(default=0)
    created_at_ms = fields.BigIntField()
    revision = fields.IntField(default=0, db_default=0)
    fan_out_on_read = fields.SmallIntField(default=0, db_default=0)
    is_private = fields.SmallIntField(default=0, db_default=0)
    search_engines = fields.CharField(max_length=8, default="deny", db_default="deny")
    status = fields.CharField(max_length=12, default="active", db_default="active")
    suspended_until_ms = fields.BigIntField(null=True)
    delete_after_ms = fields.BigIntField(null=True, db_index=True)
    tags_from = fields.CharField(max_length=12, default="everyone", db_default="everyone")
    approves_tags = fields.SmallIntField(default=0, db_default=0)

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "users"
        # The sweep of the media store looks up avatar_key to find folders without a row.
        indexes = (("avatar_key",), ("fan_out_on_read", "id"), ("role",))


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account whose e-mail address is not verified."""

    id: UserId
    username: str
    username_key: str
    pending_email: str
    pending_email_key: str
    password_hash: str
    full_name: str
    created_at_ms: int


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A user's verified e-mail address, or an empty text, and the database's time when it was read."""

    id: UserId
    username: str
    full_name: str
    email: str
    now_ms: int

    @property
    def name(self) -> str:
        """The full name if the user entered one, else the username."""
        return self.full_name or self.username


@dataclass(frozen=True, slots=True)
class UserRoleRow:
    id: UserId
    role: str


@dataclass(frozen=True, slots=True)
class UserStatusRow:
    """`now_ms` is the database's time when the row was locked."""

    status: str
    revision: int
    suspended_until_ms: int | None
    delete_after_ms: int | None
    now_ms: int


@dataclass(frozen=True, slots=True)
class UserStandingRow:
    """Values of an account that moderators see besides its card."""

    role: str
    status: str
    suspended_until_ms: int | None
    created_at_ms: int


class UserRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, user: NewUser) -> None:
        """Raise DuplicateKey if the username is taken."""
        await UserTable.create(
            **asdict(user), email="", email_key=str(user.id), password_changed_at_ms=user.created_at_ms
        )

    async def exists(self, user_id: UserId, visible: Condition = ALL) -> bool:
        """Return whether there is such a user `u`, who satisfies `visible`."""
        return bool(
            await self._database.rows(
                f"SELECT 1 FROM users u WHERE u.id = ? AND {visible.sql}", [user_id, *visible.parameters]
            )
        )

    async def username_exists(self, username_key: str) -> bool:
        return await UserTable.filter(username_key=username_key).exists()

    async def avatar_exists(self, media_key: str) -> bool:
        return bool(
            await self._database.rows("SELECT 1 FROM users WHERE avatar_key = ? LIMIT 1", [media_key])
        )

    async def find_id(self, username_key: str, visible: Condition = ALL) -> UserId | None:
        """Return the id of the user `u` with this name, who satisfies `visible`."""
        rows = await self._database.rows(
            f"SELECT u.id FROM users u WHERE u.username_key = ? AND {visible.sql}",
            [username_key, *visible.parameters],
        )
        return UserId(rows[0]["id"]) if rows else None

    async def find_ids(self, username_keys: Sequence[str]) -> dict[str, UserId]:
        """Return the ids of the users with these names, by key."""
        if not username_keys:
            return {}
        rows = await self._database.rows(
            f"SELECT id, username_key FROM users WHERE username_key IN ({placeholders(len(username_keys))})",
            username_keys,
        )
        return {row["username_key"]: UserId(row["id"]) for row in rows}

    async def get_usernames(self, user_ids: Sequence[int]) -> dict[int, str]:
        """Return the names of the users that exist, by id."""
        if not user_ids:
            return {}
        rows = await self._database.rows(
            f"SELECT id, username FROM users WHERE id IN ({placeholders(len(user_ids))})", user_ids
        )
        return {row["id"]: row["username"] for row in rows}

    async def is_private(self, user_id: UserId) -> bool:
        return bool(
            await self._database.rows("SELECT 1 FROM users WHERE id = ? AND is_private = 1", [user_id])
        )

    async def lock_status(self, user_id: UserId) -> UserStatusRow | None:
        """Lock a user until the commit, and return the status."""
        rows = await self._database.rows(
            "SELECT status, revision, suspended_until_ms, delete_after_ms,"
            f" {self._database.now_ms} AS now_ms FROM users WHERE id = ?{self._database.for_update}",
            [user_id],
        )
        return UserStatusRow(**rows[0]) if rows else None

    async def set_status(
        self, user_id: UserId, status: str, revision: int, suspended_until_ms: int | None = None
    ) -> None:
        """Set the status; the account is no longer to be erased, unless it is suspended."""
        await self._database.execute(
            "UPDATE users SET status = ?, revision = ?, suspended_until_ms = ?, delete_after_ms ="
            " CASE WHEN ? = 'suspended' THEN delete_after_ms ELSE NULL END WHERE id = ?",
            [status, revision, suspended_until_ms, status, user_id],
        )

    async def set_delete_after(self, user_id: UserId, delete_after_ms: int) -> None:
        await self._database.execute(
            "UPDATE users SET delete_after_ms = ? WHERE id = ?", [delete_after_ms, user_id]
        )

    async def get_delete_after(self, user_id: UserId) -> int | None:
        """Return the time after which the account is erased, or None if it is not to be."""
        rows = await self._database.rows("SELECT delete_after_ms FROM users WHERE id = ?", [user_id])
        return rows[0]["delete_after_ms"] if rows else None

    async def get_revisions(self, user_ids: Sequence[UserId]) -> dict[UserId, int]:
        """Return the revisions of the users that exist, by id; negative for users that others do not see."""
        if not user_ids:
            return {}
        rows = await self._database.rows(
            "SELECT id, CASE WHEN status = 'active' THEN revision ELSE -revision END AS revision FROM users"
            f" WHERE id IN ({placeholders(len(user_ids))})",
            user_ids,
        )
        return {UserId(row["id"]): row["revision"] for row in rows}

    async def find_role(self, username_key: str) -> UserRoleRow | None:
        rows = await self._database.rows("SELECT id, role FROM users WHERE username_key = ?", [username_key])
        return UserRoleRow(**rows[0]) if rows else None

    async def get_standing(self, user_id: UserId) -> UserStandingRow | None:
        rows = await self._database.rows(
            "SELECT role, status, suspended_until_ms, created_at_ms FROM users WHERE id = ?", [user_id]
        )
        return UserStandingRow(**rows[0]) if rows else None

    async def get_role(self, user_id: UserId) -> str:
        """Return the role of a user who exists."""
        (row,) = await self._database.rows("SELECT role FROM users WHERE id = ?", [user_id])
        return row["role"]

    async def has_role(self, user_id: UserId, *roles: str) -> bool:
        """Return whether the user has one of the roles."""
        return bool(
            await self._database.rows(
                f"SELECT 1 FROM users WHERE id = ? AND role IN ({placeholders(len(roles))})",
                [user_id, *roles],
            )
        )

    async def has_other(self, excluded: Sequence[UserId], *roles: str) -> bool:
        """Return whether an active user besides the excluded ones has one of the roles. Reads many rows."""
        return bool(
            await self._database.rows(
                f"SELECT 1 FROM users WHERE role IN ({placeholders(len(roles))}) AND status = 'active'"
                f" AND id NOT IN ({placeholders(len(excluded))}) LIMIT 1",
                [*roles, *excluded],
            )
        )

    async def lock_administrators(self) -> set[UserId]:
        """Lock the active administrators until the commit, in the order of their ids, and return them."""
        rows = await self._database.rows(
            "SELECT id FROM users WHERE role = 'admin' AND status = 'active' ORDER BY id"
            + self._database.for_update
        )
        return {UserId(row["id"]) for row in rows}

    async def lock_role(self, user_id: UserId) -> str | None:
        """Lock a user until the commit, and return the role; None if there is no such user."""
        rows = await self._database.rows(
            f"SELECT role FROM users WHERE id = ?{self._database.for_update}", [user_id]
        )
        return rows[0]["role"] if rows else None

    async def list_with_roles(self, *roles: str) -> list[UserRoleRow]:
        """Return the users with one of the roles, by id. Call it for roles that few users have."""
        rows = await self._database.rows(
            f"SELECT id, role FROM users WHERE role IN ({placeholders(len(roles))}) ORDER BY id", roles
        )
        return [UserRoleRow(**row) for row in rows]

    async def set_role(self, user_id: UserId, role: str) -> None:
        await self._database.execute(
            "UPDATE users SET role = ?, revision = revision + 1 WHERE id = ?", [role, user_id]
        )

    async def get_contact(self, user_id: UserId) -> ContactRow | None:
        return await self._contact("id = ?", user_id)

    async def lock_contact(self, email_key: str) -> ContactRow | None:
        """Lock the user with this verified address until the commit."""
        return await self._contact(f"email_key = ?{self._database.for_update}", email_key)

    async def change_posts_count(self, user_id: UserId, change: int, audience: Audience) -> None:
        """Count posts of one audience."""
        await self._database.execute(
            "UPDATE users SET posts_count = posts_count + ?, follower_posts_count = follower_posts_count + ?,"
            " close_friend_posts_count = close_friend_posts_count + ? WHERE id = ?",
            [
                change,
                change if audience is Audience.FOLLOWERS else 0,
                change if audience is Audience.CLOSE_FRIENDS else 0,
                user_id,
            ],
        )

    async def _contact(self, where: str, parameter: UserId | str) -> ContactRow | None:
        rows = await self._database.rows(
            f"SELECT id, username, full_name, email, {self._database.now_ms} AS now_ms FROM users WHERE {where}",
            [parameter],
        )
        return ContactRow(**rows[0]) if rows else None
