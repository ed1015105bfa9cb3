"""Authentication by password. Signing in is up to `sessions`."""

from contextlib import suppress
from dataclasses import dataclass

from server.errors import Unauthenticated, Unavailable
from server.gateways.password_queue import Caller
from server.gateways.passwords import Passwords
from server.ids import UserId
from server.models.accounts.logins import LoginRepository, LoginRow
from server.networks import networks_of
from server.services.accounts.usernames import normalize
from server.services.records import Client, Role

MAX_USERNAME_KEY = 60
MAX_EMAIL_KEY = 254


@dataclass(frozen=True, slots=True)
class AuthenticatedUser:
    """A user whose password was verified."""

    id: UserId
    role: Role
    password_changed_at_ms: int


class PasswordAuthentication:
    def __init__(self, logins: LoginRepository, passwords: Passwords) -> None:
        self._logins = logins
        self._passwords = passwords

    async def authenticate(
        self, login: str, password: str, client: Client | None = None
    ) -> AuthenticatedUser:
        """Return the account whose username or e-mail address is `login`.

        Raises Unauthenticated, with the same text and timing for an unknown login and a wrong password.
        """
        return await self._verify(await self._find(normalize(login)), password, caller_of(client))

    async def get_registered(
        self, user_id: UserId, password: str, client: Client | None = None
    ) -> AuthenticatedUser:
        """Return the account that was registered with this password.

        Raises Unauthenticated if the password changed since then.
        """
        return await self._verify(await self._logins.get(user_id), password, caller_of(client))

    async def _find(self, key: str) -> LoginRow | None:
        by_email = "@" in key
        if len(key) > (MAX_EMAIL_KEY if by_email else MAX_USERNAME_KEY):
            return None  # Tortoise raises for a value that exceeds the column.
        return await (self._logins.find_by_email(key) if by_email else self._logins.find_by_username(key))

    async def _verify(self, user: LoginRow | None, password: str, caller: Caller | None) -> AuthenticatedUser:
        hashed = user.password_hash if user else None
        if not await self._passwords.matches(password, hashed, caller) or user is None:
            raise wrong_credentials()
        if self._passwords.is_outdated(user.password_hash):
            await self._hash_again(user, password, caller)
        return AuthenticatedUser(user.id, Role(user.role), user.password_changed_at_ms)

    async def _hash_again(self, user: LoginRow, password: str, caller: Caller | None) -> None:
        """Replace the hash of the same password; the next sign-in tries it if this one cannot."""
        with suppress(Unavailable):
            renewed = await self._passwords.hash(password, caller=caller)
            await self._logins.renew_password_hash(user.id, user.password_hash, renewed)


def caller_of(client: Client | None) -> Caller | None:
    """Return a client as the password queue knows it."""
    return None if client is None else Caller(networks_of(client.address).site)


def wrong_credentials() -> Unauthenticated:
    return Unauthenticated("The username or the password is wrong.", code="wrong_credentials")
