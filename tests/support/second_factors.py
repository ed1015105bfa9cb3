"""Accounts with a second factor, in service tests, and the codes of their authenticator app."""

from dataclasses import dataclass

from pyotp.totp import TOTP

from server.gateways.redis.growing_delays import DelayRule, GrowingDelays
from server.gateways.redis.rate_limits import Limit, RateLimits
from server.ids import UserId
from server.services.accounts.password_authentication import AuthenticatedUser
from server.services.accounts.sign_in_limits import SignInLimits, SignInRules
from server.services.records import Client, Confirmation, SignInChallenge, TokenPair
from tools.harness.services import ServiceHarness

PASSWORD = "correct horse"
CLIENT = Client("192.0.2.7", "a phone")
STEP_MS = 30_000


@dataclass(slots=True)
class Protected:
    """An account with a second factor. Each call of `code` returns one that was not used yet."""

    harness: ServiceHarness
    account: AuthenticatedUser
    secret: str
    recovery_codes: list[str]

    async def code(self, steps: int = 0) -> str:
        """Return the code of the current time step, or of one that is `steps` later.

        The newest used step is reset, so that tests need not wait for the next one.
        """
        await self.harness.database.execute("UPDATE second_factors SET last_step = 0")
        return TOTP(self.secret).at(self.harness.clock.now_ms() // 1000, counter_offset=steps)

    async def challenge(self) -> str:
        """Enter the password and return the challenge."""
        account = await self.harness.password_authentication.authenticate("ada", PASSWORD, CLIENT)
        challenge = await self.harness.sign_ins.open(account, CLIENT)
        assert isinstance(challenge, SignInChallenge)
        return challenge.token

    async def sign_in(self) -> TokenPair:
        _, pair = await self.harness.sign_ins.complete(await self.challenge(), await self.code(), CLIENT)
        return pair


async def protect(harness: ServiceHarness) -> Protected:
    """Register ada with a verified address, and enable a second factor for her."""
    account = await harness.accounts.register("ada", "ada@example.com", PASSWORD, "Ada")
    await harness.email_verification.mark_verified(account.id)
    secret, codes = await enable_second_factor(harness, account.id, PASSWORD)
    await harness.work_off()
    harness.email.sent.clear()
    return Protected(harness, account, secret, codes)


async def enable_second_factor(
    harness: ServiceHarness, user_id: UserId, password: str
) -> tuple[str, list[str]]:
    """Enable a second factor; return its secret and the recovery codes."""
    principal = await harness.open_session(user_id)
    setup = await harness.second_factors.set_up(principal, Confirmation(password))
    return setup.secret, await harness.second_factors.enable(principal, TOTP(setup.secret).now())


def limits(harness: ServiceHarness) -> SignInLimits:
    """Return the limits of the default configuration."""
    rules = SignInRules(Limit("login", 20, 60), Limit("login_account", 5, 60))
    delays = GrowingDelays(harness.pipelined_redis, DelayRule())
    return SignInLimits(RateLimits(harness.pipelined_redis), delays, rules)


def wrong(code: str) -> str:
    """Return a code of six digits that is not valid now."""
    return f"{(int(code) + 271_828) % 1_000_000:06}"
