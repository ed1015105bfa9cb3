"""Sign-in: by password, with its limits, and with identity providers."""

from server.assembly.collaborators import Collaborators
from server.assembly.resources import Resources
from server.gateways.redis.growing_delays import DelayRule, GrowingDelays
from server.gateways.redis.rate_limits import Limit
from server.services.accounts.accounts import Accounts
from server.services.accounts.password_authentication import PasswordAuthentication
from server.services.accounts.passwordless.external_identities import ExternalIdentities
from server.services.accounts.passwordless.id_tokens import IdTokens
from server.services.accounts.security_alerts import SecurityAlerts
from server.services.accounts.sign_in_limits import SignInLimits, SignInRules
from server.settings import RateLimit, Settings


def password_authentication(
    settings: Settings, resources: Resources, shared: Collaborators, alerts: SecurityAlerts
) -> PasswordAuthentication:
    """Build the authentication; without limits if rate limiting is disabled."""
    return PasswordAuthentication(
        shared.rows.logins,
        resources.passwords,
        shared.tokens,
        alerts,
        _sign_in_limits(settings, resources) if settings.throttle.enabled else None,
    )


def external_identities(
    resources: Resources, shared: Collaborators, accounts: Accounts
) -> ExternalIdentities:
    rows = shared.rows
    return ExternalIdentities(
        rows.external_identities,
        rows.used_id_tokens,
        rows.logins,
        rows.email_addresses,
        accounts,
        IdTokens(resources.identity_providers),
        shared.tokens,
        shared.unit_of_work,
    )


def _sign_in_limits(settings: Settings, resources: Resources) -> SignInLimits:
    rules = SignInRules(
        per_address=_limit("login", settings.throttle.login),
        per_account=_limit("login_account", settings.throttle.login_account),
    )
    delays = GrowingDelays(resources.pipelined_redis, DelayRule())
    return SignInLimits(resources.rate_limits, delays, rules)


def _limit(name: str, chosen: RateLimit) -> Limit:
    return Limit(name, chosen.limit, chosen.window_s)
