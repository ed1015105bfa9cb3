"""Credentials: how a password is changed, and how one that was forgotten is replaced.

Both end sessions in the transaction that changes the password. The letters are `account_mail`'s.
"""

from server.errors import InvalidInput
from server.events import PasswordChanged, PasswordResetRequested
from server.gateways.passwords import Passwords
from server.ids import SessionId, UserId
from server.models.database import Database
from server.services.accounts.revocations import Revocations
from server.services.accounts.tokens import reset_hash
from server.services.accounts.usernames import normalize
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Principal


class Credentials:
    def __init__(
        self, database: Database, unit_of_work: UnitOfWork, passwords: Passwords, revocations: Revocations
    ) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._passwords = passwords
        self._revocations = revocations

    async def change(self, asker: Principal, old: str, new: str) -> None:
        """Replace a password; the asker's other sessions end. Raises InvalidInput (`wrong_password`)."""
        user_id = asker.user_id
        rows = await self._database.rows("SELECT password_hash FROM users WHERE id = ?", [user_id])
        known: str | None = rows[0]["password_hash"] if rows else None
        if not await self._passwords.matches(old, known):
            raise _wrong_password()
        password_hash = await self._passwords.hash(new, "newPassword")

        async def body(work: WorkContext) -> None:
            if await self._locked_hash(user_id) != known:
                raise _wrong_password()  # changed by somebody else meanwhile
            await self._replace(work, user_id, password_hash, but=asker.session_id)

        await self._unit_of_work.run(body)
        await self._revocations.tell(user_id)

    async def forget(self, email: str) -> None:
        """Have a link mailed to whoever has this address. Does the same whether or not somebody has it."""

        async def body(work: WorkContext) -> None:
            work.emit(PasswordResetRequested(normalize(email)))

        await self._unit_of_work.run(body)

    async def reset(self, token: str, new: str) -> None:
        """Replace the password of whoever was mailed `token`; all their sessions end, and all their tokens are spent.

        Raises InvalidInput (`invalid_reset_token`), in the same words for what is unknown, spent or expired.
        """
        token_hash = reset_hash(token)
        user_id = await self._owner(token_hash)
        if user_id is None:  # before the password is hashed, which is dear
            raise _invalid_token()
        password_hash = await self._passwords.hash(new, "newPassword")

        async def body(work: WorkContext) -> None:
            await self._locked_hash(
                user_id
            )  # of several at once one comes first, and the others find nothing
            if await self._owner(token_hash) != user_id:
                raise _invalid_token()
            await self._replace(work, user_id, password_hash)

        await self._unit_of_work.run(body)
        await self._revocations.tell(user_id)

    async def _replace(
        self, work: WorkContext, user_id: UserId, password_hash: str, but: SessionId | None = None
    ) -> None:
        await self._database.execute(
            "UPDATE users SET password_hash = ?, password_changed_at_ms = ? WHERE id = ?",
            [password_hash, work.now_ms(), user_id],
        )
        await self._database.execute("DELETE FROM password_resets WHERE user_id = ?", [user_id])
        await self._revocations.revoke_all(work, user_id, but)
        work.emit(PasswordChanged(user_id))

    async def _locked_hash(self, user_id: UserId) -> str | None:
        """The user's password hash; the row is ours until the commit."""
        rows = await self._database.rows(
            f"SELECT password_hash FROM users WHERE id = ?{self._database.for_update}", [user_id]
        )
        return rows[0]["password_hash"] if rows else None

    async def _owner(self, token_hash: str) -> UserId | None:
        rows = await self._database.rows(
            f"SELECT user_id FROM password_resets WHERE token_hash = ? AND expires_at_ms > {self._database.now_ms}",
            [token_hash],
        )
        return UserId(rows[0]["user_id"]) if rows else None


def _wrong_password() -> InvalidInput:
    return InvalidInput(
        "The old password is wrong.", code="wrong_password", fields={"oldPassword": ["Not your password."]}
    )


def _invalid_token() -> InvalidInput:
    return InvalidInput(
        "This link is not valid any more: ask for another.",
        code="invalid_reset_token",
        fields={"token": ["Unknown, used or expired."]},
    )
