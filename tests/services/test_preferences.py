"""Preferences: everything is wanted until somebody says otherwise, also by a link in a letter."""

import asyncio

import pytest

from server.errors import NotFound
from server.ids import UserId
from server.services.mail_links import MailLinks
from server.services.records import Channel, NotificationType
from tests.house import House


async def test_everything_is_wanted_at_first(house: House) -> None:
    wishes = await house.preferences.of(await house.user())
    assert set(wishes) == set(NotificationType)
    assert all(channels == dict.fromkeys(Channel, True) for channels in wishes.values())


async def test_what_is_left_out_stays_as_it_is(house: House) -> None:
    ada, bob = await house.users(2)
    await house.preferences.change(ada, {NotificationType.LIKE: {Channel.EMAIL: False}})
    wishes = await house.preferences.change(
        ada, {NotificationType.LIKE: {Channel.PUSH: False}, NotificationType.FOLLOW: {}}
    )
    assert wishes[NotificationType.LIKE] == {
        Channel.PUSH: False,
        Channel.EMAIL: False,
        Channel.IN_APP: True,
    }
    assert wishes[NotificationType.FOLLOW] == dict.fromkeys(Channel, True)
    assert (await house.preferences.of(bob))[NotificationType.LIKE] == dict.fromkeys(Channel, True)


async def test_changes_at_once_all_hold(house: House) -> None:
    ada = await house.user()
    await asyncio.gather(
        *(
            house.preferences.change(ada, {type_: {channel: False}})
            for type_ in NotificationType
            for channel in Channel
        )
    )
    wishes = await house.preferences.of(ada)
    assert all(channels == dict.fromkeys(Channel, False) for channels in wishes.values())


async def test_a_link_ends_mail_about_one_thing_to_one_person(house: House) -> None:
    ada, bob = await house.users(2)
    token = house.links.unsubscribe_url(ada, NotificationType.LIKE).partition("?token=")[2]
    assert house.preferences.subscription(token) is NotificationType.LIKE
    for _ in range(2):
        assert await house.preferences.unsubscribe(token) is NotificationType.LIKE
    wishes = await house.preferences.of(ada)
    assert wishes[NotificationType.LIKE][Channel.EMAIL] is False
    assert wishes[NotificationType.LIKE][Channel.PUSH] is True
    assert wishes[NotificationType.COMMENT][Channel.EMAIL] is True
    assert (await house.preferences.of(bob))[NotificationType.LIKE][Channel.EMAIL] is True


@pytest.mark.parametrize(
    "flaw", ["empty", "cut", "another", "foreign", "no base64", "not ascii", "padded", "broken", "spare bits"]
)
async def test_a_link_that_was_not_made_here_ends_nothing(house: House, flaw: str) -> None:
    ada = await house.user()
    good = house.links.token(ada, NotificationType.LIKE)
    other = house.links.token(UserId(ada + 1), NotificationType.LIKE)
    token = {
        "empty": "",
        "cut": good[:-1],
        "another": good[:24] + other[24:],
        "foreign": MailLinks(b"another secret", "https://photos.test").token(ada, NotificationType.LIKE),
        "no base64": "&" * 40,
        "not ascii": "ü" * 40,
        "padded": f"{good}=",
        "broken": f"{good[:9]}\n{good[9:]}",
        "spare bits": good[:-1] + chr(ord(good[-1]) + 1),
    }[flaw]
    with pytest.raises(NotFound):
        await house.preferences.unsubscribe(token)
    assert await house.rows("SELECT id FROM notification_preferences") == []


async def test_a_link_of_somebody_who_is_gone_ends_nothing(house: House) -> None:
    with pytest.raises(NotFound):
        await house.preferences.unsubscribe(house.links.token(UserId(7), NotificationType.LIKE))
