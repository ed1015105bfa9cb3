"""Registration."""

from server.errors import Conflict
from server.events import EmailVerificationRequested, UserRegistered
from server.gateways.passwords import Passwords
from server.ids import UserId
from server.models.accounts.former_usernames import FormerUsernameRepository
from server.models.accounts.users import NewUser, UserRepository
from server.models.database import DuplicateKey
from server.services.accounts.password_authentication import AuthenticatedUser, caller_of
from server.services.accounts.password_rules import PasswordOwner, PasswordRules
from server.services.accounts.reserved_usernames import is_reserved
from server.services.accounts.usernames import normalize
from server.services.filters.text_filters import TextFilters
from server.services.jobs.unit_of_work import IdempotencyToken, UnitOfWork, WorkContext
from server.services.records import Client, Role


class Accounts:
    def __init__(
        self,
        users: UserRepository,
        unit_of_work: UnitOfWork,
        passwords: Passwords,
        password_rules: PasswordRules,
        former_usernames: FormerUsernameRepository,
        filters: TextFilters,
    ) -> None:
        self._users = users
        self._unit_of_work = unit_of_work
        self._passwords = passwords
        self._password_rules = password_rules
        self._former_usernames = former_usernames
        self._filters = filters

    async def register(
        self,
        username: str,
        email: str,
        password: str,
        full_name: str,
        once: IdempotencyToken | None = None,
        client: Client | None = None,
    ) -> AuthenticatedUser:
        """Create an account and request the verification of its address.

        Whether another account has the address makes no difference. Raises Conflict (`username_taken`), InvalidInput
        for the password, and AlreadyDone for `once`.
        """
        await self._password_rules.check(password, PasswordOwner(username, email))
        await self.reject_taken(username)
        password_hash = await self._passwords.hash(password, caller=caller_of(client))

        async def insert(work: WorkContext) -> AuthenticatedUser:
            user = NewUser(
                id=UserId(work.result_id),
                username=username,
                username_key=normalize(username),
                pending_email=email,
                pending_email_key=normalize(email),
                password_hash=password_hash,
                full_name=full_name,
                created_at_ms=work.now_ms(),
            )
            texts = {"username": username, "fullName": full_name}
            await self._filters.apply(work, ("user", user.id), user.id, texts)
            await self.insert(user, work)
            work.emit(EmailVerificationRequested(user.id))
            return AuthenticatedUser(user.id, Role.USER, user.created_at_ms)

        try:
            return await self._unit_of_work.run(insert, token=once)
        except DuplicateKey as error:
            raise _username_taken() from error

    async def insert(self, user: NewUser, work: WorkContext) -> None:
        """Insert the row of a new account in the caller's transaction.

        Raises DuplicateKey for a name that is taken, and Conflict (`username_taken`) for one that is reserved for its
        former owner.
        """
        await self._users.insert(user)
        # Not before the insert, which waits for a transaction that gives up the name.
        if await self._former_usernames.find_owner(user.username_key) is not None:
            raise _username_taken()
        work.emit(UserRegistered(user.id))

    async def is_username_available(self, username: str) -> bool:
        """Return whether a new user may take this name now."""
        return not is_reserved(username) and not await self._is_taken(normalize(username))

    async def reject_taken(self, username: str) -> None:
        """Raise Conflict (`username_taken`) if a new user may not take this name, for a reason other than its text."""
        if await self._is_taken(normalize(username)):
            raise _username_taken()

    async def _is_taken(self, key: str) -> bool:
        return (
            await self._users.username_exists(key) or await self._former_usernames.find_owner(key) is not None
        )


def _username_taken() -> Conflict:
    return Conflict("This username is taken.", code="username_taken", fields={"username": ["Already taken."]})
