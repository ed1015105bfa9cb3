"""Profiles, and usernames that are taken in another spelling."""

from pathlib import Path

import pytest

from server.errors import Conflict, InvalidInput, NotFound, UnsupportedMedia
from server.ids import UserId
from server.paging import PageRequest
from server.services.records import OwnAddress, Relationship
from tests.support.inputs import photos
from tools.harness.services import ServiceHarness

LOOK_ALIKES = ["ada", "ADA", "Ada", "ａｄａ", "𝐀𝐝𝐚", "ⓐⓓⓐ"]


async def test_lookalike_username_is_taken(harness: ServiceHarness) -> None:
    await harness.user("ada")
    bob = await harness.user("bob")
    for name in LOOK_ALIKES:
        with pytest.raises(Conflict) as taken:
            await harness.profiles.edit(bob, {"username": name})
        assert taken.value.code == "username_taken"
        assert list(taken.value.fields) == ["username"]
    assert (await harness.profiles.get_own(bob)).username == "bob"


async def test_usernames_are_case_insensitive(harness: ServiceHarness) -> None:
    for one, other in [("straße", "STRASSE"), ("ﬁn", "FIN"), ("ΣΊΣΥΦΟΣ", "σίσυφος")]:
        user_id = await harness.user(one)
        assert (await harness.profiles.get(user_id, other)).id == user_id


async def test_usernames_with_different_emoji_are_distinct(harness: ServiceHarness) -> None:
    sushi, beer = await harness.user("🍣"), await harness.user("🍺")
    assert (await harness.profiles.get(sushi, "🍺")).id == beer


async def test_own_username_may_change_its_case(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    assert (await harness.profiles.edit(ada, {"username": "Ada"})).username == "Ada"


async def test_only_editable_columns_are_changed(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    edited = await harness.profiles.edit(ada, {"bio": "Photos.", "role": "admin", "followers_count": "9"})
    assert (edited.bio, edited.role, edited.followers_count) == ("Photos.", "user", 0)
    assert await harness.profiles.edit(ada, {}) == edited


async def test_email_and_role_are_visible_to_their_owner_only(harness: ServiceHarness) -> None:
    ada, bob = await harness.user("ada"), await harness.user("bob")
    own, public = await harness.profiles.get_own(ada), await harness.profiles.get(bob, ada)
    assert (own.address, own.role) == (OwnAddress("ada@example.com", verified=True, pending=None), "user")
    assert (public.address, public.role) == (None, None)


async def test_profile_includes_follows_in_both_directions(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    await harness.follows.follow(ada, bob)
    seen, back = await harness.profiles.get(ada, bob), await harness.profiles.get(bob, ada)
    assert seen.relationship == Relationship(True, False, False, False, False)
    assert back.relationship == Relationship(False, False, True, False, False)


async def test_profile_of_a_missing_user_is_not_found(harness: ServiceHarness) -> None:
    ada = await harness.user()
    for look in (
        harness.profiles.get_own(UserId(404)),
        harness.profiles.get(ada, UserId(404)),
        harness.profiles.get(ada, "unknown"),
        harness.profiles.edit(UserId(404), {"bio": "Boo."}),
    ):
        with pytest.raises(NotFound):
            await look


async def test_revision_increases_with_each_change(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    for changes, revision in (
        ({}, 0),
        ({"full_name": "Ada L."}, 1),
        ({"username": "lovelace"}, 2),
        ({"username": "ada", "full_name": "Ada", "bio": ""}, 3),
    ):
        await harness.profiles.edit(ada, changes)
        assert await harness.value("SELECT revision FROM users WHERE id = ?", ada) == revision


async def test_new_avatar_appears_on_the_next_feed_page(harness: ServiceHarness, tmp_path: Path) -> None:
    ada = await harness.user("ada")
    await harness.post(ada)
    (before,) = (await harness.feed.page(ada, PageRequest())).items
    (tmp_path / "me").write_bytes(photos.small())
    profile = await harness.profiles.change_avatar(ada, tmp_path / "me")
    (after,) = (await harness.feed.page(ada, PageRequest())).items
    assert (before.author.avatar_url, after.author.avatar_url) == (None, profile.avatar_url)


async def test_invalid_avatar_changes_nothing(harness: ServiceHarness, tmp_path: Path) -> None:
    ada = await harness.user("ada")
    for data, kind in ((b"<svg/>", UnsupportedMedia), (b"", InvalidInput), (b"GIF89a", InvalidInput)):
        (tmp_path / "me.jpg").write_bytes(data)
        with pytest.raises(kind) as refused:
            await harness.profiles.change_avatar(ada, tmp_path / "me.jpg")
        assert list(refused.value.fields) == ["avatar"]
    assert (await harness.profiles.get_own(ada)).avatar_url is None
    assert [entry async for entry in harness.media.list()] == []
