"""The ways in which a user can sign in, of which one always stays."""

from server.errors import Conflict
from server.ids import UserId
from server.models.accounts.external_identities import ExternalIdentityRepository
from server.models.accounts.logins import LoginRepository
from server.models.accounts.passkeys import PasskeyRepository
from server.services.accounts.authentication.second_factor_codes import SecondFactorCodes
from server.services.records import LinkedProvider, SignInMethods


class MethodList:
    def __init__(
        self,
        logins: LoginRepository,
        identities: ExternalIdentityRepository,
        passkeys: PasskeyRepository,
        codes: SecondFactorCodes,
    ) -> None:
        self._logins = logins
        self._identities = identities
        self._passkeys = passkeys
        self._codes = codes

    async def get(self, user_id: UserId) -> SignInMethods:
        identities = await self._identities.list_by_user(user_id)
        return SignInMethods(
            password=bool(await self._logins.get_password_hash(user_id)),
            providers=tuple(
                LinkedProvider(each.provider, each.email, each.created_at_ms) for each in identities
            ),
            passkeys=await self._passkeys.count(user_id),
            second_factor=await self._codes.is_enabled(user_id),
        )

    async def require_one(self, user_id: UserId) -> None:
        """Raise Conflict (`last_sign_in_method`) if the user could not sign in any more.

        Call it after the removal, in its transaction, with the user locked.
        """
        if (
            not await self._logins.get_password_hash(user_id)
            and not await self._identities.count(user_id)
            and not await self._passkeys.count(user_id)
        ):
            raise Conflict(
                "This is the only way to sign in to your account. Add a passkey, a provider or a password first.",
                code="last_sign_in_method",
            )

    async def remove_newer(self, user_id: UserId, added_after_ms: int) -> None:
        """Remove the providers and passkeys that were added later, in the transaction of a recovery."""
        await self._identities.delete_newer(user_id, added_after_ms)
        await self._passkeys.delete_newer(user_id, added_after_ms)
