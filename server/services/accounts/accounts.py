"""Accounts: who exists, under which name, and whether a password is theirs. Sessions are another noun."""

from dataclasses import dataclass

from server.errors import Conflict, Unauthenticated
from server.gateways.passwords import Passwords
from server.ids import UserId
from server.models.accounts.users import UserTable
from server.models.database import DuplicateKey
from server.services.accounts.usernames import normalize
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import Role

MAX_USERNAME_KEY = 60
MAX_EMAIL_KEY = 254


@dataclass(frozen=True, slots=True)
class Account:
    """An account as far as signing in needs it."""

    id: UserId
    role: Role
    password_changed_at_ms: int


class Accounts:
    def __init__(self, unit_of_work: UnitOfWork, passwords: Passwords) -> None:
        self._unit_of_work = unit_of_work
        self._passwords = passwords

    async def register(
        self, username: str, email: str, password: str, full_name: str, once: IdempotencyToken | None = None
    ) -> Account:
        """Create an account.

        Raises Conflict (`username_taken`, `email_taken`, `taken_meanwhile`), InvalidInput for the password, AlreadyDone
        for `once`.
        """
        await self._refuse_taken(username, email)
        password_hash = await self._passwords.hash(password)

        async def body(work: WorkContext) -> Account:
            user = await UserTable.create(
                id=work.made_id,
                username=username,
                username_key=normalize(username),
                email=email,
                email_key=normalize(email),
                password_hash=password_hash,
                password_changed_at_ms=work.now_ms(),
                full_name=full_name,
                created_at_ms=work.now_ms(),
            )
            return Account(UserId(user.id), Role.USER, user.password_changed_at_ms)

        try:
            return await self._unit_of_work.run(body, once=once)
        except DuplicateKey as error:
            await self._refuse_taken(username, email)
            raise Conflict(  # by somebody who has another by now
                "This user name or e-mail was taken a moment ago; try again.", code="taken_meanwhile"
            ) from error

    async def registered(self, user_id: UserId, password: str) -> Account:
        """The account that was registered with this password. Raises Unauthenticated if it has another by now."""
        user = await (
            UserTable.filter(id=user_id).only("id", "password_hash", "password_changed_at_ms", "role").first()
        )
        return await self._proven(user, password)

    async def authenticate(self, login: str, password: str) -> Account:
        """The account whose user name or e-mail is `login`. Raises Unauthenticated, alike in words and in time for an
        unknown name and a wrong password."""
        return await self._proven(await _find(normalize(login)), password)

    async def _proven(self, user: UserTable | None, password: str) -> Account:
        if not await self._passwords.matches(password, user.password_hash if user else None) or user is None:
            raise Unauthenticated("The user name or the password is wrong.", code="wrong_credentials")
        return Account(UserId(user.id), Role(user.role), user.password_changed_at_ms)

    async def _refuse_taken(self, username: str, email: str) -> None:
        if await UserTable.filter(username_key=normalize(username)).exists():
            raise Conflict(
                "This user name is taken.",
                code="username_taken",
                fields={"username": ["Taken by somebody else."]},
            )
        if await UserTable.filter(email_key=normalize(email)).exists():
            raise Conflict(
                "An account with this e-mail exists.",
                code="email_taken",
                fields={"email": ["Already registered."]},
            )


async def _find(key: str) -> UserTable | None:
    by_email = "@" in key
    if len(key) > (MAX_EMAIL_KEY if by_email else MAX_USERNAME_KEY):
        return None  # Tortoise does not ask for what no row can hold, it raises
    query = UserTable.filter(email_key=key) if by_email else UserTable.filter(username_key=key)
    return await query.only("id", "password_hash", "password_changed_at_ms", "role").first()
