"""Drafts: seen by their author only, published once, and not before their time."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from server.errors import AppError, Conflict, InvalidInput, NotFound
from server.ids import EPOCH_MS, DraftId, UserId, id_timestamp_ms, min_id_at
from server.models.audience import Audience
from server.paging import PageRequest
from server.services.content import drafts as module
from server.services.content.drafts import DraftChanges, DraftContent
from server.services.content.pictures import Upload
from server.services.content.post_pictures import ChosenPicture
from server.services.content.posts import SeenEdit
from server.services.jobs.event_jobs import JobKind
from server.services.moderation.decisions import Decision, ModerationAction
from server.services.moderation.filter_administration import FilterAction, FilterKind
from server.services.moderation.reports import SubjectType
from server.services.records import AccountStatus, Draft, Post, PostStatus
from tests.services.moderation.cases import moderator, reported
from tests.support.inputs import photos
from tests.support.jobs import assert_completed, build_media_sweep, build_retention, claim_maintenance_job
from tools.harness.services import ServiceHarness

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
PUBLISH = DraftChanges(status=PostStatus.PUBLISHED)


@pytest.fixture
def photo(harness: ServiceHarness) -> Path:
    return saved(harness, photos.small())


def saved(harness: ServiceHarness, content: bytes) -> Path:
    file = harness.folder / "photo"
    file.write_bytes(content)
    return file


def in_an_hour(harness: ServiceHarness) -> int:
    return harness.clock.now_ms() + HOUR_MS


async def create(
    harness: ServiceHarness, author_id: UserId, photo: Path, caption: str = "Soon", **content: Any
) -> Draft:
    draft = await harness.drafts.create(author_id, DraftContent(caption, **content), [Upload(photo, "alt")])
    assert isinstance(draft, Draft)
    return draft


async def schedule(harness: ServiceHarness, author_id: UserId, photo: Path, **content: Any) -> Draft:
    return await create(harness, author_id, photo, publish_at_ms=in_an_hour(harness), **content)


def to_time(at_ms: int) -> DraftChanges:
    return DraftChanges(status=PostStatus.SCHEDULED, publish_at_ms=at_ms)


async def let_time_pass(harness: ServiceHarness, draft_id: DraftId) -> None:
    """Make a scheduled post and its jobs due."""
    await harness.database.execute("UPDATE drafts SET publish_at_ms = 1 WHERE id = ?", [draft_id])
    await harness.make_due()


async def posts_of(harness: ServiceHarness, author_id: UserId) -> list[Post]:
    return [*(await harness.posts.list_by_author(author_id, author_id, PageRequest())).items]


async def drafts_of(harness: ServiceHarness, author_id: UserId, *, scheduled: bool = False) -> list[Draft]:
    return [*(await harness.drafts.list_own(author_id, PageRequest(), scheduled=scheduled)).items]


async def stored_folders(harness: ServiceHarness) -> set[str]:
    return {entry.key.rpartition("/")[0] async for entry in harness.media.list("posts")}


async def test_draft_is_seen_by_its_author_only(harness: ServiceHarness, photo: Path) -> None:
    ana, bob = await harness.users(2)
    draft = await create(harness, ana, photo, "Soon, @user2 #sun", audience=Audience.FOLLOWERS)
    assert await harness.drafts.get(ana, draft.id) == draft
    assert (draft.status, draft.audience, draft.hashtags) == (PostStatus.DRAFT, Audience.FOLLOWERS, ("sun",))
    assert [image.alt_text for image in draft.images] == ["alt"]
    with pytest.raises(NotFound):
        await harness.drafts.get(bob, draft.id)
    for change in (harness.drafts.edit(bob, draft.id, PUBLISH), harness.drafts.delete(bob, draft.id)):
        with pytest.raises(NotFound):
            await change
    assert await drafts_of(harness, bob) == await posts_of(harness, ana) == []
    assert await harness.rows("SELECT id FROM jobs") == []
    assert await harness.value("SELECT posts_count FROM users WHERE id = ?", ana) == 0


async def test_pictures_of_a_draft_have_signed_addresses(harness: ServiceHarness, photo: Path) -> None:
    ana, bob = await harness.users(2)
    (image,) = (await create(harness, ana, photo)).images
    key = image.base_url.removeprefix("https://media.test/")

    def query_for(viewer_id: UserId) -> dict[str, str]:
        (signed,) = harness.media_addresses.sign([image], viewer_id, 2**40)
        return dict(part.split("=", 1) for part in signed.query[1:].split("&"))

    assert await harness.media_access.check(f"{key}/large.jpg", query_for(ana))
    for query in ({}, query_for(bob)):
        with pytest.raises(NotFound):
            await harness.media_access.check(f"{key}/large.jpg", query)


async def test_publishing_creates_a_new_post_on_top(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    draft = await create(harness, ana, photo)
    earlier = await harness.post(ana)
    post = await harness.drafts.edit(ana, draft.id, replace(PUBLISH, caption="Now"))
    assert isinstance(post, Post)
    assert [each.id for each in await posts_of(harness, ana)] == [post.id, earlier]
    assert (post.card.caption, post.card.images) == ("Now", draft.images)
    assert await harness.due(JobKind.FAN_OUT)
    assert await harness.rows("SELECT id FROM media") == []
    assert await harness.value("SELECT posts_count FROM users WHERE id = ?", ana) == 2
    assert [each.id for each in (await harness.feed.page(ana, PageRequest())).items] == [post.id, earlier]


async def test_published_draft_leads_to_its_post(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    draft = await create(harness, ana, photo)
    post = await harness.drafts.edit(ana, draft.id, PUBLISH)
    again = await harness.drafts.edit(ana, draft.id, PUBLISH)
    found = await harness.drafts.get(ana, draft.id)
    assert post.id == again.id == found.id != draft.id
    assert await drafts_of(harness, ana) == []
    for changes in (
        DraftChanges("Other"),
        to_time(in_an_hour(harness)),
        DraftChanges(status=PostStatus.DRAFT),
    ):
        with pytest.raises(Conflict) as refused:
            await harness.drafts.edit(ana, draft.id, changes)
        assert refused.value.code == "already_published"
        assert str(post.id) in refused.value.detail
    with pytest.raises(Conflict):
        await harness.drafts.delete(ana, draft.id)


async def test_scheduled_post_is_published_at_its_time_and_once(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    draft = await schedule(harness, ana, photo)
    (job,) = await harness.rows("SELECT * FROM jobs")
    assert job["run_at_ms"] == draft.publish_at_ms
    assert harness.notifier.jobs == []
    assert await harness.work_off() == 0
    await let_time_pass(harness, draft.id)
    claim = await harness.claim(JobKind.PUBLISH_POST)
    began_ms = harness.clock.now_ms()
    await harness.draft_publication.publish_due(claim)
    await assert_completed(harness, claim)
    (post,) = await posts_of(harness, ana)
    assert id_timestamp_ms(post.id) >= began_ms
    assert (post.card.caption, post.card.images) == ("Soon", draft.images)
    await harness.database.execute("UPDATE jobs SET state = 'ready'", [])
    await harness.work_off(JobKind.PUBLISH_POST)
    assert len(await posts_of(harness, ana)) == 1


async def test_early_job_publishes_nothing(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    draft = await schedule(harness, ana, photo)
    await harness.make_due()
    assert await harness.work_off() == 1
    assert await posts_of(harness, ana) == []
    assert await drafts_of(harness, ana, scheduled=True) == [draft]


@pytest.mark.parametrize(
    "changes",
    [DraftChanges(status=PostStatus.DRAFT), DraftChanges(status=PostStatus.SCHEDULED, publish_at_ms=0)],
)
async def test_changed_time_replaces_the_job(
    harness: ServiceHarness, photo: Path, changes: DraftChanges
) -> None:
    ana = await harness.user()
    draft = await schedule(harness, ana, photo)
    at_ms = in_an_hour(harness) + HOUR_MS if changes.status is PostStatus.SCHEDULED else None
    changed = await harness.drafts.edit(ana, draft.id, replace(changes, publish_at_ms=at_ms))
    assert isinstance(changed, Draft)
    assert (changed.publish_at_ms, changed.status) == (at_ms, changes.status)
    jobs = await harness.rows("SELECT run_at_ms FROM jobs")
    assert [job["run_at_ms"] for job in jobs] == ([] if at_ms is None else [at_ms])


async def test_job_that_began_before_the_time_was_removed_does_nothing(
    harness: ServiceHarness, photo: Path
) -> None:
    ana = await harness.user()
    draft = await schedule(harness, ana, photo)
    await let_time_pass(harness, draft.id)
    claim = await harness.claim(JobKind.PUBLISH_POST)
    await harness.drafts.edit(ana, draft.id, DraftChanges(status=PostStatus.DRAFT))
    await harness.draft_publication.publish_due(claim)
    await assert_completed(harness, claim)
    assert await posts_of(harness, ana) == []


async def test_concurrent_publications_create_one_post(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    draft = await schedule(harness, ana, photo)
    await let_time_pass(harness, draft.id)
    claim = await harness.claim(JobKind.PUBLISH_POST)
    await asyncio.gather(
        harness.draft_publication.publish_due(claim),
        *(harness.drafts.edit(ana, draft.id, PUBLISH) for _ in range(4)),
    )
    assert len(await posts_of(harness, ana)) == 1
    assert await harness.value("SELECT posts_count FROM users WHERE id = ?", ana) == 1
    assert len(await harness.due(JobKind.FAN_OUT)) == 1


async def test_deleted_draft_takes_its_pictures_and_job_along(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    draft = await schedule(harness, ana, photo)
    assert await stored_folders(harness)
    await harness.drafts.delete(ana, draft.id)
    assert await stored_folders(harness) == set()
    for table in ("drafts", "media", "jobs"):
        assert await harness.rows(f"SELECT id FROM {table}") == []
    with pytest.raises(NotFound):
        await harness.drafts.get(ana, draft.id)


@pytest.mark.parametrize("status", [AccountStatus.SUSPENDED, AccountStatus.DEACTIVATED])
async def test_post_of_a_hidden_author_becomes_a_draft_with_a_reason(
    harness: ServiceHarness, photo: Path, status: AccountStatus
) -> None:
    ana = await harness.user()
    draft = await schedule(harness, ana, photo)
    await harness.set_status(ana, status)
    await let_time_pass(harness, draft.id)
    await harness.work_off(JobKind.PUBLISH_POST)
    await harness.set_status(ana, AccountStatus.ACTIVE)
    await harness.make_due()
    await harness.work_off(JobKind.PUBLISH_POST)
    assert await posts_of(harness, ana) == []
    (kept,) = await drafts_of(harness, ana)
    assert kept.problem is not None
    assert kept.problem.code == "account_hidden"
    changed = await harness.drafts.edit(ana, draft.id, to_time(in_an_hour(harness)))
    assert isinstance(changed, Draft)
    assert changed.problem is None


async def test_text_is_filtered_when_it_becomes_public(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    draft = await schedule(harness, ana, photo, caption="Buy it")
    mod = await moderator(harness)
    await harness.filter_administration.add(mod, FilterKind.PHRASE, "buy", FilterAction.REFUSE)
    with pytest.raises(InvalidInput) as refused:
        await harness.drafts.edit(ana, draft.id, PUBLISH)
    assert refused.value.code == "content_refused"
    await let_time_pass(harness, draft.id)
    await harness.work_off(JobKind.PUBLISH_POST)
    (kept,) = await drafts_of(harness, ana)
    assert kept.problem is not None
    assert kept.problem.code == "content_refused"
    assert await harness.rows("SELECT id FROM posts") == []


async def test_picture_that_was_refused_since_is_not_published(harness: ServiceHarness) -> None:
    ana, bob, mod = *(await harness.users(2)), await moderator(harness)
    photo = saved(harness, photos.blots())
    draft = await schedule(harness, ana, photo)
    post = await harness.posts.publish(bob, "", [Upload(photo)])
    case_id = await reported(harness, ana, SubjectType.POST, post.id)
    await harness.decisions.resolve(mod, case_id, Decision(ModerationAction.TAKE_DOWN, ""))
    await let_time_pass(harness, draft.id)
    await harness.work_off(JobKind.PUBLISH_POST)
    (kept,) = await drafts_of(harness, ana)
    assert kept.problem is not None
    assert (kept.problem.code, kept.problem.detail[:8]) == ("picture_refused", "Image 1:")


@pytest.mark.parametrize("offset_ms", [-1, -DAY_MS, 365 * DAY_MS + HOUR_MS])
async def test_time_must_be_within_a_year(harness: ServiceHarness, photo: Path, offset_ms: int) -> None:
    ana = await harness.user()
    draft = await create(harness, ana, photo)
    at_ms = harness.clock.now_ms() + offset_ms
    attempts: list[Callable[[], Any]] = [
        lambda: create(harness, ana, photo, publish_at_ms=at_ms),
        lambda: harness.drafts.edit(ana, draft.id, to_time(at_ms)),
    ]
    for attempt in attempts:
        with pytest.raises(InvalidInput) as refused:
            await attempt()
        assert "publishAt" in refused.value.fields
    assert await drafts_of(harness, ana) == [draft]
    assert len(await stored_folders(harness)) == 1


async def test_number_of_drafts_is_limited(
    harness: ServiceHarness, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_DRAFTS", 2)
    monkeypatch.setattr(module, "MAX_SCHEDULED", 1)
    ana = await harness.user()
    await schedule(harness, ana, photo)
    other = await create(harness, ana, photo)
    codes: list[str] = []
    for attempt in (
        create(harness, ana, photo),
        harness.drafts.edit(ana, other.id, to_time(in_an_hour(harness))),
    ):
        with pytest.raises(Conflict) as refused:
            await attempt
        codes.append(refused.value.code)
    assert codes == ["too_many_drafts", "too_many_scheduled"]
    assert len(await stored_folders(harness)) == 2
    await harness.drafts.edit(ana, other.id, PUBLISH)
    await create(harness, ana, photo)


async def test_draft_of_media_keeps_them_from_expiring(harness: ServiceHarness, photo: Path) -> None:
    ana, bob = await harness.users(2)
    media = [await harness.unused_media.add(ana, Upload(photo, text)) for text in ("one", "two")]
    ids = [media[1].id, media[0].id]
    with pytest.raises(InvalidInput):
        await harness.drafts.create_from_media(bob, DraftContent(""), ids)
    draft = await harness.drafts.create_from_media(ana, DraftContent(""), ids, ["first"])
    assert isinstance(draft, Draft)
    assert [image.alt_text for image in draft.images] == ["first", "one"]
    assert await harness.unused_media.list_unused(ana) == []
    for used in ids:
        with pytest.raises(NotFound):
            await harness.unused_media.delete(ana, used)
    for attempt in (
        harness.posts.publish_media(ana, "", ids),
        harness.drafts.create_from_media(ana, DraftContent(""), ids),
    ):
        with pytest.raises(InvalidInput) as refused:
            await attempt
        assert refused.value.code == "media_unusable"
    await make_old(harness)
    claim = await claim_maintenance_job(harness, JobKind.SWEEP_MEDIA)
    await build_media_sweep(harness).sweep(claim)
    (kept,) = await drafts_of(harness, ana)
    assert [image.base_url for image in kept.images] == [image.base_url for image in draft.images]
    assert len(await stored_folders(harness)) == 2
    post = await harness.drafts.edit(ana, draft.id, PUBLISH)
    assert isinstance(post, Post)
    assert post.card.images == kept.images


async def make_old(harness: ServiceHarness) -> None:
    """Make all media older than unused ones are kept."""
    await harness.database.execute("UPDATE media SET id = id - ?", [min_id_at(EPOCH_MS + 2 * DAY_MS)])


async def test_edit_changes_texts_and_audience(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    draft = await schedule(harness, ana, photo)
    changes = DraftChanges("Other", ["a"], Audience.CLOSE_FRIENDS)
    changed = await harness.drafts.edit(ana, draft.id, changes)
    assert isinstance(changed, Draft)
    assert (changed.caption, changed.audience) == ("Other", Audience.CLOSE_FRIENDS)
    assert [image.alt_text for image in changed.images] == ["a"]
    assert changed.publish_at_ms == draft.publish_at_ms
    assert changed.edited_at_ms is not None
    with pytest.raises(InvalidInput):
        await harness.drafts.edit(ana, draft.id, DraftChanges(alt_texts=["a", "b"]))
    assert await harness.drafts.get(ana, draft.id) == changed


async def test_pictures_are_added_removed_and_ordered(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    draft = await harness.drafts.create(ana, DraftContent(""), [Upload(photo, "one"), Upload(photo, "two")])
    assert isinstance(draft, Draft)
    one, two = draft.images
    three = await harness.unused_media.add(ana, Upload(photo, "three"))
    chosen = [ChosenPicture(three.id), ChosenPicture(one.id, "first")]
    changed = await harness.drafts.edit(ana, draft.id, DraftChanges(media=chosen, seen=SeenEdit(None)))
    assert isinstance(changed, Draft)
    assert [(each.id, each.alt_text) for each in changed.images] == [(three.id, "three"), (one.id, "first")]
    assert len(await stored_folders(harness)) == 2
    for changes, code in (
        (DraftChanges(media=[ChosenPicture(two.id)]), "media_unusable"),
        (DraftChanges(media=chosen, seen=SeenEdit(None)), "edited_in_between"),
    ):
        with pytest.raises(AppError) as refused:
            await harness.drafts.edit(ana, draft.id, changes)
        assert refused.value.code == code
    post = await harness.drafts.edit(ana, draft.id, PUBLISH)
    assert isinstance(post, Post)
    assert post.card.images == changed.images


async def test_post_cannot_become_a_draft(harness: ServiceHarness) -> None:
    ana = await harness.user()
    post_id = await harness.post(ana)
    with pytest.raises(AppError) as refused:
        await harness.posts.edit(ana, post_id, None, None, status=PostStatus.DRAFT)
    assert refused.value.code == "already_published"
    post = await harness.posts.edit(ana, post_id, None, None, status=PostStatus.PUBLISHED)
    assert post.card.edited_at_ms is None


async def test_lists_have_pages(harness: ServiceHarness, photo: Path) -> None:
    ana = await harness.user()
    drafts = [await create(harness, ana, photo) for _ in range(3)]
    scheduled = await schedule(harness, ana, photo)
    first = await harness.drafts.list_own(ana, PageRequest(2), scheduled=False)
    assert [each.id for each in first.items] == [drafts[2].id, drafts[1].id]
    rest = await harness.drafts.list_own(ana, PageRequest(2, drafts[1].id), scheduled=False)
    assert ([each.id for each in rest.items], rest.next_cursor) == ([drafts[0].id], None)
    assert await drafts_of(harness, ana, scheduled=True) == [scheduled]


async def test_row_of_a_published_draft_is_deleted_after_a_month(
    harness: ServiceHarness, photo: Path
) -> None:
    ana = await harness.user()
    old, new = [await create(harness, ana, photo) for _ in range(2)]
    for draft in (old, new):
        await harness.drafts.edit(ana, draft.id, PUBLISH)
    await harness.database.execute("UPDATE drafts SET post_id = 5 WHERE id = ?", [old.id])
    kept = await create(harness, ana, photo)
    claim = await claim_maintenance_job(harness, JobKind.SWEEP_KEYS)
    await build_retention(harness).sweep_keys(claim)
    rows = await harness.rows("SELECT id FROM drafts ORDER BY id")
    assert [row["id"] for row in rows] == [new.id, kept.id]
