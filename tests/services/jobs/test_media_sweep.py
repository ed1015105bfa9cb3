"""The media sweep, on a real folder."""

import os
import time
from pathlib import Path

from server.models.accounts.users import UserTable
from server.models.content.post_images import PostImageTable
from server.models.jobs.media_totals import MediaTotalRepository
from server.services.jobs.event_jobs import JobKind
from tests.support.jobs import assert_completed, build_media_sweep, claim_maintenance_job
from tools.harness.services import ServiceHarness

PICTURE = b"a picture"
REFERENCED = ["posts/used/large.jpg", "avatars/used/small.jpg"]
ORPHANS = ["posts/lost/large.jpg", "posts/lost/small.jpg", "avatars/lost/small.jpg"]
OUTSIDE = "elsewhere/lost/small.jpg"
YOUNG = "posts/young/large.jpg"


async def test_old_files_without_a_row_are_deleted(harness: ServiceHarness) -> None:
    ana = await harness.user()
    await PostImageTable.create(
        id=harness.ids.next(), post_id=await harness.post(ana), position=0, media_key="posts/used", width=1,
        height=1, blurhash="", variants="[]",
    )  # fmt: skip
    await UserTable.filter(id=ana).update(avatar_key="avatars/used")
    folder = harness.folder / "media"
    for key in [*REFERENCED, *ORPHANS, OUTSIDE, YOUNG]:
        await harness.media.put(key, PICTURE)
        if key != YOUNG:
            make_old(folder / key)
    unfinished = folder / "posts" / "used" / "medium.jpg#7"
    unfinished.write_bytes(PICTURE)
    make_old(unfinished)

    claim = await claim_maintenance_job(harness, JobKind.SWEEP_MEDIA)
    await build_media_sweep(harness).sweep(claim)
    await assert_completed(harness, claim)
    left = sorted([entry.key async for entry in harness.media.list()])
    assert left == sorted([*REFERENCED, OUTSIDE, YOUNG])
    assert not unfinished.exists()
    totals = {
        total.kind: (total.files, total.bytes)
        for total in await MediaTotalRepository(harness.database).list_all()
    }
    assert totals == {"avatar": (1, len(PICTURE)), "jpeg": (2, 2 * len(PICTURE))}


async def test_empty_store_needs_no_sweep(harness: ServiceHarness) -> None:
    claim = await claim_maintenance_job(harness, JobKind.SWEEP_MEDIA)
    await build_media_sweep(harness).sweep(claim)
    await assert_completed(harness, claim)


def make_old(file: Path) -> None:
    two_hours_ago = time.time() - 7200
    os.utime(file, (two_hours_ago, two_hours_ago))
