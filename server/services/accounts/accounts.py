"""Registration, and authentication by password. Signing in is up to `sessions`."""

from dataclasses import dataclass

from server.errors import Conflict, Unauthenticated
from server.gateways.passwords import Passwords
from server.ids import UserId
from server.models.accounts.logins import LoginRepository, LoginRow
from server.models.accounts.users import NewUser, UserRepository
from server.models.database import DuplicateKey
from server.services.accounts.usernames import normalize
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import Role

MAX_USERNAME_KEY = 60
MAX_EMAIL_KEY = 254


@dataclass(frozen=True, slots=True)
class AuthenticatedUser:
    """A user whose password was verified."""

    id: UserId
    role: Role
    password_changed_at_ms: int


class Accounts:
    def __init__(
        self,
        users: UserRepository,
        logins: LoginRepository,
        unit_of_work: UnitOfWork,
        passwords: Passwords,
    ) -> None:
        self._users = users
        self._logins = logins
        self._unit_of_work = unit_of_work
        self._passwords = passwords

    async def register(
        self, username: str, email: str, password: str, full_name: str, once: IdempotencyToken | None = None
    ) -> AuthenticatedUser:
        """Create an account.

        Raises Conflict (`username_taken`, `email_taken`, `already_taken`), InvalidInput for the password, and
        AlreadyDone for `once`.
        """
        await self._reject_taken(username, email)
        password_hash = await self._passwords.hash(password)

        async def insert(work: WorkContext) -> AuthenticatedUser:
            user = NewUser(
                id=UserId(work.result_id),
                username=username,
                username_key=normalize(username),
                email=email,
                email_key=normalize(email),
                password_hash=password_hash,
                full_name=full_name,
                created_at_ms=work.now_ms(),
            )
            await self._users.insert(user)
            return AuthenticatedUser(user.id, Role.USER, user.created_at_ms)

        try:
            return await self._unit_of_work.run(insert, token=once)
        except DuplicateKey as error:
            await self._reject_taken(username, email)
            # The other account changed its name or address since then.
            raise Conflict(
                "This username or e-mail address was taken a moment ago. Try again.", code="already_taken"
            ) from error

    async def get_registered(self, user_id: UserId, password: str) -> AuthenticatedUser:
        """Return the account that was registered with this password.

        Raises Unauthenticated if the password changed since then.
        """
        return await self._verify(await self._logins.get(user_id), password)

    async def authenticate(self, login: str, password: str) -> AuthenticatedUser:
        """Return the account whose username or e-mail address is `login`.

        Raises Unauthenticated, with the same text and timing for an unknown login and a wrong password.
        """
        return await self._verify(await self._find(normalize(login)), password)

    async def _find(self, key: str) -> LoginRow | None:
        by_email = "@" in key
        if len(key) > (MAX_EMAIL_KEY if by_email else MAX_USERNAME_KEY):
            return None  # Tortoise raises for a value that exceeds the column.
        return await (self._logins.find_by_email(key) if by_email else self._logins.find_by_username(key))

    async def _verify(self, user: LoginRow | None, password: str) -> AuthenticatedUser:
        if not await self._passwords.matches(password, user.password_hash if user else None) or user is None:
            raise wrong_credentials()
        return AuthenticatedUser(user.id, Role(user.role), user.password_changed_at_ms)

    async def _reject_taken(self, username: str, email: str) -> None:
        if await self._users.username_exists(normalize(username)):
            raise Conflict(
                "This username is taken.",
                code="username_taken",
                fields={"username": ["Already taken."]},
            )
        if await self._users.email_exists(normalize(email)):
            raise Conflict(
                "An account with this e-mail address exists.",
                code="email_taken",
                fields={"email": ["Already registered."]},
            )


def wrong_credentials() -> Unauthenticated:
    return Unauthenticated("The username or the password is wrong.", code="wrong_credentials")
