"""Password changes and password resets.

Both revoke sessions in the transaction that changes the password. `account_emails` sends the e-mails.
"""

import hashlib
from functools import partial

from server.errors import InvalidInput
from server.events import PasswordChanged, PasswordResetRequested
from server.gateways.passwords import Passwords
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.ids import SessionId, UserId
from server.models.accounts.logins import LoginRepository
from server.models.accounts.password_resets import PasswordResetRepository
from server.models.accounts.users import ContactRow, UserRepository
from server.services.accounts.password_authentication import PasswordAuthentication
from server.services.accounts.password_rules import PasswordOwner, PasswordRules
from server.services.accounts.revocations import Revocations
from server.services.accounts.tokens import hash_reset_token
from server.services.accounts.usernames import normalize
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Principal


class ResetBudget:
    """Bounds the reset e-mails that are requested for one address."""

    def __init__(self, counter: RateLimits, limit: Limit) -> None:
        self._counter = counter
        self._limit = limit

    async def spend(self, email_key: str) -> bool:
        """Count one e-mail; return whether it may be sent."""
        digest = hashlib.blake2b(email_key.encode(), digest_size=16).hexdigest()
        (status,) = await self._counter.hit((self._limit,), f"n{digest}")
        return status.wait_s == 0


class Credentials:
    def __init__(  # noqa: PLR0913 - collaborators
        self,
        logins: LoginRepository,
        resets: PasswordResetRepository,
        unit_of_work: UnitOfWork,
        passwords: Passwords,
        password_rules: PasswordRules,
        revocations: Revocations,
        users: UserRepository,
        authentication: PasswordAuthentication,
        reset_budget: ResetBudget | None = None,
    ) -> None:
        self._logins = logins
        self._resets = resets
        self._unit_of_work = unit_of_work
        self._passwords = passwords
        self._password_rules = password_rules
        self._revocations = revocations
        self._users = users
        self._authentication = authentication
        self._reset_budget = reset_budget

    async def change_password(self, principal: Principal, old: str, new: str) -> None:
        """Replace the password and revoke the user's other sessions.

        Raises InvalidInput (`wrong_password`, `weak_password`).
        """
        user_id = principal.user_id
        await self._check_rules(user_id, new)
        old_hash = await self._authentication.confirm(user_id, old)
        if old_hash is None:
            raise _wrong_password()
        new_hash = await self._passwords.hash(new, "newPassword")

        async def change(work: WorkContext) -> None:
            # A concurrent request may have changed the password since it was compared.
            if await self._logins.lock_password_hash(user_id) != old_hash:
                raise _wrong_password()
            await self._replace(work, user_id, new_hash, except_id=principal.session_id)

        await self._unit_of_work.run(change)
        await self._revocations.propagate(user_id)

    async def request_reset(self, email: str) -> None:
        """Request a password reset e-mail; behaves the same whether or not an account has this address.

        Requests above the budget do nothing, without an error: an error would let a stranger keep the owner of the
        address from recovering the account, and the last e-mail that was sent is still valid.
        """
        if self._reset_budget is not None and not await self._reset_budget.spend(normalize(email)):
            return

        async def request(work: WorkContext) -> None:
            work.emit(PasswordResetRequested(normalize(email)))

        await self._unit_of_work.run(request)

    async def reset_password(self, token: str, new: str) -> None:
        """Replace the password of the user with this reset token, revoke all sessions and delete all reset tokens.

        Raises InvalidInput: `weak_password`; `invalid_reset_token`, with the same text for unknown, used and expired
        tokens.
        """
        token_hash = hash_reset_token(token)
        user_id = await self._resets.find_user_id(token_hash)
        if user_id is None:  # Checked before the password is hashed, which is expensive.
            raise _invalid_reset_token()
        user = await self._check_rules(user_id, new)
        password_hash = await self._passwords.hash(new, "newPassword")
        await self._unit_of_work.run(partial(self._reset, user_id, token_hash, password_hash))
        await self._revocations.propagate(user_id)
        if user is not None:
            await self._authentication.forget_failures(user.username, user.email)

    async def _check_rules(self, user_id: UserId, password: str) -> ContactRow | None:
        user = await self._users.get_contact(user_id)
        if user is not None:
            await self._password_rules.check(
                password, PasswordOwner(user.username, user.email), "newPassword"
            )
        return user

    async def _reset(self, user_id: UserId, token_hash: str, password_hash: str, work: WorkContext) -> None:
        # The lock lets one of several concurrent requests use the token; the others find it deleted.
        await self._logins.lock_password_hash(user_id)
        if await self._resets.find_user_id(token_hash) != user_id:
            raise _invalid_reset_token()
        await self._replace(work, user_id, password_hash)

    async def _replace(
        self, work: WorkContext, user_id: UserId, password_hash: str, except_id: SessionId | None = None
    ) -> None:
        await self._logins.set_password_hash(user_id, password_hash, work.now_ms())
        await self._resets.delete_by_user(user_id)
        await self._revocations.revoke_all(work, user_id, except_id)
        work.emit(PasswordChanged(user_id))


def _wrong_password() -> InvalidInput:
    return InvalidInput(
        "The old password is wrong.", code="wrong_password", fields={"oldPassword": ["Wrong password."]}
    )


def _invalid_reset_token() -> InvalidInput:
    return InvalidInput(
        "This link is no longer valid. Request another one.",
        code="invalid_reset_token",
        fields={"token": ["Unknown, used or expired."]},
    )
