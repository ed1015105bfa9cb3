"""The letters that an account causes: a link for whoever forgot their password, and word that it or the address was
changed.

Each is a job of the queue `email`, tried again while the mail server does not take it. Run twice, it may send a letter
twice, under the same Message-ID.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import structlog

from server.gateways.email.email import Email, EmailRefused, EmailSender
from server.ids import UserId
from server.models.accounts.password_resets import PasswordResetTable
from server.models.database import Database
from server.services.accounts.tokens import new_reset_token, reset_hash
from server.services.emails.messages import (
    address_changed_email,
    password_changed_email,
    password_reset_email,
)
from server.services.jobs.jobs import Claim, Jobs
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext

log = structlog.get_logger(__name__)


class AccountEmails:
    """`reset_url` is the page that takes a new password; the token is added to its query. It is good for
    `reset_ttl_s`."""

    def __init__(
        self,
        database: Database,
        unit_of_work: UnitOfWork,
        jobs: Jobs,
        mail: EmailSender,
        reset_url: str,
        reset_ttl_s: int,
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._mail = mail
        self._reset_url = reset_url
        self._reset_ttl_s = reset_ttl_s

    async def send_reset(self, claim: Claim) -> None:
        """Mail a link to whoever has the address; to their own spelling of it, not to the asker's.

        The token is made here, so that it is nowhere at rest. Each attempt makes another: the letter of an attempt that
        seemed to fail may have arrived.
        """
        token = new_reset_token()
        user = await self._keep(token, claim.payload["email_key"])
        if user is not None:
            link = f"{self._reset_url}{'&' if '?' in self._reset_url else '?'}{urlencode({'token': token})}"
            minutes = max(1, self._reset_ttl_s // 60)
            letter = password_reset_email(_key(claim), user["email"], user["username"], link, minutes)
            await self._send(claim, UserId(user["id"]), letter)
        await self._jobs.finish(claim)

    async def send_password_changed(self, claim: Claim) -> None:
        """Tell the owner, who may not be the one who changed it."""
        rows = await self._database.rows(
            "SELECT id, username, email FROM users WHERE id = ?", [claim.payload["user_id"]]
        )
        if rows:
            letter = password_changed_email(_key(claim), rows[0]["email"], rows[0]["username"])
            await self._send(claim, UserId(rows[0]["id"]), letter)
        await self._jobs.finish(claim)

    async def send_address_changed(self, claim: Claim) -> None:
        """Tell whoever has the address before, which may be the owner's when the new one is not."""
        user_id, previous, email = (claim.payload[name] for name in ("user_id", "previous", "email"))
        rows = await self._database.rows("SELECT username FROM users WHERE id = ?", [user_id])
        if rows:
            letter = address_changed_email(_key(claim), previous, rows[0]["username"], email)
            await self._send(claim, UserId(user_id), letter)
        await self._jobs.finish(claim)

    async def _keep(self, token: str, email_key: str) -> Mapping[str, Any] | None:
        """Whose token it is from now on; None: nobody has the address.

        Their row is ours until the commit, so whoever gives the address up meanwhile does so before, and gets none, or
        after, and takes it back.
        """
        now = self._database.now_ms

        async def body(work: WorkContext) -> Mapping[str, Any] | None:
            rows = await self._database.rows(
                f"SELECT id, username, email, {now} AS now_ms FROM users WHERE email_key = ?"
                f"{self._database.for_update}",
                [email_key],
            )
            if not rows:
                return None
            await PasswordResetTable.create(
                id=work.new_id(),
                user_id=rows[0]["id"],
                token_hash=reset_hash(token),
                created_at_ms=rows[0]["now_ms"],
                expires_at_ms=rows[0]["now_ms"] + self._reset_ttl_s * 1000,
            )
            return rows[0]

        return await self._unit_of_work.run(body)

    async def _send(self, claim: Claim, user_id: UserId, letter: Email) -> None:
        try:
            await self._mail.send(letter)
        except EmailRefused as error:  # it would be refused again
            log.warning("email_refused", kind=claim.kind, user_id=user_id, reason=error.detail)


def _key(claim: Claim) -> str:
    return f"{claim.kind}-{claim.id}"
