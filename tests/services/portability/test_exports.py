"""Exports: everything of a user and nothing of others, by a job that may be killed, behind a signed link."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from tortoise import Tortoise

from server.errors import InvalidInput, NotFound, StorageFull
from server.gateways.media import MediaObject
from server.ids import CaseId, ExportId, PostId, UserId
from server.models.erasure.user_rows import USER_COLUMNS
from server.models.portability.data_files import DATA_FILES, NOT_EXPORTED
from server.services.content.pictures import Pictures, Upload
from server.services.jobs.event_jobs import JobKind
from server.services.moderation.decisions import Decision, ModerationAction
from server.services.moderation.reports import ReportReason, SubjectType
from server.services.portability.exports import Export, archive_key
from server.services.records import Confirmation, Role
from tests.services.erasure.test_account_erasure import PASSWORD, live, register
from tests.services.jobs.test_media_sweep import make_old
from tests.support.inputs import photos
from tests.support.jobs import build_media_sweep, claim_maintenance_job
from tools.harness.services import ServiceHarness

DAY_MS = 86_400_000


def signature_of(export: Export) -> str:
    assert export.url is not None
    return parse_qs(urlsplit(export.url).query)["signature"][0]


async def request(harness: ServiceHarness, user_id: UserId, password: str | None = None) -> Export:
    """Request an export; without a password, in a session that was reauthenticated."""
    principal = await harness.open_session(user_id)
    if password is None:
        await harness.session_rows.set_reauthenticated(user_id, principal.session_id)
    return await harness.exports.request(principal, Confirmation(password))


async def export(harness: ServiceHarness, user_id: UserId) -> Export:
    await request(harness, user_id)
    assert await harness.work_off(JobKind.CREATE_EXPORT) == 1
    return await harness.exports.get(user_id)


async def download(harness: ServiceHarness, found: Export) -> bytes:
    archive = await harness.exports.find_archive(found.id, signature_of(found))
    stored = await harness.exports.read(archive, range(archive.description.size))
    return b"".join([chunk async for chunk in stored.chunks])


def unpack(content: bytes) -> dict[str, Any]:
    """Return the JSON files by name, and the other files as bytes."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    return {name: orjson.loads(data) if name.endswith(".json") else data for name, data in files.items()}


async def exported(harness: ServiceHarness, user_id: UserId) -> dict[str, Any]:
    return unpack(await download(harness, await export(harness, user_id)))


async def archive_keys(harness: ServiceHarness) -> list[str]:
    return [entry.key async for entry in harness.media.list("exports")]


async def test_export_has_everything_of_a_user_and_only_ids_of_others(harness: ServiceHarness) -> None:
    ada, bob = await register(harness, "ada"), await harness.user("bob")
    await live(harness, ada, bob)
    await harness.profiles.edit(bob, {"bio": "A secret of bob"})
    await harness.reports.report(
        ada, SubjectType.POST, (await own_posts(harness, bob))[0], ReportReason.SPAM, "Spam!"
    )
    files = await exported(harness, ada)
    assert files["manifest.json"]["user"] == {"id": str(ada), "username": "ada"}
    assert files["manifest.json"]["counts"] == {
        name: len(content) for name, content in files.items() if isinstance(content, list)
    }
    assert {f"{file.name}.json" for file in DATA_FILES} <= set(files)
    assert files["profile.json"]["pendingEmail"] == "ada@example.com"
    assert files[files["profile.json"]["avatar"]].startswith(b"\xff\xd8")
    (post,) = files["posts.json"]
    assert (post["caption"], post["status"], post["mentions"]) == (
        "Hello @bob #light",
        "published",
        {"bob": str(bob)},
    )
    assert files[post["media"][0]["file"]].startswith(b"\xff\xd8")
    (draft,) = files["drafts.json"]
    assert (draft["caption"], draft["publishAt"]) == ("Later", None)
    assert files[draft["media"][0]["file"]].startswith(b"\xff\xd8")
    assert [comment["content"] for comment in files["comments.json"]] == ["Me", "Lovely", "Yes"]
    assert {like["postAuthor"] for like in files["likes.json"]} == {"bob"}
    assert {like["commentAuthor"] for like in files["comment_likes.json"]} == {"bob"}
    assert {save["postAuthor"] for save in files["saved.json"]} == {"ada", "bob"}
    (collection,) = files["collections.json"]
    assert collection["name"] == "Light"
    entries = files["collection_posts.json"]
    assert [each["collectionId"] for each in entries] == [collection["id"]] * 2
    assert [each["postId"] for each in entries] == [save["postId"] for save in files["saved.json"]]
    assert "bob" in {each["username"] for each in files["following.json"]}
    for name in (
        "followers",
        "follow_requests_sent",
        "follow_requests_received",
        "blocks",
        "mutes",
        "devices",
    ):
        assert files[f"{name}.json"], name
    assert [each["comment"] for each in files["reports.json"]] == ["", "Spam!"]
    assert all(each["username"] for each in files["blocks.json"])
    everything = b"".join(orjson.dumps(value) for value in files.values() if not isinstance(value, bytes))
    assert b"A secret of bob" not in everything
    assert b"bob@example.com" not in everything
    assert b"Who is" not in everything  # a comment of bob
    assert b"ada phone" not in everything  # the token of a device is a secret


async def own_posts(harness: ServiceHarness, user_id: UserId) -> list[int]:
    return [row["id"] for row in await harness.rows("SELECT id FROM posts WHERE author_id = ?", user_id)]


async def test_names_of_people_who_blocked_the_user_are_missing(harness: ServiceHarness) -> None:
    ada, bob = await register(harness, "ada"), await harness.user("bob")
    post_id = await harness.post(bob)
    await harness.likes.like(ada, post_id)
    await harness.blocks.block(bob, ada)
    files = await exported(harness, ada)
    assert [(like["postAuthorId"], like["postAuthor"]) for like in files["likes.json"]] == [(str(bob), None)]


async def test_posts_have_every_picture_and_state(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    file = harness.folder / "photo"
    ids: list[PostId] = []
    for number in range(3):
        file.write_bytes(photos.small(number))
        uploads = [Upload(file, f"First of {number}"), Upload(file, f"Second of {number}")]
        ids.append((await harness.posts.publish(ada, f"Number {number} #tag", uploads)).id)
    await harness.posts.edit(ada, ids[0], "Edited #tag", None)
    await harness.posts.delete(ada, ids[1])
    await take_down(harness, ids[2])
    files = await exported(harness, ada)
    first, last = files["posts.json"]
    assert (first["caption"], first["hashtags"], first["status"]) == ("Edited #tag", ["tag"], "published")
    assert first["editedAt"] > first["createdAt"]
    assert [media["altText"] for media in first["media"]] == ["First of 0", "Second of 0"]
    assert (last["id"], last["status"], len(last["media"])) == (str(ids[2]), "taken_down", 2)
    assert files["moderation.json"][0]["action"] == "take_down"
    assert all(files[media["file"]] for post in (first, last) for media in post["media"])


async def take_down(harness: ServiceHarness, post_id: PostId) -> None:
    reporter, moderator = await harness.users(2)
    await harness.user_rows.set_role(moderator, Role.MODERATOR)
    await harness.reports.report(reporter, SubjectType.POST, post_id, ReportReason.SPAM, "")
    case_id = CaseId(await harness.value("SELECT id FROM report_cases WHERE subject_id = ?", post_id))
    await harness.report_queue.claim(moderator, case_id)
    await harness.decisions.resolve(moderator, case_id, Decision(ModerationAction.TAKE_DOWN, "A note"))


async def test_original_is_exported_if_it_is_kept(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    harness.posts._pictures = Pictures(
        harness.images, harness.media, harness.refused_pictures, keep_originals=True
    )
    file = harness.folder / "photo"
    file.write_bytes(photos.twelve_megapixels())
    await harness.posts.publish(ada, "", [Upload(file)])
    files = await exported(harness, ada)
    (picture,) = files["posts.json"][0]["media"]
    assert picture["original"] is True
    assert files[picture["file"]] == photos.twelve_megapixels()


async def test_upload_deleted_during_the_export_is_replaced_by_a_rendition(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await register(harness, "ada")
    file = harness.folder / "photo"
    file.write_bytes(photos.small())
    harness.posts._pictures = Pictures(
        harness.images, harness.media, harness.refused_pictures, keep_originals=True
    )
    await harness.posts.publish(ada, "", [Upload(file)])
    get = harness.media.get

    async def get_after_avifs(key: str, part: range | None = None) -> MediaObject:
        if "original" in key:
            await harness.media.delete([key])
        return await get(key, part)

    monkeypatch.setattr(harness.media, "get", get_after_avifs)
    files = await exported(harness, ada)
    (picture,) = files["posts.json"][0]["media"]
    assert picture["original"] is False
    assert files[picture["file"]].startswith(b"\xff\xd8\xff")


async def test_one_export_at_a_time_and_with_the_password(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    with pytest.raises(NotFound):
        await harness.exports.get(ada)
    with pytest.raises(InvalidInput) as wrong:
        await request(harness, ada, "another password")
    assert wrong.value.code == "wrong_password"
    results = await asyncio.gather(*(request(harness, ada) for _ in range(2)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == ["Conflict", "Export"]
    found = await harness.exports.get(ada)
    assert (found.status, found.progress, found.url, found.size) == ("queued", 0, None, None)
    await harness.work_off(JobKind.CREATE_EXPORT)
    ready = await harness.exports.get(ada)
    assert (ready.status, ready.progress) == ("ready", 100)
    assert ready.size == len(await download(harness, ready))
    assert ready.expires_at_ms is not None
    assert 6 * DAY_MS < ready.expires_at_ms - harness.clock.now_ms() <= 7 * DAY_MS
    await request(harness, ada)


async def test_link_needs_its_signature_and_ends_with_the_password(harness: ServiceHarness) -> None:
    ada, bob = await register(harness, "ada"), await register(harness, "bob")
    hers, his = await export(harness, ada), await export(harness, bob)
    for export_id, signature in (
        (hers.id, signature_of(his)),
        (hers.id, ""),
        (hers.id, "ü\ud800"),
        (hers.id, signature_of(hers)[:-1]),
        (ExportId(5), signature_of(hers)),
    ):
        with pytest.raises(NotFound):
            await harness.exports.find_archive(export_id, signature)
    principal = await harness.open_session(ada)
    await harness.credentials.change_password(principal, Confirmation(PASSWORD), "a new password of ada")
    with pytest.raises(NotFound):
        await harness.exports.find_archive(hers.id, signature_of(hers))
    await harness.exports.find_archive(his.id, signature_of(his))


async def test_owner_gets_an_email_without_the_link(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    await harness.email_verification.mark_verified(ada)
    found = await export(harness, ada)
    assert await harness.work_off(JobKind.EMAIL_EXPORT_READY) == 1
    email = harness.email.sent[-1]
    assert (email.to, email.subject) == ("ada@example.com", "Your archive is ready")
    assert "https://pages.test/export" in email.text
    assert signature_of(found) not in email.text + email.html


async def test_expired_archive_is_deleted(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    found = await export(harness, ada)
    signature = signature_of(found)
    await harness.database.execute("UPDATE exports SET expires_at_ms = 1")
    assert (await harness.exports.get(ada)).status == "expired"
    with pytest.raises(NotFound):
        await harness.exports.find_archive(found.id, signature)
    await harness.export_jobs.sweep(await claim_maintenance_job(harness, JobKind.SWEEP_EXPORTS))
    assert await archive_keys(harness) == []
    expired = await harness.exports.get(ada)
    assert (expired.status, expired.url, expired.size) == ("expired", None, None)


async def test_interrupted_export_fails_after_a_day(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    await request(harness, ada)
    await harness.database.execute("UPDATE exports SET updated_at_ms = updated_at_ms - ?", [DAY_MS + 1000])
    failed = await harness.exports.get(ada)
    assert (failed.status, failed.problem) == ("failed", "interrupted")
    await harness.export_jobs.sweep(await claim_maintenance_job(harness, JobKind.SWEEP_EXPORTS))
    assert await harness.exports.get(ada) == failed
    assert await harness.work_off(JobKind.CREATE_EXPORT) == 1
    assert await archive_keys(harness) == []
    await request(harness, ada)


async def test_full_store_fails_the_export(harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await register(harness, "ada")

    async def full(*_: object) -> AsyncIterator[int]:
        raise StorageFull("full")
        yield 0

    monkeypatch.setattr(harness.media, "put_large", full)
    found = await export(harness, ada)
    assert (found.status, found.problem) == ("failed", "storage_full")


@pytest.mark.parametrize("killed_at", ["posts", "upload", "commit"])
async def test_killed_export_begins_again(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch, killed_at: str
) -> None:
    ada, bob = await register(harness, "ada"), await harness.user("bob")
    await live(harness, ada, bob)
    expected = set(await exported(harness, ada))
    before = await archive_keys(harness)
    await request(harness, ada)
    (job_id,) = await harness.due(JobKind.CREATE_EXPORT)

    class KilledError(BaseException):
        pass

    async def die(*_: object, **__: object) -> None:
        raise KilledError

    async def die_in_the_middle(*_: object) -> AsyncIterator[int]:
        yield 1
        raise KilledError

    with monkeypatch.context() as patched:
        if killed_at == "posts":
            patched.setattr(harness.export_jobs._contents._images, "list_by_posts", die)
        elif killed_at == "upload":
            patched.setattr(harness.media, "put_large", die_in_the_middle)
        else:
            patched.setattr(harness.export_jobs._exports, "set_ready", die)
        claim = await harness.jobs.claim(job_id)
        assert claim is not None
        with pytest.raises(KilledError):
            await harness.export_jobs.create(claim)
    assert (await harness.exports.get(ada)).status == "running"
    await harness.jobs.return_to_queue([claim])
    assert await harness.work_off(JobKind.CREATE_EXPORT) == 1
    ready = await harness.exports.get(ada)
    assert ready.status == "ready"
    assert set(unpack(await download(harness, ready))) == expected
    left = set(await archive_keys(harness)) - set(before)
    assert len(left) == (2 if killed_at == "commit" else 1)
    for key in left:
        make_old(harness.folder / "media" / key)
    await build_media_sweep(harness).sweep(await claim_maintenance_job(harness, JobKind.SWEEP_MEDIA))
    kept = {row["folder"] for row in await harness.rows("SELECT folder FROM exports")}
    assert set(await archive_keys(harness)) == {archive_key(folder) for folder in kept}
    assert list(harness.folder.glob("export-*")) == []


async def test_export_of_an_erased_account_is_dropped(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await register(harness, "ada")
    await request(harness, ada)
    put = harness.media.put_large

    async def put_and_erase(key: str, source: Any) -> AsyncIterator[int]:
        async for step in put(key, source):
            yield step
        await harness.database.execute("DELETE FROM users WHERE id = ?", [ada])

    monkeypatch.setattr(harness.media, "put_large", put_and_erase)
    assert await harness.work_off(JobKind.CREATE_EXPORT) == 1
    assert await archive_keys(harness) == []


async def test_export_has_what_edits_replaced(harness: ServiceHarness) -> None:
    ada = await register(harness, "ada")
    post_id = await harness.post(ada, "First")
    await harness.posts.edit(ada, post_id, "Second", None)
    (version,) = (await exported(harness, ada))["post_history.json"]
    assert (version["postId"], version["caption"], version["altTexts"]) == (str(post_id), "First", [])
    await harness.posts.delete(ada, post_id)
    assert (await exported(harness, ada))["post_history.json"] == []


async def test_another_user_cannot_delete_an_export(harness: ServiceHarness) -> None:
    ada, bob = await register(harness, "ada"), await harness.user("bob")
    found = await export(harness, ada)
    await harness.exports.delete(bob, found.id)
    assert await archive_keys(harness)
    await harness.exports.delete(ada, found.id)
    assert await archive_keys(harness) == []


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
@pytest.mark.usefixtures("database")
async def test_every_column_that_names_a_user_is_exported_or_exempt() -> None:
    """A new column that names users needs a data file, or an entry in `NOT_EXPORTED` with the reason."""
    tables = {model._meta.db_table for model in Tortoise.apps["models"].values()}
    exported_columns = {column for file in DATA_FILES for column in file.tables}
    named = {f"{column.table}.{column.name}" for column in USER_COLUMNS}
    assert named - exported_columns - set(NOT_EXPORTED) == set()
    assert {column.partition(".")[0] for column in exported_columns | set(NOT_EXPORTED)} <= tables
    assert exported_columns & set(NOT_EXPORTED) == set()
