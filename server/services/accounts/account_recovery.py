"""Recovery of an account from another person, with a link that was e-mailed to its owner."""

import secrets
from functools import partial

from server.errors import Conflict
from server.gateways.passwords import Passwords
from server.ids import UserId
from server.models.accounts.email_addresses import EmailAddressRepository
from server.models.accounts.email_tokens import EmailTokenPurpose
from server.models.accounts.logins import LoginRepository
from server.models.database import DuplicateKey
from server.services.accounts.authentication.second_factor_removal import SecondFactorRemoval
from server.services.accounts.email_tokens import EmailTokens, invalid_email_token
from server.services.accounts.passwordless.sign_in_methods import MethodList
from server.services.accounts.revocations import Revocations
from server.services.accounts.usernames import normalize
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext


class AccountRecovery:
    def __init__(
        self,
        addresses: EmailAddressRepository,
        logins: LoginRepository,
        unit_of_work: UnitOfWork,
        passwords: Passwords,
        tokens: EmailTokens,
        revocations: Revocations,
        second_factor_removal: SecondFactorRemoval,
        methods: MethodList,
    ) -> None:
        self._addresses = addresses
        self._logins = logins
        self._unit_of_work = unit_of_work
        self._passwords = passwords
        self._tokens = tokens
        self._revocations = revocations
        self._second_factor_removal = second_factor_removal
        self._methods = methods

    async def recover(self, token: str) -> str:
        """Restore the address that the token was sent to, revoke all sessions and invalidate the password.

        Return a reset token for a new password. Links of later e-mails become invalid, because another person may have
        received them; links of earlier ones stay valid.

        A second factor, a passkey or an identity provider that was added while a link may be used is removed, because
        the other person may have added it. Older ones stay: a person who reads the owner's e-mails must not get around
        them.

        Raises InvalidInput (`invalid_recovery_token`), and Conflict (`email_in_use`) if another account has verified
        the address since then.
        """
        user_id = (await self._tokens.find(EmailTokenPurpose.RECOVER, token)).user_id
        nobodys_password = await self._passwords.hash(secrets.token_urlsafe(32))
        try:
            reset_token = await self._unit_of_work.run(
                partial(self._recover, user_id, token, nobodys_password)
            )
        except DuplicateKey as error:
            raise Conflict(
                "Another account uses your e-mail address. Change its address first.", code="email_in_use"
            ) from error
        await self._revocations.propagate(user_id)
        return reset_token

    async def _recover(self, user_id: UserId, token: str, password_hash: str, work: WorkContext) -> str:
        user = await self._addresses.lock(user_id)
        row = await self._tokens.find(EmailTokenPurpose.RECOVER, token)
        if user is None:
            raise invalid_email_token(EmailTokenPurpose.RECOVER)
        await self._addresses.set_verified(user_id, row.email, normalize(row.email), user.now_ms)
        await self._logins.set_password_hash(user_id, password_hash, work.now_ms())
        await self._revocations.revoke_all(work, user_id)
        await self._tokens.delete(user_id, (EmailTokenPurpose.RECOVER,), from_id=row.id)
        await self._tokens.delete(user_id, (EmailTokenPurpose.VERIFY, EmailTokenPurpose.RESET))
        recent_ms = user.now_ms - self._tokens.ttl_s[EmailTokenPurpose.RECOVER] * 1000
        await self._second_factor_removal.remove_newer(work, user_id, recent_ms)
        await self._methods.remove_newer(user_id, recent_ms)
        return await self._tokens.create(work, EmailTokenPurpose.RESET, user_id, row.email, user.now_ms)
