"""The sample place: made through the services, whole after any interruption, and not made twice."""

import pytest

from seeds.commands import PASSWORD, fill_place
from seeds.sample_users import CAST
from seeds.timeline import tell
from server.clock import SystemClock
from server.control import open_seed_context
from server.errors import NotFound
from server.paging import PageRequest
from server.services.content.mentions import mentions_in
from server.services.records import Role
from tests.seeds.tables import SMALL_CAST_NAMES, checksums, count, looked_into, wrong_counters
from tests.support.backends import Stack

SMALL_CAST = [person for person in CAST if person.username in SMALL_CAST_NAMES]
STEPS = ("users", "follows", "posts", "comments", "likes")
DAY_MS = 86_400_000
STORY = tell(SMALL_CAST)


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seeds.photographs.SIZES", ((240, 160), (160, 200)))


async def test_the_place_is_made_as_its_people_would_have_made_it(migrated_stack: Stack) -> None:
    settings = migrated_stack.settings()
    assert await fill_place(settings, STEPS, SMALL_CAST) == 0
    async with looked_into(migrated_stack) as database:
        assert await count(database, "users", "bio <> '' AND avatar_key <> ''") == len(SMALL_CAST)
        assert await count(database, "users", f"role = '{Role.ADMIN}'") == 1
        assert await count(database, "follows") == len(STORY.followings)
        assert await count(database, "posts") == len(STORY.publications)
        assert await count(database, "post_images") == sum(post.pictures for post in STORY.publications)
        assert await count(database, "comments") == len(STORY.remarks)
        assert await count(database, "likes") == len(STORY.likings)
        assert await wrong_counters(database) == []
        acts = len(STORY.followings) + len(STORY.publications) + len(STORY.remarks) + len(STORY.likings)
        acts += sum(bool(mentions_in(post.caption)) for post in STORY.publications)
        assert await count(database, "jobs", "state = 'ready'") == acts  # for the program, when it runs
        async with open_seed_context(settings, database, SystemClock()) as workshop:
            account = await workshop.services.accounts.authenticate("ben", PASSWORD)
            profile = await workshop.services.profiles.own(account.id)
            assert profile.avatar_url
            assert profile.bio
            page = await workshop.services.feed.page(account.id, PageRequest(limit=100))
    times = [post.card.created_at_ms for post in page.items]
    assert times == sorted(times, reverse=True)
    assert times[0] - times[-1] > 30 * DAY_MS
    assert times[0] < SystemClock().now_ms()


async def test_a_second_run_changes_no_row(migrated_stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    await fill_place(migrated_stack.settings(), STEPS, SMALL_CAST)
    async with looked_into(migrated_stack) as database:
        before = await checksums(database)
    capsys.readouterr()
    await fill_place(migrated_stack.settings(), STEPS, SMALL_CAST)
    async with looked_into(migrated_stack) as database:
        assert await checksums(database) == before
    told = capsys.readouterr().out
    assert "nothing was changed" in told
    assert PASSWORD in told


async def test_steps_can_be_taken_one_by_one(migrated_stack: Stack) -> None:
    settings = migrated_stack.settings()
    for step in ("users", "posts", "likes", "comments", "follows"):
        await fill_place(settings, [step], SMALL_CAST)
    async with looked_into(migrated_stack) as database:
        before = await checksums(database)
        assert await wrong_counters(database) == []
        # A like of its own run still comes after its post: times are told by the story, not by the run.
        assert await count(database, "likes l", "l.id <= l.post_id") == 0
    await fill_place(settings, STEPS, SMALL_CAST)
    async with looked_into(migrated_stack) as database:
        assert await checksums(database) == before


async def test_a_step_without_what_it_stands_on_says_which_is_missing(migrated_stack: Stack) -> None:
    with pytest.raises(NotFound, match="python -m seeds users"):
        await fill_place(migrated_stack.settings(), ["follows"], SMALL_CAST)
    await fill_place(migrated_stack.settings(), ["users"], SMALL_CAST)
    with pytest.raises(NotFound, match="python -m seeds posts"):
        await fill_place(migrated_stack.settings(), ["likes"], SMALL_CAST)
    async with looked_into(migrated_stack) as database:
        assert await count(database, "likes") == 0


@pytest.mark.parametrize("acts", [3, 30, 90])
async def test_a_run_that_is_broken_off_is_completed_by_the_next(
    acts: int, migrated_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = 0

    class Interrupted(Exception):
        pass

    def count_down(*_: object) -> None:
        nonlocal done
        done += 1
        if done == acts:
            raise Interrupted

    with monkeypatch.context() as patched:
        patched.setattr("seeds.progress.Step.advance", count_down)
        with pytest.raises(Interrupted):
            await fill_place(migrated_stack.settings(), STEPS, SMALL_CAST)
    async with looked_into(migrated_stack) as database:
        assert await wrong_counters(database) == []
    await fill_place(migrated_stack.settings(), STEPS, SMALL_CAST)
    async with looked_into(migrated_stack) as database:
        assert await count(database, "users", "bio <> '' AND avatar_key <> ''") == len(SMALL_CAST)
        assert await count(database, "posts") == len(STORY.publications)
        assert await count(database, "comments") == len(STORY.remarks)
        assert await count(database, "likes") == len(STORY.likings)
        assert await wrong_counters(database) == []
