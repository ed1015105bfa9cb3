"""The job that e-mails a decision of moderators to the person concerned."""

from urllib.parse import urlencode

from server.ids import MAX_ID, ActionId, UserId
from server.models.accounts.users import UserRepository
from server.models.moderation.actions import SANCTIONS, ModerationActionRepository, NoticeRow
from server.services.accounts.appeal_tokens import AppealTokens, appealable_until_ms
from server.services.emails.delivery import EmailDelivery, EmailKind
from server.services.emails.messages import ModerationContent, moderation_email
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.moderation.decision_text import REASONS, date, effect, title


class DecisionEmails:
    """`appeal_url` is the client's page that posts an appeal, with a token in its query.

    A person who cannot sign in has no other way to learn of a decision, so no preference turns these e-mails off.
    """

    def __init__(
        self,
        users: UserRepository,
        actions: ModerationActionRepository,
        tokens: AppealTokens,
        jobs: Jobs,
        delivery: EmailDelivery,
        appeal_url: str,
    ) -> None:
        self._users = users
        self._actions = actions
        self._tokens = tokens
        self._jobs = jobs
        self._delivery = delivery
        self._appeal_url = appeal_url

    async def send(self, claim: Claim) -> None:
        """Send the e-mail to the verified address. A job that runs twice may send it twice, with the same id."""
        user_id, action_id = UserId(claim.payload["user_id"]), ActionId(claim.payload["action_id"])
        user = await self._users.get_contact(user_id)
        notices = await self._actions.list_notices(user_id, MAX_ID, 1, action_id)
        if user is not None and notices:
            email = moderation_email(claim.key, user.email, user.name, await self._content(notices[0]))
            await self._delivery.send(EmailKind.MODERATION, email, attempt=claim.attempts)
        await self._jobs.finish(claim)

    async def _content(self, notice: NoticeRow) -> ModerationContent:
        row = notice.action
        about = None if row.about_id is None else await self._actions.find(row.about_id)
        link = appeal_until = ""
        if row.action in SANCTIONS:
            token = self._tokens.encode(row.author_id, row.id)
            link = f"{self._appeal_url}?{urlencode({'token': token})}"
            appeal_until = date(appealable_until_ms(row.created_at_ms))
        return ModerationContent(
            subject=title(row.action, row.subject_type),
            effect=effect(row, about),
            reason=REASONS.get(row.reason, ""),
            message=row.message,
            excerpt=notice.excerpt,
            appeal_until=appeal_until,
            link=link,
        )
