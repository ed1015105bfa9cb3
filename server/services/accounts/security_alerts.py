"""E-mails that let owners notice sign-ins, and attempts to sign in, by other people.

Each is a job of the queue `email`. A job that runs twice may send an e-mail twice, with the same Message-ID.
"""

from collections.abc import Mapping
from functools import partial

import structlog

from server.clock import moment
from server.events import SecondFactorFailed, SignInsFailed
from server.ids import UserId
from server.models.accounts.email_tokens import EmailTokenPurpose
from server.models.accounts.users import ContactRow, UserRepository
from server.services.accounts.account_links import AccountLinks
from server.services.accounts.email_tokens import EmailTokens
from server.services.accounts.second_factor_changes import SecondFactorChange
from server.services.accounts.usernames import normalize
from server.services.emails.delivery import EmailDelivery, EmailKind
from server.services.emails.messages import (
    SignInChange,
    SignInDetails,
    new_sign_in_email,
    second_factor_failed_email,
    sign_in_change_email,
    sign_ins_failed_email,
)
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

log = structlog.get_logger(__name__)


_SECOND_FACTOR_TEXTS: Mapping[SecondFactorChange, SignInChange] = {
    SecondFactorChange.ENABLED: SignInChange(
        "Two-step sign-in was turned on",
        "Signing in to your account now needs a code of an authenticator app.",
    ),
    SecondFactorChange.DISABLED: SignInChange(
        "Two-step sign-in was turned off", "Signing in to your account no longer needs a code."
    ),
    SecondFactorChange.REMOVED: SignInChange(
        "Two-step sign-in was removed",
        "The operator of the service, or a link in an e-mail that takes the account back, removed two-step sign-in:"
        " signing in to your account no longer needs a code.",
    ),
    SecondFactorChange.RECOVERY_CODE_USED: SignInChange(
        "A recovery code was used", "A recovery code of your account was used. It is not valid any more."
    ),
    SecondFactorChange.RECOVERY_CODES_RENEWED: SignInChange(
        "New recovery codes were created",
        "New recovery codes were created for your account. The earlier ones are not valid any more.",
    ),
}


class SecurityAlerts:
    """A sign-in requests its e-mail with `SignedInOnNewDevice`, in the transaction that creates the session."""

    def __init__(
        self,
        users: UserRepository,
        tokens: EmailTokens,
        links: AccountLinks,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        delivery: EmailDelivery,
    ) -> None:
        self._users = users
        self._tokens = tokens
        self._links = links
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._delivery = delivery

    async def report_failed_sign_ins(self, user_id: UserId, failures: int) -> None:
        """Request an e-mail about wrong passwords. The caller decides when there were enough of them."""

        async def request(work: WorkContext) -> None:
            work.emit(SignInsFailed(user_id, failures))

        await self._unit_of_work.run(request)

    async def report_failed_codes(self, user_id: UserId) -> None:
        """Request an e-mail about wrong codes. The caller decides when there were enough of them."""

        async def request(work: WorkContext) -> None:
            work.emit(SecondFactorFailed(user_id))

        await self._unit_of_work.run(request)

    async def send_second_factor_changed(self, claim: Claim) -> None:
        """Notify the owner, at the address at the time of the change, unless its link is no longer valid."""
        payload, change = claim.payload, SecondFactorChange(claim.payload["change"])
        log.info("second_factor_changed", user_id=payload["user_id"], change=change.value)
        token = self._tokens.derive(payload["recovery_id"])
        user = await self._users.get_contact(payload["user_id"])
        email = await self._tokens.find_email(EmailTokenPurpose.RECOVER, token)
        if user is not None and email is not None:
            text, link = _SECOND_FACTOR_TEXTS[change], self._links.recover(token)
            message = sign_in_change_email(claim.key, email, user.name, text, link)
            await self._delivery.send(EmailKind.SECOND_FACTOR, message, attempt=claim.attempts)
        await self._jobs.finish(claim)

    async def send_second_factor_failed(self, claim: Claim) -> None:
        """Notify the owner of wrong codes."""
        user = await self._users.get_contact(claim.payload["user_id"])
        if user is not None:
            email = second_factor_failed_email(claim.key, user.email, user.name)
            await self._delivery.send(EmailKind.SECOND_FACTOR, email, attempt=claim.attempts)
        await self._jobs.finish(claim)

    async def send_new_sign_in(self, claim: Claim) -> None:
        """Notify the owner of a sign-in on a new device, with a link that takes the account back."""
        payload = claim.payload
        user = await self._users.get_contact(payload["user_id"])
        token = (
            await self._unit_of_work.run(partial(self._issue_recovery, user)) if user is not None else None
        )
        if user is not None and token is not None:
            time = f"{moment(payload['at_ms']):%Y-%m-%d %H:%M} UTC"
            details = SignInDetails(time, payload["user_agent"], payload["address"])
            email = new_sign_in_email(claim.key, user.email, user.name, details, self._links.recover(token))
            await self._delivery.send(EmailKind.NEW_SIGN_IN, email, attempt=claim.attempts)
        await self._jobs.finish(claim)

    async def send_sign_ins_failed(self, claim: Claim) -> None:
        """Notify the owner of wrong passwords."""
        user = await self._users.get_contact(claim.payload["user_id"])
        if user is not None:
            email = sign_ins_failed_email(claim.key, user.email, user.name, claim.payload["failures"])
            await self._delivery.send(EmailKind.SIGN_INS_FAILED, email, attempt=claim.attempts)
        await self._jobs.finish(claim)

    async def _issue_recovery(self, user: ContactRow, work: WorkContext) -> str | None:
        """Return a token for the user's address; None without one, or if it changed since `user` was read.

        A token for an address that was replaced in the meantime would outlive a recovery.
        """
        locked = await self._users.lock_contact(normalize(user.email))
        if locked is None or locked.id != user.id:
            return None
        return await self._tokens.create(work, EmailTokenPurpose.RECOVER, user.id, user.email, user.now_ms)
