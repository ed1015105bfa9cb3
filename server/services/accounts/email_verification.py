"""Verification and change of e-mail addresses.

An address belongs to the account that verifies it first. Until then any number of accounts may have entered it, and no
answer says so. `account_emails` sends the e-mails.
"""

from functools import partial

from server.errors import Forbidden
from server.events import EmailChanged, EmailVerificationRequested
from server.ids import UserId
from server.models.accounts.email_addresses import AddressRow, EmailAddressRepository
from server.models.accounts.email_tokens import EmailTokenPurpose
from server.models.database import DuplicateKey
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.email_tokens import EmailTokens, invalid_email_token
from server.services.accounts.usernames import normalize
from server.services.emails.suppressions import Suppressions
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Confirmation, Principal


class EmailVerification:
    def __init__(
        self,
        addresses: EmailAddressRepository,
        suppressions: Suppressions,
        unit_of_work: UnitOfWork,
        reauthentication: Reauthentication,
        tokens: EmailTokens,
    ) -> None:
        self._addresses = addresses
        self._suppressions = suppressions
        self._unit_of_work = unit_of_work
        self._reauthentication = reauthentication
        self._tokens = tokens

    async def request_change(self, principal: Principal, confirmation: Confirmation, email: str) -> None:
        """Store an address as pending and request an e-mail to it. The current address stays until it is verified.

        Raises as `Reauthentication.reauthenticate`.
        """
        await self._reauthentication.confirm(principal, confirmation)

        async def request(work: WorkContext) -> None:
            await self._reauthentication.require(principal)
            await self._addresses.set_pending(principal.user_id, email, normalize(email))
            work.emit(EmailVerificationRequested(principal.user_id))

        await self._unit_of_work.run(request)

    async def resend(self, user_id: UserId) -> None:
        """Request another verification e-mail, if there is an address to verify."""

        async def request(work: WorkContext) -> None:
            work.emit(EmailVerificationRequested(user_id))

        await self._unit_of_work.run(request)

    async def require_verified(self, user_id: UserId) -> None:
        """Raise Forbidden (`email_not_verified`) unless the user's address is verified."""
        if not await self._addresses.is_verified(user_id):
            raise Forbidden("Verify your e-mail address first.", code="email_not_verified")

    async def verify(self, token: str) -> None:
        """Make the address that the token was sent to the user's address, and end its unsubscriptions.

        Raises InvalidInput (`invalid_verification_token`), also if another account has verified the address.
        """
        user_id = (await self._tokens.find(EmailTokenPurpose.VERIFY, token)).user_id
        try:
            await self._unit_of_work.run(partial(self._verify, user_id, token))
        except DuplicateKey as error:
            raise invalid_email_token(EmailTokenPurpose.VERIFY) from error

    async def mark_verified(self, user_id: UserId) -> None:
        """Verify the pending address without an e-mail, for sample data. Raises DuplicateKey."""

        async def mark(work: WorkContext) -> None:
            user = await self._addresses.lock(user_id)
            if user is not None and user.pending_email:
                await self.confirm(work, user, user.pending_email)

        await self._unit_of_work.run(mark)

    async def confirm(self, work: WorkContext, user: AddressRow, email: str) -> bool:
        """Make an address that the locked user proved to own the user's address. Raises DuplicateKey.

        Return False if the user has entered another address since then. Links that were sent to the previous address
        become invalid.
        """
        key, current_key = normalize(email), normalize(user.email)
        if key != normalize(user.pending_email):
            return key == current_key
        await self._addresses.set_verified(user.id, email, key, user.now_ms)
        await self._tokens.delete(user.id, (EmailTokenPurpose.VERIFY, EmailTokenPurpose.RESET))
        if user.email and key != current_key:
            recovery_id = await self._tokens.reserve(
                work, EmailTokenPurpose.RECOVER, user.id, user.email, user.now_ms
            )
            work.emit(EmailChanged(user.id, user.email, email, recovery_id))
        return True

    async def cancel_change(self, user_id: UserId) -> None:
        """Drop the address that was to replace the verified one, and its links, if there is a verified one.

        A person who knew the password may have entered it.
        """
        if await self._addresses.clear_pending(user_id):
            await self._tokens.delete(user_id, (EmailTokenPurpose.VERIFY,))

    async def _verify(self, user_id: UserId, token: str, work: WorkContext) -> None:
        user = await self._addresses.lock(user_id)
        row = await self._tokens.find(EmailTokenPurpose.VERIFY, token)
        if user is None or not await self.confirm(work, user, row.email):
            raise invalid_email_token(EmailTokenPurpose.VERIFY)
        await self._tokens.delete(user_id, (EmailTokenPurpose.VERIFY,))
        await self._suppressions.lift(row.email)
