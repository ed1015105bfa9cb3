"""Sample data is created through the services, once, and completed after interruptions."""

import pytest

from seeds.commands import PASSWORD, fill_sample
from seeds.sample_users import SAMPLE_USERS
from seeds.timeline import build_timeline
from server.clock import SystemClock
from server.control import open_seed_context
from server.errors import NotFound
from server.paging import PageRequest
from server.services.content.mentions import mentions_in
from server.services.records import Role
from tests.seeds.database_checks import FEW_USERNAMES, checksums, count, open_for_inspection, wrong_counters
from tools.harness.backends import Stack

FEW_USERS = [person for person in SAMPLE_USERS if person.username in FEW_USERNAMES]
STEPS = ("users", "follows", "posts", "comments", "likes", "saves")
DAY_MS = 86_400_000
TIMELINE = build_timeline(FEW_USERS)


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seeds.photographs.SIZES", ((240, 160), (160, 200)))


async def test_sample_data_is_complete_and_chronological(migrated_stack: Stack) -> None:
    settings = migrated_stack.settings()
    assert await fill_sample(settings, STEPS, FEW_USERS) == 0
    async with open_for_inspection(migrated_stack) as database:
        assert await count(database, "users", "bio <> '' AND avatar_key <> ''") == len(FEW_USERS)
        assert await count(database, "users", f"role = '{Role.ADMIN}'") == 1
        assert await count(database, "follows") == len(TIMELINE.follows)
        assert await count(database, "posts") == len(TIMELINE.posts)
        assert await count(database, "post_images") == sum(post.pictures for post in TIMELINE.posts)
        assert await count(database, "comments") == len(TIMELINE.comments)
        assert await count(database, "likes") == len(TIMELINE.likes)
        assert await count(database, "saves") == len(TIMELINE.saves) > 0
        collected = [save for save in TIMELINE.saves if save.collection is not None]
        assert await count(database, "collection_posts") == len(collected)
        assert await count(database, "collections") == len(
            {(each.username, each.collection) for each in collected}
        )
        assert await wrong_counters(database) == []
        activities = (
            len(TIMELINE.follows) + len(TIMELINE.posts) + len(TIMELINE.comments) + len(TIMELINE.likes)
        )
        activities += sum(bool(mentions_in(post.caption)) for post in TIMELINE.posts)
        # For the server, when it runs.
        waiting = "state = 'ready' AND kind <> 'email.verification' AND queue <> 'search'"
        assert await count(database, "jobs", waiting) == activities
        assert await count(database, "users", "email = ''") == 0
        async with open_seed_context(settings, database, SystemClock()) as context:
            account = await context.services.password_authentication.authenticate("ben", PASSWORD)
            profile = await context.services.profiles.get_own(account.id)
            assert profile.avatar_url
            assert profile.bio
            page = await context.services.feed.page(account.id, PageRequest(limit=100))
    times = [post.card.created_at_ms for post in page.items]
    assert times == sorted(times, reverse=True)
    assert times[0] - times[-1] > 30 * DAY_MS
    assert times[0] < SystemClock().now_ms()


async def test_second_run_changes_no_row(migrated_stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    await fill_sample(migrated_stack.settings(), STEPS, FEW_USERS)
    async with open_for_inspection(migrated_stack) as database:
        before = await checksums(database)
    capsys.readouterr()
    await fill_sample(migrated_stack.settings(), STEPS, FEW_USERS)
    async with open_for_inspection(migrated_stack) as database:
        assert await checksums(database) == before
    output = capsys.readouterr().out
    assert "nothing was changed" in output
    assert PASSWORD in output


async def test_steps_can_run_one_by_one(migrated_stack: Stack) -> None:
    settings = migrated_stack.settings()
    for step in ("users", "posts", "saves", "likes", "comments", "follows"):
        await fill_sample(settings, [step], FEW_USERS)
    async with open_for_inspection(migrated_stack) as database:
        before = await checksums(database)
        assert await wrong_counters(database) == []
        # Times come from the timeline: a like comes after its post even if another run creates it.
        assert await count(database, "likes l", "l.id <= l.post_id") == 0
    await fill_sample(settings, STEPS, FEW_USERS)
    async with open_for_inspection(migrated_stack) as database:
        assert await checksums(database) == before


async def test_step_names_the_step_that_it_needs(migrated_stack: Stack) -> None:
    with pytest.raises(NotFound, match="python -m seeds users"):
        await fill_sample(migrated_stack.settings(), ["follows"], FEW_USERS)
    await fill_sample(migrated_stack.settings(), ["users"], FEW_USERS)
    with pytest.raises(NotFound, match="python -m seeds posts"):
        await fill_sample(migrated_stack.settings(), ["likes"], FEW_USERS)
    async with open_for_inspection(migrated_stack) as database:
        assert await count(database, "likes") == 0


@pytest.mark.parametrize("activities", [3, 30, 90])
async def test_next_run_completes_an_interrupted_one(
    activities: int, migrated_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = 0

    class Interrupted(Exception):
        pass

    def count_down(*_: object) -> None:
        nonlocal done
        done += 1
        if done == activities:
            raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr("seeds.progress.Step.advance", count_down)
        with pytest.raises(Interrupted):
            await fill_sample(migrated_stack.settings(), STEPS, FEW_USERS)
    async with open_for_inspection(migrated_stack) as database:
        assert await wrong_counters(database) == []
    await fill_sample(migrated_stack.settings(), STEPS, FEW_USERS)
    async with open_for_inspection(migrated_stack) as database:
        assert await count(database, "users", "bio <> '' AND avatar_key <> ''") == len(FEW_USERS)
        assert await count(database, "posts") == len(TIMELINE.posts)
        assert await count(database, "comments") == len(TIMELINE.comments)
        assert await count(database, "likes") == len(TIMELINE.likes)
        assert await wrong_counters(database) == []
