"""Codes of the second factor: of an authenticator app, or one of the recovery codes that replace it.

Each code is used once: the newest time step is stored, and a used recovery code is deleted. Only keyed hashes of
recovery codes are stored.
"""

import hashlib
import hmac
import re
import secrets

import structlog

from server.errors import InvalidInput
from server.ids import UserId
from server.models.accounts.recovery_codes import RecoveryCodeRepository
from server.models.accounts.second_factors import SecondFactorRepository
from server.services.accounts.authentication.totp import TotpSecrets, find_step
from server.services.accounts.second_factor_changes import SecondFactorChange, SecondFactorChanges
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import SecondFactorMethod

log = structlog.get_logger(__name__)

CODES = 10
# Without characters that are mistaken for digits (Crockford's base32): 50 bits per code.
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 10
LOOKALIKES = str.maketrans("oil", "011")
TOTP_CODE = re.compile(r"[0-9]{6}", re.ASCII)
SEPARATORS = re.compile(r"[\s-]+")


class SecondFactorCodes:
    """`secret` keys the hashes of recovery codes. Callers lock the user first."""

    def __init__(
        self,
        factors: SecondFactorRepository,
        recovery_codes: RecoveryCodeRepository,
        totp: TotpSecrets,
        changes: SecondFactorChanges,
        secret: bytes,
    ) -> None:
        self._factors = factors
        self._recovery_codes = recovery_codes
        self._totp = totp
        self._changes = changes
        # The context string must not change: it is part of every stored hash.
        self._key = hmac.digest(secret, b"recovery codes", "sha256")

    async def is_enabled(self, user_id: UserId) -> bool:
        """Return whether the user has a second factor."""
        return await self._factors.is_enabled(user_id)

    async def use(self, work: WorkContext, user_id: UserId, code: str) -> SecondFactorMethod | None:
        """Use a code in the transaction of its effect; None if it is wrong, was used, or there is no second factor.

        The owner gets an e-mail about a recovery code.
        """
        compact = SEPARATORS.sub("", code)
        if TOTP_CODE.fullmatch(compact):
            return SecondFactorMethod.TOTP if await self._use_totp(user_id, compact) else None
        if not await self._factors.is_enabled(user_id):
            return None
        if not await self._recovery_codes.delete(user_id, self._hash(user_id, compact)):
            return None
        await self._changes.report(work, user_id, SecondFactorChange.RECOVERY_CODE_USED)
        return SecondFactorMethod.RECOVERY_CODE

    async def replace_recovery_codes(self, work: WorkContext, user_id: UserId) -> list[str]:
        """Return new recovery codes, which replace all earlier ones."""
        codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(CODES)]
        rows = [(work.new_id(), self._hash(user_id, code)) for code in codes]
        await self._recovery_codes.replace(user_id, rows)
        return [f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}" for code in codes]

    async def _use_totp(self, user_id: UserId, code: str) -> bool:
        factor = await self._factors.get(user_id)
        if factor is None or factor.enabled_at_ms is None:
            return False
        secret = self._totp.decrypt(user_id, factor.secret)
        if secret is None:
            log.error("second_factor_unreadable", user_id=user_id)
            return False
        step = find_step(secret, code, factor.now_ms)
        if step is None or step <= factor.last_step:
            return False
        await self._factors.set_last_step(user_id, step)
        return True

    def _hash(self, user_id: UserId, code: str) -> str:
        canonical = code.lower().translate(LOOKALIKES)
        return hmac.digest(self._key, f"{user_id}:{canonical}".encode(errors="replace"), hashlib.sha256).hex()


def wrong_code() -> InvalidInput:
    """Return the refusal of a code that a signed-in user entered."""
    return InvalidInput(
        "The code is wrong, or was used before.", code="wrong_code", fields={"code": ["Wrong or used code."]}
    )
