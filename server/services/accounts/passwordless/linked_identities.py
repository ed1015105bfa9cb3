"""Identity providers of a signed-in user: linking, unlinking, and reauthentication with them."""

from functools import partial

from server.errors import Conflict, NotFound
from server.models.accounts.external_identities import ExternalIdentityRepository
from server.models.accounts.used_id_tokens import UsedIdTokenRepository
from server.models.database import DuplicateKey
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.passwordless.external_identities import new_identity, use_up
from server.services.accounts.passwordless.id_tokens import ExternalIdentity, IdTokens, invalid_id_token
from server.services.accounts.passwordless.method_alerts import MethodAlerts, MethodChange
from server.services.accounts.passwordless.sign_in_methods import MethodList
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Confirmation, Principal

# A token of an earlier sign-in does not prove that the user is there now.
RECENT_MS = 300_000


class LinkedIdentities:
    def __init__(
        self,
        identities: ExternalIdentityRepository,
        used_tokens: UsedIdTokenRepository,
        id_tokens: IdTokens,
        reauthentication: Reauthentication,
        methods: MethodList,
        alerts: MethodAlerts,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._identities = identities
        self._used_tokens = used_tokens
        self._id_tokens = id_tokens
        self._reauthentication = reauthentication
        self._methods = methods
        self._alerts = alerts
        self._unit_of_work = unit_of_work

    async def link(
        self, principal: Principal, provider: str, id_token: str, nonce: str, confirmation: Confirmation
    ) -> None:
        """Let the user sign in with the identity in an ID token. The owner gets an e-mail.

        Raises NotFound and Unauthenticated as `ExternalIdentities.sign_in`, Conflict (`identity_in_use`,
        `provider_linked`), and as `Reauthentication.reauthenticate`.
        """
        identity = await self._id_tokens.verify(provider, id_token, nonce)
        await self._reauthentication.confirm(principal, confirmation)
        try:
            await self._unit_of_work.run(partial(self._link, principal, identity))
        except DuplicateKey as error:
            raise _in_use() from error

    async def unlink(self, principal: Principal, provider: str) -> None:
        """Raise NotFound, Conflict (`last_sign_in_method`), and Forbidden (`reauthentication_required`)."""

        async def unlink(work: WorkContext) -> None:
            await self._reauthentication.require(principal)
            if not await self._identities.delete(principal.user_id, provider):
                raise NotFound("This identity provider is not linked to your account.")
            await self._methods.require_one(principal.user_id)
            await self._alerts.report(work, principal.user_id, MethodChange.PROVIDER_UNLINKED, provider)

        await self._unit_of_work.run(unlink)

    async def reauthenticate(
        self, principal: Principal, provider: str, id_token: str, nonce: str, code: str | None
    ) -> None:
        """Record that the user signed in with the provider again, and gave a code if the account needs one.

        Raises Unauthenticated (`invalid_id_token`) for a token that is older than five minutes or of another person,
        and as `Reauthentication.reauthenticate`.
        """
        identity = await self._id_tokens.verify(provider, id_token, nonce)
        try:
            await self._unit_of_work.run(partial(self._recognize, principal, identity))
        except DuplicateKey as error:
            raise invalid_id_token() from error
        await self._reauthentication.record(principal, code)

    async def _link(self, principal: Principal, identity: ExternalIdentity, work: WorkContext) -> None:
        user_id = principal.user_id
        await self._reauthentication.require(principal)
        await use_up(self._used_tokens, work, identity)
        owner_id = await self._identities.find_user(identity.subject_hash)
        if owner_id == user_id:
            return
        if owner_id is not None:
            raise _in_use()
        if any(each.provider == identity.provider for each in await self._identities.list_by_user(user_id)):
            raise Conflict(
                "Another account at this provider is linked. Unlink it first.", code="provider_linked"
            )
        await self._identities.insert(new_identity(work, user_id, identity))
        await self._alerts.report(work, user_id, MethodChange.PROVIDER_LINKED, identity.provider)

    async def _recognize(self, principal: Principal, identity: ExternalIdentity, work: WorkContext) -> None:
        await use_up(self._used_tokens, work, identity)
        is_recent = identity.issued_at_ms >= work.now_ms() - RECENT_MS
        if not is_recent or await self._identities.find_user(identity.subject_hash) != principal.user_id:
            raise invalid_id_token()


def _in_use() -> Conflict:
    return Conflict("Another account uses this identity to sign in.", code="identity_in_use")
