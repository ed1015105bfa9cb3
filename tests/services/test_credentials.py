"""Credentials: a password is changed by who knows it or has its mailbox, and the sessions go with it."""

import asyncio
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from server.errors import InvalidInput, Unauthenticated
from server.gateways.mail import MailFailed, MailRefused, compose
from server.models.jobs import JobState
from server.services.accounts import Account
from server.services.reactions import JobKind
from server.services.records import Principal, TokenPair
from tests.house import RESET_TTL_S, House

OLD, NEW = "the old password", "the new password"


async def register(house: House, username: str = "ada") -> Account:
    return await house.accounts.register(username, f"{username.title()}@example.com", OLD, "")


async def sign_in(house: House, password: str = OLD, login: str = "ada") -> TokenPair:
    account = await house.accounts.authenticate(login, password)
    return await house.sessions.open(account.id, account.password_changed_at_ms, "a phone", "192.0.2.1")


async def owner(house: House, pair: TokenPair) -> Principal:
    return await house.principal(pair.access_token)


async def assert_signed_out(house: House, *pairs: TokenPair) -> None:
    for pair in pairs:
        with pytest.raises(Unauthenticated):
            await owner(house, pair)
        with pytest.raises(Unauthenticated):
            await house.sessions.refresh(pair.refresh_token, "", "")


async def assert_refused(house: House, token: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await house.credentials.reset(token, NEW)
    assert (refused.value.code, list(refused.value.fields)) == ("invalid_reset_token", ["token"])


async def asked_for(house: House, email: str = "ada@example.com") -> str:
    """The token that is mailed to whoever asks for a new password."""
    await house.credentials.forget(email)
    await house.work_off(JobKind.MAIL_RESET)
    return token_in(house.mail.letters[-1].text)


def token_in(text: str) -> str:
    (link,) = [word for word in text.split() if word.startswith("https://photos.test/reset?")]
    (token,) = parse_qs(urlsplit(link).query)["token"]
    return token


async def test_a_change_ends_the_other_sessions_and_spends_every_link(house: House) -> None:
    await register(house)
    here, elsewhere = await sign_in(house), await sign_in(house)
    token = await asked_for(house)
    await house.credentials.change(await owner(house, here), OLD, NEW)
    await owner(house, await house.sessions.refresh(here.refresh_token, "", ""))
    await assert_signed_out(house, elsewhere)
    await assert_refused(house, token)
    await sign_in(house, NEW)
    with pytest.raises(Unauthenticated):
        await sign_in(house, OLD)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("wrong", NEW, "oldPassword"),
        ("", NEW, "oldPassword"),
        (OLD + "x" * 72, NEW, "oldPassword"),
        (OLD, "é" * 37, "newPassword"),
    ],
)
async def test_a_change_that_is_refused_changes_nothing(house: House, old: str, new: str, field: str) -> None:
    await register(house)
    here, elsewhere = await sign_in(house), await sign_in(house)
    with pytest.raises(InvalidInput) as refused:
        await house.credentials.change(await owner(house, here), old, new)
    assert list(refused.value.fields) == [field]
    await owner(house, elsewhere)
    await sign_in(house)
    assert await house.due(JobKind.MAIL_CHANGED) == []


async def test_of_two_who_change_it_at_once_one_is_too_late(house: House) -> None:
    await register(house)
    askers = [await owner(house, await sign_in(house)) for _ in range(2)]
    outcomes = await asyncio.gather(
        *(house.credentials.change(asker, OLD, f"{NEW} {number}") for number, asker in enumerate(askers)),
        return_exceptions=True,
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["InvalidInput", "NoneType"]
    await sign_in(house, f"{NEW} {outcomes.index(None)}")


async def test_a_sign_in_that_a_change_overtakes_is_refused(house: House) -> None:
    await register(house)
    asker = await owner(house, await sign_in(house))
    account = await house.accounts.authenticate("ada", OLD)
    await house.credentials.change(asker, OLD, NEW)
    with pytest.raises(Unauthenticated):
        await house.sessions.open(account.id, account.password_changed_at_ms, "", "")


async def test_a_reset_ends_every_session_and_spends_every_link(house: House) -> None:
    await register(house)
    pairs = [await sign_in(house) for _ in range(3)]
    tokens = [await asked_for(house) for _ in range(2)]
    await house.credentials.reset(tokens[0], NEW)
    await assert_signed_out(house, *pairs)
    for token in tokens:
        await assert_refused(house, token)
    await owner(house, await sign_in(house, NEW))
    with pytest.raises(Unauthenticated):
        await sign_in(house, OLD)


async def test_a_link_is_good_once_however_many_use_it_at_once(house: House) -> None:
    await register(house)
    token = await asked_for(house)
    outcomes: list[Any] = await asyncio.gather(
        *(house.credentials.reset(token, f"{NEW} {number}") for number in range(20)), return_exceptions=True
    )
    assert outcomes.count(None) == 1
    assert {outcome.code for outcome in outcomes if outcome is not None} == {"invalid_reset_token"}
    await sign_in(house, f"{NEW} {outcomes.index(None)}")
    assert len(await house.due(JobKind.MAIL_CHANGED)) == 1


async def test_a_link_expires(house: House) -> None:
    await register(house)
    token = await asked_for(house)
    left_ms = await house.value(
        f"SELECT expires_at_ms - {house.database.now_ms} AS left_ms FROM password_resets"
    )
    assert 0 < left_ms <= RESET_TTL_S * 1000
    await house.database.execute("UPDATE password_resets SET expires_at_ms = expires_at_ms - ?", [left_ms])
    await assert_refused(house, token)
    await sign_in(house)


async def test_a_link_that_went_to_an_address_before_is_good_for_nothing(house: House) -> None:
    account = await register(house)
    token = await asked_for(house)
    await house.profiles.edit(account.id, {"bio": "Photos."})
    assert await house.value("SELECT COUNT(*) AS n FROM password_resets") == 1
    await house.profiles.edit(account.id, {"email": "elsewhere@example.com"})
    await assert_refused(house, token)
    await house.credentials.reset(await asked_for(house, "elsewhere@example.com"), NEW)


async def test_a_link_is_not_mailed_to_an_address_that_was_just_given_up(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await register(house)
    await house.credentials.forget("ada@example.com")
    claim = await house.claim(JobKind.MAIL_RESET)
    run = house.unit_of_work.run

    async def overtaken(body: Any) -> Any:
        """Another request is a moment faster."""
        monkeypatch.undo()
        await house.profiles.edit(account.id, {"email": "elsewhere@example.com"})
        return await run(body)

    monkeypatch.setattr(house.unit_of_work, "run", overtaken)
    await house.account_mail.send_reset(claim)
    assert house.mail.letters == []
    assert await house.value("SELECT COUNT(*) AS n FROM password_resets") == 0
    assert (await house.job(claim.id))["state"] == JobState.COMPLETED


async def test_nothing_else_is_a_reset_token(house: House) -> None:
    await register(house)
    pair, token = await sign_in(house), await asked_for(house)
    kept: str = await house.value("SELECT token_hash FROM password_resets")
    for other in (pair.access_token, pair.refresh_token, kept, token[:-1], token.upper(), "", "\udcff"):
        await assert_refused(house, other)
    with pytest.raises(Unauthenticated):
        await house.principal(token)
    await house.credentials.reset(token, NEW)


async def test_a_password_that_cannot_be_kept_leaves_the_link_good(house: House) -> None:
    await register(house)
    token = await asked_for(house)
    with pytest.raises(InvalidInput) as refused:
        await house.credentials.reset(token, "é" * 37)
    assert list(refused.value.fields) == ["newPassword"]
    await house.credentials.reset(token, NEW)


async def test_the_link_goes_to_the_owner_s_address_in_the_owner_s_spelling(house: House) -> None:
    await register(house, "ada")
    await register(house, "bob")
    await asked_for(house, "ADA@example.com")
    (letter,) = house.mail.letters
    assert letter.to == "Ada@example.com"
    message = message_from_bytes(
        compose(letter, "Photos <post@photos.test>").as_bytes(), policy=policy.default
    )
    assert message["To"] == "Ada@example.com"
    assert (message["Cc"], message["Bcc"]) == (None, None)
    text, page = (part.get_content() for part in message.iter_parts())
    assert "ada" in text
    assert token_in(text) in page


async def test_for_an_unknown_address_the_same_is_done_and_nothing_sent(house: House) -> None:
    await register(house)
    for email in ("ada@example.com", "nobody@example.com"):
        await house.credentials.forget(email)
    assert len(await house.due(JobKind.MAIL_RESET)) == 2
    await house.work_off(JobKind.MAIL_RESET)
    assert [letter.to for letter in house.mail.letters] == ["Ada@example.com"]
    assert await house.value("SELECT COUNT(*) AS n FROM password_resets") == 1
    assert {row["state"] for row in await house.rows("SELECT state FROM jobs")} == {JobState.COMPLETED}


async def test_the_token_is_nowhere_at_rest_and_in_no_log(house: House) -> None:
    await register(house)
    with capture_logs() as logs:
        token = await asked_for(house)
        await house.credentials.reset(token, NEW)
        await house.work_off(JobKind.MAIL_CHANGED)
    tables = [await house.rows(f"SELECT * FROM {table}") for table in ("jobs", "password_resets", "users")]
    for secret in (token, NEW, OLD):
        assert secret not in repr((tables, logs))


async def test_an_attempt_that_failed_is_made_again_with_another_token(house: House) -> None:
    await register(house)
    house.mail.refuses = [MailFailed("The mail server is away.")]
    await house.credentials.forget("ada@example.com")
    claim = await house.claim(JobKind.MAIL_RESET)
    with pytest.raises(MailFailed):
        await house.account_mail.send_reset(claim)
    assert (await house.job(claim.id))["state"] == JobState.RUNNING
    for _ in range(2):  # as when the worker is killed after the letter was sent
        await house.database.execute("UPDATE jobs SET state = ? WHERE id = ?", [JobState.RUNNING, claim.id])
        await house.account_mail.send_reset(claim)
    first, second = house.mail.letters
    assert first.key == second.key
    assert await house.value("SELECT COUNT(*) AS n FROM password_resets") == 3
    await house.credentials.reset(token_in(first.text), NEW)
    await assert_refused(house, token_in(second.text))


async def test_a_letter_that_is_refused_for_good_is_not_sent_again(house: House) -> None:
    await register(house)
    house.mail.refuses = [MailRefused("No such mailbox.")]
    await house.credentials.forget("ada@example.com")
    with capture_logs() as logs:
        await house.work_off(JobKind.MAIL_RESET)
    assert [line["event"] for line in logs] == ["mail_refused"]
    assert "example.com" not in repr(logs)
    assert {row["state"] for row in await house.rows("SELECT state FROM jobs")} == {JobState.COMPLETED}


async def test_the_owner_is_told_that_the_password_was_changed(house: House) -> None:
    await register(house)
    await house.credentials.change(await owner(house, await sign_in(house)), OLD, NEW)
    await house.work_off(JobKind.MAIL_CHANGED)
    (letter,) = house.mail.letters
    assert (letter.to, letter.subject) == ("Ada@example.com", "Your password was changed")
    assert "token" not in letter.text + letter.html
