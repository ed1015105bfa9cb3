"""The job that computes perceptual hashes of pictures that were stored without one."""

from pathlib import Path

import pytest

from server.errors import InvalidInput, Unavailable
from server.ids import UserId
from server.services.content.pictures import Upload
from server.services.jobs.event_jobs import JobKind
from server.services.moderation.decisions import Decision, ModerationAction
from server.services.moderation.reports import SubjectType
from server.services.records import Post
from tests.services.moderation.cases import moderator, reported
from tests.support.inputs import photos
from tests.support.jobs import assert_completed, claim_maintenance_job
from tools.harness.services import PICTURES_PER_RUN, ServiceHarness


async def publish(harness: ServiceHarness, author: UserId, *contents: bytes) -> Post:
    files: list[Path] = []
    for number, content in enumerate(contents):
        files.append(harness.folder / f"photo{number}")
        files[-1].write_bytes(content)
    return await harness.posts.publish(author, "", [Upload(file) for file in files])


async def forget_hashes(harness: ServiceHarness) -> None:
    """Make all pictures like those of an earlier version."""
    await harness.database.execute("UPDATE post_images SET picture_hash = NULL")


async def add_hashes(harness: ServiceHarness) -> None:
    claim = await claim_maintenance_job(harness, JobKind.ADD_PICTURE_HASHES)
    await harness.picture_hashes.add_missing(claim)
    await assert_completed(harness, claim)


async def hashes(harness: ServiceHarness) -> list[str | None]:
    return [
        row["picture_hash"] for row in await harness.rows("SELECT picture_hash FROM post_images ORDER BY id")
    ]


async def test_old_picture_is_recognised_after_its_take_down(harness: ServiceHarness) -> None:
    ana, mod = await harness.user(), await moderator(harness)
    post = await publish(harness, ana, photos.blots())
    await forget_hashes(harness)
    await add_hashes(harness)
    case_id = await reported(harness, await harness.user(), SubjectType.POST, post.id)
    await harness.decisions.resolve(mod, case_id, Decision(ModerationAction.TAKE_DOWN, ""))
    with pytest.raises(InvalidInput) as error:
        await publish(harness, ana, photos.blots())
    assert error.value.code == "picture_refused"


async def test_pictures_are_hashed_in_bounded_runs(harness: ServiceHarness) -> None:
    ana = await harness.user()
    for _ in range(2):
        await publish(harness, ana, *[photos.blots()] * 3)
    await publish(harness, ana, photos.blots())
    await forget_hashes(harness)
    # A picture that several posts show is hashed once, as the sample data share some.
    await harness.database.execute(
        "UPDATE post_images SET media_key = (SELECT MIN(key_) FROM"
        " (SELECT media_key AS key_ FROM post_images WHERE position = 0) AS keys_) WHERE position = 0"
    )
    await add_hashes(harness)
    assert sum(each is not None for each in await hashes(harness)) == PICTURES_PER_RUN + 2
    await add_hashes(harness)
    assert all(await hashes(harness))


async def test_unreadable_and_plain_pictures_are_not_tried_again(harness: ServiceHarness) -> None:
    ana = await harness.user()
    posts = [
        await publish(harness, ana, content) for content in (photos.small(), photos.blots(), photos.blots())
    ]
    keys = [entry.key async for entry in harness.media.list()]
    missing, damaged = [
        post.card.images[0].base_url.removeprefix("https://media.test/") for post in posts[1:]
    ]
    await harness.media.delete([key for key in keys if key.startswith(missing)])
    await harness.media.put(f"{damaged}/small.jpg", b"no picture")
    await harness.media.put(f"{damaged}/large.jpg", b"no picture")
    await forget_hashes(harness)
    await add_hashes(harness)
    assert await hashes(harness) == ["", "", ""]


async def test_unavailable_store_leaves_pictures_for_later(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    await publish(harness, await harness.user(), photos.blots())
    await forget_hashes(harness)

    async def unavailable(*_: object) -> None:
        raise Unavailable(reason="the store of this test")

    with monkeypatch.context() as patch:
        patch.setattr(harness.media, "save", unavailable)
        with pytest.raises(Unavailable):
            await add_hashes(harness)
    assert await hashes(harness) == [None]
    await add_hashes(harness)
    assert all(await hashes(harness))
