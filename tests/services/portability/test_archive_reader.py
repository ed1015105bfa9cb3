"""Archives are refused as a whole, with one sentence, before anything in them is used."""

import random
import tracemalloc
import zipfile
from pathlib import Path

import orjson
import pytest

from server.services.portability.archive_layouts import check_account, read_account
from server.services.portability.archive_reader import ArchiveReader
from server.services.portability.imported_account import ArchivedAccount, InvalidArchive
from tests.support.inputs import archives, photos
from tests.support.inputs.archives import InstagramExport, InstagramPost, zipped

POSTS = "your_instagram_activity/content/posts_1.json"
MANIFEST = {
    "format": "photofeed-export",
    "version": 1,
    "origin": "https://a.test",
    "user": {"username": "ana"},
}
POST = {"id": "1", "status": "published", "audience": "public", "media": []}
AT_S = 1_700_000_000
MAX_BYTES = 10_000_000


def read(tmp_path: Path, content: bytes) -> ArchivedAccount:
    file = tmp_path / "archive.zip"
    file.write_bytes(content)
    with ArchiveReader.open(file) as archive:
        account = read_account(archive)
        check_account(archive, account, MAX_BYTES, lambda: None)
        return account


def instagram(**files: bytes) -> bytes:
    return zipped({POSTS: archives.dumps([]), **files})


def photofeed(posts: object, **manifest: object) -> bytes:
    return zipped(
        {"manifest.json": orjson.dumps({**MANIFEST, **manifest}), "posts.json": orjson.dumps(posts)}
    )


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not a ZIP archive, or it is incomplete"),
        (b"not a zip at all" * 100, "is not a ZIP archive"),
        (instagram()[:-10], "is not a ZIP archive, or it is incomplete"),
        (instagram()[10:], "posts_1.json is damaged: download the archive again"),
        (zipped({"cat.txt": "meow"}), "is no export of photofeed or Instagram"),
        (zipped({"part.zip": zipped({"a": "b"})}), "contains another ZIP file"),
        (zipped({POSTS.replace(".json", ".html"): "<p>"}), "export of Instagram in HTML"),
        (archives.encrypted(), "is encrypted"),
        (zipped({"../evil.json": "{}"}), "outside its folder, '../evil.json'"),
        (zipped({"a/../../evil.json": "{}"}), "outside its folder"),
        (zipped({"/etc/passwd": "x"}), "outside its folder"),
        (zipped({"C:/windows": "x"}), "outside its folder"),
        (zipped({"a\\b": "x"}), "a file named"),
        (zipped({"a\x1b[31m": "x"}), "a file named"),
        (zipped({"n" * 2000: "x"}), "a file named"),
        (archives.with_symlink(), "'manifest.json' is a link"),
        (archives.with_duplicates(), "two files named 'manifest.json'"),
        (archives.bomb(), "would unpack to 314,572,800 bytes"),
        (archives.with_lying_size(), "posts_1.json is damaged"),
        (archives.with_entries(250_000), "lists 250,000 files"),
        (zipped({POSTS: "[]"}, zipfile.ZIP_LZMA), "method that is not supported"),
        (zipped({POSTS: "{"}), "is not valid JSON"),
        (zipped({POSTS: '"text"'}), "posts_1.json is not a list"),
        (zipped({POSTS: "[3]"}), "element 1 is not an object"),
        (zipped({POSTS: '[{"media": 3}]'}), "media is not a list"),
        (zipped({POSTS: '[{"media": [{"uri": "a.jpg"}]}]'}), "creation_timestamp is not a whole number"),
        (zipped({POSTS: "[" * 100_000}), "is not valid JSON"),
        (photofeed([], version=2), "version 2 of the format, and this program reads up to 1: update it"),
        (photofeed([], version="1"), "version is not a whole number"),
        (photofeed([], format="other"), "is not that of a photofeed export"),
        (photofeed({}), "posts.json is not a list"),
        (
            photofeed([{"id": "1", "status": "published", "media": [], "createdAt": "2026-01-01T00:00:00Z"}]),
            "audience is not an audience",
        ),
        (
            photofeed(
                [
                    {
                        "id": "1",
                        "status": "published",
                        "audience": "public",
                        "media": [],
                        "createdAt": "yesterday",
                    }
                ]
            ),
            "not a time",
        ),
        (
            photofeed(
                [
                    {
                        "id": "1",
                        "status": "published",
                        "audience": "public",
                        "media": [],
                        "createdAt": "2026-01-01",
                    }
                ]
            ),
            "a time in UTC",
        ),
        (zipped({"manifest.json": orjson.dumps(MANIFEST)}), "posts.json is missing"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_unusable_archive_is_refused_with_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(InvalidArchive) as refused:
            read(tmp_path, content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sentence in refused.value.detail
    assert "\n" not in refused.value.detail
    assert "Traceback" not in refused.value.detail
    assert peak < 20_000_000


@pytest.mark.parametrize(("name", "sentence"), [("missing.zip", "There is no file"), ("", "is a folder")])
def test_missing_file_is_named(tmp_path: Path, name: str, sentence: str) -> None:
    with pytest.raises(InvalidArchive, match=sentence):
        ArchiveReader.open(tmp_path / name)


@pytest.mark.parametrize(("old", "root"), [(False, ""), (True, ""), (False, "instagram-ana-2025-01-01/")])
def test_instagram_export_is_read(tmp_path: Path, old: bool, root: str) -> None:
    export = InstagramExport(
        [
            InstagramPost(AT_S + 100, "Später: 日本 🌊", {"b.jpg": photos.small()}),
            InstagramPost(
                AT_S, "Ein Karussell\nmit Öl", {"c1.jpg": photos.small(1), "c2.jpg": photos.small(2)}
            ),
        ],
        photo=photos.small(3),
        old=old,
        root=root,
    )
    account = read(tmp_path, export.content())
    assert (account.origin, account.username, account.full_name) == ("Instagram", "ana.clicks", "Ana Müller")
    assert account.bio == "Licht, meistens 🌅\nBerlin"
    assert account.avatar == f"{root}media/profile/202301/me.jpg"
    assert [(post.at_ms, post.caption) for post in account.posts] == [
        (AT_S * 1000, "Ein Karussell\nmit Öl"),
        ((AT_S + 100) * 1000, "Später: 日本 🌊"),
    ]
    assert [picture.entry.rpartition("/")[2] for picture in account.posts[0].pictures] == ["c1.jpg", "c2.jpg"]
    assert account.skipped == []


def test_pictures_that_cannot_be_imported_are_listed(tmp_path: Path) -> None:
    damaged = bytearray(
        InstagramExport(
            [
                InstagramPost(
                    AT_S, "One is left", {"good.jpg": photos.small(), "film.mp4": b"\0\0\0 ftypisom"}
                ),
                InstagramPost(AT_S + 1, "Text", {"text.jpg": b"This is no picture."}),
                InstagramPost(
                    AT_S + 2, "Large", {"large.jpg": b"\xff\xd8\xff" + random.Random(1).randbytes(MAX_BYTES)}
                ),
                InstagramPost(AT_S + 3, "x" * 2201, {"long.jpg": photos.small()}),
                InstagramPost(AT_S + 4, "Damaged", {"damaged.jpg": photos.noise(50, 50)}),
                InstagramPost(4_000_000_000, "Future", {"future.jpg": photos.small()}),
                InstagramPost(AT_S + 5, "Many", {f"m{n}.jpg": photos.small(n) for n in range(12)}),
            ]
        ).content()
    )
    damaged[damaged.find(b"media/posts/202301/damaged.jpg") + 200] ^= 0xFF
    account = read(tmp_path, bytes(damaged))
    assert [(post.caption, len(post.pictures)) for post in account.posts] == [
        ("One is left", 1),
        ("Many", 10),
    ]
    reasons = {skipped.what.rpartition("/")[2]: skipped.why for skipped in account.skipped}
    assert reasons["film.mp4"] == "videos are not imported"
    assert reasons["text.jpg"] == "it is no picture of a known format"
    assert "bytes" in reasons["large.jpg"]
    assert reasons["damaged.jpg"] == "it is damaged"
    assert reasons["m11.jpg"] == "a post has at most 10 pictures"
    whys = [skipped.why for skipped in account.skipped]
    assert "its caption has more than 2,200 characters" in whys
    assert "its date is not in the past" in whys
    assert whys.count("it has no picture that can be imported") == 3


def test_picture_that_is_not_in_the_archive_is_listed(tmp_path: Path) -> None:
    post = InstagramPost(AT_S, "Two", {"a.jpg": photos.small(), "b.jpg": photos.small(1)}).as_json()
    content = zipped({POSTS: archives.dumps(post), "media/posts/202301/a.jpg": photos.small()})
    account = read(tmp_path, content)
    assert [len(post.pictures) for post in account.posts] == [1]
    assert [skipped.why for skipped in account.skipped] == ["it is not in the archive"]
