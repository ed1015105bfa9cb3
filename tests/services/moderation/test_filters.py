"""Filters: refused and reported texts, in every place where users write, and their administration."""

import pytest

from server.errors import Conflict, InvalidInput, NotFound
from server.ids import FilterId, UserId
from server.models.moderation.content_filters import ContentFilterRepository
from server.services.content.pictures import Upload
from server.services.filters.text_filters import TextFilters
from server.services.jobs.event_jobs import JobKind
from server.services.moderation.decisions import Decision, ModerationAction
from server.services.moderation.filter_administration import FilterAction, FilterKind
from server.services.moderation.report_queue import CaseStatus
from tests.services.moderation.cases import PAGE, moderator
from tests.support.inputs import photos
from tools.harness.services import ServiceHarness

PHRASE, DOMAIN = FilterKind.PHRASE, FilterKind.DOMAIN
REFUSE, REPORT = FilterAction.REFUSE, FilterAction.REPORT


async def refused_fields(harness: ServiceHarness, author: UserId, text: str) -> list[str]:
    """Write a text wherever a user can; return the fields of the refusals."""
    photo = harness.folder / "photo"
    photo.write_bytes(photos.small())
    post_id = await harness.post(author)
    attempts = [
        lambda: harness.posts.publish(author, text, [Upload(photo)]),
        lambda: harness.posts.publish(author, "", [Upload(photo, text)]),
        lambda: harness.posts.edit(author, post_id, text, None),
        lambda: harness.comments.add(author, post_id, text, None),
        lambda: harness.profiles.edit(author, {"bio": text}),
        lambda: harness.profiles.edit(author, {"full_name": text}),
        lambda: harness.accounts.register("new", "new@example.com", "correct horse", text),
    ]
    fields: list[str] = []
    for attempt in attempts:
        with pytest.raises(InvalidInput) as refused:
            await attempt()
        assert refused.value.code == "content_refused"
        assert "casino" not in f"{refused.value.detail}{refused.value.fields}".lower()
        fields += refused.value.fields
    return fields


async def test_refused_text_is_published_nowhere(harness: ServiceHarness) -> None:
    ana, mod = await harness.user(), await moderator(harness)
    await harness.filter_administration.add(mod, PHRASE, "Casino", REFUSE)
    fields = await refused_fields(harness, ana, "My c4sino")
    assert fields == ["caption", "altTexts", "caption", "content", "bio", "fullName", "fullName"]
    assert await harness.value("SELECT COUNT(*) AS n FROM posts WHERE caption <> ''") == 0
    assert await harness.value("SELECT COUNT(*) AS n FROM comments") == 0
    assert [entry async for entry in harness.media.list("posts")] == []
    await harness.filter_administration.add(mod, DOMAIN, "https://www.Evil.example/page", REFUSE)
    with pytest.raises(InvalidInput):
        await harness.profiles.edit(ana, {"website": "https://shop.evil.example/"})
    await harness.profiles.edit(ana, {"bio": "Light and hills"})


async def test_reported_text_is_published_and_queued_once(harness: ServiceHarness) -> None:
    ana, mod = await harness.user(), await moderator(harness)
    added = await harness.filter_administration.add(mod, PHRASE, "casino", REPORT)
    post_id = await harness.post(ana)
    comment = await harness.comments.add(ana, post_id, "Best casino", None)
    await harness.posts.edit(ana, post_id, "A casino at night", None)
    await harness.posts.edit(ana, post_id, "The casino at night", None)
    await harness.profiles.edit(ana, {"bio": "Casino"})
    await harness.work_off(JobKind.REPORT_MATCHED)
    cases = (await harness.report_queue.list_page(CaseStatus.OPEN, PAGE)).items
    assert sorted((case.subject.type.value, case.subject.id) for case in cases) == [
        ("comment", comment.id), ("post", post_id), ("user", ana),
    ]  # fmt: skip
    assert {case.filter_id for case in cases} == {added.id}
    assert {case.excerpt for case in cases} == {"Best casino", "The casino at night", ""}
    for case in cases:
        await harness.decisions.resolve(mod, case.id, Decision(ModerationAction.DISMISS, ""))


async def test_deleted_text_is_not_reported(harness: ServiceHarness) -> None:
    ana, mod = await harness.user(), await moderator(harness)
    await harness.filter_administration.add(mod, PHRASE, "casino", REPORT)
    post_id = await harness.post(ana)
    comment = await harness.comments.add(ana, post_id, "Best casino", None)
    await harness.comments.delete(ana, post_id, comment.id)
    assert await harness.work_off(JobKind.REPORT_MATCHED) == 1
    assert (await harness.report_queue.list_page(CaseStatus.OPEN, PAGE)).items == []


async def test_other_processes_apply_a_change_within_seconds(harness: ServiceHarness) -> None:
    ana, mod = await harness.user(), await moderator(harness)
    post_id = await harness.post(ana)
    now = 0.0
    other = TextFilters(ContentFilterRepository(harness.database), 3.0, lambda: now)
    harness.comments._filters = other  # pyright: ignore[reportPrivateUsage]
    await harness.comments.add(ana, post_id, "A casino", None)
    await harness.filter_administration.add(mod, PHRASE, "casino", REFUSE)
    now = 2.9
    await harness.comments.add(ana, post_id, "A casino", None)
    now = 3.0
    with pytest.raises(InvalidInput):
        await harness.comments.add(ana, post_id, "A casino", None)


async def test_filters_are_administered_and_logged(harness: ServiceHarness) -> None:
    mod = await moderator(harness)
    administration = harness.filter_administration
    added = await administration.add(mod, PHRASE, "  Cheap   watches ", REPORT)
    assert added.pattern == "Cheap watches"
    with pytest.raises(Conflict) as exists:
        await administration.add(mod, PHRASE, "CHEAP WATCHES", REFUSE)
    assert exists.value.code == "filter_exists"
    for kind, pattern in ((PHRASE, "!?"), (DOMAIN, "no domain"), (DOMAIN, "localhost")):
        with pytest.raises(InvalidInput):
            await administration.add(mod, kind, pattern, REFUSE)
    assert (await administration.edit(mod, added.id, REFUSE)).action is REFUSE
    assert [row.action for row in await administration.list_all()] == [REFUSE]
    await administration.delete(mod, added.id)
    assert await administration.list_all() == []
    with pytest.raises(NotFound):
        await administration.delete(mod, FilterId(1))
    log = await harness.action_rows.list_page(mod, None, 1 << 53, 10)
    assert [(entry.action, entry.detail) for entry in log] == [
        (ModerationAction.DROP_FILTER, "refuse phrase Cheap watches"),
        (ModerationAction.EDIT_FILTER, "refuse phrase Cheap watches"),
        (ModerationAction.ADD_FILTER, "report phrase Cheap watches"),
    ]
