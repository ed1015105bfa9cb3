"""Account e-mails: links that verify an address or reset a password, and notices of changes to the account.

Each is a job of the queue `email` and is retried while the SMTP server is unavailable. A job that runs twice may send
an e-mail twice, with the same Message-ID. Notices go to verified addresses only.
"""

from dataclasses import dataclass
from functools import partial

from server.clock import moment
from server.ids import UserId
from server.models.accounts.email_addresses import AddressRow, EmailAddressRepository
from server.models.accounts.email_tokens import EmailTokenPurpose
from server.models.accounts.users import UserRepository
from server.services.accounts.account_links import AccountLinks
from server.services.accounts.email_tokens import EmailTokens
from server.services.accounts.usernames import normalize
from server.services.emails.delivery import EmailDelivery, EmailKind
from server.services.emails.messages import (
    address_changed_email,
    address_in_use_email,
    deletion_cancelled_email,
    deletion_requested_email,
    password_changed_email,
    password_reset_email,
    verification_email,
)
from server.services.emails.suppressions import Suppressions
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A new token, the address to send it to, and the name of its account."""

    token: str
    email: str
    username: str


class AccountEmails:
    def __init__(
        self,
        users: UserRepository,
        addresses: EmailAddressRepository,
        suppressions: Suppressions,
        tokens: EmailTokens,
        links: AccountLinks,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        delivery: EmailDelivery,
    ) -> None:
        self._users = users
        self._addresses = addresses
        self._suppressions = suppressions
        self._tokens = tokens
        self._links = links
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._delivery = delivery

    async def send_verification(self, claim: Claim) -> None:
        """Send a verification link to the user's pending address, or to one that has unsubscribed.

        If another account has verified the address, its owner gets an e-mail instead.
        """
        user_id, key = UserId(claim.payload["user_id"]), claim.key
        issued = await self._unit_of_work.run(partial(self._issue_verification, user_id))
        if isinstance(issued, IssuedToken):
            hours = max(1, self._tokens.ttl_s[EmailTokenPurpose.VERIFY] // 3600)
            email = verification_email(
                key, issued.email, issued.username, self._links.verify(issued.token), hours
            )
            await self._delivery.send(
                EmailKind.VERIFICATION, email, attempt=claim.attempts, sender_id=user_id
            )
        elif issued is not None:
            email = address_in_use_email(key, issued.email, issued.username)
            await self._delivery.send(
                EmailKind.ADDRESS_IN_USE, email, attempt=claim.attempts, sender_id=user_id
            )
        await self._jobs.finish(claim)

    async def send_reset(self, claim: Claim) -> None:
        """Send a reset link to the user with this address, at the spelling that the user registered.

        If no account has verified the address, the newest one that entered it gets the link, which verifies it as well.
        """
        issued = await self._unit_of_work.run(partial(self._issue_reset, claim.payload["email_key"]))
        if issued is not None:
            minutes = max(1, self._tokens.ttl_s[EmailTokenPurpose.RESET] // 60)
            email = password_reset_email(
                claim.key, issued.email, issued.username, self._links.reset(issued.token), minutes
            )
            await self._delivery.send(EmailKind.PASSWORD_RESET, email, attempt=claim.attempts)
        await self._jobs.finish(claim)

    async def send_password_changed(self, claim: Claim) -> None:
        """Notify the owner, because another person may have changed the password."""
        user = await self._users.get_contact(claim.payload["user_id"])
        if user is not None:
            email = password_changed_email(claim.key, user.email, user.name)
            await self._delivery.send(EmailKind.PASSWORD_CHANGED, email, attempt=claim.attempts)
        await self._jobs.finish(claim)

    async def send_address_changed(self, claim: Claim) -> None:
        """Notify the previous address, with a link that takes the account back from another person.

        The link was reserved by the change. If an earlier address took the account back since then, it is invalid and
        there is no e-mail.
        """
        user_id, previous, changed_to = (claim.payload[name] for name in ("user_id", "previous", "email"))
        token = self._tokens.derive(claim.payload["recovery_id"])
        user = await self._users.get_contact(user_id)
        if user is not None and await self._tokens.is_valid(EmailTokenPurpose.RECOVER, token):
            days = max(1, self._tokens.ttl_s[EmailTokenPurpose.RECOVER] // 86_400)
            link = self._links.recover(token)
            email = address_changed_email(claim.key, previous, user.username, changed_to, link, days)
            await self._delivery.send(EmailKind.ADDRESS_CHANGED, email, attempt=claim.attempts)
        await self._jobs.finish(claim)

    async def send_deletion_requested(self, claim: Claim) -> None:
        """Tell the owner until when the deletion of the account can be cancelled, unless it was cancelled."""
        user_id, delete_after_ms = UserId(claim.payload["user_id"]), claim.payload["delete_after_ms"]
        user = await self._users.get_contact(user_id)
        if user is not None and await self._users.get_delete_after(user_id) == delete_after_ms:
            date = f"{moment(delete_after_ms):%Y-%m-%d %H:%M} UTC"
            email = deletion_requested_email(claim.key, user.email, user.name, date)
            await self._delivery.send(EmailKind.ACCOUNT_DELETION, email, attempt=claim.attempts)
        await self._jobs.finish(claim)

    async def send_deletion_cancelled(self, claim: Claim) -> None:
        """Notify the owner of a sign-in that cancelled the deletion, unless the account was deleted again."""
        user_id = UserId(claim.payload["user_id"])
        user = await self._users.get_contact(user_id)
        if user is not None and await self._users.get_delete_after(user_id) is None:
            email = deletion_cancelled_email(claim.key, user.email, user.name)
            await self._delivery.send(EmailKind.ACCOUNT_DELETION, email, attempt=claim.attempts)
        await self._jobs.finish(claim)

    async def _issue_verification(
        self, user_id: UserId, work: WorkContext
    ) -> IssuedToken | AddressRow | None:
        """Return a token for the address to verify, the other user who owns it, or None if there is nothing to verify.

        Verifying the user's own address again ends its unsubscriptions.
        """
        user = await self._addresses.lock(user_id)
        if user is None:
            return None
        email = user.pending_email or user.email
        key = normalize(email)
        if not user.pending_email and not await self._suppressions.list_topics(email):
            return None
        owner = await self._addresses.find_owner(key)
        if owner is not None and owner.id != user_id:
            return owner
        return await self._issue(work, EmailTokenPurpose.VERIFY, user, email)

    async def _issue_reset(self, email_key: str, work: WorkContext) -> IssuedToken | None:
        """Return a token for the user with this address; None without one.

        The lock on the user orders this with a change of the address: either the change comes first and no token is
        issued, or it comes second and deletes the token.
        """
        owner = await self._users.lock_contact(email_key)
        if owner is not None:
            user = await self._addresses.lock(owner.id)
        else:
            user = await self._addresses.lock_newest_pending(email_key)
        if user is None:
            return None
        return await self._issue(work, EmailTokenPurpose.RESET, user, user.email or user.pending_email)

    async def _issue(
        self, work: WorkContext, purpose: EmailTokenPurpose, user: AddressRow, email: str
    ) -> IssuedToken:
        token = await self._tokens.create(work, purpose, user.id, email, user.now_ms)
        return IssuedToken(token, email, user.username)
