"""Preferences: everything is wanted until somebody says otherwise, also by a link in a letter."""

import asyncio

import pytest

from server.errors import NotFound
from server.ids import UserId
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.records import Channel, NotificationType
from tests.support.harness import ServiceHarness


async def test_everything_is_wanted_at_first(harness: ServiceHarness) -> None:
    wishes = await harness.preferences.get_for(await harness.user())
    assert set(wishes) == set(NotificationType)
    assert all(channels == dict.fromkeys(Channel, True) for channels in wishes.values())


async def test_what_is_left_out_stays_as_it_is(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.preferences.update(ada, {NotificationType.LIKE: {Channel.EMAIL: False}})
    wishes = await harness.preferences.update(
        ada, {NotificationType.LIKE: {Channel.PUSH: False}, NotificationType.FOLLOW: {}}
    )
    assert wishes[NotificationType.LIKE] == {
        Channel.PUSH: False,
        Channel.EMAIL: False,
        Channel.IN_APP: True,
    }
    assert wishes[NotificationType.FOLLOW] == dict.fromkeys(Channel, True)
    assert (await harness.preferences.get_for(bob))[NotificationType.LIKE] == dict.fromkeys(Channel, True)


async def test_changes_at_once_all_hold(harness: ServiceHarness) -> None:
    ada = await harness.user()
    await asyncio.gather(
        *(
            harness.preferences.update(ada, {type_: {channel: False}})
            for type_ in NotificationType
            for channel in Channel
        )
    )
    wishes = await harness.preferences.get_for(ada)
    assert all(channels == dict.fromkeys(Channel, False) for channels in wishes.values())


async def test_a_link_ends_mail_about_one_thing_to_one_person(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    token = harness.unsubscribe_tokens.unsubscribe_url(ada, NotificationType.LIKE).partition("?token=")[2]
    assert harness.preferences.get_unsubscribe_type(token) is NotificationType.LIKE
    for _ in range(2):
        assert await harness.preferences.unsubscribe(token) is NotificationType.LIKE
    wishes = await harness.preferences.get_for(ada)
    assert wishes[NotificationType.LIKE][Channel.EMAIL] is False
    assert wishes[NotificationType.LIKE][Channel.PUSH] is True
    assert wishes[NotificationType.COMMENT][Channel.EMAIL] is True
    assert (await harness.preferences.get_for(bob))[NotificationType.LIKE][Channel.EMAIL] is True


@pytest.mark.parametrize(
    "flaw", ["empty", "cut", "another", "foreign", "no base64", "not ascii", "padded", "broken", "spare bits"]
)
async def test_a_link_that_was_not_made_here_ends_nothing(harness: ServiceHarness, flaw: str) -> None:
    ada = await harness.user()
    good = harness.unsubscribe_tokens.encode(ada, NotificationType.LIKE)
    other = harness.unsubscribe_tokens.encode(UserId(ada + 1), NotificationType.LIKE)
    token = {
        "empty": "",
        "cut": good[:-1],
        "another": good[:24] + other[24:],
        "foreign": UnsubscribeTokens(b"another secret", "https://photos.test").encode(
            ada, NotificationType.LIKE
        ),
        "no base64": "&" * 40,
        "not ascii": "ü" * 40,
        "padded": f"{good}=",
        "broken": f"{good[:9]}\n{good[9:]}",
        "spare bits": good[:-1] + chr(ord(good[-1]) + 1),
    }[flaw]
    with pytest.raises(NotFound):
        await harness.preferences.unsubscribe(token)
    assert await harness.rows("SELECT id FROM notification_preferences") == []


async def test_a_link_of_somebody_who_is_gone_ends_nothing(harness: ServiceHarness) -> None:
    with pytest.raises(NotFound):
        await harness.preferences.unsubscribe(
            harness.unsubscribe_tokens.encode(UserId(7), NotificationType.LIKE)
        )
