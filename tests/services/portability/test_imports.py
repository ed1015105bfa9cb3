"""Imports: original dates and order, once per post whatever interrupts them, and without notifications."""

import asyncio
from itertools import pairwise

import pytest

from server.errors import Unavailable
from server.ids import EPOCH_MS, PostId, UserId, id_timestamp_ms, past_ids
from server.paging import PageRequest
from server.services.content.pictures import Pictures, Upload
from server.services.jobs.event_jobs import JobKind
from server.services.portability.archive_layouts import check_account, read_account
from server.services.portability.archive_reader import ArchiveReader
from server.services.portability.imported_account import ArchivedAccount
from server.services.records import Post
from tests.services.erasure.test_account_erasure import register
from tests.services.portability.test_exports import download, export, take_down
from tests.support.inputs import photos
from tests.support.inputs.archives import InstagramExport, InstagramPost
from tools.harness.services import ServiceHarness

PAGE = PageRequest(limit=100)
AT_S = 1_400_000_000  # 2014
MAX_BYTES = 10_000_000


def sample(count: int = 6, photo: bytes = b"") -> InstagramExport:
    """Return posts from 2014 to 2026, newest first, as Instagram lists them."""
    posts = [
        InstagramPost(AT_S + n * 70_000_000, f"Número {n} @ana #mar 🌊", {f"{n}.jpg": photos.small(n)})
        for n in range(count)
    ]
    return InstagramExport(posts[::-1], photo=photo)


async def run(harness: ServiceHarness, user_id: UserId, content: bytes) -> tuple[int, ArchivedAccount]:
    """Import an archive; return how many posts were imported."""
    file = harness.folder / "import.zip"
    await asyncio.to_thread(file.write_bytes, content)
    with ArchiveReader.open(file) as archive:
        account = read_account(archive)
        check_account(archive, account, MAX_BYTES, lambda: None)
        planned = await harness.imports.plan(user_id, account)
        imported = await harness.imports.import_posts(user_id, archive, account, planned, lambda: None)
        await harness.imports.import_profile(user_id, archive, account)
    return imported, account


async def posts_of(harness: ServiceHarness, user_id: UserId) -> list[Post]:
    return list((await harness.posts.list_by_author(user_id, user_id, PAGE)).items)


async def pictures_of(harness: ServiceHarness, post: Post) -> list[bytes]:
    contents: list[bytes] = []
    for image in post.card.images:
        key = image.base_url.removeprefix("https://media.test/")
        stored = await harness.media.get(f"{key}/large.jpg")
        contents.append(b"".join([chunk async for chunk in stored.chunks]))
    return contents


async def checksum(harness: ServiceHarness) -> list[str]:
    tables = ("users", "posts", "post_images", "import_items")
    return [str(await harness.rows(f"SELECT * FROM {table} ORDER BY id")) for table in tables]


async def test_instagram_posts_keep_texts_dates_and_order(harness: ServiceHarness) -> None:
    ana = await harness.user("ana")
    recent = await harness.post(ana, "Posted here")
    imported, account = await run(harness, ana, sample(photo=photos.small(200)).content())
    assert (imported, account.skipped) == (6, [])
    posts = await posts_of(harness, ana)
    assert posts[0].id == recent
    assert [post.card.caption for post in posts[1:]] == [
        f"Número {n} @ana #mar 🌊" for n in (5, 4, 3, 2, 1, 0)
    ]
    assert [post.card.created_at_ms for post in posts[1:]] == [
        (AT_S + n * 70_000_000) * 1000 for n in (5, 4, 3, 2, 1, 0)
    ]
    assert {post.card.hashtags for post in posts[1:]} == {("mar",)}
    assert [post.card.mentions for post in posts[1:]] == [{}] * 6
    profile = await harness.profiles.get_own(ana)
    assert (profile.full_name, profile.bio) == ("Ana Müller", "Licht, meistens 🌅\nBerlin")
    assert (profile.website, profile.posts_count) == ("https://ana.example.com/", 7)
    assert profile.avatar_url


async def test_followers_find_old_posts_in_their_place_without_news(harness: ServiceHarness) -> None:
    ana, bob = await harness.user("ana"), await harness.user("bob")
    await harness.follows.follow(bob, ana)
    await harness.work_off()
    news = [await harness.post(ana, f"News {n}") for n in range(3)]
    await harness.work_off()
    await harness.feed.page(bob, PAGE)
    harness.email.sent.clear()
    before = len((await harness.notifications.list_page(bob, PAGE)).items)
    await run(harness, ana, sample().content())
    for _ in range(3):
        await harness.work_off()
    ids = [post.id for post in (await harness.feed.page(bob, PAGE)).items]
    assert ids[:3] == news[::-1]
    assert ids[3:] == [post.id for post in (await posts_of(harness, ana))[3:]]
    for reader in (ana, bob):
        listed = (await harness.notifications.list_page(reader, PAGE)).items
        assert len(listed) == (before if reader == bob else 1)  # bob's follow
    assert harness.email.sent == []
    assert harness.push.taken == []


async def test_imported_posts_are_searched_and_get_other_formats(harness: ServiceHarness) -> None:
    ana = await harness.user("ana")
    await run(harness, ana, sample(3).content())
    assert len(await harness.due(JobKind.INDEX_POST)) == 3
    assert len(await harness.due(JobKind.ENCODE_AVIF)) == (3 if harness.pictures.encodes_avif else 0)
    await harness.work_off(JobKind.INDEX_POST)
    assert await harness.value("SELECT COUNT(*) AS n FROM hashtag_posts WHERE author_id = ?", ana) == 3


async def test_second_import_changes_nothing(harness: ServiceHarness) -> None:
    ana = await harness.user("ana")
    content = sample(3, photos.small(9)).content()
    await run(harness, ana, content)
    before = await checksum(harness)
    assert (await run(harness, ana, content))[0] == 0
    moved = sample(3)
    moved.old = True
    assert (await run(harness, ana, moved.content()))[0] == 0
    assert await checksum(harness) == before
    (newest, *_) = await posts_of(harness, ana)
    await harness.posts.delete(ana, newest.id)
    assert (await run(harness, ana, content))[0] == 0
    assert len(await posts_of(harness, ana)) == 2
    assert (await run(harness, ana, sample(4).content()))[0] == 1
    assert (await run(harness, await harness.user(), content))[0] == 3


@pytest.mark.parametrize("failing", [1, 4])
async def test_interrupted_import_is_completed_without_doubles(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    ana = await harness.user("ana")
    content = sample().content()
    calls = 0
    insert = harness.image_rows.insert

    async def insert_or_die(image: object) -> None:
        nonlocal calls
        calls += 1
        if calls == failing:
            raise Unavailable("gone")
        await insert(image)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(harness.image_rows, "insert", insert_or_die)
        with pytest.raises(Unavailable):
            await run(harness, ana, content)
    assert len(await posts_of(harness, ana)) == failing - 1
    assert (await run(harness, ana, content))[0] == 6 - (failing - 1)
    assert [post.card.caption[:8] for post in await posts_of(harness, ana)] == [
        f"Número {n}" for n in (5, 4, 3, 2, 1, 0)
    ]
    assert await harness.value("SELECT posts_count FROM users WHERE id = ?", ana) == 6


async def test_concurrent_imports_import_each_post_once(harness: ServiceHarness) -> None:
    ana = await harness.user("ana")
    file = harness.folder / "import.zip"
    await asyncio.to_thread(file.write_bytes, sample().content())

    async def import_all() -> int:
        with ArchiveReader.open(file) as archive:
            account = read_account(archive)
            check_account(archive, account, MAX_BYTES, lambda: None)
            planned = await harness.imports.plan(ana, account)
            return await harness.imports.import_posts(ana, archive, account, planned, lambda: None)

    assert sum(await asyncio.gather(import_all(), import_all())) == 6
    assert len(await posts_of(harness, ana)) == 6
    kept = {row["media_key"] for row in await harness.rows("SELECT media_key FROM post_images")}
    assert {entry.key.rpartition("/")[0] async for entry in harness.media.list("posts")} == kept


async def test_damaged_picture_is_skipped_and_listed(harness: ServiceHarness) -> None:
    ana = await harness.user("ana")
    posts = [
        InstagramPost(
            AT_S, "Half", {"good.jpg": photos.small(), "bad.jpg": photos.small()[:100] + b"rubbish"}
        ),
        InstagramPost(AT_S + 1, "Gone", {"worse.jpg": b"\xff\xd8\xff rubbish"}),
    ]
    imported, account = await run(harness, ana, InstagramExport(posts).content())
    assert imported == 1
    (post,) = await posts_of(harness, ana)
    assert (post.card.caption, len(post.card.images)) == ("Half", 1)
    assert [skipped.what.rpartition("/")[2] for skipped in account.skipped][:2] == ["bad.jpg", "worse.jpg"]
    assert account.skipped[-1].why == "it has no picture that can be imported"
    assert len({entry.key.rpartition("/")[0] async for entry in harness.media.list("posts")}) == 1


@pytest.mark.parametrize("originals", [False, True])
async def test_export_is_imported_into_another_account(harness: ServiceHarness, originals: bool) -> None:
    ada, eve = await register(harness, "ada"), await harness.user("eve")
    harness.posts._pictures = Pictures(
        harness.images, harness.media, harness.refused_pictures, keep_originals=originals
    )
    file = harness.folder / "photo"
    ids: list[PostId] = []
    for number in range(4):
        file.write_bytes(photos.noise(200 + number, 100))
        uploads = [Upload(file, f"First of {number}"), Upload(file, f"Second ö of {number}")]
        ids.append((await harness.posts.publish(ada, f"Number {number} #día", uploads)).id)
    await harness.posts.edit(ada, ids[0], "Edited 🌊", ["Another text"])
    await harness.posts.delete(ada, ids[1])
    await take_down(harness, ids[2])
    await run(harness, ada, sample(2).content())
    await harness.profiles.edit(ada, {"bio": "About ada", "full_name": "Ada"})
    await harness.profiles.change_avatar(ada, file)
    content = await download(harness, await export(harness, ada))
    imported, account = await run(harness, eve, content)
    assert imported == 4
    assert [skipped.why for skipped in account.skipped] == [
        "its status is taken_down, and only published posts are imported"
    ]
    originals_of, copies = await posts_of(harness, ada), await posts_of(harness, eve)
    for one, other in zip(originals_of, copies, strict=True):
        assert one.card.caption == other.card.caption
        assert one.card.audience == other.card.audience
        assert one.card.created_at_ms == other.card.created_at_ms
        assert [image.alt_text for image in one.card.images] == [
            image.alt_text for image in other.card.images
        ]
        sizes = [[(image.width, image.height) for image in post.card.images] for post in (one, other)]
        assert sizes[0] == sizes[1]
        if originals and one.id > past_ids(EPOCH_MS).stop:
            assert await pictures_of(harness, one) == await pictures_of(harness, other)
    profile = await harness.profiles.get_own(eve)
    assert (profile.bio, profile.full_name) == ("About ada", "Ada")
    assert profile.avatar_url


def test_past_ids_are_in_the_order_of_time() -> None:
    day_ms = 86_400_000
    times = [0, AT_S * 1000, AT_S * 1000 + 1000, EPOCH_MS - 1000, EPOCH_MS, EPOCH_MS + day_ms - 1000]
    times += [EPOCH_MS + day_ms, EPOCH_MS + day_ms + 1, EPOCH_MS + 400 * day_ms]
    ranges = [past_ids(at_ms) for at_ms in times]
    assert all(one.stop <= other.start for one, other in pairwise(ranges))
    assert all(len(ids) > 700 and ids.start > 0 for ids in ranges)
    for at_ms, ids in zip(times[-3:], ranges[-3:], strict=True):
        assert {id_timestamp_ms(ids[0]), id_timestamp_ms(ids[-1])} == {at_ms}
    assert id_timestamp_ms(ranges[5][-1]) < EPOCH_MS + day_ms
