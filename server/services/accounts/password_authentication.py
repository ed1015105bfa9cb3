"""Authentication by password. Signing in is up to `sessions`."""

from contextlib import suppress
from dataclasses import dataclass, replace

from server.errors import InvalidInput, Unauthenticated, Unavailable
from server.gateways.password_queue import Caller
from server.gateways.passwords import Passwords
from server.ids import UserId
from server.models.accounts.logins import LoginRepository, LoginRow
from server.networks import networks_of
from server.services.accounts.security_alerts import SecurityAlerts
from server.services.accounts.sign_in_limits import SignInAttempt, SignInLimits
from server.services.accounts.tokens import DeviceClaim, Tokens, new_device_id
from server.services.accounts.usernames import normalize
from server.services.records import Client, Role, SignInMethod

MAX_USERNAME_KEY = 60
MAX_EMAIL_KEY = 254
NO_USER = UserId(0)


@dataclass(frozen=True, slots=True)
class AuthenticatedUser:
    """A user whose password, or other first factor, was verified.

    `device_id`: a device on which the user signed in before. `new_device`: the owner gets an e-mail about the sign-in.
    `has_all_factors`: the first factor includes a second one, as a passkey does.
    """

    id: UserId
    role: Role
    password_changed_at_ms: int
    device_id: str | None = None
    new_device: bool = False
    method: SignInMethod = SignInMethod.PASSWORD
    has_all_factors: bool = False


class PasswordAuthentication:
    """`limits` is None if rate limiting is off. Calls without a client come from inside the program."""

    def __init__(
        self,
        logins: LoginRepository,
        passwords: Passwords,
        tokens: Tokens,
        alerts: SecurityAlerts,
        limits: SignInLimits | None = None,
    ) -> None:
        self._logins = logins
        self._passwords = passwords
        self._tokens = tokens
        self._alerts = alerts
        self._limits = limits

    async def authenticate(
        self, login: str, password: str, client: Client | None = None
    ) -> AuthenticatedUser:
        """Return the account whose username or verified e-mail address is `login`.

        Raises Throttled, and Unauthenticated, with the same text and timing for an unknown login and a wrong password.
        """
        name = normalize(login)
        user = await self._find(name)
        device = self._known_device(user, client)
        caller = caller_of(client, str(device.user_id) if device else "")
        if client is None or self._limits is None:
            account = await self._verify(user, password, caller)
        else:
            attempt = await self._limits.begin(name, client, device.device_id if device else None)
            try:
                account = await self._verify(user, password, caller)
            except Unavailable:
                await self._limits.abandon(attempt)
                raise
            except Unauthenticated:
                await self._alert(self._limits, name, attempt, user)
                raise
            await self._limits.succeed(attempt)
        if device is None:
            return replace(account, new_device=client is not None)
        # A person who knew a replaced password may have this token, so the owner is notified of its use.
        return replace(
            account,
            device_id=device.device_id,
            new_device=device.issued_at_ms + 1000 <= account.password_changed_at_ms,
        )

    async def get_registered(
        self, user_id: UserId, password: str, client: Client | None = None
    ) -> AuthenticatedUser:
        """Return the account that was registered with this password.

        Raises Unauthenticated if the password changed since then.
        """
        return await self._verify(await self._logins.get(user_id), password, caller_of(client))

    async def confirm(self, user_id: UserId, password: str) -> str | None:
        """Return the hash that the user's password matches, or None if it is wrong. Raises Throttled."""
        attempt = await self._limits.begin_confirmation(user_id) if self._limits else None
        hashed = await self._logins.get_password_hash(user_id) or None
        try:
            matches = await self._passwords.matches(password, hashed, Caller(f"user {user_id}", str(user_id)))
        except Unavailable:
            if self._limits and attempt:
                await self._limits.abandon(attempt)
            raise
        if matches and self._limits and attempt:
            await self._limits.succeed(attempt)
        return hashed if matches else None

    async def forget_failures(self, *logins: str) -> None:
        """Let the owner sign in at once, after the password was replaced."""
        if self._limits is not None:
            await self._limits.forget(*(normalize(login) for login in logins))

    def remember_device(self, user_id: UserId) -> str:
        """Return a device token for a device whose user proved to own the account in another way."""
        return self._tokens.issue_device(user_id, new_device_id())

    async def _find(self, key: str) -> LoginRow | None:
        by_email = "@" in key
        if len(key) > (MAX_EMAIL_KEY if by_email else MAX_USERNAME_KEY):
            return None  # Tortoise raises for a value that exceeds the column.
        return await (self._logins.find_by_email(key) if by_email else self._logins.find_by_username(key))

    def _known_device(self, user: LoginRow | None, client: Client | None) -> DeviceClaim | None:
        if client is None or not client.device_token:
            return None
        device = self._tokens.read_device(client.device_token)
        return device if device and user and device.user_id == user.id else None

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

    async def _alert(
        self, limits: SignInLimits, name: str, attempt: SignInAttempt, user: LoginRow | None
    ) -> None:
        """Notify the owner if there were many failures. An unknown user takes as long, for the same job."""
        with suppress(Unavailable):
            if await limits.should_alert(name, attempt):
                await self._alerts.report_failed_sign_ins(user.id if user else NO_USER, attempt.failures)


def caller_of(client: Client | None, account: str = "") -> Caller | None:
    """Return a client as the password queue knows it; `account` is the one that it signed in to before."""
    return None if client is None else Caller(networks_of(client.address).site, account)


def wrong_credentials() -> Unauthenticated:
    return Unauthenticated("The username or the password is wrong.", code="wrong_credentials")


def wrong_password(field: str = "password") -> InvalidInput:
    """Return the refusal of a change that the user confirmed with a wrong password, in this member of the body."""
    return InvalidInput("The password is wrong.", code="wrong_password", fields={field: ["Wrong password."]})
