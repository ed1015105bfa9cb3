"""An archive of a user's data, from the request to the download by a link that needs no access token."""

import io
import zipfile

import orjson
import pytest
from aiohttp import ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

KEY = {"Idempotency-Key": "one-export"}


async def ready_export(person: Person) -> dict[str, object]:
    """Wait until the export is ready, and return it."""
    found: dict[str, object] = {}

    async def is_ready() -> bool:
        found.update(await person.request("GET", "/users/export"))
        assert found["status"] in ("queued", "running", "ready"), found
        return found["status"] == "ready"

    await wait_until(is_ready, 30.0, "the export")
    return found


async def test_archive_is_downloaded_by_its_link(
    program: Program, register: Register, session: ClientSession
) -> None:
    ana, bob = await register(program, "ana", "bob")
    post = await ana.publish(photos.small())
    assert (await ana.call("GET", "/users/export")).status == 404
    body = {"password": ana.password}
    wrong = await ana.call("POST", "/users/export", json={"password": "wrong"}, headers=KEY)
    assert (wrong.status, wrong.json["code"]) == (422, "wrong_password")
    first = await ana.call("POST", "/users/export", json=body, headers=KEY)
    assert (first.status, first.headers["Location"]) == (202, "/users/export")
    export = await ready_export(ana)
    again = await ana.call("POST", "/users/export", json=body, headers=KEY)
    assert (again.status, again.json["id"]) == (202, export["id"])
    assert again.headers["Idempotency-Replayed"] == "true"

    url = str(export["url"]).replace("http://localhost:3000", program.url)
    async with session.get(url) as response:
        content = await response.read()
        assert (response.status, response.content_type) == (200, "application/zip")
        assert len(content) == export["size"]
        assert response.headers["Cache-Control"] == "private, no-store"
        assert (
            response.headers["Content-Disposition"] == f'attachment; filename="photofeed-{export["id"]}.zip"'
        )
        etag = response.headers["ETag"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        (exported,) = orjson.loads(archive.read("posts.json"))
        assert exported["id"] == post["id"]
        assert archive.read(exported["media"][0]["file"]).startswith(b"\xff\xd8")
    async with session.get(url, headers={"Range": "bytes=10-19", "If-Range": etag}) as response:
        assert (response.status, await response.read()) == (206, content[10:20])
        assert response.headers["Content-Range"] == f"bytes 10-19/{len(content)}"
    async with session.head(url) as response:
        assert (response.status, response.content_length) == (200, len(content))
    async with session.get(url, headers={"Range": f"bytes={len(content)}-"}) as response:
        assert response.status == 416
    for wrong_url in (
        url[:-1],
        url.partition("?")[0] + "?signature=",
        f"{program.url}/exports/1?signature=x",
    ):
        async with session.get(wrong_url) as response:
            assert response.status == 404
    async with session.get(url.partition("?")[0]) as response:
        assert response.status == 422
    assert (await bob.call("GET", "/users/export")).status == 404
    key = next((ana.program._folder.parent / "media" / "exports").glob("*/archive.zip"))
    async with session.get(f"{program.url}/media/exports/{key.parent.name}/archive.zip") as response:
        assert response.status == 404
    signature = url.rpartition("=")[2]
    assert signature not in program.out
    assert signature not in program.err


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_exports_are_limited_per_day(
    migrated_stack: Stack, new_program: NewProgram, register: Register
) -> None:
    program = await new_program("--port=0", THROTTLE_ENABLED="true").start()
    (ana,) = await register(program, "ana")
    statuses: list[int] = []
    for password in ("wrong", ana.password, ana.password, ana.password):
        statuses.append((await ana.call("POST", "/users/export", json={"password": password})).status)
        if statuses[-1] == 202:
            await ready_export(ana)
    assert statuses == [422, 202, 202, 429]
