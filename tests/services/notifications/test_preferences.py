"""Notification preferences and unsubscribe links."""

import asyncio
import hmac

import jwt
import pytest

from server.errors import NotFound, Unauthenticated
from server.ids import UserId
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.records import Channel, NotificationType
from tools.harness.services import TOKEN_RULES, ServiceHarness


async def test_all_channels_are_wanted_by_default(harness: ServiceHarness) -> None:
    preferences = await harness.preferences.get_for(await harness.user())
    assert set(preferences) == set(NotificationType)
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


async def test_unsubscribe_ends_one_type_for_one_user(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    token = harness.unsubscribe_tokens.unsubscribe_url(ada, NotificationType.LIKE).partition("?token=")[2]
    assert harness.preferences.get_unsubscribe_type(token) is NotificationType.LIKE
    for _ in range(2):
        assert await harness.preferences.unsubscribe(token) is NotificationType.LIKE
    preferences = await harness.preferences.get_for(ada)
    assert preferences[NotificationType.LIKE][Channel.EMAIL] is False
    assert preferences[NotificationType.LIKE][Channel.PUSH] is True
    assert preferences[NotificationType.COMMENT][Channel.EMAIL] is True
    assert (await harness.preferences.get_for(bob))[NotificationType.LIKE][Channel.EMAIL] is True


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
    ada, bob = await harness.users(2)
    good = harness.unsubscribe_tokens.encode(ada, NotificationType.LIKE)
    other = harness.unsubscribe_tokens.encode(bob, NotificationType.LIKE)
    token = {
        "empty": "",
        "cut": good[:-1],
        "another": ".".join([*other.split(".")[:2], good.split(".")[2]]),
        "foreign": UnsubscribeTokens(b"another secret", "https://photos.test").encode(
            ada, NotificationType.LIKE
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
    assert await harness.rows("SELECT id FROM notification_preferences") == []


async def test_unsubscribe_of_deleted_user_is_not_found(harness: ServiceHarness) -> None:
    with pytest.raises(NotFound):
        await harness.preferences.unsubscribe(
            harness.unsubscribe_tokens.encode(UserId(7), NotificationType.LIKE)
        )


async def test_session_and_unsubscribe_tokens_differ(harness: ServiceHarness) -> None:
    ada = await harness.user()
    pair = await harness.sessions.create(ada, 0, "a browser", "127.0.0.1")
    same_secret = UnsubscribeTokens(TOKEN_RULES.refresh_secret.encode(), "https://photos.test")
    for token in (pair.access_token, pair.refresh_token):
        with pytest.raises(NotFound):
            same_secret.decode(token)
    unsubscribe = same_secret.encode(ada, NotificationType.LIKE)
    with pytest.raises(Unauthenticated):
        await harness.principal(unsubscribe)
    with pytest.raises(Unauthenticated):
        await harness.sessions.refresh(unsubscribe, "a browser", "127.0.0.1")


def test_unsubscribe_token_header_and_claims_are_checked() -> None:
    tokens = UnsubscribeTokens(b"a secret", "https://photos.test")
    key = hmac.digest(b"a secret", b"unsubscribe tokens", "sha256")
    claims = {"aud": "unsubscribe", "sub": "7", "type": "like"}
    assert tokens.decode(jwt.encode(claims, key, "HS256", {"typ": "unsubscribe+jwt"})) == (7, "like")
    for changes, headers in (
        ({}, {"typ": "JWT"}),
        ({"aud": "photofeed-api"}, {"typ": "unsubscribe+jwt"}),
        ({"type": "poke"}, {"typ": "unsubscribe+jwt"}),
        ({"sub": "ada"}, {"typ": "unsubscribe+jwt"}),
        ({"exp": 9_999_999_999}, {"typ": "unsubscribe+jwt"}),
    ):
        with pytest.raises(NotFound):
            tokens.decode(jwt.encode({**claims, **changes}, key, "HS256", headers))
