"""E-mails about archives that are ready."""

from server.clock import moment
from server.ids import ExportId, UserId
from server.models.accounts.users import UserRepository
from server.models.portability.exports import ExportRepository
from server.services.emails.delivery import EmailDelivery, EmailKind
from server.services.emails.messages import export_ready_email
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs


class ExportEmails:
    """`page_url` is a page of the client that shows the archive to its owner, who has to sign in."""

    def __init__(
        self,
        exports: ExportRepository,
        users: UserRepository,
        jobs: Jobs,
        delivery: EmailDelivery,
        page_url: str,
    ) -> None:
        self._exports = exports
        self._users = users
        self._jobs = jobs
        self._delivery = delivery
        self._page_url = page_url

    async def send_ready(self, claim: Claim) -> None:
        """Notify the owner. The e-mail has no link to the archive itself, because e-mails are forwarded.

        A job that runs twice may send it twice, with the same Message-ID.
        """
        row = await self._exports.find(ExportId(claim.payload["export_id"]))
        user = await self._users.get_contact(UserId(claim.payload["user_id"]))
        if user is not None and row is not None and row.expires_at_ms is not None:
            date = f"{moment(row.expires_at_ms):%Y-%m-%d %H:%M} UTC"
            email = export_ready_email(claim.key, user.email, user.name, date, self._page_url)
            await self._delivery.send(EmailKind.EXPORT_READY, email, attempt=claim.attempts)
        await self._jobs.finish(claim)
