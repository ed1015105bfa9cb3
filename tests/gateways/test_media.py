"""The media store on a real folder, and on a real S3 server where one is installed."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import ClientSession

from server.errors import ConfigurationError, NotFound, StorageFull, Unavailable
from server.gateways.media import MARKER, MediaObject, MediaStore, WrongMediaStore
from server.gateways.public_bucket import is_public_bucket

PUBLIC = "http://localhost:3000/media/"


@pytest.fixture
async def folder(tmp_path: Path) -> AsyncIterator[MediaStore]:
    store = MediaStore.in_folder(tmp_path / "media", base_url=PUBLIC)
    yield store
    await store.close()


@pytest.fixture
async def bucket(s3: None, tmp_path: Path) -> AsyncIterator[MediaStore]:
    store = MediaStore.in_bucket(f"s3://pictures/{tmp_path.name}", base_url=PUBLIC)
    yield store
    await store.close()


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest) -> MediaStore:
    """The store in a folder and in a bucket."""
    return request.getfixturevalue(request.param)


async def content(found: MediaObject) -> bytes:
    return b"".join([chunk async for chunk in found.chunks])


async def keys(store: MediaStore, prefix: str = "") -> list[str]:
    return sorted([entry.key async for entry in store.list(prefix)])


async def test_stored_picture_is_returned(store: MediaStore, tmp_path: Path) -> None:
    large = os.urandom(300_000)
    (tmp_path / "large.jpg").write_bytes(large)
    await store.put("posts/1/large.jpg", tmp_path / "large.jpg")
    await store.put("posts/1/small.jpg", b"small")
    found = await store.get("posts/1/large.jpg")
    assert (found.size, found.content_type) == (len(large), "image/jpeg")
    assert abs(found.modified_at - datetime.now(UTC)) < timedelta(minutes=1)
    described = await store.describe("posts/1/large.jpg")
    assert described.size == found.size
    assert described.modified_at == found.modified_at.replace(microsecond=0)
    assert await content(found) == large
    assert await content(await store.get("posts/1/small.jpg")) == b"small"


async def test_part_of_a_picture_is_returned(store: MediaStore) -> None:
    await store.put("a.jpg", b"0123456789")
    found = await store.get("a.jpg", range(2, 5))
    assert (found.size, await content(found)) == (10, b"234")


async def test_large_picture_is_streamed_in_chunks(folder: MediaStore) -> None:
    await folder.put("a.jpg", bytes(2_000_000))
    sizes = [len(chunk) async for chunk in (await folder.get("a.jpg")).chunks]
    assert len(sizes) > 4
    assert sum(sizes) == 2_000_000


async def test_missing_picture_is_not_found(store: MediaStore) -> None:
    await store.put("posts/1/small.jpg", b"small")
    for key in ("posts/1/large.jpg", "posts/1", "posts", "nothing"):
        with pytest.raises(NotFound):
            await store.get(key)
        with pytest.raises(NotFound):
            await store.describe(key)


async def test_delete_ignores_missing_pictures(store: MediaStore) -> None:
    present = [f"posts/{number}.jpg" for number in range(30)]
    for key in [*present, "posts/kept.jpg"]:
        await store.put(key, b"x")
    missing = [f"gone/{number}.jpg" for number in range(30)]
    await store.delete([*missing, *present, *present])
    assert await keys(store) == ["posts/kept.jpg"]
    await store.delete(present)
    await store.delete([])


async def test_listing_is_by_folder(store: MediaStore) -> None:
    for key in ("posts/1/small.jpg", "posts/1/large.jpg", "posts/10/small.jpg", "avatars/1.jpg"):
        await store.put(key, b"abc")
    assert await keys(store, "posts/1") == ["posts/1/large.jpg", "posts/1/small.jpg"]
    assert len(await keys(store)) == 4
    assert await keys(store, "nothing") == []
    entries = [entry async for entry in store.list("avatars")]
    assert [(entry.key, entry.size) for entry in entries] == [("avatars/1.jpg", 3)]
    assert abs(entries[0].modified_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_url_is_below_the_public_address(store: MediaStore) -> None:
    assert store.url("posts/1/large.jpg") == "http://localhost:3000/media/posts/1/large.jpg"


WRONG_KEYS = [
    "", "/", "/a.jpg", "a/", "a//b", "../a", "a/../b", "a/..", "./a", ".hidden", "A.jpg", "a b.jpg",
    "a.jpg#1", "ä.jpg", "a\n", "a\0", "a%2e", "a\\b", "a?b", "a/" * 300 + "a", "a" * 201,
    "a/" + "a" * 201,
]  # fmt: skip


@pytest.mark.parametrize("key", WRONG_KEYS)
async def test_invalid_keys_are_rejected(folder: MediaStore, tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await folder.put(key, b"x")
    with pytest.raises(ValueError, match="not a key"):
        await folder.delete(["a.jpg", key])
    with pytest.raises(ValueError, match="not a key"):
        folder.url(key)
    with pytest.raises(NotFound):  # Clients ask for anything.
        await folder.get(key)
    assert list((tmp_path / "media").iterdir()) == []


async def test_key_below_a_picture_is_not_found(store: MediaStore) -> None:
    await store.put("posts/1.jpg", b"x")
    with pytest.raises(NotFound):
        await store.get("posts/1.jpg/large.jpg")
    await store.delete(["posts/1.jpg/large.jpg"])
    assert (await store.get("posts/1.jpg")).size == 1


async def test_longest_name_can_be_stored(folder: MediaStore) -> None:
    await folder.put("a" * 200, b"x")
    assert (await folder.get("a" * 200)).size == 1


async def test_listing_skips_foreign_files(folder: MediaStore, tmp_path: Path) -> None:
    await folder.put("posts/1.jpg", b"x")
    for name in (".DS_Store", "Thumbs.db", "1.jpg#1"):
        (tmp_path / "media" / "posts" / name).touch()
    assert await keys(folder) == ["posts/1.jpg"]


async def test_empty_folders_are_removed(folder: MediaStore, tmp_path: Path) -> None:
    await folder.put("posts/1/small.jpg", b"x")
    await folder.delete(["posts/1/small.jpg"])
    assert list((tmp_path / "media").iterdir()) == []


async def test_put_is_atomic_for_readers(folder: MediaStore) -> None:
    whole = {bytes([letter]) * 2_000_000 for letter in b"abc"}

    async def write() -> None:
        for _ in range(10):
            for picture in whole:
                await folder.put("a.jpg", picture)

    writing = asyncio.create_task(write())
    while not writing.done():
        try:
            assert await content(await folder.get("a.jpg")) in whole
        except NotFound:
            await asyncio.sleep(0)
    await writing


WRITER = """
import asyncio, sys
from pathlib import Path
from server.gateways.media import MediaStore

async def main():
    store = MediaStore.in_folder(Path(sys.argv[1]), base_url="")
    picture = bytes(int(sys.argv[2]))
    for number in range(1000):
        await store.put(f"posts/{number}.jpg", picture)
        print(number, flush=True)

asyncio.run(main())
"""


def kill_while_putting(folder: Path, size: int) -> None:
    command = [sys.executable, "-c", WRITER, str(folder), str(size)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        while writer.stdout.readline().strip() != b"2":
            assert writer.poll() is None
        writer.kill()


async def test_killed_put_leaves_nothing_visible(folder: MediaStore, tmp_path: Path) -> None:
    size = 30_000_000
    for _ in range(3):
        kill_while_putting(tmp_path / "media", size)
    entries = [entry async for entry in folder.list()]
    assert entries
    assert {entry.size for entry in entries} == {size}
    await folder.remove_unfinished(timedelta(seconds=-1))
    assert len(list((tmp_path / "media" / "posts").iterdir())) == len(entries)


async def test_old_unfinished_files_are_removed(folder: MediaStore, tmp_path: Path) -> None:
    await folder.put("posts/1.jpg", b"x")
    posts = tmp_path / "media" / "posts"
    for name in ("1.jpg#1", "2.jpg#12", "3.jpg#1"):
        (posts / name).touch()
    for name in ("1.jpg", "1.jpg#1", "2.jpg#12"):
        os.utime(posts / name, (0, 0))
    assert await folder.remove_unfinished() == 2
    assert sorted(path.name for path in posts.iterdir()) == ["1.jpg", "3.jpg#1"]


FILLER = """
import asyncio, sys
from pathlib import Path
from server.errors import StorageFull
from server.gateways.media import MediaStore

async def main():
    folder = Path(sys.argv[1])
    store = MediaStore.in_folder(folder, base_url="")
    await store.put("small.jpg", bytes(10_000))
    for source in (bytes(3_000_000), Path(sys.argv[2])):
        try:
            await store.put("posts/large.jpg", source)
        except StorageFull as error:
            print("full", error.code)
    print(sorted(path.name for path in folder.rglob("*") if path.is_file()))
    await store.put("posts/small.jpg", bytes(10_000))
    print("fits")

asyncio.run(main())
"""


def test_put_on_a_full_disk_is_storage_full(tmp_path: Path) -> None:
    """Use a file system of one megabyte in a private mount namespace."""
    (tmp_path / "disk").mkdir()
    (tmp_path / "large.jpg").write_bytes(bytes(3_000_000))
    namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    mount = 'mount -t tmpfs -o size=1m none "$1"'
    trial = [*namespace, mount, "sh", str(tmp_path / "disk")]
    if not shutil.which("unshare") or subprocess.run(trial, check=False).returncode != 0:
        pytest.skip("no mount namespaces here")
    script = f'{mount} && exec "$2" -c "$3" "$1" "$4"'
    arguments = ["sh", str(tmp_path / "disk"), sys.executable, FILLER, str(tmp_path / "large.jpg")]
    ended = subprocess.run([*namespace, script, *arguments], check=True, capture_output=True, text=True)
    said = [line for line in ended.stdout.splitlines() if "media_store_failed" not in line]
    assert said == ["full storage_full", "full storage_full", "['small.jpg']", "fits"]


async def test_store_keeps_its_first_id(store: MediaStore) -> None:
    assert await store.read_id() is None
    await asyncio.gather(*(store.create_id(f"id-{number}") for number in range(5)))
    first = await store.read_id()
    await store.create_id("another")
    assert await store.read_id() == first
    assert await keys(store) == []
    with pytest.raises(NotFound):
        await store.get(MARKER)


async def test_another_store_than_expected_is_noticed(store: MediaStore) -> None:
    await store.verify_id()
    store.expected_id = "ours"
    with pytest.raises(WrongMediaStore, match="has no id, but this database expects ours"):
        await store.verify_id()
    await store.create_id("theirs")
    with pytest.raises(WrongMediaStore, match="has the id theirs"):
        await store.verify_id()
    store.expected_id = "theirs"
    await store.verify_id()


async def test_errors_of_a_full_store_are_recognized(folder: MediaStore, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as raised:
        await folder.put("a.jpg", tmp_path / "nothing.jpg")
    assert raised.value.retry_after_s
    await folder.put("b/c.jpg", b"x")
    with pytest.raises(Unavailable) as raised:
        await folder.put("b", b"x")  # A folder is in the way.
    assert not isinstance(raised.value, StorageFull)


async def test_unusable_folder_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="UPLOAD_DEST"):
        MediaStore.in_folder(tmp_path / "file" / "media", base_url=PUBLIC)


@pytest.mark.parametrize("url", ["", "http://example.org/bucket", "file:///tmp", "memory:///", "s3://"])
def test_invalid_bucket_urls_are_configuration_errors(url: str) -> None:
    with pytest.raises(ConfigurationError, match="MEDIA_URL"):
        MediaStore.in_bucket(url, base_url=PUBLIC)


@pytest.fixture
def bucket_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A bucket whose server accepts connections and never answers; closing the socket refuses them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "something")
        yield server


@pytest.mark.parametrize("silent", [True, False])
async def test_unreachable_store_is_unavailable(bucket_at: socket.socket, silent: bool) -> None:
    if not silent:
        bucket_at.close()
    store = MediaStore.in_bucket("s3://pictures/here", base_url=PUBLIC, timeout_s=0.3)
    for call in (store.put("a.jpg", b"x"), store.get("a.jpg"), store.delete(["a.jpg"]), keys(store)):
        with pytest.raises(Unavailable) as raised:
            await call
        assert raised.value.retry_after_s
    await store.close()


async def test_bucket_serves_immutable_jpegs(bucket: MediaStore) -> None:
    await bucket.put("a.jpg", b"x")
    assert dict(bucket._store.get("a.jpg").attributes) == {
        "Content-Type": "image/jpeg",
        "Cache-Control": "public, max-age=31536000, immutable",
    }
    assert await bucket.remove_unfinished() == 0


async def test_bucket_that_everybody_can_read_is_found(
    bucket: MediaStore, s3_server: str, tmp_path: Path
) -> None:
    url = f"s3://pictures/{tmp_path.name}"
    await bucket.create_id("an id")
    assert not await is_public_bucket(url)
    credential = "AWS4-HMAC-SHA256 Credential=someone/20261129/us-east-1/s3/aws4_request"
    headers = {"x-amz-acl": "public-read", "Authorization": credential}
    async with (
        ClientSession() as session,
        session.put(f"{s3_server}/{url.removeprefix('s3://')}/{MARKER}?acl", headers=headers) as answer,
    ):
        assert answer.status == 200
    assert await is_public_bucket(url)


async def test_unavailable_bucket_is_not_public(bucket_at: socket.socket) -> None:
    bucket_at.close()
    assert not await is_public_bucket("s3://pictures/here")


LAST_WORDS = """
import asyncio, sys
from pathlib import Path
from server.gateways.media import MediaStore

async def main():
    store = MediaStore.in_folder(Path(sys.argv[1]), base_url="")
    await store.put("a.jpg", bytes(100_000))
    await store.get("a.jpg")

asyncio.run(main())
"""


def test_process_exits_cleanly_after_a_call(tmp_path: Path) -> None:
    for _ in range(10):
        command = [sys.executable, "-c", LAST_WORDS, str(tmp_path / "media")]
        assert subprocess.run(command, check=False).returncode == 0
