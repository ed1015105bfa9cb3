"""JSON responses are compressed for clients that accept it, and replaced by 304 for those that have them."""

import gzip
from collections.abc import AsyncIterator

import brotli
import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from multidict import CIMultiDictProxy

from server.handlers.http.middleware import InFlight
from server.handlers.http.operations import RouteOptions
from server.handlers.serializers import json_response
from server.metrics import Metrics

TEXT = "light and water, " * 100
BODY = orjson.dumps({"text": TEXT})
DECOMPRESS = {"gzip": gzip.decompress, "br": brotli.decompress, None: bytes}
Client = TestClient[web.Request, web.Application]


@RouteOptions()
async def show(_: web.Request) -> web.Response:
    return json_response({"text": TEXT})


@RouteOptions(etag=True)
async def poll(_: web.Request) -> web.Response:
    return json_response({"text": TEXT})


@RouteOptions(compressible=False)
async def sign_in(_: web.Request) -> web.Response:
    return json_response({"text": TEXT})


@RouteOptions()
async def show_little(_: web.Request) -> web.Response:
    return json_response({"text": TEXT[:900]})


@RouteOptions(etag=True)
async def show_text(_: web.Request) -> web.Response:
    return web.Response(text=TEXT)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    app = web.Application(middlewares=[InFlight(Metrics()).middleware()])  # pyright: ignore[reportArgumentType]
    for handler in (show, poll, sign_in, show_little, show_text):
        app.router.add_get(f"/{handler.__name__}", handler)
    async with TestClient(TestServer(app), auto_decompress=False) as made:
        made.session.headers.clear()
        yield made


async def get(client: Client, path: str, **headers: str) -> tuple[int, CIMultiDictProxy[str], bytes]:
    sent = {"Accept-Encoding": "identity"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    async with client.get(path, headers=sent) as response:
        return response.status, response.headers, await response.read()


@pytest.mark.parametrize(("accepted", "coding"), [
    ("gzip", "gzip"), ("GZIP", "gzip"), ("gzip, deflate, br", "br"), ("br;q=1.0, gzip;q=0.8", "br"), ("*", "br"),
    ("x-gzip", "gzip"), ("gzip;q=0", None), ("gzip; q=0.000, *", "br"), ("br", "br"), ("identity", None),
    ("*;q=0", None), ("mygzip", None), ("br;q=0.5, gzip", "gzip"), ("br;q=0, *", "gzip"), ("br;q=0, *;q=0", None),
    ("*, br;q=0, gzip;q=0", None), ("br;q=1.2.3", None), ("brotli", None),
])  # fmt: skip
async def test_json_is_compressed_if_that_is_accepted(
    client: Client, accepted: str, coding: str | None
) -> None:
    status, headers, body = await get(client, "/show", Accept_Encoding=accepted)
    assert (status, headers["Vary"]) == (200, "Accept-Encoding")
    assert headers.get("Content-Encoding") == coding
    assert int(headers["Content-Length"]) == len(body)
    assert DECOMPRESS[coding](body) == BODY
    assert "ETag" not in headers


@pytest.mark.parametrize("path", ["/sign_in", "/show_little", "/show_text"])
async def test_tokens_small_bodies_and_other_types_are_not_compressed(client: Client, path: str) -> None:
    status, headers, body = await get(client, path, Accept_Encoding="gzip")
    assert status == 200
    assert TEXT[:900].encode() in body
    assert not any(name in headers for name in ("Content-Encoding", "Vary", "ETag"))


async def test_client_with_the_current_version_gets_304(client: Client) -> None:
    _, plain, _ = await get(client, "/poll")
    _, compressed, _ = await get(client, "/poll", Accept_Encoding="gzip, br")
    etag = plain["ETag"]
    assert compressed["ETag"] == etag
    assert etag.startswith('W/"')
    for named in (etag, etag.removeprefix("W/"), f'"other", {etag}', "*"):
        status, headers, body = await get(client, "/poll", If_None_Match=named)
        assert (status, body) == (304, b"")
        assert (headers["ETag"], headers["Cache-Control"]) == (etag, "private, no-cache")
        assert headers["Vary"] == "Accept-Encoding"
    for named in ('"other"', 'W/"other"'):
        status, headers, body = await get(client, "/poll", If_None_Match=named)
        assert (status, headers["ETag"], body) == (200, etag, BODY)
    status, _, _ = await get(client, "/poll", If_Match=etag)  # which no weak version satisfies
    assert status == 412
