"""Access to pictures: as soon as something changes, kept addresses follow the rule."""

from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from PIL import Image as PillowImage

from server.errors import AppError, Forbidden, NotFound
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.services.content.pictures import is_original
from server.services.content.posts import Upload
from server.services.content.sources import image_sources
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus, Image
from tests.support.inputs import photos
from tests.support.inputs.pictures import encoded
from tools.harness.services import ServiceHarness


@pytest.fixture
async def people(harness: ServiceHarness) -> tuple[UserId, UserId, UserId]:
    """An author, a follower and a stranger."""
    author, follower, stranger = await harness.users(3)
    await harness.follows.follow(follower, author)
    return author, follower, stranger


async def publish(harness: ServiceHarness, author: UserId) -> tuple[PostId, Image]:
    path = harness.folder / "photo"
    path.write_bytes(photos.small())
    post = await harness.posts.publish(author, "", [Upload(path)])
    return post.id, post.card.images[0]


def address_for(harness: ServiceHarness, image: Image, viewer: UserId | None) -> str:
    """Return the address of the largest rendition: signed for a viewer, or public."""
    if viewer is not None:
        addresses = harness.media_addresses
        (image,) = addresses.sign([image], viewer, addresses.expires_at_s(1))
    return image_sources(image)[-1].url


async def works(harness: ServiceHarness, address: str) -> bool:
    parts = urlsplit(address)
    try:
        await harness.media_access.check(parts.path.removeprefix("/"), dict(parse_qsl(parts.query)))
    except NotFound:
        return False
    return True


async def test_public_address_works_while_everybody_may_see_the_post(
    harness: ServiceHarness, people: tuple[UserId, UserId, UserId]
) -> None:
    author, _, _ = people
    post_id, image = await publish(harness, author)
    address = address_for(harness, image, None)
    assert await works(harness, address)
    for change, undo in (
        (
            harness.profiles.edit(author, {"is_private": True}),
            harness.profiles.edit(author, {"is_private": False}),
        ),
        (
            harness.set_status(author, AccountStatus.SUSPENDED),
            harness.set_status(author, AccountStatus.ACTIVE),
        ),
    ):
        await change
        assert not await works(harness, address)
        await undo
        assert await works(harness, address)
    await harness.delete(post_id)
    assert not await works(harness, address)


async def test_signed_address_works_while_its_viewer_may_see_the_post(
    harness: ServiceHarness, people: tuple[UserId, UserId, UserId]
) -> None:
    author, follower, stranger = people
    await harness.profiles.edit(author, {"is_private": True})
    _, image = await publish(harness, author)
    own, followers, strangers = (
        address_for(harness, image, viewer) for viewer in (author, follower, stranger)
    )
    assert await works(harness, own)
    assert await works(harness, followers)
    assert not await works(harness, strangers)
    assert not await works(harness, followers.replace(f"viewer={follower}", f"viewer={author}"))

    await harness.follows.unfollow(follower, author)
    assert not await works(harness, followers)
    await harness.profiles.edit(author, {"is_private": False})
    assert await works(harness, followers)
    assert await works(harness, strangers)
    await harness.blocks.block(author, stranger)
    assert not await works(harness, strangers)
    await harness.set_status(follower, AccountStatus.SUSPENDED)
    assert not await works(harness, followers)


async def test_moderators_read_what_was_taken_down(
    harness: ServiceHarness, people: tuple[UserId, UserId, UserId]
) -> None:
    author, follower, moderator = people
    await harness.user_rows.set_role(moderator, "moderator")
    post_id, image = await publish(harness, author)
    await harness.delete(post_id)
    assert await works(harness, address_for(harness, image, moderator))
    for viewer in (author, follower, None):
        assert not await works(harness, address_for(harness, image, viewer))


async def test_picture_that_no_post_uses_belongs_to_its_owner(
    harness: ServiceHarness, people: tuple[UserId, UserId, UserId]
) -> None:
    owner, follower, _ = people
    (harness.folder / "photo").write_bytes(photos.small())
    media = await harness.unused_media.add(owner, Upload(harness.folder / "photo"))
    assert media.image is not None
    assert await works(harness, address_for(harness, media.image, owner))
    for viewer in (follower, None):
        assert not await works(harness, address_for(harness, media.image, viewer))


async def test_avatars_are_public_and_other_keys_lead_to_nothing(
    harness: ServiceHarness, people: tuple[UserId, UserId, UserId], tmp_path: Path
) -> None:
    author, _, _ = people
    await harness.profiles.edit(author, {"is_private": True})
    (tmp_path / "me").write_bytes(photos.small())
    profile = await harness.profiles.change_avatar(author, tmp_path / "me")
    assert profile.avatar_url is not None
    assert await works(harness, profile.avatar_url)
    for key in (
        "posts/1/large.jpg",
        "large.jpg",
        "uploads/1/2",
        "avatars/1/original-2",
        "..",
        ".photofeed-store",
    ):
        assert not await works(harness, f"https://media.test/{key}")


async def test_all_renditions_follow_the_rule_and_originals_are_never_sent(
    harness: ServiceHarness, people: tuple[UserId, UserId, UserId]
) -> None:
    author, follower, stranger = people
    harness.pictures.encodes_avif = True
    texture = PillowImage.effect_noise((700, 500), 40).convert("RGB")
    (harness.folder / "photo").write_bytes(encoded(texture, quality=95))
    image = (await harness.posts.publish(author, "", [Upload(harness.folder / "photo")])).card.images[0]
    before = {entry.key async for entry in harness.media.list("posts")}
    await harness.profiles.edit(author, {"is_private": True})
    await harness.work_off(JobKind.ENCODE_AVIF)
    keys = before | {entry.key async for entry in harness.media.list("posts")}
    assert any(is_original(key) for key in keys)
    assert any(key.endswith(".avif") for key in keys)
    for viewer, allowed in ((author, True), (follower, True), (stranger, False), (None, False)):
        query = urlsplit(address_for(harness, image, viewer)).query
        for key in keys:
            shown = await works(harness, f"https://media.test/{key}?{query}")
            assert shown is (allowed and not is_original(key)), (key, viewer)


async def test_expired_address_is_refused_with_its_own_code(
    harness: ServiceHarness, people: tuple[UserId, UserId, UserId]
) -> None:
    author, follower, _ = people
    _, image = await publish(harness, author)
    (image,) = harness.media_addresses.sign([image], follower, harness.clock.now_ms() // 1000)
    parts = urlsplit(image_sources(image)[0].url)
    with pytest.raises(AppError) as refused:
        await harness.media_access.check(parts.path[1:], dict(parse_qsl(parts.query)))
    assert isinstance(refused.value, Forbidden)
    assert refused.value.code == "media_address_expired"


@pytest.mark.parametrize("audience", [Audience.FOLLOWERS, Audience.CLOSE_FRIENDS])
async def test_pictures_follow_the_audience_of_the_post(
    harness: ServiceHarness, people: tuple[UserId, UserId, UserId], audience: Audience
) -> None:
    author, follower, stranger = people
    await harness.close_friends.add(author, follower)
    post_id, image = await publish(harness, author)
    plain, *signed = (address_for(harness, image, viewer) for viewer in (None, author, follower, stranger))
    edited = await harness.posts.edit(author, post_id, None, None, audience)
    assert not edited.is_public
    assert not await works(harness, plain)
    assert [await works(harness, address) for address in signed] == [True, True, False]
    assert (await harness.posts.edit(author, post_id, None, None, Audience.PUBLIC)).is_public
    assert await works(harness, plain)
