"""`--scale` creates a crowd with bulk statements as the services would leave it."""

import asyncio
from collections import defaultdict

import pytest

from seeds.commands import PASSWORD, fill_crowd
from seeds.crowd.fill import POSTS_PER_PERSON
from seeds.crowd.people import UserWriter, username
from seeds.crowd.post_writer import PostWriter
from server.clock import SystemClock
from server.configuration import load
from server.control import open_seed_context
from server.errors import Conflict
from server.ids import PostId, UserId, id_timestamp_ms
from server.paging import PageRequest
from server.services.records import Role
from tests.seeds.database_checks import checksums, count, open_for_inspection, wrong_counters
from tests.support.program import config_file
from tools.harness.backends import Stack

PEOPLE = 60
DAY_MS = 86_400_000


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seeds.photographs.SIZES", ((240, 160), (160, 200)))


async def test_crowd_is_complete_with_exact_counters(migrated_stack: Stack) -> None:
    assert await fill_crowd(migrated_stack.settings(), PEOPLE, 1) == 0
    async with open_for_inspection(migrated_stack) as database:
        assert await count(database, "users") == PEOPLE
        assert (
            await count(database, "posts")
            == await count(database, "post_images")
            == PEOPLE * POSTS_PER_PERSON
        )
        assert (
            await count(database, "users", f"posts_count <> {POSTS_PER_PERSON} OR following_count = 0") == 0
        )
        for table in ("likes", "comments", "follows"):
            assert await count(database, table) > PEOPLE
        assert await count(database, "comments", "parent_id IS NOT NULL") > 0
        assert await count(database, "users", f"followers_count = {PEOPLE // 2}") >= 1
        assert await count(database, "users", f"role = '{Role.CELEBRITY}'") == 1
        assert await wrong_counters(database) == []
        assert await count(database, "posts", "revision <> likes_count + comments_count") == 0
        assert await count(database, "jobs") == 0


async def test_second_run_changes_no_row(migrated_stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    await fill_crowd(migrated_stack.settings(), PEOPLE, 1)
    async with open_for_inspection(migrated_stack) as database:
        before = await checksums(database)
    capsys.readouterr()
    await fill_crowd(migrated_stack.settings(), PEOPLE, 1)
    async with open_for_inspection(migrated_stack) as database:
        assert await checksums(database) == before
    assert "nothing was changed" in capsys.readouterr().out


async def test_taken_user_name_raises_conflict(migrated_stack: Stack) -> None:
    settings = migrated_stack.settings()
    async with (
        open_for_inspection(migrated_stack) as database,
        open_seed_context(settings, database, SystemClock()) as context,
    ):
        email = f"{username(7)}@example.com"
        other = await context.services.accounts.register("other", email, PASSWORD, "")
        await context.services.email_verification.mark_verified(other.id)
    with pytest.raises(Conflict, match=username(0)):
        await fill_crowd(settings, PEOPLE, 1)


async def test_same_random_seed_creates_the_same_crowd(migrated_stack: Stack) -> None:
    follows: list[set[tuple[str, str]]] = []
    for seed in (1, 1, 2):
        await fill_crowd(migrated_stack.settings(), PEOPLE, seed)
        async with open_for_inspection(migrated_stack) as database:
            rows = await database.rows(
                "SELECT a.username AS follower, b.username AS followee FROM follows f"
                " JOIN users a ON a.id = f.follower_id JOIN users b ON b.id = f.followee_id"
            )
            follows.append({(row["follower"], row["followee"]) for row in rows})
            await database.execute("DELETE FROM users")
    assert follows[0] == follows[1] != follows[2]


async def test_crowd_can_grow(migrated_stack: Stack) -> None:
    await fill_crowd(migrated_stack.settings(), 10, 1)
    await fill_crowd(migrated_stack.settings(), PEOPLE, 1)
    async with open_for_inspection(migrated_stack) as database:
        assert await count(database, "users") == PEOPLE
        assert await count(database, "posts") == PEOPLE * POSTS_PER_PERSON
        assert await wrong_counters(database) == []


@pytest.mark.parametrize(
    ("owner", "step"), [(UserWriter, "register"), (UserWriter, "follow"), (PostWriter, "write")]
)
async def test_next_run_completes_an_interrupted_one(
    owner: type, step: str, migrated_stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seeds.crowd.people.PEOPLE_PER_BATCH", 20)
    monkeypatch.setattr("seeds.crowd.fill.PEOPLE_PER_BATCH", 20)
    monkeypatch.setattr("seeds.crowd.fill.POSTS_PER_BATCH", 20)
    calls = 0
    real = getattr(owner, step)

    async def interrupted(*args: object) -> object:
        nonlocal calls
        calls += 1
        work = asyncio.ensure_future(real(*args))
        if calls == 2:
            await asyncio.sleep(0)  # the transaction is open
            work.cancel()
        return await work

    with monkeypatch.context() as patched:
        patched.setattr(owner, step, interrupted)
        with pytest.raises(asyncio.CancelledError):
            await fill_crowd(migrated_stack.settings(), PEOPLE, 1)
    async with open_for_inspection(migrated_stack) as database:
        assert 0 < await count(database, "users") <= PEOPLE
        assert await count(database, "posts") < PEOPLE * POSTS_PER_PERSON
        assert await wrong_counters(database) == []
    await fill_crowd(migrated_stack.settings(), PEOPLE, 1)
    async with open_for_inspection(migrated_stack) as database:
        assert (
            await count(database, "users", f"posts_count = {POSTS_PER_PERSON} AND following_count > 0")
            == PEOPLE
        )
        assert await wrong_counters(database) == []


async def test_times_are_chronological_over_the_last_months(migrated_stack: Stack) -> None:
    await fill_crowd(migrated_stack.settings(), PEOPLE, 1)
    now_ms = SystemClock().now_ms()
    async with open_for_inspection(migrated_stack) as database:
        posts = await database.rows(
            "SELECT p.id, p.author_id, u.created_at_ms FROM posts p JOIN users u ON u.id = p.author_id"
        )
        late = await database.rows(
            "SELECT l.id FROM likes l WHERE l.id <= l.post_id UNION"
            " SELECT c.id FROM comments c WHERE c.id <= c.post_id OR c.id <= c.parent_id"
        )
    times = sorted(id_timestamp_ms(row["id"]) for row in posts)
    assert times[0] < now_ms - 100 * DAY_MS
    assert now_ms - 2 * DAY_MS < times[-1] <= now_ms
    assert all(id_timestamp_ms(row["id"]) > row["created_at_ms"] for row in posts)
    assert late == []
    days = defaultdict[int, set[int]](set)
    for row in posts:
        days[row["author_id"]].add(id_timestamp_ms(row["id"]) // DAY_MS)
    assert all(len(active_days) > POSTS_PER_PERSON / 2 for active_days in days.values())


async def test_popular_authors_are_marked_for_fan_out_on_read(migrated_stack: Stack) -> None:
    config = config_file(migrated_stack.var_dir, {"celebrity_threshold = 10000": "celebrity_threshold = 25"})
    settings = load(config, migrated_stack.environ, dotenv=migrated_stack.var_dir / "none.env").settings
    await fill_crowd(settings, PEOPLE, 1)
    async with open_for_inspection(migrated_stack) as database:
        popular = f"(role = '{Role.CELEBRITY}' OR followers_count >= 25)"
        assert await count(database, "users", popular) > 1
        assert (
            await count(database, "users", f"fan_out_on_read <> CASE WHEN {popular} THEN 1 ELSE 0 END") == 0
        )


async def test_cached_feeds_are_dropped_after_a_run(migrated_stack: Stack) -> None:
    settings = migrated_stack.settings()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("seeds.crowd.fill.POSTS_PER_PERSON", 1)
        await fill_crowd(settings, PEOPLE, 1)

    async def feed_of(number: int) -> list[PostId]:
        async with (
            open_for_inspection(migrated_stack) as database,
            open_seed_context(settings, database, SystemClock()) as context,
        ):
            rows = await database.rows("SELECT id FROM users WHERE username_key = ?", [username(number)])
            page = await context.services.feed.page(UserId(rows[0]["id"]), PageRequest(limit=100))
            return [post.id for post in page.items]

    before = await feed_of(7)
    await fill_crowd(settings, PEOPLE, 1)
    after = await feed_of(7)
    assert len(after) > len(before) > 0


async def test_crowd_user_can_sign_in_and_see_pictures(migrated_stack: Stack) -> None:
    settings = migrated_stack.settings()
    await fill_crowd(settings, PEOPLE, 1)
    async with (
        open_for_inspection(migrated_stack) as database,
        open_seed_context(settings, database, SystemClock()) as context,
    ):
        account = await context.services.password_authentication.authenticate(username(7), PASSWORD)
        page = await context.services.feed.page(UserId(account.id), PageRequest(limit=100))
        assert len(page.items) > POSTS_PER_PERSON
        keys = {row["media_key"] for row in await database.rows("SELECT media_key FROM post_images")}
        for key in keys:
            assert (await context.media.get(f"{key}/large.jpg")).size > 1000
        shown = await context.services.posts.get(account.id, PostId(page.items[0].id))
        assert shown.card.images[0].alt_text
