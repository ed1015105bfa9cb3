"""The protocol tus 1.0, as a client sees it."""

import base64
import hashlib
import io
from typing import Any

import orjson
import pytest
from aiohttp import ClientError, ClientSession

from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program, config_file
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

TUS = {"Tus-Resumable": "1.0.0"}
OCTETS = {**TUS, "Content-Type": "application/offset+octet-stream"}
ORIGIN = "https://app.example.com"


async def create(person: Person, length: int, metadata: str = "", **options: Any) -> Answer:
    headers = {**TUS, "Upload-Length": str(length), **options.pop("headers", {})}
    if metadata:
        headers["Upload-Metadata"] = metadata
    return await person.call("POST", "/uploads", headers=headers, **options)


async def append(person: Person, path: str, offset: int, content: bytes, **headers: str) -> Answer:
    sent = {**OCTETS, "Upload-Offset": str(offset), **headers}
    return await person.call("PATCH", path, data=io.BytesIO(content), headers=sent)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def checksum(content: bytes) -> str:
    return f"sha1 {base64.b64encode(hashlib.sha1(content).digest()).decode()}"  # noqa: S324 - as the protocol says


async def ready(person: Person, media_id: str) -> dict[str, Any]:
    """Wait until the media are processed, and return them."""

    async def processed() -> dict[str, Any]:
        media = await person.request("GET", f"/media/unused/{media_id}")
        return media if media["status"] != "processing" else {}

    return await wait_until(processed)


async def test_upload_in_parts_is_published(
    stack: Stack, new_program: NewProgram, program: Program, register: Register
) -> None:
    ana, eve = await register(program, "ana", "eve")
    photo = photos.noise(100, 100)
    metadata = (
        f"filename {encoded('a.jpg')},filetype {encoded('image/jpeg')},altText {encoded('Größe')},empty"
    )
    created = await create(ana, len(photo), metadata)
    assert (created.status, created.headers["Upload-Offset"]) == (201, "0")
    path = f"/{created.headers['Location']}"
    media_id = created.headers["Media-Id"]
    half = len(photo) // 2

    kept = await append(ana, path, 0, photo[:half])
    assert (kept.status, kept.headers["Upload-Offset"], kept.content) == (204, str(half), b"")
    again = await append(ana, path, 0, photo[:half])
    assert (again.status, again.json["code"]) == (409, "upload_offset")
    wrong = await append(ana, path, half, photo[half:], **{"Upload-Checksum": checksum(b"other")})
    assert (wrong.status, wrong.json["title"]) == (460, "Checksum Mismatch")
    state = await ana.call("HEAD", path, headers=TUS)
    assert (state.status, state.content) == (200, b"")
    assert {name: state.headers[name] for name in ("Upload-Offset", "Upload-Length", "Cache-Control")} == {
        "Upload-Offset": str(half),
        "Upload-Length": str(len(photo)),
        "Cache-Control": "no-store",
    }
    assert state.headers["Upload-Metadata"] == metadata
    assert state.headers["Upload-Expires"] == created.headers["Upload-Expires"]
    for method in ("HEAD", "PATCH", "DELETE"):
        stranger = await eve.call(method, path, headers={**OCTETS, "Upload-Offset": str(half)})
        assert stranger.status == 404, method

    if stack.name == "mariadb":  # the embedded database has one process
        ana.program = await new_program("--role=api", "--port=0").start()
    last = await append(ana, path, half, photo[half:], **{"Upload-Checksum": checksum(photo[half:])})
    assert (last.headers["Upload-Offset"], last.headers["Media-Id"]) == (str(len(photo)), media_id)
    media = await ready(ana, media_id)
    assert (media["status"], media["altText"], media["image"]["width"]) == ("ready", "Größe", 100)
    assert (await ana.request("GET", path))["complete"]
    post = await ana.request("POST", "/posts", json={"mediaIds": [media_id]})
    assert post["images"][0]["altText"] == "Größe"


async def test_stream_reports_the_progress_to_the_owner(program: Program, register: Register) -> None:
    ana, eve = await register(program, "ana", "eve")
    photo = photos.noise(100, 100)
    async with ana.stream() as heard, eve.stream() as other:
        await heard.block()
        created = await create(ana, len(photo))
        media_id = created.headers["Media-Id"]
        await append(ana, f"/{created.headers['Location']}", 0, photo)
        steps: list[str] = []
        while steps[-1:] != ["ready"]:
            event = await heard.block()
            assert (event.id, event.event) == ("", "media")
            progress = orjson.loads(event.data)
            assert progress["id"] == media_id
            steps.append(progress["status"])
        assert steps == sorted(set(steps), key=["queued", "processing", "ready"].index)
        await ana.request("POST", f"/users/{eve.id}/follow")
        await other.block()
        assert (await other.block()).event == "follow"


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_protocol_errors_and_options(
    stack: Stack, new_program: NewProgram, session: ClientSession, register: Register
) -> None:
    changes = {"cors_origins = []": f'cors_origins = ["{ORIGIN}"]'}
    config = config_file(stack.var_dir, changes)
    program = await new_program("--port=0", config=config, MAX_FILE_SIZE="5000").start()
    (ana,) = await register(program, "ana")
    async with session.options(f"{program.url}/uploads") as options:
        assert options.status == 204
        assert options.headers["Tus-Version"] == options.headers["Tus-Resumable"] == "1.0.0"
        assert options.headers["Tus-Max-Size"] == "5000"
        assert "creation-with-upload" in options.headers["Tus-Extension"]
        assert options.headers["Tus-Checksum-Algorithm"] == "sha1"
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "PATCH"}
    for path, methods in (("/uploads", "OPTIONS, POST"), ("/uploads/1", "DELETE, GET, HEAD, PATCH")):
        async with session.options(program.url + path, headers=asked) as preflight:
            assert preflight.headers["Access-Control-Allow-Methods"] == methods
            assert "Upload-Offset" in preflight.headers["Access-Control-Allow-Headers"]

    other_version = await ana.call(
        "POST", "/uploads", headers={"Tus-Resumable": "0.2.2", "Upload-Length": "5"}
    )
    assert (other_version.status, other_version.headers["Tus-Version"]) == (412, "1.0.0")
    for answer, status in (
        (await create(ana, 5001), 413),
        (await create(ana, 0), 422),
        (await create(ana, 5, headers={"Upload-Length": "x"}), 400),
        (await create(ana, 5, headers={"Upload-Defer-Length": "1"}), 400),
        (await create(ana, 5, "altText !"), 400),
        (await create(ana, 5, "filename é"), 400),
        (await create(ana, 5, f"filetype {encoded('video/mp4')}"), 415),
        (await create(ana, 5, f"altText {encoded('a' * 1001)}"), 422),
        (await append(ana, "/uploads/1", 0, b"x"), 404),
    ):
        assert answer.status == status, answer
        assert answer.headers["Tus-Resumable"] == "1.0.0"

    created = await create(ana, 5, data=b"abc", headers=OCTETS)
    assert (created.status, created.headers["Upload-Offset"]) == (201, "3")
    path = f"/{created.headers['Location']}"
    assert (await append(ana, path, 3, b"de", **{"Content-Type": "image/jpeg"})).status == 415
    assert (await append(ana, path, 3, b"def")).status == 413
    assert (await append(ana, path, 3, b"de", **{"Upload-Checksum": "md5 eA=="})).status == 400
    assert (await append(ana, path, 3, b"de")).headers["Upload-Offset"] == "5"
    media = await ready(ana, created.headers["Media-Id"])
    assert (media["status"], media["problem"]["code"]) == ("failed", "unsupported_media")

    async def no_parts_left() -> bool:  # they are deleted after the status is committed
        return not list((stack.var_dir / "media" / "uploads").glob("*/*"))

    await wait_until(no_parts_left)
    assert (await ana.call("DELETE", path, headers=TUS)).status == 204
    assert (await ana.call("HEAD", path, headers=TUS)).status == 404


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_bytes_that_arrived_survive_a_kill(stack: Stack, program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    photo = photos.noise(1600, 1600)
    created = await create(ana, len(photo))
    path, half = f"/{created.headers['Location']}", len(photo) // 2
    assert (await append(ana, path, 0, photo[:half])).status == 204
    part = next((stack.var_dir / "media" / "uploads").glob("*/0-*"))
    # It has the metadata of the camera.
    assert (await ana.call("GET", f"/media/uploads/{part.parent.name}/{part.name}")).status == 404
    await program.kill()
    with pytest.raises(ClientError):
        await ana.call("HEAD", path, headers=TUS)
    await program.start()
    offset = int((await ana.call("HEAD", path, headers=TUS)).headers["Upload-Offset"])
    assert offset == half
    last = await append(ana, path, offset, photo[offset:])
    assert last.status == 204
    assert (await ready(ana, last.headers["Media-Id"]))["status"] == "ready"
