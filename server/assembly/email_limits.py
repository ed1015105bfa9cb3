"""The budget of e-mails: limits of each kind, from settings."""

from server.gateways.redis.rate_limits import Limit, RateLimits
from server.services.emails.delivery import EmailBudget, EmailKind, EmailLimits
from server.settings import RateLimit, Settings

SECURITY_KINDS = (
    EmailKind.PASSWORD_CHANGED,
    EmailKind.ADDRESS_CHANGED,
    EmailKind.NEW_SIGN_IN,
    EmailKind.SIGN_INS_FAILED,
    EmailKind.SECOND_FACTOR,
    EmailKind.SIGN_IN_METHOD,
    EmailKind.ACCOUNT_DELETION,
    EmailKind.MODERATION,
    EmailKind.EXPORT_READY,
)


def email_budget(settings: Settings, rate_limits: RateLimits) -> EmailBudget | None:
    """Build the budget; None if rate limiting is disabled."""
    chosen = settings.throttle
    if not chosen.enabled:
        return None
    verification = _limit("verification_emails", chosen.verification_emails)
    to = {
        EmailKind.NOTIFICATION: _limit("emails_to", chosen.emails_to),
        EmailKind.VERIFICATION: verification,
        EmailKind.ADDRESS_IN_USE: verification,
        EmailKind.PASSWORD_RESET: _limit("forgot", chosen.forgot),
        # Counted separately: repeated sign-ins must not use up the notice of a changed address.
        **{kind: _limit(f"{kind.value}_emails", chosen.security_emails) for kind in SECURITY_KINDS},
    }
    by = {
        EmailKind.NOTIFICATION: _limit("emails_by", chosen.emails_by),
        EmailKind.VERIFICATION: verification,
        EmailKind.ADDRESS_IN_USE: verification,
    }
    return EmailBudget(rate_limits, EmailLimits(to, by))


def _limit(name: str, limit: RateLimit) -> Limit:
    return Limit(name, limit.limit, limit.window_s)
