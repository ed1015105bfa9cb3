"""Static files of the web client: their addresses, caching, compression, and what a page loads at once."""

import gzip
import re
from collections.abc import AsyncIterator
from pathlib import Path

import brotli
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.handlers.http.middleware import InFlight
from server.handlers.web.client_pages import ClientPageRoutes, imported_modules
from server.handlers.web.static_files import WEB, StaticFileRoutes, StaticFiles
from server.metrics import Metrics

Client = TestClient[web.Request, web.Application]
MAX_CODE_BYTES = 60_000  # of the feed, compressed with gzip
MAX_SDK_BYTES = 12_000


@pytest.fixture
def files() -> StaticFiles:
    return StaticFiles.read()


@pytest.fixture
async def client(files: StaticFiles) -> AsyncIterator[Client]:
    app = web.Application(middlewares=[InFlight(Metrics()).middleware()])  # pyright: ignore[reportArgumentType]
    app.add_routes(
        [*StaticFileRoutes(files).routes(), *ClientPageRoutes(files, "https://photos.test/api").routes()]
    )
    async with TestClient(TestServer(app), auto_decompress=False) as client:
        yield client


async def test_files_of_the_version_are_cached_for_a_year(client: Client, files: StaticFiles) -> None:
    answer = await client.get(f"/web/{files.version}/client/main.js")
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"


async def test_files_of_another_version_are_revalidated(client: Client) -> None:
    answer = await client.get("/web/0123/client/main.js")
    assert answer.headers["Cache-Control"] == "public, no-cache"


@pytest.mark.parametrize(("coding", "decode"), [("br", brotli.decompress), ("gzip", gzip.decompress)])
async def test_files_are_compressed(client: Client, coding: str, decode: object) -> None:
    answer = await client.get("/sdk/index.js", headers={"Accept-Encoding": coding})
    assert answer.headers["Content-Encoding"] == coding
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert decode(await answer.read()) == (WEB / "sdk" / "index.js").read_bytes()  # type: ignore[operator]


async def test_client_that_has_a_file_gets_304(client: Client) -> None:
    first = await client.get("/sdk/index.js")
    again = await client.get("/sdk/index.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status == 304


@pytest.mark.parametrize("path", ["/sdk/nothing.js", "/sdk/..%2fclient%2fmain.js", "/web/1/../../etc/passwd"])
async def test_other_paths_are_not_found(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 404


async def test_page_preloads_what_it_imports(client: Client, files: StaticFiles) -> None:
    page = await (await client.get("/sign-in", headers={"Accept-Encoding": "identity"})).text()
    preloaded = re.findall(r'modulepreload" href="/web/[^/]+/([^"]+)"', page)
    assert preloaded == imported_modules(files, "client/main.js")
    assert "sdk/index.js" in preloaded
    assert "client/screens/publish.js" not in preloaded  # it is loaded when it is opened


async def test_page_has_a_policy_without_inline_code(client: Client) -> None:
    answer = await client.get("/sign-in", headers={"Accept-Encoding": "identity"})
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "img-src 'self' https://photos.test blob:" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|style=| on\w+=", await answer.text())


async def test_service_worker_keeps_files_that_exist(client: Client, files: StaticFiles) -> None:
    answer = await client.get("/service-worker.js", headers={"Accept-Encoding": "identity"})
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; connect-src 'self'"
    source = await answer.text()
    assert f'const VERSION = "{files.version}"' in source
    kept = re.findall(r'"/web/[^/]+/([^"]+)"', source.split("\n", 2)[1])
    assert "client/styles/base.css" in kept
    for path in kept:
        assert (await client.get(f"/web/{files.version}/{path}")).status == 200, path


def test_code_of_the_feed_is_small(files: StaticFiles) -> None:
    styles = [path for path in files.paths() if path.startswith("client/styles/")]
    loaded = [*imported_modules(files, "client/main.js"), *styles]
    assert sum(len(files.get(path).gzip) for path in loaded) <= MAX_CODE_BYTES


def test_sdk_is_small(files: StaticFiles) -> None:
    modules = [files.get(path).content for path in files.paths() if path.startswith("sdk/")]
    assert len(gzip.compress(b"".join(modules), 9)) <= MAX_SDK_BYTES


def test_version_depends_on_the_content(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    before = StaticFiles.read(tmp_path).version
    (tmp_path / "a.js").write_text("2")
    assert StaticFiles.read(tmp_path).version != before


def test_languages_have_the_same_texts() -> None:
    keys = {
        file.name: re.findall(r'^  "?([\w.]+)"?:', file.read_text(), re.MULTILINE)
        for file in (WEB / "client" / "locales").glob("*.js")
    }
    assert len(keys) == 2
    assert keys["en.js"] == keys["ar.js"] == sorted(keys["en.js"])
