"""Changes to second factors that their owners get an e-mail about; `security_alerts` sends it."""

from enum import StrEnum

from server.events import SecondFactorChanged
from server.ids import UserId
from server.models.accounts.email_tokens import EmailTokenPurpose
from server.models.accounts.users import UserRepository
from server.services.accounts.email_tokens import EmailTokens
from server.services.jobs.unit_of_work import WorkContext


class SecondFactorChange(StrEnum):
    ENABLED = "enabled"
    DISABLED = "disabled"
    REMOVED = "removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    RECOVERY_CODES_RENEWED = "recovery_codes_renewed"


class SecondFactorChanges:
    def __init__(self, users: UserRepository, tokens: EmailTokens) -> None:
        self._users = users
        self._tokens = tokens

    async def report(self, work: WorkContext, user_id: UserId, change: SecondFactorChange) -> None:
        """Request an e-mail in the transaction of the change, with a link that takes the account back.

        The link is reserved, so that it is valid as long as the change is recent, whenever the e-mail is sent.
        """
        user = await self._users.get_contact(user_id)
        recovery_id = 0
        if user is not None and user.email:
            recovery_id = await self._tokens.reserve(
                work, EmailTokenPurpose.RECOVER, user_id, user.email, user.now_ms
            )
        work.emit(SecondFactorChanged(user_id, change, recovery_id))
