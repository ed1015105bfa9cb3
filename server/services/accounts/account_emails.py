"""Account e-mails: the password reset link, and notices that a password or an address changed.

Each is a job of the queue `email` and is retried while the SMTP server is unavailable. A job that runs twice may send
an e-mail twice, with the same Message-ID.
"""

from functools import partial
from urllib.parse import urlencode

import structlog

from server.gateways.email.email import Email, EmailRefused, EmailSender
from server.ids import UserId
from server.models.accounts.password_resets import PasswordResetRepository, PasswordResetRow
from server.models.accounts.users import ContactRow, UserRepository
from server.services.accounts.tokens import hash_reset_token, new_reset_token
from server.services.emails.messages import (
    address_changed_email,
    password_changed_email,
    password_reset_email,
)
from server.services.jobs.claims import Claim
from server.services.jobs.jobs import Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

log = structlog.get_logger(__name__)


class AccountEmails:
    """`reset_url` is the page that accepts a new password; the token is added to its query, valid for `reset_ttl_s`."""

    def __init__(
        self,
        users: UserRepository,
        resets: PasswordResetRepository,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        sender: EmailSender,
        reset_url: str,
        reset_ttl_s: int,
    ) -> None:
        self._users = users
        self._resets = resets
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._sender = sender
        self._reset_url = reset_url
        self._reset_ttl_s = reset_ttl_s

    async def send_reset(self, claim: Claim) -> None:
        """Send a reset link to the user with this address, at the spelling that the user registered.

        The token is created here so that it is stored nowhere in clear text. Each attempt creates another one, because
        the e-mail of an attempt that seemed to fail may have arrived.
        """
        token = new_reset_token()
        user = await self._unit_of_work.run(partial(self._save_reset, token, claim.payload["email_key"]))
        if user is not None:
            link = f"{self._reset_url}{'&' if '?' in self._reset_url else '?'}{urlencode({'token': token})}"
            minutes = max(1, self._reset_ttl_s // 60)
            email = password_reset_email(_key(claim), user.email, user.name, link, minutes)
            await self._send(claim, user.id, email)
        await self._jobs.finish(claim)

    async def send_password_changed(self, claim: Claim) -> None:
        """Notify the owner, because another person may have changed the password."""
        user = await self._users.get_contact(claim.payload["user_id"])
        if user is not None:
            await self._send(claim, user.id, password_changed_email(_key(claim), user.email, user.name))
        await self._jobs.finish(claim)

    async def send_address_changed(self, claim: Claim) -> None:
        """Notify the previous address, because another person may have entered the new one."""
        user_id, previous, email = (claim.payload[name] for name in ("user_id", "previous", "email"))
        user = await self._users.get_contact(user_id)
        if user is not None:
            message = address_changed_email(_key(claim), previous, user.name, email)
            await self._send(claim, user.id, message)
        await self._jobs.finish(claim)

    async def _save_reset(self, token: str, email_key: str, work: WorkContext) -> ContactRow | None:
        """Save the token for the user with this address; return None without one.

        The lock on the user orders this with a change of the address: either the change comes first and no token is
        saved, or it comes second and deletes the token.
        """
        user = await self._users.lock_contact(email_key)
        if user is not None:
            expires_at_ms = user.now_ms + self._reset_ttl_s * 1000
            await self._resets.insert(
                PasswordResetRow(work.new_id(), user.id, hash_reset_token(token), user.now_ms, expires_at_ms)
            )
        return user

    async def _send(self, claim: Claim, user_id: UserId, email: Email) -> None:
        try:
            await self._sender.send(email)
        except EmailRefused as error:  # A retry would be refused as well.
            log.warning("email_refused", kind=claim.kind, user_id=user_id, reason=error.reason)


def _key(claim: Claim) -> str:
    return f"{claim.kind}-{claim.id}"
