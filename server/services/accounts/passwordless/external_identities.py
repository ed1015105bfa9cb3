"""Sign-in with identity providers: registration and sign-in. `linked_identities` has what a signed-in user may do.

An identity is never linked to an existing account because of its e-mail address: a person who controls an address at
some provider could take the account over. The user links it, signed in.
"""

from dataclasses import dataclass
from functools import partial

from server.errors import Conflict, Unavailable
from server.events import EmailVerificationRequested
from server.ids import UserId
from server.models.accounts.email_addresses import EmailAddressRepository
from server.models.accounts.external_identities import ExternalIdentityRepository, NewExternalIdentity
from server.models.accounts.logins import LoginRepository
from server.models.accounts.used_id_tokens import UsedIdTokenRepository
from server.models.accounts.users import NewUser
from server.models.database import DuplicateKey
from server.services.accounts.accounts import Accounts
from server.services.accounts.password_authentication import AuthenticatedUser
from server.services.accounts.passwordless.id_tokens import ExternalIdentity, IdTokens, invalid_id_token
from server.services.accounts.passwordless.known_devices import with_device
from server.services.accounts.passwordless.username_suggestions import suggest_usernames
from server.services.accounts.tokens import Tokens
from server.services.accounts.usernames import normalize
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.records import Client, Role, SignInMethod

# A concurrent request may take the name, the address or the identity first.
MAX_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class ChosenProfile:
    """Choices for a new account; empty: derived from the ID token."""

    username: str = ""
    full_name: str = ""


@dataclass(frozen=True, slots=True)
class ProviderSignIn:
    """An account that an identity belongs to; `created` if this was the first sign-in."""

    account: AuthenticatedUser
    created: bool


class ExternalIdentities:
    def __init__(
        self,
        identities: ExternalIdentityRepository,
        used_tokens: UsedIdTokenRepository,
        logins: LoginRepository,
        addresses: EmailAddressRepository,
        accounts: Accounts,
        id_tokens: IdTokens,
        tokens: Tokens,
        unit_of_work: UnitOfWork,
    ) -> None:
        self._identities = identities
        self._used_tokens = used_tokens
        self._logins = logins
        self._addresses = addresses
        self._accounts = accounts
        self._id_tokens = id_tokens
        self._tokens = tokens
        self._unit_of_work = unit_of_work

    async def sign_in(
        self,
        provider: str,
        id_token: str,
        nonce: str,
        chosen: ChosenProfile,
        client: Client | None = None,
    ) -> ProviderSignIn:
        """Return the account of the person that an ID token identifies; create one at the first sign-in.

        The token is used up, unless the request fails.

        Raises NotFound for an unknown provider, Unauthenticated (`invalid_id_token`), Conflict (`username_taken`), and
        Unavailable.
        """
        identity = await self._id_tokens.verify(provider, id_token, nonce)
        for _ in range(MAX_ATTEMPTS):
            try:
                signed_in = await self._unit_of_work.run(partial(self._find_or_create, identity, chosen))
            except DuplicateKey:
                continue
            except Conflict:
                if chosen.username:
                    raise
                continue
            if signed_in.created:
                return signed_in
            return ProviderSignIn(with_device(signed_in.account, self._tokens, client), created=False)
        raise Unavailable(reason="Concurrent sign-ins with one identity.")

    async def _find_or_create(
        self, identity: ExternalIdentity, chosen: ChosenProfile, work: WorkContext
    ) -> ProviderSignIn:
        await use_up(self._used_tokens, work, identity)
        user_id = await self._identities.find_user(identity.subject_hash)
        if user_id is None:
            return ProviderSignIn(await self._create(work, identity, chosen), created=True)
        login = await self._logins.get(user_id)
        if login is None:
            raise invalid_id_token()
        return ProviderSignIn(
            AuthenticatedUser(
                user_id, Role(login.role), login.password_changed_at_ms, method=SignInMethod.OIDC
            ),
            created=False,
        )

    async def _create(
        self, work: WorkContext, identity: ExternalIdentity, chosen: ChosenProfile
    ) -> AuthenticatedUser:
        """Create an account without a password. Raises DuplicateKey, and Conflict for the username."""
        if chosen.username:
            await self._accounts.reject_taken(chosen.username)
        username = chosen.username or await self._free_username(identity)
        key = normalize(identity.email)
        user = NewUser(
            id=UserId(work.new_id()),
            username=username,
            username_key=normalize(username),
            pending_email=identity.email,
            pending_email_key=key if identity.email else "",
            password_hash="",
            full_name=chosen.full_name or identity.name,
            created_at_ms=work.now_ms(),
        )
        await self._accounts.insert(user, work)
        if identity.email_verified and await self._addresses.find_owner(key) is None:
            await self._addresses.set_verified(user.id, identity.email, key, work.now_ms())
        elif identity.email:
            work.emit(EmailVerificationRequested(user.id))
        await self._identities.insert(new_identity(work, user.id, identity))
        return AuthenticatedUser(user.id, Role.USER, user.created_at_ms, method=SignInMethod.OIDC)

    async def _free_username(self, identity: ExternalIdentity) -> str:
        for username in suggest_usernames(identity.name, identity.email):
            if await self._accounts.is_username_available(username):
                return username
        raise AssertionError("the last suggestion has twelve random digits")


async def use_up(used_tokens: UsedIdTokenRepository, work: WorkContext, identity: ExternalIdentity) -> None:
    """Record that a token was used. Raises Unauthenticated for a used one, DuplicateKey in a race."""
    if await used_tokens.exists(identity.token_hash):
        raise invalid_id_token()
    await used_tokens.insert(work.new_id(), identity.token_hash, identity.expires_at_ms)


def new_identity(work: WorkContext, user_id: UserId, identity: ExternalIdentity) -> NewExternalIdentity:
    return NewExternalIdentity(
        id=work.new_id(),
        user_id=user_id,
        provider=identity.provider,
        subject_hash=identity.subject_hash,
        email=identity.email,
        created_at_ms=work.now_ms(),
    )
