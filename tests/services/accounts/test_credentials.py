"""Password changes and resets, and the sessions that they revoke."""

import asyncio
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from server.assembly.email_limits import email_budget
from server.errors import Forbidden, InvalidInput, Unauthenticated
from server.gateways.email.email import EmailFailed, EmailRefused, compose
from server.gateways.redis.rate_limits import RateLimits
from server.models.jobs.jobs import JobState
from server.services.accounts.password_authentication import AuthenticatedUser
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.records import Confirmation, Principal, TokenPair
from server.settings import Settings
from tests.support.email_links import link_token
from tools.harness.services import RESET_TTL_S, ServiceHarness

OLD, NEW = "the old password", "the new password"


async def register(harness: ServiceHarness, username: str = "ada") -> AuthenticatedUser:
    """Register a user and verify the address."""
    account = await harness.accounts.register(username, f"{username.title()}@example.com", OLD, "")
    await harness.email_verification.mark_verified(account.id)
    await harness.work_off(JobKind.EMAIL_VERIFICATION)
    return account


async def change_email(harness: ServiceHarness, account: AuthenticatedUser, email: str) -> None:
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(OLD), email
    )
    await harness.email_verification.mark_verified(account.id)


async def sign_in(harness: ServiceHarness, password: str = OLD, login: str = "ada") -> TokenPair:
    account = await harness.password_authentication.authenticate(login, password)
    return await harness.sessions.create(account.id, account.password_changed_at_ms, "a phone", "192.0.2.1")


async def owner(harness: ServiceHarness, pair: TokenPair) -> Principal:
    return await harness.principal(pair.access_token)


async def assert_signed_out(harness: ServiceHarness, *pairs: TokenPair) -> None:
    for pair in pairs:
        with pytest.raises(Unauthenticated):
            await owner(harness, pair)
        with pytest.raises(Unauthenticated):
            await harness.sessions.refresh(pair.refresh_token, "", "")


async def assert_refused(harness: ServiceHarness, token: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await harness.credentials.reset_password(token, NEW)
    assert (refused.value.code, list(refused.value.fields)) == ("invalid_reset_token", ["token"])


async def request_reset(harness: ServiceHarness, email: str = "ada@example.com") -> str:
    """Request a reset and return the token in the e-mail."""
    await harness.credentials.request_reset(email)
    await harness.work_off(JobKind.EMAIL_RESET_LINK)
    return token_in(harness.email.sent[-1].text)


def token_in(text: str) -> str:
    (link,) = [word for word in text.split() if word.startswith("https://photos.test/reset?")]
    (token,) = parse_qs(urlsplit(link).query)["token"]
    return token


async def test_password_change_revokes_other_sessions_and_reset_links(harness: ServiceHarness) -> None:
    await register(harness)
    here, elsewhere = await sign_in(harness), await sign_in(harness)
    token = await request_reset(harness)
    await harness.credentials.change_password(await owner(harness, here), Confirmation(OLD), NEW)
    await owner(harness, await harness.sessions.refresh(here.refresh_token, "", ""))
    await assert_signed_out(harness, elsewhere)
    await assert_refused(harness, token)
    await sign_in(harness, NEW)
    with pytest.raises(Unauthenticated):
        await sign_in(harness, OLD)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("wrong", NEW, "oldPassword"),
        ("", NEW, "oldPassword"),
        (OLD + "x" * 72, NEW, "oldPassword"),
        (OLD, "ada", "newPassword"),
        (OLD, "password1", "newPassword"),
    ],
)
async def test_rejected_password_change_changes_nothing(
    harness: ServiceHarness, old: str, new: str, field: str
) -> None:
    await register(harness)
    here, elsewhere = await sign_in(harness), await sign_in(harness)
    with pytest.raises(InvalidInput) as refused:
        await harness.credentials.change_password(await owner(harness, here), Confirmation(old), new)
    assert list(refused.value.fields) == [field]
    await owner(harness, elsewhere)
    await sign_in(harness)
    assert await harness.due(JobKind.EMAIL_CREDENTIALS_CHANGED) == []


@pytest.mark.parametrize("sessions", [1, 2])
async def test_one_of_two_concurrent_password_changes_fails(harness: ServiceHarness, sessions: int) -> None:
    await register(harness)
    principals = [await owner(harness, await sign_in(harness)) for _ in range(sessions)] * (3 - sessions)
    outcomes = await asyncio.gather(
        *(
            harness.credentials.change_password(principal, Confirmation(OLD), f"{NEW} {number}")
            for number, principal in enumerate(principals)
        ),
        return_exceptions=True,
    )
    (error,) = [outcome for outcome in outcomes if outcome is not None]
    # The first change ends the proof of the other one, or its session.
    assert isinstance(error, Forbidden | Unauthenticated | InvalidInput)
    await sign_in(harness, f"{NEW} {outcomes.index(None)}")


async def test_sign_in_overtaken_by_a_password_change_is_rejected(harness: ServiceHarness) -> None:
    await register(harness)
    principal = await owner(harness, await sign_in(harness))
    account = await harness.password_authentication.authenticate("ada", OLD)
    await harness.credentials.change_password(principal, Confirmation(OLD), NEW)
    with pytest.raises(Unauthenticated):
        await harness.sessions.create(account.id, account.password_changed_at_ms, "", "")


async def test_reset_revokes_all_sessions_and_links(harness: ServiceHarness) -> None:
    await register(harness)
    pairs = [await sign_in(harness) for _ in range(3)]
    tokens = [await request_reset(harness) for _ in range(2)]
    await harness.credentials.reset_password(tokens[0], NEW)
    await assert_signed_out(harness, *pairs)
    for token in tokens:
        await assert_refused(harness, token)
    await owner(harness, await sign_in(harness, NEW))
    with pytest.raises(Unauthenticated):
        await sign_in(harness, OLD)


async def test_concurrent_uses_of_a_link_reset_the_password_once(harness: ServiceHarness) -> None:
    await register(harness)
    token = await request_reset(harness)
    outcomes: list[Any] = await asyncio.gather(
        *(harness.credentials.reset_password(token, f"{NEW} {number}") for number in range(20)),
        return_exceptions=True,
    )
    (used,) = [number for number, outcome in enumerate(outcomes) if isinstance(outcome, str)]
    assert {outcome.code for outcome in outcomes if not isinstance(outcome, str)} == {"invalid_reset_token"}
    await sign_in(harness, f"{NEW} {used}")
    assert len(await harness.due(JobKind.EMAIL_CREDENTIALS_CHANGED)) == 1


async def test_link_expires(harness: ServiceHarness) -> None:
    await register(harness)
    token = await request_reset(harness)
    left_ms = await harness.value(
        f"SELECT expires_at_ms - {harness.database.now_ms} AS left_ms FROM email_tokens"
    )
    assert 0 < left_ms <= RESET_TTL_S * 1000
    await harness.database.execute("UPDATE email_tokens SET expires_at_ms = expires_at_ms - ?", [left_ms])
    await assert_refused(harness, token)
    await sign_in(harness)


async def test_link_sent_to_a_previous_address_is_invalid(harness: ServiceHarness) -> None:
    account = await register(harness)
    token = await request_reset(harness)
    await harness.profiles.edit(account.id, {"bio": "Photos."})
    assert await harness.value("SELECT COUNT(*) AS n FROM email_tokens") == 1
    await change_email(harness, account, "elsewhere@example.com")
    await assert_refused(harness, token)
    await harness.credentials.reset_password(await request_reset(harness, "elsewhere@example.com"), NEW)


async def test_link_is_not_sent_to_an_address_that_just_changed(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await register(harness)
    await harness.credentials.request_reset("ada@example.com")
    claim = await harness.claim(JobKind.EMAIL_RESET_LINK)
    run = harness.unit_of_work.run

    async def overtaken(body: Any) -> Any:
        """Change the address first, as a concurrent request would."""
        monkeypatch.undo()
        await change_email(harness, account, "elsewhere@example.com")
        return await run(body)

    monkeypatch.setattr(harness.unit_of_work, "run", overtaken)
    await harness.account_emails.send_reset(claim)
    assert harness.email.sent == []
    assert await harness.value("SELECT COUNT(*) AS n FROM email_tokens WHERE purpose = 'reset'") == 0
    assert (await harness.job(claim.id))["state"] == JobState.COMPLETED


async def test_other_tokens_are_not_reset_tokens(harness: ServiceHarness) -> None:
    await register(harness)
    pair, token = await sign_in(harness), await request_reset(harness)
    token_hash: str = await harness.value("SELECT token_hash FROM email_tokens")
    for other in (pair.access_token, pair.refresh_token, token_hash, token[:-1], token.upper(), "", "\udcff"):
        await assert_refused(harness, other)
    with pytest.raises(Unauthenticated):
        await harness.principal(token)
    await harness.credentials.reset_password(token, NEW)


async def test_unacceptable_password_leaves_the_link_valid(harness: ServiceHarness) -> None:
    await register(harness)
    token = await request_reset(harness)
    with pytest.raises(InvalidInput) as refused:
        await harness.credentials.reset_password(token, "ada-2026")
    assert list(refused.value.fields) == ["newPassword"]
    await harness.credentials.reset_password(token, NEW)


async def test_link_goes_to_the_address_as_registered(harness: ServiceHarness) -> None:
    await register(harness, "ada")
    await register(harness, "bob")
    await request_reset(harness, "ADA@example.com")
    (email,) = harness.email.sent
    assert email.to == "Ada@example.com"
    message = message_from_bytes(
        compose(email, "Photos <post@photos.test>").as_bytes(), policy=policy.default
    )
    assert message["To"] == "Ada@example.com"
    assert (message["Cc"], message["Bcc"]) == (None, None)
    text, page = (part.get_content() for part in message.iter_parts())
    assert "ada" in text
    assert token_in(text) in page


async def test_unknown_address_gets_no_email_and_no_other_answer(harness: ServiceHarness) -> None:
    await register(harness)
    for address in ("ada@example.com", "nobody@example.com"):
        await harness.credentials.request_reset(address)
    assert len(await harness.due(JobKind.EMAIL_RESET_LINK)) == 2
    await harness.work_off(JobKind.EMAIL_RESET_LINK)
    assert [email.to for email in harness.email.sent] == ["Ada@example.com"]
    assert await harness.value("SELECT COUNT(*) AS n FROM email_tokens") == 1
    emails = await harness.rows("SELECT state FROM jobs WHERE queue = ?", Queue.EMAIL)
    assert {row["state"] for row in emails} == {JobState.COMPLETED}


async def test_reset_token_is_neither_stored_nor_logged(harness: ServiceHarness) -> None:
    await register(harness)
    with capture_logs() as logs:
        token = await request_reset(harness)
        await harness.credentials.reset_password(token, NEW)
        await harness.work_off(JobKind.EMAIL_CREDENTIALS_CHANGED)
    tables = [await harness.rows(f"SELECT * FROM {table}") for table in ("jobs", "email_tokens", "users")]
    for secret in (token, NEW, OLD):
        assert secret not in repr((tables, logs))


async def test_retry_sends_another_token(harness: ServiceHarness) -> None:
    await register(harness)
    harness.email.refuses = [EmailFailed("The SMTP server is unavailable.")]
    await harness.credentials.request_reset("ada@example.com")
    claim = await harness.claim(JobKind.EMAIL_RESET_LINK)
    with pytest.raises(EmailFailed):
        await harness.account_emails.send_reset(claim)
    assert (await harness.job(claim.id))["state"] == JobState.RUNNING
    for _ in range(2):  # As after a worker that was killed after it sent the e-mail.
        await harness.database.execute("UPDATE jobs SET state = ? WHERE id = ?", [JobState.RUNNING, claim.id])
        await harness.account_emails.send_reset(claim)
    first, second = harness.email.sent
    assert first.key == second.key
    assert await harness.value("SELECT COUNT(*) AS n FROM email_tokens") == 3
    await harness.credentials.reset_password(token_in(first.text), NEW)
    await assert_refused(harness, token_in(second.text))


async def test_rejected_email_is_not_retried(harness: ServiceHarness) -> None:
    await register(harness)
    harness.email.refuses = [EmailRefused("No such mailbox.")]
    await harness.credentials.request_reset("ada@example.com")
    with capture_logs() as logs:
        await harness.work_off(JobKind.EMAIL_RESET_LINK)
    assert [line["event"] for line in logs] == ["email_refused"]
    assert "example.com" not in repr(logs)
    emails = await harness.rows("SELECT state FROM jobs WHERE queue = ?", Queue.EMAIL)
    assert {row["state"] for row in emails} == {JobState.COMPLETED}


async def test_owner_is_notified_of_a_password_change(harness: ServiceHarness) -> None:
    await register(harness)
    await harness.credentials.change_password(
        await owner(harness, await sign_in(harness)), Confirmation(OLD), NEW
    )
    await harness.work_off(JobKind.EMAIL_CREDENTIALS_CHANGED)
    (email,) = harness.email.sent
    assert (email.to, email.subject) == ("Ada@example.com", "Your password was changed")
    assert "token" not in email.text + email.html


async def test_reset_emails_above_the_budget_are_not_sent(harness: ServiceHarness) -> None:
    await register(harness)
    budget = email_budget(Settings(), RateLimits(harness.pipelined_redis))
    harness.send_emails_through(harness.email, budget)
    for _ in range(10):
        await harness.credentials.request_reset("Ada@example.com")
    await harness.credentials.request_reset("bob@example.com")
    assert await harness.work_off(JobKind.EMAIL_RESET_LINK) == 11
    assert len(harness.email.sent) == 3
    await harness.credentials.reset_password(token_in(harness.email.sent[0].text), NEW)


@pytest.mark.parametrize("by_link", [True, False])
async def test_new_password_cancels_a_change_of_the_address(harness: ServiceHarness, by_link: bool) -> None:
    account = await register(harness)
    pair = await sign_in(harness)
    await harness.email_verification.request_change(
        await harness.open_session(account.id), Confirmation(OLD), "thief@example.com"
    )
    await harness.work_off(JobKind.EMAIL_VERIFICATION)
    link = link_token(harness.email.sent[-1])
    assert harness.email.sent[-1].to == "thief@example.com"
    if by_link:
        await harness.credentials.request_reset("ada@example.com")
        await harness.work_off(JobKind.EMAIL_RESET_LINK)
        await harness.credentials.reset_password(link_token(harness.email.sent[-1]), NEW)
    else:
        await harness.credentials.change_password(await owner(harness, pair), Confirmation(OLD), NEW)
    with pytest.raises(InvalidInput) as refused:
        await harness.email_verification.verify(link)
    assert refused.value.code == "invalid_verification_token"
    own = await harness.profiles.get_own(account.id)
    assert own.address is not None
    assert (own.address.email, own.address.pending) == ("Ada@example.com", None)


async def test_new_password_keeps_the_only_address(harness: ServiceHarness) -> None:
    await harness.accounts.register("ada", "ada@example.com", OLD, "")
    await harness.work_off(JobKind.EMAIL_VERIFICATION)
    link = link_token(harness.email.sent[-1])
    await harness.credentials.change_password(
        await owner(harness, await sign_in(harness)), Confirmation(OLD), NEW
    )
    await harness.email_verification.verify(link)
