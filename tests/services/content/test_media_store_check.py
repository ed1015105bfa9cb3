"""Media stores that are accepted for a database, and deletions in another store."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from server.errors import ConfigurationError
from server.gateways.media import MARKER, MediaStore, WrongMediaStore
from server.models.content.media_keys import MediaKeyRepository
from server.models.content.post_images import PostImageTable
from server.models.jobs.installation import InstallationRepository
from server.services.content.media_store_check import MediaStoreCheck
from server.services.content.pictures import Pictures
from tools.harness.services import ServiceHarness

Stores = Callable[[str], MediaStore]


@pytest.fixture
async def stores(tmp_path: Path) -> AsyncIterator[Stores]:
    """Returns the store of a host in a folder of that name."""
    opened: list[MediaStore] = []

    def open_store(name: str) -> MediaStore:
        opened.append(MediaStore.in_folder(tmp_path / name, base_url="https://media.test"))
        return opened[-1]

    yield open_store
    for store in opened:
        await store.close()


@pytest.fixture(autouse=True)
async def installation(harness: ServiceHarness) -> InstallationRepository:
    repository = InstallationRepository(harness.database)
    await repository.insert("an epoch")
    return repository


async def check(harness: ServiceHarness, store: MediaStore, *, single_host: bool = False) -> None:
    rows = InstallationRepository(harness.database), MediaKeyRepository(harness.database)
    await MediaStoreCheck(store, *rows, single_host=single_host).run()


async def refusal(harness: ServiceHarness, store: MediaStore, *, single_host: bool = False) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await check(harness, store, single_host=single_host)
    assert "set UPLOAD_DEST or MEDIA_URL" in caught.value.reason
    return caught.value.reason


async def publish(harness: ServiceHarness, store: MediaStore) -> str:
    """Publish a picture in a store, as a version without store ids did. Return its media key."""
    post_id = await harness.post(await harness.user())
    key = f"posts/{post_id}"
    await PostImageTable.create(
        id=harness.ids.next(), post_id=post_id, position=0, media_key=key, width=1, height=1, blurhash="",
        variants="[]",
    )  # fmt: skip
    await store.put(f"{key}/small.jpg", b"a picture")
    return key


async def test_processes_that_start_together_share_one_store(harness: ServiceHarness, stores: Stores) -> None:
    shared = [stores("shared") for _ in range(6)]
    await asyncio.gather(*(check(harness, store) for store in shared))
    assert len({store.expected_id for store in shared}) == 1
    assert shared[0].expected_id == await shared[0].read_id() != ""


async def test_hosts_with_their_own_folders_are_refused(harness: ServiceHarness, stores: Stores) -> None:
    hosts = [stores(f"host{number}") for number in range(4)]
    outcomes = await asyncio.gather(*(check(harness, host) for host in hosts), return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 1
    for outcome in outcomes:
        assert outcome is None or isinstance(outcome, ConfigurationError)
    later = await refusal(harness, stores("later"))
    assert "has no id, but this database expects" in later


async def test_store_of_another_database_is_refused(harness: ServiceHarness, stores: Stores) -> None:
    await check(harness, stores("ours"))
    await stores("theirs").create_id("another")
    assert "has the id another, but" in await refusal(harness, stores("theirs"), single_host=True)


async def test_existing_installation_is_adopted_with_its_pictures(
    harness: ServiceHarness, stores: Stores, tmp_path: Path
) -> None:
    store = stores("existing")
    key = await publish(harness, store)
    assert "lacks 1 of the 1 newest pictures" in await refusal(harness, stores("empty"))
    await check(harness, store)
    shutil.copytree(tmp_path / "existing" / "posts", tmp_path / "copy" / "posts")
    await check(harness, stores("copy"))
    shutil.rmtree(tmp_path / "copy" / key)
    (tmp_path / "copy" / MARKER).unlink()
    assert "lacks 1 of the 1" in await refusal(harness, stores("copy"))


async def test_half_of_the_pictures_are_not_enough(harness: ServiceHarness, stores: Stores) -> None:
    one, other = stores("one"), stores("other")
    for store in (one, other):
        await publish(harness, store)
    for store in (one, other):
        assert "lacks 1 of the 2 newest pictures" in await refusal(harness, store)


async def test_pictures_without_their_database_are_refused(harness: ServiceHarness, stores: Stores) -> None:
    store = stores("old")
    await store.put("posts/1/small.jpg", b"x")
    assert "has pictures, but this database has none" in await refusal(harness, store)
    await store.create_id("old")
    assert "pictures, but none of this database" in await refusal(harness, store)


async def test_database_from_an_old_dump_accepts_its_store(
    harness: ServiceHarness, stores: Stores, installation: InstallationRepository
) -> None:
    store = stores("kept")
    await publish(harness, store)
    await store.create_id("kept")
    await check(harness, store)
    assert await installation.get_media_store_id() == "kept"


async def test_single_host_may_lose_an_empty_store(
    harness: ServiceHarness, stores: Stores, tmp_path: Path
) -> None:
    await check(harness, stores("store"), single_host=True)
    shutil.rmtree(tmp_path / "store")
    await check(harness, stores("store"), single_host=True)


async def test_deletion_in_another_store_is_an_error(harness: ServiceHarness, stores: Stores) -> None:
    store = stores("ours")
    await check(harness, store)
    key = await publish(harness, store)
    elsewhere = stores("elsewhere")
    elsewhere.expected_id = store.expected_id
    with pytest.raises(WrongMediaStore, match="nothing was deleted"):
        await Pictures(harness.images, elsewhere, harness.refused_pictures).remove(key)
    for _ in range(2):  # the second run finds nothing, as after a crash
        await Pictures(harness.images, store, harness.refused_pictures).remove(key)
    assert [entry async for entry in store.list(key)] == []
