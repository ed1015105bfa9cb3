"""E-mails that let owners notice when another person adds or removes a way to sign in."""

from collections.abc import Mapping
from enum import StrEnum

from server.events import SignInMethodChanged
from server.ids import UserId
from server.models.accounts.email_tokens import EmailTokenPurpose
from server.models.accounts.users import UserRepository
from server.services.accounts.account_links import AccountLinks
from server.services.accounts.email_tokens import EmailTokens
from server.services.emails.delivery import EmailDelivery, EmailKind
from server.services.emails.messages import SignInChange, sign_in_change_email
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import WorkContext


class MethodChange(StrEnum):
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    PASSKEY_COPIED = "passkey_copied"
    PROVIDER_LINKED = "provider_linked"
    PROVIDER_UNLINKED = "provider_unlinked"


# `{}` is the name of the passkey or provider.
_TEXTS: Mapping[MethodChange, SignInChange] = {
    MethodChange.PASSKEY_ADDED: SignInChange(
        "A passkey was added to your account", "The passkey “{}” can now be used to sign in to your account."
    ),
    MethodChange.PASSKEY_REMOVED: SignInChange(
        "A passkey was removed from your account",
        "The passkey “{}” can no longer be used to sign in to your account.",
    ),
    MethodChange.PASSKEY_COPIED: SignInChange(
        "A sign-in with a passkey was refused",
        "A sign-in with the passkey “{}” was refused, because the passkey may have been copied. If you do not know"
        " why, remove it from your account.",
    ),
    MethodChange.PROVIDER_LINKED: SignInChange(
        "An identity provider was linked to your account",
        "An account at the provider “{}” can now be used to sign in to your account.",
    ),
    MethodChange.PROVIDER_UNLINKED: SignInChange(
        "An identity provider was removed from your account",
        "The provider “{}” can no longer be used to sign in to your account.",
    ),
}


class MethodAlerts:
    def __init__(
        self,
        users: UserRepository,
        tokens: EmailTokens,
        links: AccountLinks,
        jobs: Jobs,
        delivery: EmailDelivery,
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._links = links
        self._jobs = jobs
        self._delivery = delivery

    async def report(self, work: WorkContext, user_id: UserId, change: MethodChange, name: str) -> None:
        """Request an e-mail in the transaction of the change, to a verified address.

        The link that takes the account back is reserved, so that it does not depend on when the e-mail is sent.
        """
        user = await self._users.get_contact(user_id)
        if user is None or not user.email:
            return
        recovery_id = await self._tokens.reserve(
            work, EmailTokenPurpose.RECOVER, user_id, user.email, user.now_ms
        )
        work.emit(SignInMethodChanged(user_id, change, name, recovery_id))

    async def send(self, claim: Claim) -> None:
        """Notify the owner, at the address at the time of the change, unless the link is no longer valid."""
        payload = claim.payload
        token = self._tokens.derive(payload["recovery_id"])
        user = await self._users.get_contact(payload["user_id"])
        address = await self._tokens.find_email(EmailTokenPurpose.RECOVER, token)
        if user is not None and address is not None:
            text = _TEXTS[MethodChange(payload["change"])]
            filled = SignInChange(text.subject, text.headline.format(payload["name"]))
            email = sign_in_change_email(claim.key, address, user.name, filled, self._links.recover(token))
            await self._delivery.send(EmailKind.SIGN_IN_METHOD, email, attempt=claim.attempts)
        await self._jobs.finish(claim)
