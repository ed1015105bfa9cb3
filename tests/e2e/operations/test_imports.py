"""`run.py import` as an operator uses it: another installation, bad archives, and kills."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.chaos.environment import number
from tests.e2e.conftest import NewProgram, Register
from tests.e2e.test_exports import ready_export
from tests.support.inputs import archives, photos
from tests.support.inputs.archives import InstagramExport, InstagramPost
from tests.support.program import Person, Program
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

AT_S = 1_500_000_000
SHOWN = ("caption", "createdAt", "hashtags")


def write(stack: Stack, content: bytes) -> Path:
    file = stack.var_dir / "archive.zip"
    file.write_bytes(content)
    return file


def sample(count: int) -> bytes:
    posts = [
        InstagramPost(AT_S + n, f"Número {n} 🌊", {f"{n}-{m}.jpg": photos.small(n + m) for m in range(2)})
        for n in range(count)
    ]
    return InstagramExport(posts[::-1], photo=photos.small(99)).content()


@pytest.fixture
def importer(stack: Stack, new_program: NewProgram) -> Callable[..., Program]:
    """Return a function that makes the command for the archive of the test."""

    def make(content: bytes, *flags: str, user: str = "ana", **environ: str) -> Program:
        return new_program("import", f"--user={user}", f"--file={write(stack, content)}", *flags, **environ)

    return make


async def test_import_beside_the_running_server(
    program: Program, register: Register, importer: Callable[..., Program]
) -> None:
    ana, bob = await register(program, "ana", "bob")
    await bob.follow(ana)
    await ana.publish(photos.small())
    dry = await importer(sample(4), "--dry-run").spawn().end()
    assert (dry.code, dry.err) == (0, ""), dry
    assert "To import: 4 posts with 8 pictures, from 2017-07-14 to 2017-07-14." in dry.out
    assert len(await ana.list_all(f"/posts?userId={ana.id}")) == 1
    done = await importer(sample(4)).spawn().end()
    assert (done.code, done.err) == (0, ""), done
    assert "Imported 4 posts. Set in the profile: full_name, bio, website, avatar." in done.out
    posts = await ana.list_all(f"/posts?userId={ana.id}")
    assert [post["caption"] for post in posts[1:]] == [f"Número {n} 🌊" for n in (3, 2, 1, 0)]
    assert posts[1]["createdAt"] == "2017-07-14T02:40:03.000Z"
    assert [post["id"] for post in await bob.list_all("/feed")] == [post["id"] for post in posts]
    again = await importer(sample(4)).spawn().end()
    assert (again.code, "nothing was changed" in again.out) == (0, True), again
    assert len(await ana.list_all(f"/posts?userId={ana.id}")) == 5
    assert (await bob.request("GET", "/notifications/unread-count"))["count"] == 0


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_unusable_archives_end_with_one_sentence(
    program: Program, register: Register, importer: Callable[..., Program]
) -> None:
    (ana,) = await register(program, "ana")
    for content, sentence in (
        (b"not a zip", "is not a ZIP archive, or it is incomplete: download it again."),
        (sample(2)[:-100], "is not a ZIP archive, or it is incomplete: download it again."),
        (archives.bomb(), "would unpack to 314,572,800 bytes"),
        (archives.zipped({"cat.txt": "meow"}), "is no export of photofeed or Instagram"),
    ):
        refused = await importer(content).spawn().end()
        assert refused.code == 2, refused
        assert refused.err.startswith("error: ")
        assert sentence in refused.err
        assert refused.err.count("\n") == 1
        assert refused.out == ""
    unknown = await importer(sample(2), user="nobody").spawn().end()
    assert (unknown.code, "There is no user 'nobody'" in unknown.err) == (2, True), unknown
    partly = InstagramExport(
        [InstagramPost(AT_S, "A", {"a.mp4": b"film", "b.jpg": photos.small()})]
    ).content()
    skipped = await importer(partly).spawn().end()
    assert skipped.code == 1, skipped
    assert (
        "Not imported: posts_1.json: element 1, media/posts/202301/a.mp4: videos are not imported"
        in skipped.out
    )
    assert len(await ana.list_all(f"/posts?userId={ana.id}")) == 1


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_export_moves_to_another_installation(
    program: Program,
    register: Register,
    new_program: NewProgram,
    importer: Callable[..., Program],
    session: ClientSession,
    tmp_path: Path,
) -> None:
    (ana,) = await register(program, "ana")
    for n in range(3):
        await ana.publish(photos.noise(150, 100 + n), caption=f"Number {n} #tag 🌊")
    await ana.request("POST", "/users/export", json={"password": ana.password})
    url = str((await ready_export(ana))["url"]).replace("http://localhost:3000", program.url)
    async with session.get(url) as response:
        content = await response.read()
    other = await new_program("--port=0", VAR_DIR=str(tmp_path / "other")).start()
    (eve,) = await register(other, "eve")
    done = await importer(content, user="eve", VAR_DIR=str(tmp_path / "other")).spawn().end()
    assert (done.code, "Imported 3 posts." in done.out) == (0, True), done
    before, after = [await shown(person) for person in (ana, eve)]
    assert before == after


async def shown(person: Person) -> list[dict[str, Any]]:
    """Return what the posts of a person show, without addresses; formats are added later by a job."""
    posts = await person.list_all(f"/posts?userId={person.id}")
    return [
        {
            **{name: post[name] for name in SHOWN},
            "images": [
                (image["altText"], {(source["width"], source["height"]) for source in image["sources"]})
                for image in post["images"]
            ],
        }
        for post in posts
    ]


@pytest.mark.chaos
async def test_killed_import_is_completed_by_the_next_one(
    stack: Stack, program: Program, register: Register, importer: Callable[..., Program]
) -> None:
    (ana,) = await register(program, "ana")
    content, count = sample(25), 25

    async def imported(at_least: int) -> bool:
        return await asyncio.to_thread(number, stack, "SELECT COUNT(*) FROM import_items") >= at_least

    for posts in (3, 9):
        killed = importer(content).spawn()
        await wait_until(lambda posts=posts: imported(posts), 30.0, "some posts")
        await asyncio.sleep(random.uniform(0, 0.1))  # the moment of the kill
        await killed.kill()
    assert not await imported(count)
    done = await importer(content).spawn().end()
    assert done.code == 0, done
    posts = await ana.list_all(f"/posts?userId={ana.id}")
    assert [post["caption"] for post in posts] == [f"Número {n} 🌊" for n in range(count)[::-1]]
    assert [len(post["images"]) for post in posts] == [2] * count
    assert (await ana.request("GET", "/users/profile"))["postsCount"] == count
    assert number(stack, "SELECT COUNT(*) FROM import_items") == count
