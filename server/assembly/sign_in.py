"""Authentication: passwords and their limits, second factors, reauthentication."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from server.assembly.collaborators import Collaborators
from server.assembly.resources import Resources
from server.gateways.redis.growing_delays import DelayRule, GrowingDelays
from server.gateways.redis.rate_limits import Limit
from server.services.accounts.authentication.reauthentication import Reauthentication
from server.services.accounts.authentication.second_factor_codes import SecondFactorCodes
from server.services.accounts.authentication.second_factor_removal import SecondFactorRemoval
from server.services.accounts.authentication.second_factors import SecondFactors
from server.services.accounts.authentication.sign_ins import SignIns
from server.services.accounts.authentication.totp import TotpSecrets
from server.services.accounts.password_authentication import PasswordAuthentication
from server.services.accounts.passwordless.sign_in_methods import MethodList
from server.services.accounts.second_factor_changes import SecondFactorChanges
from server.services.accounts.security_alerts import SecurityAlerts
from server.services.accounts.sessions import Sessions
from server.services.accounts.sign_in_limits import SignInLimits, SignInRules
from server.settings import RateLimit, Settings


@dataclass(frozen=True, slots=True)
class Authentication:
    """The services that authenticate users; other services reauthenticate through them."""

    passwords: PasswordAuthentication
    sessions: Sessions
    sign_ins: SignIns
    reauthentication: Reauthentication
    second_factors: SecondFactors
    second_factor_removal: SecondFactorRemoval
    methods: MethodList


def build_authentication(
    settings: Settings, resources: Resources, shared: Collaborators, alerts: SecurityAlerts
) -> Authentication:
    """Build the services; without limits of failures if rate limiting is disabled."""
    rows, work = shared.rows, shared.unit_of_work
    limits = _sign_in_limits(settings, resources) if settings.throttle.enabled else None
    passwords = PasswordAuthentication(rows.logins, resources.passwords, shared.tokens, alerts, limits)
    totp = TotpSecrets(shared.second_factor_secret, urlsplit(settings.public_url).hostname or "photofeed")
    changes = SecondFactorChanges(rows.users, shared.email_tokens)
    codes = SecondFactorCodes(
        rows.second_factors, rows.recovery_codes, totp, changes, shared.second_factor_secret
    )
    sessions = Sessions(
        rows.sessions,
        rows.logins,
        rows.users,
        work,
        shared.tokens,
        shared.revocations,
        shared.statuses,
        shared.tiers,
    )
    reauthentication = Reauthentication(rows.logins, rows.sessions, passwords, codes, work, limits)
    return Authentication(
        passwords=passwords,
        sessions=sessions,
        sign_ins=SignIns(sessions, rows.logins, rows.sign_in_challenges, codes, alerts, work, limits),
        reauthentication=reauthentication,
        second_factors=SecondFactors(
            rows.second_factors,
            rows.recovery_codes,
            rows.logins,
            rows.users,
            rows.sessions,
            codes,
            totp,
            reauthentication,
            changes,
            work,
            limits,
        ),
        second_factor_removal=SecondFactorRemoval(
            rows.second_factors, rows.recovery_codes, rows.logins, rows.users, changes, work
        ),
        methods=MethodList(rows.logins, rows.external_identities, rows.passkeys, codes),
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
