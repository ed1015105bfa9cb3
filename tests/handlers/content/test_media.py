"""Pictures as browsers, caches and players request them: conditions, ranges and HEAD (RFC 9110, 13 and 14)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from server.gateways.media import MediaStore
from server.handlers.content.media import MediaRoutes
from server.handlers.http.middleware import InFlight
from server.metrics import Metrics
from server.services.content.media_access import MediaAccess

PICTURE = bytes(range(100))
PATH = "/media/avatars/1/large.jpg"
PAST = "Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[TestClient]:
    """A client of a server with one picture, which everybody may read."""
    store = MediaStore.in_folder(tmp_path / "media", base_url="http://localhost/media")
    await store.put("avatars/1/large.jpg", PICTURE)
    app = web.Application(middlewares=[InFlight(Metrics()).middleware()])
    app.add_routes(MediaRoutes(store, MediaAccess(Mock(), Mock(), Mock())).routes())
    async with TestClient(TestServer(app)) as client:
        yield client
    await store.close()


async def get(client: TestClient, **headers: str) -> ClientResponse:
    response = await client.get(
        PATH, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
    await response.read()
    return response


def later() -> str:
    return (datetime.now(UTC) + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")


async def test_address_of_an_avif_has_its_type(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "media" / "avatars" / "1" / "large.avif").write_bytes(PICTURE)
    for accept in ("image/jpeg", "image/avif", "*/*"):
        for name, expected in (("large.avif", "image/avif"), ("large.jpg", "image/jpeg")):
            response = await client.get(f"/media/avatars/1/{name}", headers={"Accept": accept})
            assert (response.status, response.content_type) == (200, expected)


async def test_version_is_the_same_on_every_host(client: TestClient, tmp_path: Path) -> None:
    before = await get(client)
    picture = tmp_path / "media" / "avatars" / "1" / "large.jpg"
    copy = picture.with_suffix(".copy")
    copy.write_bytes(PICTURE)
    copy.replace(picture)  # another inode and another time, as on another host
    assert (await get(client)).headers["ETag"] == before.headers["ETag"]


async def test_version_that_the_client_has_is_not_sent(client: TestClient) -> None:
    tag = (await get(client)).headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        response = await get(client, If_None_Match=known)
        assert (response.status, await response.read()) == (304, b""), known
        assert response.headers["ETag"] == tag
        assert "immutable" in response.headers["Cache-Control"]
    response = await get(client, If_None_Match='"other"', If_Modified_Since=later())  # the first one decides
    assert response.status == 200


async def test_time_decides_without_a_version(client: TestClient) -> None:
    modified = (await get(client)).headers["Last-Modified"]
    assert (await get(client, If_Modified_Since=modified)).status == 304
    assert (await get(client, If_Modified_Since=PAST)).status == 200
    assert (await get(client, If_Modified_Since="yesterday")).status == 200
    assert (await get(client, If_Unmodified_Since=modified)).status == 200
    assert (await get(client, If_Unmodified_Since=PAST)).status == 412


async def test_other_version_than_required_is_refused(client: TestClient) -> None:
    tag = (await get(client)).headers["ETag"]
    for required, status in (
        (tag, 200),
        ("*", 200),
        (f'"other", {tag}', 200),
        ('"other"', 412),
        (f"W/{tag}", 412),
    ):
        assert (await get(client, If_Match=required, If_Unmodified_Since=PAST)).status == status, required
    response = await get(client, If_Match='"other"', If_None_Match=tag)
    assert (response.status, (await response.json())["code"]) == (412, "precondition_failed")


@pytest.mark.parametrize(
    ("wanted", "positions"),
    [
        ("bytes=0-9", range(10)),
        ("bytes=90-", range(90, 100)),
        ("bytes=90-1000", range(90, 100)),
        ("bytes=-10", range(90, 100)),
        ("bytes=-1000", range(100)),
    ],
)
async def test_part_is_sent(client: TestClient, wanted: str, positions: range) -> None:
    response = await get(client, Range=wanted)
    assert (response.status, await response.read()) == (206, PICTURE[positions.start : positions.stop])
    assert response.headers["Content-Range"] == f"bytes {positions.start}-{positions.stop - 1}/100"
    assert response.headers["Content-Length"] == str(len(positions))


@pytest.mark.parametrize(
    "wanted", ["bytes=9-0", "bytes=0-1,5-6", "bytes=", "bytes=a-b", "lines=0-9", "bytes 0-9"]
)
async def test_unsupported_range_is_ignored(client: TestClient, wanted: str) -> None:
    response = await get(client, Range=wanted)
    assert (response.status, await response.read()) == (200, PICTURE)
    assert response.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize("wanted", ["bytes=100-", "bytes=-0", "bytes=999999999999999999-"])
async def test_range_after_the_end_is_refused(client: TestClient, wanted: str) -> None:
    response = await get(client, Range=wanted)
    assert (response.status, response.headers["Content-Range"]) == (416, "bytes */100")


async def test_part_of_another_version_is_not_sent(client: TestClient) -> None:
    whole = await get(client)
    tag, modified = whole.headers["ETag"], whole.headers["Last-Modified"]
    for version, status in ((tag, 206), (modified, 206), ('"other"', 200), (f"W/{tag}", 200), (PAST, 200)):
        assert (await get(client, Range="bytes=0-9", If_Range=version)).status == status, version


async def test_head_has_the_length_and_no_body(client: TestClient) -> None:
    response = await client.head(PATH, headers={"Range": "bytes=0-9"})
    assert (response.status, response.headers["Content-Length"], await response.read()) == (200, "100", b"")
    assert response.headers["Content-Type"] == "image/jpeg"
