"""The budget of e-mails to one address, counted at an SMTP server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from email import message_from_bytes

import pytest

from server.assembly.email_limits import email_budget
from server.gateways.email.email import Email
from server.gateways.email.smtp import SmtpEmailSender
from server.gateways.email.smtp_connection import SmtpServer
from server.gateways.redis.pipelined_client import PipelinedRedis
from server.gateways.redis.rate_limits import RateLimits
from server.ids import UserId
from server.models.notifications.digests import EmailFrequency
from server.services.accounts.password_authentication import AuthenticatedUser
from server.services.emails.delivery import EmailDelivery, EmailKind, EmailOutcome
from server.services.records import Confirmation
from server.settings import Settings
from tests.support.fakes.smtp_server import FakeSmtpServer
from tools.harness.services import RecordingEmailSender, ServiceHarness

ACCOUNTS = 50
VICTIM = "victim@bank.example"
PASSWORD = "correct horse battery staple"


@pytest.fixture
async def smtp_server(harness: ServiceHarness) -> AsyncIterator[FakeSmtpServer]:
    """An SMTP server to which the services send, within the default budget."""
    server = FakeSmtpServer().start()
    sender = SmtpEmailSender(
        SmtpServer("127.0.0.1", server.port, "", "", tls="none", timeout_s=5), "photos@photos.test"
    )
    budget = email_budget(Settings(), RateLimits(harness.pipelined_redis))
    harness.send_emails_through(sender, budget)
    yield server
    await sender.close()
    server.stop()


async def run_jobs(harness: ServiceHarness) -> None:
    while await harness.work_off():
        pass


def subjects(server: FakeSmtpServer, to: str) -> Counter[str]:
    """Count the e-mails to an address by the last words of their subjects."""
    taken = [each for each in server.taken if to in each.rcpt_tos]
    emails = [message_from_bytes(each.content) for each in taken if isinstance(each.content, bytes)]
    return Counter(" ".join(str(email["Subject"]).split()[-2:]) for email in emails)


async def register(harness: ServiceHarness, name: str, email: str) -> AuthenticatedUser:
    return await harness.accounts.register(name, email, PASSWORD, "")


async def test_fifty_accounts_cannot_flood_a_stranger(
    harness: ServiceHarness, smtp_server: FakeSmtpServer
) -> None:
    for number in range(ACCOUNTS):
        spelling = VICTIM if number % 2 else f"victim+{number}@bank.example"
        account = await register(harness, f"puppet{number}", spelling)
        for _ in range(2):
            await harness.email_verification.resend(account.id)
        await harness.email_verification.request_change(
            await harness.open_session(account.id), Confirmation(PASSWORD), VICTIM.upper()
        )
        await harness.credentials.request_reset(VICTIM)
        await harness.security_alerts.report_failed_sign_ins(account.id, 9)
    await run_jobs(harness)
    limits = Settings().throttle
    taken = [each for each in smtp_server.taken if "victim" in each.rcpt_tos[0].lower()]
    assert len(taken) == limits.verification_emails.limit + limits.forgot.limit


async def test_comments_cannot_use_up_a_password_reset(
    harness: ServiceHarness, smtp_server: FakeSmtpServer
) -> None:
    owner = await register(harness, "owner", VICTIM)
    await harness.email_verification.mark_verified(owner.id)
    await harness.preferences.update(owner.id, {}, EmailFrequency.IMMEDIATELY)
    post_id = await harness.post(owner.id)
    fans = await harness.users(ACCOUNTS)
    await asyncio.gather(*(harness.comments.add(fan, post_id, "Hi", None) for fan in fans))
    for fan in fans[:6]:
        other = await register(harness, f"other{fan}", VICTIM)
        await harness.email_verification.resend(other.id)
        await harness.security_alerts.report_failed_sign_ins(owner.id, 9)
    await run_jobs(harness)
    await harness.credentials.request_reset(VICTIM)
    await run_jobs(harness)
    limits = Settings().throttle
    assert subjects(smtp_server, VICTIM) == {
        "your post": limits.emails_to.limit,
        "an account": limits.verification_emails.limit,
        "your account": limits.security_emails.limit,
        "your password": 1,
    }


async def test_one_account_cannot_write_to_many_strangers(
    harness: ServiceHarness, smtp_server: FakeSmtpServer
) -> None:
    account = await register(harness, "puppet", "puppet@example.com")
    for number in range(20):
        await harness.email_verification.request_change(
            await harness.open_session(account.id), Confirmation(PASSWORD), f"stranger{number}@bank.example"
        )
        await run_jobs(harness)
    assert len(smtp_server.taken) == Settings().throttle.verification_emails.limit


async def test_budget_holds_while_redis_is_unavailable(harness: ServiceHarness) -> None:
    unavailable = PipelinedRedis("redis://127.0.0.1:1", timeout_s=0.2)
    sender = RecordingEmailSender()
    budget = email_budget(Settings(), RateLimits(unavailable))
    delivery = EmailDelivery(sender, harness.suppressions, str.lower, budget)
    outcomes = [
        await delivery.send(EmailKind.PASSWORD_RESET, Email("key", VICTIM, "", "", ""), attempt=1)
        for _ in range(5)
    ]
    await unavailable.close()
    assert outcomes == [EmailOutcome.SENT] * 3 + [EmailOutcome.LIMITED] * 2
    assert len(sender.sent) == 3


async def test_retry_does_not_count_again(harness: ServiceHarness) -> None:
    budget = email_budget(Settings(), RateLimits(harness.pipelined_redis))
    delivery = EmailDelivery(RecordingEmailSender(), harness.suppressions, str.lower, budget)
    for attempt in range(1, 8):
        email = Email("key", VICTIM, "", "", "")
        assert await delivery.send(EmailKind.PASSWORD_RESET, email, attempt=attempt) is EmailOutcome.SENT


async def test_every_kind_has_a_budget(harness: ServiceHarness) -> None:
    budget = email_budget(Settings(), RateLimits(harness.pipelined_redis))
    assert budget is not None
    for kind in EmailKind:
        assert await budget.spend(kind, VICTIM, UserId(1))
