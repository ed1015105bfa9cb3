"""Password changes and password resets.

Both revoke sessions, and cancel a change of the e-mail address, in the transaction that changes the password.
`account_emails` sends the e-mails.
"""

from functools import partial

from server.events import PasswordChanged, PasswordResetRequested
from server.gateways.passwords import Passwords
from server.ids import SessionId, UserId
from server.models.accounts.email_addresses import EmailAddressRepository
from server.models.accounts.email_tokens import EmailTokenPurpose
from server.models.accounts.logins import LoginRepository
from server.models.accounts.sessions import SessionRepository
from server.models.accounts.users import ContactRow, UserRepository
from server.models.database import DuplicateKey
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.email_tokens import EmailTokens, invalid_email_token
from server.services.accounts.email_verification import EmailVerification
from server.services.accounts.password_authentication import PasswordAuthentication
from server.services.accounts.password_rules import PasswordOwner, PasswordRules
from server.services.accounts.revocations import Revocations
from server.services.accounts.usernames import normalize
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Confirmation, Principal


class Credentials:
    def __init__(  # noqa: PLR0913 - collaborators
        self,
        logins: LoginRepository,
        addresses: EmailAddressRepository,
        verification: EmailVerification,
        tokens: EmailTokens,
        unit_of_work: UnitOfWork,
        passwords: Passwords,
        password_rules: PasswordRules,
        revocations: Revocations,
        users: UserRepository,
        authentication: PasswordAuthentication,
        reauthentication: Reauthentication,
        sessions: SessionRepository,
    ) -> None:
        self._logins = logins
        self._addresses = addresses
        self._verification = verification
        self._tokens = tokens
        self._unit_of_work = unit_of_work
        self._passwords = passwords
        self._password_rules = password_rules
        self._revocations = revocations
        self._users = users
        self._authentication = authentication
        self._reauthentication = reauthentication
        self._sessions = sessions

    async def change_password(self, principal: Principal, confirmation: Confirmation, new: str) -> None:
        """Replace the password and revoke the user's other sessions.

        Raises InvalidInput (`weak_password`), and as `Reauthentication.reauthenticate` for `oldPassword`.
        """
        user_id = principal.user_id
        await self._check_rules(user_id, new)
        await self._reauthentication.confirm(principal, confirmation, "oldPassword")
        new_hash = await self._passwords.hash(new, "newPassword")

        async def change(work: WorkContext) -> None:
            await self._reauthentication.require(principal)
            await self._replace(work, user_id, new_hash, except_id=principal.session_id)

        await self._unit_of_work.run(change)
        await self._revocations.propagate(user_id)

    async def request_reset(self, email: str) -> None:
        """Request a password reset e-mail; behaves the same whether or not an account has this address.

        E-mails above the budget are not sent, without an error: an error would let a stranger keep the owner of the
        address from recovering the account, and the last e-mail that was sent is still valid.
        """

        async def request(work: WorkContext) -> None:
            work.emit(PasswordResetRequested(normalize(email)))

        await self._unit_of_work.run(request)

    async def reset_password(self, token: str, new: str) -> str:
        """Replace the password of the user with this reset token, revoke all sessions and delete all reset tokens.

        Returns a device token, so that failed sign-ins of strangers do not delay the user's next sign-in.

        The token proves that the address is the user's, so a pending address becomes verified.

        Raises InvalidInput: `weak_password`; `invalid_reset_token`, with the same text for unknown, used and expired
        tokens.
        """
        found = await self._tokens.find(EmailTokenPurpose.RESET, token)
        user_id = found.user_id
        # The token is checked before the password is hashed, which is expensive.
        user = await self._check_rules(user_id, new)
        password_hash = await self._passwords.hash(new, "newPassword")
        try:
            await self._unit_of_work.run(partial(self._reset, user_id, token, password_hash))
        except DuplicateKey as error:  # another account has verified the address since then
            raise invalid_email_token(EmailTokenPurpose.RESET) from error
        await self._revocations.propagate(user_id)
        if user is not None:
            await self._authentication.forget_failures(user.username, found.email)
        return self._authentication.remember_device(user_id)

    async def _check_rules(self, user_id: UserId, password: str) -> ContactRow | None:
        user = await self._users.get_contact(user_id)
        if user is not None:
            await self._password_rules.check(
                password, PasswordOwner(user.username, user.email), "newPassword"
            )
        return user

    async def _reset(self, user_id: UserId, token: str, password_hash: str, work: WorkContext) -> None:
        # The lock lets one of several concurrent requests use the token; the others find it deleted.
        user = await self._addresses.lock(user_id)
        row = await self._tokens.find(EmailTokenPurpose.RESET, token)
        if user is None or not await self._verification.confirm(work, user, row.email):
            raise invalid_email_token(EmailTokenPurpose.RESET)
        await self._replace(work, user_id, password_hash)

    async def _replace(
        self, work: WorkContext, user_id: UserId, password_hash: str, except_id: SessionId | None = None
    ) -> None:
        await self._logins.set_password_hash(user_id, password_hash, work.now_ms())
        await self._tokens.delete(user_id, (EmailTokenPurpose.RESET,))
        await self._verification.cancel_change(user_id)
        await self._revocations.revoke_all(work, user_id, except_id)
        await self._sessions.clear_reauthenticated(user_id)
        work.emit(PasswordChanged(user_id))
