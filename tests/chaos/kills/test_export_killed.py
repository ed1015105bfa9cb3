"""A worker is killed while it creates an archive; the archive is complete in the end, and exists once."""

import asyncio
import io
import random
import zipfile

import orjson
import pytest
from aiohttp import ClientSession

from tests.chaos.conftest import Report
from tests.chaos.environment import LEASE_S, ask, configuration, insert, number, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.e2e.test_exports import ready_export
from tests.support.inputs import photos
from tests.support.program import Person, Program
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

PICTURES = 1500
FIRST_IMAGE = 1000


async def test_archive_is_complete_after_kills(
    stack: Stack, new_program: NewProgram, register: Register, session: ClientSession, report: Report
) -> None:
    config = configuration(stack)
    # The first process owns the embedded Redis, which would be killed with it.
    api = await new_program("--port=0", "--role=api", config=config).start()
    worker = await new_program("--role=worker", config=config).start()
    (ana,) = await register(api, "ana")
    post = await ana.publish(photos.small())
    many_pictures(stack, post["id"])
    kills = rounds(1, 10)
    for _ in range(kills):
        await ana.request("POST", "/users/export", json={"password": ana.password})
        await kill_in_the_middle(ana, worker)
        assert (await ana.request("GET", "/users/export"))["status"] == "running"
        await worker.start()
        export = await ready_export(ana)
        url = str(export["url"]).replace("http://localhost:3000", api.url)
        async with session.get(url) as response:
            with zipfile.ZipFile(io.BytesIO(await response.read())) as archive:
                assert archive.testzip() is None
                (exported,) = orjson.loads(archive.read("posts.json"))
                files = [media["file"] for media in exported["media"]]
                assert len(set(files)) == PICTURES + 1
                assert set(files) <= set(archive.namelist())
    objects = list((stack.var_dir / "media" / "exports").glob("*/archive.zip"))
    assert len(objects) == kills
    assert number(stack, "SELECT COUNT(*) FROM exports WHERE status = 'ready'") == kills
    report(f"{stack.name}: {kills} kills of a worker during an export, all complete (lease {LEASE_S:g} s)")


def many_pictures(stack: Stack, post_id: str) -> None:
    """Give a post so many pictures that its export takes a while; all have the same files."""
    columns = "media_key, width, height, blurhash, variants"
    (row,) = ask(stack, f"SELECT {columns} FROM post_images WHERE post_id = {post_id}")
    values = ", ".join(f"'{value}'" for value in row)
    insert(
        stack,
        "post_images",
        f"id, post_id, position, alt_text, {columns}",
        (f"{FIRST_IMAGE + n}, {post_id}, {n}, '', {values}" for n in range(1, PICTURES + 1)),
    )


async def kill_in_the_middle(owner: Person, worker: Program) -> None:
    async def is_running() -> bool:
        return (await owner.request("GET", "/users/export"))["status"] == "running"

    await wait_until(is_running, 20.0, "the start of the export")
    await asyncio.sleep(random.uniform(0, 0.2))  # the moment of the kill
    await worker.kill()
