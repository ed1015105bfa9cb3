"""Profiles, and names that are taken in another spelling."""

from pathlib import Path

import pytest

from server.errors import Conflict, InvalidInput, NotFound, UnsupportedMedia
from server.ids import UserId
from server.paging import PageRequest
from server.services.reactions import JobKind
from tests.house import House
from tests.journeys import photos

LOOK_ALIKES = ["ada", "ADA", "Ada", "ａｄａ", "𝐀𝐝𝐚", "ⓐⓓⓐ"]


async def test_a_name_that_looks_alike_is_taken(house: House) -> None:
    await house.user("ada")
    bob = await house.user("bob")
    for name in LOOK_ALIKES:
        with pytest.raises(Conflict) as taken:
            await house.profiles.edit(bob, {"username": name})
        assert taken.value.code == "username_taken"
        assert list(taken.value.fields) == ["username"]
    assert (await house.profiles.own(bob)).username == "bob"


async def test_names_are_compared_without_case(house: House) -> None:
    for one, other in [("straße", "STRASSE"), ("ﬁn", "FIN"), ("ΣΊΣΥΦΟΣ", "σίσυφος")]:
        user_id = await house.user(one)
        assert (await house.profiles.of(user_id, other)).id == user_id


async def test_an_address_in_another_case_is_taken(house: House) -> None:
    await house.user("ada")
    bob = await house.user("bob")
    with pytest.raises(Conflict) as taken:
        await house.profiles.edit(bob, {"email": "ADA@Example.COM"})
    assert taken.value.code == "email_taken"


async def test_a_taken_name_is_told_from_a_taken_address(house: House) -> None:
    await house.user("email_key")
    bob = await house.user("bob")
    with pytest.raises(Conflict) as taken:
        await house.profiles.edit(bob, {"username": "email_key"})
    assert taken.value.code == "username_taken"


async def test_emoji_in_names_differ(house: House) -> None:
    sushi, beer = await house.user("🍣"), await house.user("🍺")
    assert (await house.profiles.of(sushi, "🍺")).id == beer


async def test_one_s_own_name_in_another_case_is_free(house: House) -> None:
    ada = await house.user("ada")
    assert (await house.profiles.edit(ada, {"username": "Ada"})).username == "Ada"


async def test_only_what_may_be_edited_is(house: House) -> None:
    ada = await house.user("ada")
    edited = await house.profiles.edit(ada, {"bio": "Photos.", "role": "admin", "followers_count": "9"})
    assert (edited.bio, edited.role, edited.followers_count) == ("Photos.", "user", 0)
    assert await house.profiles.edit(ada, {}) == edited


async def test_an_address_is_for_its_owner(house: House) -> None:
    ada, bob = await house.user("ada"), await house.user("bob")
    assert (await house.profiles.own(ada)).email == "ada@example.com"
    assert (await house.profiles.of(bob, ada)).email is None


async def test_a_profile_tells_who_follows_whom(house: House) -> None:
    ada, bob = await house.users(2)
    await house.follows.follow(ada, bob)
    seen, back = await house.profiles.of(ada, bob), await house.profiles.of(bob, ada)
    assert (seen.is_following, seen.follows_you) == (True, False)
    assert (back.is_following, back.follows_you) == (False, True)


async def test_nobody_has_no_profile(house: House) -> None:
    ada = await house.user()
    for look in (
        house.profiles.own(UserId(404)),
        house.profiles.of(ada, UserId(404)),
        house.profiles.of(ada, "nobody"),
        house.profiles.edit(UserId(404), {"bio": "Boo."}),
    ):
        with pytest.raises(NotFound):
            await look


async def test_the_revision_grows_with_every_change(house: House) -> None:
    ada = await house.user("ada")
    for changes, revision in (
        ({}, 0),
        ({"full_name": "Ada L."}, 1),
        ({"username": "lovelace"}, 2),
        ({"username": "ada", "full_name": "Ada", "bio": ""}, 3),
    ):
        await house.profiles.edit(ada, changes)
        assert await house.value("SELECT revision FROM users WHERE id = ?", ada) == revision


async def test_the_address_before_is_told_that_it_was_changed(house: House) -> None:
    ada = await house.user("ada")
    await house.profiles.edit(ada, {"email": "elsewhere@example.com"})
    await house.profiles.edit(ada, {"email": "further@example.com"})
    assert await house.work_off(JobKind.MAIL_ADDRESS_CHANGED) == 2
    first, second = house.mail.letters
    assert [first.to, second.to] == ["ada@example.com", "elsewhere@example.com"]
    assert first.key != second.key
    for letter, address in ((first, "elsewhere@example.com"), (second, "further@example.com")):
        assert letter.subject == "Your e-mail address was changed"
        assert "Hello ada," in letter.text
        assert address in letter.text
        assert address in letter.html


async def test_nobody_is_told_of_an_address_that_stays(house: House) -> None:
    ada, _ = await house.user("ada"), await house.user("bob")
    await house.profiles.edit(ada, {"email": "ada@example.com", "bio": "Photos."})
    with pytest.raises(Conflict):
        await house.profiles.edit(ada, {"email": "bob@example.com"})
    assert await house.due(JobKind.MAIL_ADDRESS_CHANGED) == []


async def test_word_of_a_changed_address_is_not_for_who_is_gone(house: House) -> None:
    ada = await house.user("ada")
    await house.profiles.edit(ada, {"email": "elsewhere@example.com"})
    await house.database.execute("DELETE FROM users WHERE id = ?", [ada])
    assert await house.work_off(JobKind.MAIL_ADDRESS_CHANGED) == 1
    assert house.mail.letters == []


async def test_a_new_avatar_is_on_the_feed_s_next_page(house: House, tmp_path: Path) -> None:
    ada = await house.user("ada")
    await house.post(ada)
    (before,) = (await house.feed.page(ada, PageRequest())).items
    (tmp_path / "me").write_bytes(photos.small())
    profile = await house.profiles.change_avatar(ada, tmp_path / "me")
    (after,) = (await house.feed.page(ada, PageRequest())).items
    assert (before.author.avatar_url, after.author.avatar_url) == (None, profile.avatar_url)


async def test_a_bad_avatar_changes_nothing(house: House, tmp_path: Path) -> None:
    ada = await house.user("ada")
    for data, kind in ((b"<svg/>", UnsupportedMedia), (b"", InvalidInput), (b"GIF89a", UnsupportedMedia)):
        (tmp_path / "me.jpg").write_bytes(data)
        with pytest.raises(kind) as refused:
            await house.profiles.change_avatar(ada, tmp_path / "me.jpg")
        assert list(refused.value.fields) == ["avatar"]
    assert (await house.profiles.own(ada)).avatar_url is None
    assert [entry async for entry in house.media.list()] == []
