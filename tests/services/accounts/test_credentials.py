"""Credentials: a password is changed by who knows it or has its mailbox, and the sessions go with it."""

import asyncio
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from server.errors import InvalidInput, Unauthenticated
from server.gateways.email.email import EmailFailed, EmailRefused, compose
from server.models.jobs.jobs import JobState
from server.services.accounts.accounts import Account
from server.services.jobs.event_jobs import JobKind
from server.services.records import Principal, TokenPair
from tests.support.harness import RESET_TTL_S, ServiceHarness

OLD, NEW = "the old password", "the new password"


async def register(harness: ServiceHarness, username: str = "ada") -> Account:
    return await harness.accounts.register(username, f"{username.title()}@example.com", OLD, "")


async def sign_in(harness: ServiceHarness, password: str = OLD, login: str = "ada") -> TokenPair:
    account = await harness.accounts.authenticate(login, password)
    return await harness.sessions.open(account.id, account.password_changed_at_ms, "a phone", "192.0.2.1")


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
        await harness.credentials.reset(token, NEW)
    assert (refused.value.code, list(refused.value.fields)) == ("invalid_reset_token", ["token"])


async def asked_for(harness: ServiceHarness, email: str = "ada@example.com") -> str:
    """The token that is mailed to whoever asks for a new password."""
    await harness.credentials.forget(email)
    await harness.work_off(JobKind.EMAIL_RESET_LINK)
    return token_in(harness.email.sent[-1].text)


def token_in(text: str) -> str:
    (link,) = [word for word in text.split() if word.startswith("https://photos.test/reset?")]
    (token,) = parse_qs(urlsplit(link).query)["token"]
    return token


async def test_a_change_ends_the_other_sessions_and_spends_every_link(harness: ServiceHarness) -> None:
    await register(harness)
    here, elsewhere = await sign_in(harness), await sign_in(harness)
    token = await asked_for(harness)
    await harness.credentials.change(await owner(harness, here), OLD, NEW)
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
        (OLD, "é" * 37, "newPassword"),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(
    harness: ServiceHarness, old: str, new: str, field: str
) -> None:
    await register(harness)
    here, elsewhere = await sign_in(harness), await sign_in(harness)
    with pytest.raises(InvalidInput) as refused:
        await harness.credentials.change(await owner(harness, here), old, new)
    assert list(refused.value.fields) == [field]
    await owner(harness, elsewhere)
    await sign_in(harness)
    assert await harness.due(JobKind.EMAIL_CREDENTIALS_CHANGED) == []


async def test_of_two_who_change_it_at_once_one_is_too_late(harness: ServiceHarness) -> None:
    await register(harness)
    askers = [await owner(harness, await sign_in(harness)) for _ in range(2)]
    outcomes = await asyncio.gather(
        *(harness.credentials.change(asker, OLD, f"{NEW} {number}") for number, asker in enumerate(askers)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InvalidInput", "NoneType"]
    await sign_in(harness, f"{NEW} {outcomes.index(None)}")


async def test_a_sign_in_that_a_change_overtakes_is_refused(harness: ServiceHarness) -> None:
    await register(harness)
    asker = await owner(harness, await sign_in(harness))
    account = await harness.accounts.authenticate("ada", OLD)
    await harness.credentials.change(asker, OLD, NEW)
    with pytest.raises(Unauthenticated):
        await harness.sessions.open(account.id, account.password_changed_at_ms, "", "")


async def test_a_reset_ends_every_session_and_spends_every_link(harness: ServiceHarness) -> None:
    await register(harness)
    pairs = [await sign_in(harness) for _ in range(3)]
    tokens = [await asked_for(harness) for _ in range(2)]
    await harness.credentials.reset(tokens[0], NEW)
    await assert_signed_out(harness, *pairs)
    for token in tokens:
        await assert_refused(harness, token)
    await owner(harness, await sign_in(harness, NEW))
    with pytest.raises(Unauthenticated):
        await sign_in(harness, OLD)


async def test_a_link_is_good_once_however_many_use_it_at_once(harness: ServiceHarness) -> None:
    await register(harness)
    token = await asked_for(harness)
    outcomes: list[Any] = await asyncio.gather(
        *(harness.credentials.reset(token, f"{NEW} {number}") for number in range(20)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert {outcome.code for outcome in outcomes if outcome is not None} == {"invalid_reset_token"}
    await sign_in(harness, f"{NEW} {outcomes.index(None)}")
    assert len(await harness.due(JobKind.EMAIL_CREDENTIALS_CHANGED)) == 1


async def test_a_link_expires(harness: ServiceHarness) -> None:
    await register(harness)
    token = await asked_for(harness)
    left_ms = await harness.value(
        f"SELECT expires_at_ms - {harness.database.now_ms} AS left_ms FROM password_resets"
    )
    assert 0 < left_ms <= RESET_TTL_S * 1000
    await harness.database.execute("UPDATE password_resets SET expires_at_ms = expires_at_ms - ?", [left_ms])
    await assert_refused(harness, token)
    await sign_in(harness)


async def test_a_link_that_went_to_an_address_before_is_good_for_nothing(harness: ServiceHarness) -> None:
    account = await register(harness)
    token = await asked_for(harness)
    await harness.profiles.edit(account.id, {"bio": "Photos."})
    assert await harness.value("SELECT COUNT(*) AS n FROM password_resets") == 1
    await harness.profiles.edit(account.id, {"email": "elsewhere@example.com"})
    await assert_refused(harness, token)
    await harness.credentials.reset(await asked_for(harness, "elsewhere@example.com"), NEW)


async def test_a_link_is_not_mailed_to_an_address_that_was_just_given_up(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await register(harness)
    await harness.credentials.forget("ada@example.com")
    claim = await harness.claim(JobKind.EMAIL_RESET_LINK)
    run = harness.unit_of_work.run

    async def overtaken(body: Any) -> Any:
        """Another request is a moment faster."""
        monkeypatch.undo()
        await harness.profiles.edit(account.id, {"email": "elsewhere@example.com"})
        return await run(body)

    monkeypatch.setattr(harness.unit_of_work, "run", overtaken)
    await harness.account_emails.send_reset(claim)
    assert harness.email.sent == []
    assert await harness.value("SELECT COUNT(*) AS n FROM password_resets") == 0
    assert (await harness.job(claim.id))["state"] == JobState.COMPLETED


async def test_nothing_else_is_a_reset_token(harness: ServiceHarness) -> None:
    await register(harness)
    pair, token = await sign_in(harness), await asked_for(harness)
    kept: str = await harness.value("SELECT token_hash FROM password_resets")
    for other in (pair.access_token, pair.refresh_token, kept, token[:-1], token.upper(), "", "\udcff"):
        await assert_refused(harness, other)
    with pytest.raises(Unauthenticated):
        await harness.principal(token)
    await harness.credentials.reset(token, NEW)


async def test_a_password_that_cannot_be_kept_leaves_the_link_good(harness: ServiceHarness) -> None:
    await register(harness)
    token = await asked_for(harness)
    with pytest.raises(InvalidInput) as refused:
        await harness.credentials.reset(token, "é" * 37)
    assert list(refused.value.fields) == ["newPassword"]
    await harness.credentials.reset(token, NEW)


async def test_the_link_goes_to_the_owner_s_address_in_the_owner_s_spelling(harness: ServiceHarness) -> None:
    await register(harness, "ada")
    await register(harness, "bob")
    await asked_for(harness, "ADA@example.com")
    (letter,) = harness.email.sent
    assert letter.to == "Ada@example.com"
    message = message_from_bytes(
        compose(letter, "Photos <post@photos.test>").as_bytes(), policy=policy.default
    )
    assert message["To"] == "Ada@example.com"
    assert (message["Cc"], message["Bcc"]) == (None, None)
    text, page = (part.get_content() for part in message.iter_parts())
    assert "ada" in text
    assert token_in(text) in page


async def test_for_an_unknown_address_the_same_is_done_and_nothing_sent(harness: ServiceHarness) -> None:
    await register(harness)
    for email in ("ada@example.com", "nobody@example.com"):
        await harness.credentials.forget(email)
    assert len(await harness.due(JobKind.EMAIL_RESET_LINK)) == 2
    await harness.work_off(JobKind.EMAIL_RESET_LINK)
    assert [letter.to for letter in harness.email.sent] == ["Ada@example.com"]
    assert await harness.value("SELECT COUNT(*) AS n FROM password_resets") == 1
    assert {row["state"] for row in await harness.rows("SELECT state FROM jobs")} == {JobState.COMPLETED}


async def test_the_token_is_nowhere_at_rest_and_in_no_log(harness: ServiceHarness) -> None:
    await register(harness)
    with capture_logs() as logs:
        token = await asked_for(harness)
        await harness.credentials.reset(token, NEW)
        await harness.work_off(JobKind.EMAIL_CREDENTIALS_CHANGED)
    tables = [await harness.rows(f"SELECT * FROM {table}") for table in ("jobs", "password_resets", "users")]
    for secret in (token, NEW, OLD):
        assert secret not in repr((tables, logs))


async def test_an_attempt_that_failed_is_made_again_with_another_token(harness: ServiceHarness) -> None:
    await register(harness)
    harness.email.refuses = [EmailFailed("The mail server is away.")]
    await harness.credentials.forget("ada@example.com")
    claim = await harness.claim(JobKind.EMAIL_RESET_LINK)
    with pytest.raises(EmailFailed):
        await harness.account_emails.send_reset(claim)
    assert (await harness.job(claim.id))["state"] == JobState.RUNNING
    for _ in range(2):  # as when the worker is killed after the letter was sent
        await harness.database.execute("UPDATE jobs SET state = ? WHERE id = ?", [JobState.RUNNING, claim.id])
        await harness.account_emails.send_reset(claim)
    first, second = harness.email.sent
    assert first.key == second.key
    assert await harness.value("SELECT COUNT(*) AS n FROM password_resets") == 3
    await harness.credentials.reset(token_in(first.text), NEW)
    await assert_refused(harness, token_in(second.text))


async def test_a_letter_that_is_refused_for_good_is_not_sent_again(harness: ServiceHarness) -> None:
    await register(harness)
    harness.email.refuses = [EmailRefused("No such mailbox.")]
    await harness.credentials.forget("ada@example.com")
    with capture_logs() as logs:
        await harness.work_off(JobKind.EMAIL_RESET_LINK)
    assert [line["event"] for line in logs] == ["email_refused"]
    assert "example.com" not in repr(logs)
    assert {row["state"] for row in await harness.rows("SELECT state FROM jobs")} == {JobState.COMPLETED}


async def test_the_owner_is_told_that_the_password_was_changed(harness: ServiceHarness) -> None:
    await register(harness)
    await harness.credentials.change(await owner(harness, await sign_in(harness)), OLD, NEW)
    await harness.work_off(JobKind.EMAIL_CREDENTIALS_CHANGED)
    (letter,) = harness.email.sent
    assert (letter.to, letter.subject) == ("Ada@example.com", "Your password was changed")
    assert "token" not in letter.text + letter.html
