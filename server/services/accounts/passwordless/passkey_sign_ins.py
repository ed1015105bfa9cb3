"""Sign-in and reauthentication with passkeys.

A passkey verifies its user, by a fingerprint or a PIN, so it counts as both factors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from server.errors import Unauthenticated
from server.gateways.relying_party import Assertion, PasskeyRefused, RelyingParty, decode
from server.models.accounts.logins import LoginRepository
from server.models.accounts.passkeys import PasskeyKeyRow, PasskeyRepository
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.password_authentication import AuthenticatedUser
from server.services.accounts.passwordless.known_devices import with_device
from server.services.accounts.passwordless.method_alerts import MethodAlerts, MethodChange
from server.services.accounts.passwordless.passkey_challenges import (
    ChallengePurpose,
    ChallengeRefused,
    ChallengeScope,
    PasskeyChallenges,
)
from server.services.accounts.passwordless.passkeys import (
    credential_hash,
    invalid_passkey,
    stored_credential,
    user_handle,
)
from server.services.accounts.tokens import Tokens
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Client, Principal, Role, SignInMethod

log = structlog.get_logger(__name__)

SIGN_IN = ChallengeScope(ChallengePurpose.SIGN_IN)


@dataclass(frozen=True, slots=True)
class _Verified:
    """A passkey whose signature was verified."""

    passkey: PasskeyKeyRow
    challenge: bytes
    assertion: Assertion


class PasskeySignIns:
    def __init__(
        self,
        passkeys: PasskeyRepository,
        logins: LoginRepository,
        party: RelyingParty,
        challenges: PasskeyChallenges,
        reauthentication: Reauthentication,
        alerts: MethodAlerts,
        tokens: Tokens,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._passkeys = passkeys
        self._logins = logins
        self._party = party
        self._challenges = challenges
        self._reauthentication = reauthentication
        self._alerts = alerts
        self._tokens = tokens
        self._unit_of_work = unit_of_work

    def begin(self) -> dict[str, Any]:
        """Return the options for a sign-in, for which the user chooses one of the passkeys for this site."""
        return self._party.request_options(self._challenges.issue(SIGN_IN))

    async def authenticate(
        self, response: Mapping[str, Any], client: Client | None = None
    ) -> AuthenticatedUser:
        """Return the account of the passkey that signed this response.

        Raises Unauthenticated (`invalid_passkey`), with the same text for every cause.
        """
        try:
            verified = await self._verify(response, SIGN_IN)
            await self._use(verified)
        except (PasskeyRefused, ChallengeRefused) as error:
            log.info("passkey_refused", reason=str(error) or type(error).__name__)
            raise _refused() from error
        login = await self._logins.get(verified.passkey.user_id)
        if login is None:
            raise _refused()
        account = AuthenticatedUser(
            login.id,
            Role(login.role),
            login.password_changed_at_ms,
            method=SignInMethod.PASSKEY,
            has_all_factors=True,
        )
        return with_device(account, self._tokens, client)

    async def begin_reauthentication(self, principal: Principal) -> dict[str, Any]:
        """Return the options for one of the user's own passkeys."""
        rows = await self._passkeys.list_by_user(principal.user_id)
        challenge = self._challenges.issue(_scope(principal))
        return self._party.request_options(challenge, [stored_credential(row) for row in rows])

    async def reauthenticate(self, principal: Principal, response: Mapping[str, Any]) -> None:
        """Record that the user proved to be the owner. Raises InvalidInput (`invalid_passkey`)."""
        try:
            verified = await self._verify(response, _scope(principal))
            if verified.passkey.user_id != principal.user_id:
                raise PasskeyRefused("a passkey of another user")
            await self._use(verified)
        except (PasskeyRefused, ChallengeRefused) as error:
            raise invalid_passkey() from error
        await self._reauthentication.record(principal, has_all_factors=True)

    async def _verify(self, response: Mapping[str, Any], scope: ChallengeScope) -> _Verified:
        """Verify a response without an effect. Raises PasskeyRefused and ChallengeRefused."""
        await self._party.load()
        head = self._party.read_head(response)
        self._challenges.check(scope, head.challenge)
        passkey = await self._passkeys.find(credential_hash(head.credential_id))
        if passkey is None:
            raise PasskeyRefused("an unknown passkey")
        # Passkeys that sign without a list of them name their user.
        if head.user_handle != user_handle(passkey.user_id) and (head.user_handle or scope is SIGN_IN):
            raise PasskeyRefused("another user")
        assertion = self._party.verify_assertion(response, head.challenge, decode(passkey.public_key))
        return _Verified(passkey, head.challenge, assertion)

    async def _use(self, verified: _Verified) -> None:
        """Use up the challenge and store the count. Raises PasskeyRefused and ChallengeRefused.

        A count that did not grow was used before: there is a copy of the passkey. Its owner gets an e-mail.
        """
        if not await self._unit_of_work.run(partial(self._count, verified)):
            log.warning("passkey_copied", user_id=verified.passkey.user_id, passkey_id=verified.passkey.id)
            raise PasskeyRefused("a count that did not grow")

    async def _count(self, verified: _Verified, work: WorkContext) -> bool:
        passkey, assertion = verified.passkey, verified.assertion
        await self._challenges.use_up(work, verified.challenge)
        locked = await self._passkeys.lock(passkey.credential_hash)
        if locked is None:
            raise PasskeyRefused("an unknown passkey")
        if (locked.sign_count or assertion.sign_count) and assertion.sign_count <= locked.sign_count:
            await self._alerts.report(work, passkey.user_id, MethodChange.PASSKEY_COPIED, passkey.name)
            return False
        await self._passkeys.set_used(passkey.id, assertion.sign_count, backed_up=assertion.backed_up)
        return True


def _scope(principal: Principal) -> ChallengeScope:
    return ChallengeScope(ChallengePurpose.REAUTHENTICATE, principal.user_id, principal.session_id)


def _refused() -> Unauthenticated:
    return Unauthenticated(
        "This passkey was not accepted. Try again, or sign in in another way.", code="invalid_passkey"
    )
