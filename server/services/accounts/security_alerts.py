"""E-mails that let owners notice sign-ins, and attempts to sign in, by other people.

Each is a job of the queue `email`. A job that runs twice may send an e-mail twice, with the same Message-ID.
"""

import structlog

from server.clock import moment
from server.events import SignInsFailed
from server.gateways.email.email import Email, EmailRefused, EmailSender
from server.ids import UserId
from server.models.accounts.users import UserRepository
from server.services.emails.messages import SignInDetails, new_sign_in_email, sign_ins_failed_email
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

log = structlog.get_logger(__name__)


class SecurityAlerts:
    """`sessions_url` is the client's page that lists sessions and ends them.

    A sign-in requests its e-mail with the event `SignedInOnNewDevice`, in the transaction that creates the session.
    """

    def __init__(
        self,
        users: UserRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        sender: EmailSender,
        sessions_url: str,
    ) -> None:
        self._users = users
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._sender = sender
        self._sessions_url = sessions_url

    async def report_failed_sign_ins(self, user_id: UserId, failures: int) -> None:
        """Request an e-mail about wrong passwords. The caller decides when there were enough of them."""

        async def request(work: WorkContext) -> None:
            work.emit(SignInsFailed(user_id, failures))

        await self._unit_of_work.run(request)

    async def send_new_sign_in(self, claim: Claim) -> None:
        """Notify the owner of a sign-in on a new device."""
        payload = claim.payload
        user = await self._users.get_contact(payload["user_id"])
        if user is not None:
            time = f"{moment(payload['at_ms']):%Y-%m-%d %H:%M} UTC"
            details = SignInDetails(time, payload["user_agent"], payload["address"])
            await self._send(
                claim, new_sign_in_email(_key(claim), user.email, user.name, details, self._sessions_url)
            )
        await self._jobs.finish(claim)

    async def send_sign_ins_failed(self, claim: Claim) -> None:
        """Notify the owner of wrong passwords."""
        user = await self._users.get_contact(claim.payload["user_id"])
        if user is not None:
            failures = claim.payload["failures"]
            await self._send(claim, sign_ins_failed_email(_key(claim), user.email, user.name, failures))
        await self._jobs.finish(claim)

    async def _send(self, claim: Claim, email: Email) -> None:
        try:
            await self._sender.send(email)
        except EmailRefused as error:  # A retry would be refused as well.
            user_id = claim.payload["user_id"]
            log.warning("email_refused", kind=claim.kind, user_id=user_id, reason=error.reason)


def _key(claim: Claim) -> str:
    return f"{claim.kind}-{claim.id}"
