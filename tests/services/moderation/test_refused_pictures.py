"""Pictures of posts that were taken down: uploads of them are refused, however they are encoded."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.errors import InvalidInput
from server.ids import ActionId, PostId, UserId
from server.models.moderation.refused_pictures import HASH_BITS, MAX_DISTANCE, RefusedPictureRepository
from server.services.content.pictures import StoredPicture, Upload
from server.services.jobs.event_jobs import JobKind
from server.services.moderation.appeal_queue import AppealStatus, Reply
from server.services.moderation.audit_log import AuditCheck
from server.services.moderation.decisions import Decision, ModerationAction
from server.services.moderation.reports import SubjectType
from tests.services.moderation.cases import moderator, reported
from tests.support.inputs import photos
from tools.harness.services import ServiceHarness

TAKE_DOWN = Decision(ModerationAction.TAKE_DOWN, "")
ANOTHER_COPY = {"width": 320, "quality": 50}
SOME_HASH = 0x0F1E_2D3C_4B5A_6978_8796_A5B4_C3D2_E1F0


async def one_piece(content: bytes) -> AsyncIterator[bytes]:
    yield content


def saved(harness: ServiceHarness, content: bytes) -> Path:
    file = harness.folder / "photo"
    file.write_bytes(content)
    return file


async def published(harness: ServiceHarness, author: UserId, content: bytes) -> PostId:
    return (await harness.posts.publish(author, "", [Upload(saved(harness, content))])).id


async def taken_down(harness: ServiceHarness, mod: UserId, post_id: PostId, decision: Decision) -> ActionId:
    case_id = await reported(harness, await harness.user(), SubjectType.POST, post_id)
    return (await harness.decisions.resolve(mod, case_id, decision)).id


def uploads(
    harness: ServiceHarness, user: UserId, content: bytes
) -> list[tuple[str, Callable[[], Awaitable[object]]]]:
    """Return the ways of uploading a picture, with the name of the file in the error."""
    upload = Upload(saved(harness, content))
    return [
        ("images", lambda: harness.posts.publish(user, "", [upload])),
        ("file", lambda: harness.unused_media.add(user, upload)),
        ("avatar", lambda: harness.profiles.change_avatar(user, upload.path)),
    ]


async def test_similar_pictures_are_refused_until_the_decision_is_undone(harness: ServiceHarness) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    post_id = await published(harness, ana, photos.blots())
    action_id = await taken_down(harness, mod, post_id, TAKE_DOWN)
    for name, upload in uploads(harness, bob, photos.blots(**ANOTHER_COPY)):
        with pytest.raises(InvalidInput) as error:
            await upload()
        assert (error.value.code, list(error.value.fields)) == ("picture_refused", [name])
    for _, upload in uploads(harness, bob, photos.blots(2)):
        await upload()
    await harness.appeal_queue.restore(mod, action_id, Reply("", ""))
    for _, upload in uploads(harness, bob, photos.blots(**ANOTHER_COPY)):
        await upload()
    assert (await AuditCheck(harness.audit_rows).run()).problem is None


async def test_appeal_allows_pictures_of_published_media_again(harness: ServiceHarness) -> None:
    ana, mod, other = (await harness.user()), await moderator(harness), await moderator(harness)
    unused = await harness.unused_media.add(ana, Upload(saved(harness, photos.blots())))
    post_id = (await harness.posts.publish_media(ana, "", [unused.id])).id
    action_id = await taken_down(harness, mod, post_id, TAKE_DOWN)
    with pytest.raises(InvalidInput):
        await published(harness, ana, photos.blots())
    appeal = await harness.appeals.appeal(ana, action_id, "My own")
    await harness.appeal_queue.resolve(other, appeal.id, AppealStatus.REVERSED, Reply("", ""))
    await published(harness, ana, photos.blots())


async def test_refused_resumable_upload_fails_with_the_problem(harness: ServiceHarness) -> None:
    ana, mod = await harness.user(), await moderator(harness)
    await taken_down(harness, mod, await published(harness, ana, photos.blots()), TAKE_DOWN)
    copy = photos.blots(**ANOTHER_COPY)
    upload = await harness.uploads.create(ana, len(copy), "", "")
    await harness.uploads.append(ana, upload.id, 0, one_piece(copy))
    await harness.work_off(JobKind.PROCESS_UPLOAD)
    (media,) = await harness.unused_media.list_unused(ana)
    assert (media.status, media.problem and media.problem.code) == ("failed", "picture_refused")


async def test_media_uploaded_before_the_decision_are_refused(harness: ServiceHarness) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    post_id = await published(harness, ana, photos.blots())
    unused = await harness.unused_media.add(bob, Upload(saved(harness, photos.blots(**ANOTHER_COPY))))
    await taken_down(harness, mod, post_id, TAKE_DOWN)
    with pytest.raises(InvalidInput) as error:
        await harness.posts.publish_media(bob, "", [unused.id])
    assert error.value.code == "picture_refused"
    assert [each.id for each in await harness.unused_media.list_unused(bob)] == [unused.id]


async def test_picture_refused_during_its_upload_is_not_published(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    posts = [await published(harness, ana, photos.blots()) for _ in range(2)]
    copy, store = Upload(saved(harness, photos.blots(**ANOTHER_COPY))), harness.pictures.store

    async def store_and_take_down(*arguments: Any) -> StoredPicture:
        stored = await store(*arguments)
        await taken_down(harness, mod, posts.pop(), TAKE_DOWN)
        return stored

    monkeypatch.setattr(harness.pictures, "store", store_and_take_down)
    keys = {entry.key async for entry in harness.media.list()}
    with pytest.raises(InvalidInput):
        await harness.posts.publish(bob, "", [copy])
    assert {entry.key async for entry in harness.media.list()} == keys


async def test_picture_stays_refused_by_another_decision(harness: ServiceHarness) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    posts = [await published(harness, author, photos.blots()) for author in (ana, bob)]
    actions = [await taken_down(harness, mod, post_id, TAKE_DOWN) for post_id in posts]
    await harness.appeal_queue.restore(mod, actions[0], Reply("", ""))
    with pytest.raises(InvalidInput):
        await published(harness, ana, photos.blots())
    await harness.appeal_queue.restore(mod, actions[1], Reply("", ""))
    await published(harness, ana, photos.blots())


@pytest.mark.parametrize(
    ("content", "decision"),
    [
        (photos.blots(), replace(TAKE_DOWN, block_pictures=False)),
        (photos.blots(), Decision(ModerationAction.WARN, "")),
        (photos.small(), TAKE_DOWN),
    ],
    ids=["not-blocked", "warning", "plain"],
)
async def test_other_pictures_stay_allowed(
    harness: ServiceHarness, content: bytes, decision: Decision
) -> None:
    ana, mod = await harness.user(), await moderator(harness)
    post_id = await published(harness, ana, content)
    action_id = await taken_down(harness, mod, post_id, decision)
    await published(harness, ana, content)
    assert await harness.value("SELECT COUNT(*) FROM refused_pictures") == 0
    action = await harness.action_rows.find(action_id)
    assert action is not None
    assert action.detail == ""


async def test_every_hash_within_the_distance_is_found(harness: ServiceHarness) -> None:
    repository = RefusedPictureRepository(harness.database)
    await repository.insert(range(1, 10), ActionId(1), f"{SOME_HASH:032x}")
    for start in range(HASH_BITS):
        for step in (1, 14, 15):  # neighbouring bits, and one bit of each band
            bits = [(start + step * each) % HASH_BITS for each in range(MAX_DISTANCE + 1)]
            near = SOME_HASH ^ sum(1 << bit for bit in bits[:-1])
            assert await repository.has_similar(f"{near:032x}")
            assert not await repository.has_similar(f"{near ^ 1 << bits[-1]:032x}")
