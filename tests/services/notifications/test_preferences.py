"""Notification preferences and unsubscribe links."""

import asyncio
import hmac

import jwt
import pytest

from server.errors import NotFound, Unauthenticated
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.records import PREFERENCE_TYPES, Channel, NotificationType
from tests.support.email_links import link_token
from tools.harness.services import TOKEN_RULES, ServiceHarness


async def test_all_channels_are_wanted_by_default(harness: ServiceHarness) -> None:
    preferences = await harness.preferences.get_for(await harness.user())
    assert set(preferences) == set(PREFERENCE_TYPES)
    assert all(channels == dict.fromkeys(Channel, True) for channels in preferences.values())


async def test_omitted_channels_are_unchanged(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.preferences.update(ada, {NotificationType.LIKE: {Channel.EMAIL: False}})
    preferences = await harness.preferences.update(
        ada, {NotificationType.LIKE: {Channel.PUSH: False}, NotificationType.FOLLOW: {}}
    )
    assert preferences[NotificationType.LIKE] == {
        Channel.PUSH: False,
        Channel.EMAIL: False,
        Channel.IN_APP: True,
    }
    assert preferences[NotificationType.FOLLOW] == dict.fromkeys(Channel, True)
    assert (await harness.preferences.get_for(bob))[NotificationType.LIKE] == dict.fromkeys(Channel, True)


async def test_concurrent_updates_all_apply(harness: ServiceHarness) -> None:
    ada = await harness.user()
    await asyncio.gather(
        *(
            harness.preferences.update(ada, {type_: {channel: False}})
            for type_ in NotificationType
            for channel in Channel
        )
    )
    preferences = await harness.preferences.get_for(ada)
    assert all(channels == dict.fromkeys(Channel, False) for channels in preferences.values())


def unsubscribe_token(harness: ServiceHarness, address: str, type_: NotificationType) -> str:
    return harness.unsubscribe_tokens.encode(harness.suppressions.hash(address), type_)


async def test_unsubscribe_ends_one_type_for_one_address(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    token = unsubscribe_token(harness, "ADA@example.com", NotificationType.LIKE)
    assert harness.preferences.get_unsubscribe_type(token) is NotificationType.LIKE
    for _ in range(2):
        assert await harness.preferences.unsubscribe(token) is NotificationType.LIKE
    preferences = await harness.preferences.get_for(ada)
    assert preferences[NotificationType.LIKE][Channel.EMAIL] is False
    assert preferences[NotificationType.LIKE][Channel.PUSH] is True
    assert preferences[NotificationType.COMMENT][Channel.EMAIL] is True
    assert (await harness.preferences.get_for(bob))[NotificationType.LIKE][Channel.EMAIL] is True


@pytest.mark.usefixtures("immediate_emails")
async def test_unsubscribed_address_gets_no_email(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    await harness.preferences.unsubscribe(
        unsubscribe_token(harness, "ada@example.com", NotificationType.FOLLOW)
    )
    await harness.follows.follow(bob, ada)
    await harness.likes.like(bob, await harness.post(ada))
    for _ in range(2):
        await harness.work_off()
    assert [email.subject for email in harness.email.sent] == ["bob liked your post"]


@pytest.mark.usefixtures("immediate_emails")
async def test_only_the_owner_of_the_mailbox_ends_an_unsubscription(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    await harness.preferences.unsubscribe(
        unsubscribe_token(harness, "ada@example.com", NotificationType.FOLLOW)
    )
    changes = {NotificationType.FOLLOW: {Channel.EMAIL: True}}
    preferences = await harness.preferences.update(ada, changes)
    assert preferences[NotificationType.FOLLOW][Channel.EMAIL] is False
    await harness.work_off()
    (email,) = harness.email.sent
    assert (email.to, email.subject) == ("ada@example.com", "Confirm your e-mail address")
    await harness.email_verification.verify(link_token(email))
    assert (await harness.preferences.get_for(ada))[NotificationType.FOLLOW][Channel.EMAIL] is True
    await harness.follows.follow(bob, ada)
    for _ in range(2):
        await harness.work_off()
    assert harness.email.sent[-1].subject == "bob started following you"


@pytest.mark.usefixtures("immediate_emails")
async def test_unsubscription_outlives_the_account(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    token = unsubscribe_token(harness, "ada@example.com", NotificationType.FOLLOW)
    await harness.database.execute("DELETE FROM users WHERE id = ?", [ada])
    await harness.preferences.unsubscribe(token)
    again = await harness.user("ada")
    await harness.follows.follow(bob, again)
    for _ in range(2):
        await harness.work_off()
    assert harness.email.sent == []


@pytest.mark.parametrize(
    "flaw",
    [
        "empty",
        "cut",
        "another",
        "foreign",
        "no base64",
        "not ascii",
        "padded",
        "broken",
        "spare bits",
        "spare character",
    ],
)
async def test_invalid_unsubscribe_token_changes_nothing(harness: ServiceHarness, flaw: str) -> None:
    good = unsubscribe_token(harness, "ada@example.com", NotificationType.LIKE)
    other = unsubscribe_token(harness, "bob@example.com", NotificationType.LIKE)
    token = {
        "empty": "",
        "cut": good[:-1],
        "another": ".".join([*other.split(".")[:2], good.split(".")[2]]),
        "foreign": UnsubscribeTokens(b"another secret", "https://photos.test").encode(
            harness.suppressions.hash("ada@example.com"), NotificationType.LIKE
        ),
        "no base64": "&" * 40,
        "not ascii": "ü" * 40,
        "padded": f"{good}=",
        "broken": f"{good[:9]}\n{good[9:]}",
        "spare bits": good[:-1] + chr(ord(good[-1]) + 1),
        "spare character": f"{good}ü",
    }[flaw]
    with pytest.raises(NotFound):
        await harness.preferences.unsubscribe(token)
    assert await harness.rows("SELECT id FROM email_suppressions") == []


async def test_session_and_unsubscribe_tokens_differ(harness: ServiceHarness) -> None:
    ada = await harness.user()
    pair = await harness.sessions.create(ada, 0, "a browser", "127.0.0.1")
    same_secret = UnsubscribeTokens(TOKEN_RULES.refresh_secret.encode(), "https://photos.test")
    for token in (pair.access_token, pair.refresh_token):
        with pytest.raises(NotFound):
            same_secret.decode(token)
    unsubscribe = same_secret.encode(harness.suppressions.hash("ada@example.com"), NotificationType.LIKE)
    with pytest.raises(Unauthenticated):
        await harness.principal(unsubscribe)
    with pytest.raises(Unauthenticated):
        await harness.sessions.refresh(unsubscribe, "a browser", "127.0.0.1")


def test_unsubscribe_token_header_and_claims_are_checked() -> None:
    tokens = UnsubscribeTokens(b"a secret", "https://photos.test")
    key = hmac.digest(b"a secret", b"unsubscribe tokens", "sha256")
    claims = {"aud": "unsubscribe", "sub": "0f" * 16, "type": "like"}
    assert tokens.decode(jwt.encode(claims, key, "HS256", {"typ": "unsubscribe+jwt"})) == ("0f" * 16, "like")
    for changes, headers in (
        ({}, {"typ": "JWT"}),
        ({"aud": "photofeed-api"}, {"typ": "unsubscribe+jwt"}),
        ({"type": "poke"}, {"typ": "unsubscribe+jwt"}),
        ({"sub": "7"}, {"typ": "unsubscribe+jwt"}),
        ({"exp": 9_999_999_999}, {"typ": "unsubscribe+jwt"}),
    ):
        with pytest.raises(NotFound):
            tokens.decode(jwt.encode({**claims, **changes}, key, "HS256", headers))
