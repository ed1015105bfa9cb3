"""Passkeys of a signed-in user: registration, list, renaming and deletion."""

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from server.errors import Conflict, InvalidInput, NotFound
from server.gateways.relying_party import (
    PasskeyRefused,
    RegisteredCredential,
    RelyingParty,
    StoredCredential,
    decode,
    encode,
)
from server.ids import PasskeyId, UserId
from server.models.accounts.logins import LoginRepository
from server.models.accounts.passkeys import NewPasskey, PasskeyRepository, PasskeyRow
from server.models.accounts.users import UserRepository
from server.models.database import DuplicateKey
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.passwordless.method_alerts import MethodAlerts, MethodChange
from server.services.accounts.passwordless.passkey_challenges import (
    ChallengePurpose,
    ChallengeRefused,
    ChallengeScope,
    PasskeyChallenges,
)
from server.services.accounts.passwordless.sign_in_methods import MethodList
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Confirmation, Passkey, Principal

MAX_PASSKEYS = 20


class Passkeys:
    def __init__(  # noqa: PLR0913 - collaborators
        self,
        passkeys: PasskeyRepository,
        users: UserRepository,
        logins: LoginRepository,
        party: RelyingParty,
        challenges: PasskeyChallenges,
        reauthentication: Reauthentication,
        methods: MethodList,
        alerts: MethodAlerts,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._passkeys = passkeys
        self._users = users
        self._logins = logins
        self._party = party
        self._challenges = challenges
        self._reauthentication = reauthentication
        self._methods = methods
        self._alerts = alerts
        self._unit_of_work = unit_of_work

    async def begin_registration(self, principal: Principal, confirmation: Confirmation) -> dict[str, Any]:
        """Return the options for a browser to create a passkey.

        Raises Conflict (`too_many_passkeys`), and as `Reauthentication.reauthenticate`.
        """
        await self._reauthentication.confirm(principal, confirmation)
        await self._unit_of_work.run(partial(self._require, principal))
        await self._party.load()
        existing = await self._passkeys.list_by_user(principal.user_id)
        if len(existing) >= MAX_PASSKEYS:
            raise _too_many()
        user = await self._users.get_contact(principal.user_id)
        if user is None:
            raise NotFound("User not found.")
        return self._party.creation_options(
            user_handle(user.id),
            user.username,
            user.name,
            self._challenges.issue(_scope(principal)),
            [stored_credential(row) for row in existing],
        )

    async def register(self, principal: Principal, response: Mapping[str, Any], name: str) -> Passkey:
        """Store a passkey that a browser created with the options of this session.

        The session was reauthenticated when it got the options. The owner gets an e-mail.

        Raises InvalidInput (`invalid_passkey`) and Conflict (`passkey_in_use`, `too_many_passkeys`).
        """
        await self._party.load()
        try:
            challenge = self._party.read_challenge(response)
            self._challenges.check(_scope(principal), challenge)
            credential = self._party.verify_registration(response, challenge)
            row = await self._unit_of_work.run(
                partial(self._insert, principal.user_id, credential, challenge, name)
            )
        except (PasskeyRefused, ChallengeRefused) as error:
            raise invalid_passkey() from error
        except DuplicateKey as error:
            raise Conflict("This passkey is already registered.", code="passkey_in_use") from error
        return _passkey(row)

    async def list_passkeys(self, user_id: UserId) -> list[Passkey]:
        """Return the user's passkeys, the oldest first."""
        return [_passkey(row) for row in await self._passkeys.list_by_user(user_id)]

    async def rename(self, user_id: UserId, passkey_id: PasskeyId, name: str) -> None:
        """Raise NotFound for a passkey of another user."""
        if not await self._passkeys.rename(user_id, passkey_id, name):
            raise _not_found()

    async def delete(self, principal: Principal, passkey_id: PasskeyId) -> None:
        """Delete a passkey; the owner gets an e-mail.

        Raises NotFound, Conflict (`last_sign_in_method`) and Forbidden (`reauthentication_required`).
        """

        async def delete(work: WorkContext) -> None:
            await self._reauthentication.require(principal)
            rows = await self._passkeys.list_by_user(principal.user_id)
            name = next((row.name for row in rows if row.id == passkey_id), "")
            if not await self._passkeys.delete(principal.user_id, passkey_id):
                raise _not_found()
            await self._methods.require_one(principal.user_id)
            await self._alerts.report(work, principal.user_id, MethodChange.PASSKEY_REMOVED, name)

        await self._unit_of_work.run(delete)

    async def _require(self, principal: Principal, _: WorkContext) -> None:
        await self._reauthentication.require(principal)

    async def _insert(
        self,
        user_id: UserId,
        credential: RegisteredCredential,
        challenge: bytes,
        name: str,
        work: WorkContext,
    ) -> PasskeyRow:
        await self._challenges.use_up(work, challenge)
        await self._logins.lock(user_id)
        if await self._passkeys.count(user_id) >= MAX_PASSKEYS:
            raise _too_many()
        passkey = NewPasskey(
            id=PasskeyId(work.new_id()),
            user_id=user_id,
            credential_hash=credential_hash(credential.credential_id),
            credential_id=encode(credential.credential_id),
            public_key=encode(credential.public_key),
            sign_count=credential.sign_count,
            name=name,
            aaguid=credential.aaguid,
            transports=",".join(credential.transports),
            backup_eligible=credential.backup_eligible,
            backed_up=credential.backed_up,
            created_at_ms=work.now_ms(),
        )
        await self._passkeys.insert(passkey)
        await self._alerts.report(work, user_id, MethodChange.PASSKEY_ADDED, name)
        rows = await self._passkeys.list_by_user(user_id)
        return next(row for row in rows if row.id == passkey.id)


def user_handle(user_id: UserId) -> bytes:
    """Return what passkeys store of their user: the id, which is public and says nothing about the person."""
    return str(user_id).encode()


def credential_hash(credential_id: bytes) -> str:
    return hashlib.sha256(credential_id).hexdigest()


def stored_credential(row: PasskeyRow) -> StoredCredential:
    return StoredCredential(decode(row.credential_id), [each for each in row.transports.split(",") if each])


def invalid_passkey() -> InvalidInput:
    """Return the refusal of a passkey of a signed-in user."""
    return InvalidInput(
        "This passkey was not accepted. Request new options and try again.",
        code="invalid_passkey",
        fields={"credential": ["Not accepted."]},
    )


def _scope(principal: Principal) -> ChallengeScope:
    return ChallengeScope(ChallengePurpose.REGISTER, principal.user_id, principal.session_id)


def _passkey(row: PasskeyRow) -> Passkey:
    return Passkey(
        id=row.id,
        name=row.name,
        aaguid=row.aaguid,
        backup_eligible=bool(row.backup_eligible),
        backed_up=bool(row.backed_up),
        created_at_ms=row.created_at_ms,
        last_used_at_ms=row.last_used_at_ms,
    )


def _not_found() -> NotFound:
    return NotFound("Passkey not found.")


def _too_many() -> Conflict:
    return Conflict(
        f"An account has at most {MAX_PASSKEYS} passkeys. Delete one first.", code="too_many_passkeys"
    )
