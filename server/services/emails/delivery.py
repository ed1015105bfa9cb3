"""The one way to send e-mail: for every kind it checks the address, its unsubscriptions and its budget."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import structlog

from server.gateways.email.email import Email, EmailRefused, EmailSender
from server.gateways.redis.rate_limits import Limit, RateLimitStatus
from server.ids import UserId
from server.services.emails.suppressions import Suppressions
from server.services.emails.unsubscribe_tokens import AllNotifications

log = structlog.get_logger(__name__)


class EmailKind(StrEnum):
    """Kinds of e-mail; each has its own budget per address, so that none can use up another's."""

    NOTIFICATION = "notification"
    VERIFICATION = "verification"
    ADDRESS_IN_USE = "address_in_use"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a kind of e-mail
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a kind of e-mail
    ADDRESS_CHANGED = "address_changed"
    NEW_SIGN_IN = "new_sign_in"
    SIGN_INS_FAILED = "sign_ins_failed"
    SECOND_FACTOR = "second_factor"
    SIGN_IN_METHOD = "sign_in_method"
    ACCOUNT_DELETION = "account_deletion"
    MODERATION = "moderation"
    EXPORT_READY = "export_ready"


class EmailOutcome(StrEnum):
    """Results of sending an e-mail that needs no other attempt."""

    SENT = "delivered"
    LIMITED = "limited"
    UNSUBSCRIBED = "unsubscribed"
    NO_ADDRESS = "no_address"
    REFUSED = "refused"


class RateCounter(Protocol):
    async def hit(self, limits: Sequence[Limit], subject: str) -> list[RateLimitStatus]:
        """Count against every limit, or against none if one of them is exceeded."""
        ...


@dataclass(frozen=True, slots=True)
class EmailLimits:
    """Limits of each kind: `to` per address, `by` per user who causes it."""

    to: Mapping[EmailKind, Limit]
    by: Mapping[EmailKind, Limit]


class EmailBudget:
    """Bounds the e-mails to one address, whichever accounts cause them, and those that one account causes."""

    def __init__(self, counter: RateCounter, limits: EmailLimits) -> None:
        self._counter = counter
        self._limits = limits

    async def spend(self, kind: EmailKind, address_key: str, sender_id: UserId | None) -> bool:
        """Count one e-mail; return whether it may be sent."""
        by = self._limits.by.get(kind)
        if by is not None and sender_id is not None and not await self._count(by, f"u{sender_id}"):
            return False
        return await self._count(self._limits.to[kind], f"m{_mailbox_digest(address_key)}")

    async def _count(self, limit: Limit, subject: str) -> bool:
        (status,) = await self._counter.hit((limit,), subject)
        return status.wait_s == 0


class EmailDelivery:
    """`address_key` returns the unique form of an address. No `budget` means no bound."""

    def __init__(
        self,
        sender: EmailSender,
        suppressions: Suppressions,
        address_key: Callable[[str], str],
        budget: EmailBudget | None = None,
    ) -> None:
        self._sender = sender
        self._suppressions = suppressions
        self._address_key = address_key
        self._budget = budget

    async def send(
        self,
        kind: EmailKind,
        email: Email,
        *,
        attempt: int,
        sender_id: UserId | None = None,
        topic: str = "",
    ) -> EmailOutcome:
        """Send an e-mail, unless its address is empty, unsubscribed from `topic`, or out of budget.

        Only the first attempt counts. Raises EmailFailed if another attempt may succeed.
        """
        outcome = await self._send(kind, email, attempt, sender_id, topic)
        if outcome is EmailOutcome.LIMITED:
            log.info("email_limited", kind=kind.value, key=email.key)
        return outcome

    async def _send(
        self, kind: EmailKind, email: Email, attempt: int, sender_id: UserId | None, topic: str
    ) -> EmailOutcome:
        if not email.to:
            return EmailOutcome.NO_ADDRESS
        if topic and {topic, AllNotifications.TOPIC} & await self._suppressions.list_topics(email.to):
            return EmailOutcome.UNSUBSCRIBED
        if attempt <= 1 and not await self._is_within_budget(kind, email.to, sender_id):
            return EmailOutcome.LIMITED
        try:
            await self._sender.send(email)
        except EmailRefused as error:  # A retry would be refused as well.
            log.warning("email_refused", kind=kind.value, key=email.key, reason=error.reason)
            return EmailOutcome.REFUSED
        return EmailOutcome.SENT

    async def _is_within_budget(self, kind: EmailKind, address: str, sender_id: UserId | None) -> bool:
        return self._budget is None or await self._budget.spend(kind, self._address_key(address), sender_id)


def _mailbox_digest(address_key: str) -> str:
    """Return the same digest for all addresses of a mailbox: most providers ignore what follows a plus."""
    local, _, domain = address_key.rpartition("@")
    mailbox = f"{local.partition('+')[0] or local}@{domain}"
    return hashlib.blake2b(mailbox.encode(errors="replace"), digest_size=16).hexdigest()
