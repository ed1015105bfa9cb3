"""The server is killed while AVIF renditions are made: all are made in the end, and nothing is left behind."""

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.chaos.conftest import Report
from tests.chaos.environment import configuration, rounds, settled
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs.pictures import encoded
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.usefixtures("migrated_stack"),
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
]

KILLS = rounds(3, 30)
DEADLINE_S = 120.0
SWITCHED_ON = {"modern_format = true": "modern_format = true"}


@pytest.mark.timeout(600)
async def test_killed_avif_job_leaves_nothing_behind(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    program = await new_program("--port=0", config=configuration(stack, SWITCHED_ON)).start()
    (ana,) = await register(program, "ana")
    texture = Image.effect_noise((900, 700), 40).convert("RGB")
    photo = await asyncio.to_thread(encoded, texture, quality=92)
    posts = [await ana.publish(photo) for _ in range(KILLS)]
    deleted, kept = posts[::2], posts[1::2]
    for post in posts:
        await asyncio.sleep(random.uniform(0, 0.6))  # the fault: at any moment of a job
        if post in deleted:
            await ana.call("DELETE", f"/posts/{post['id']}")
        await program.kill()
        await program.start()
    await settled(stack, DEADLINE_S)
    for post in kept:
        (image,) = (await ana.request("GET", f"/posts/{post['id']}"))["images"]
        assert {source["type"] for source in image["sources"]} == {"image/avif", "image/jpeg"}
        for source in image["sources"]:
            assert (await ana.call("GET", source["url"])).status == 200
    await wait_until(lambda: stored(stack) == expected(kept))
    report(f"{KILLS} kills while AVIFs were made: {len(kept)} posts have theirs, {len(deleted)} left no file")


def stored(stack: Stack) -> list[str]:
    """Return the stored files, without those of killed puts, which the sweep deletes."""
    folder = stack.var_dir / "media"
    paths = [path for path in Path(folder, "posts").rglob("*") if path.is_file() and "#" not in path.name]
    return sorted(str(path.relative_to(folder)) for path in paths)


def expected(posts: list[dict[str, Any]]) -> list[str]:
    names = ("large.avif", "large.jpg", "medium.avif", "medium.jpg", "small.avif", "small.jpg", "square.jpg")
    folders = [post["images"][0]["url"].partition("/media/")[2].rpartition("/")[0] for post in posts]
    return sorted(f"{folder}/{name}" for folder in folders for name in names)
