"""The step `safety` of the sample data: created once, after the rest, and described on the terminal."""

import pytest

from seeds.commands import PASSWORD, fill_sample
from seeds.existing_rows import ExistingRows
from seeds.protection import MODERATOR, SECURED, SPAMMER
from seeds.safety import FRIENDS_POST, PRIVATE, build_plan, describe
from seeds.sample_users import SAMPLE_USERS
from seeds.timeline import build_timeline
from server.errors import NotFound
from tests.seeds.database_checks import FEW_USERNAMES, checksums, count, open_for_inspection, wrong_counters
from tests.seeds.test_sample_data import STEPS
from tools.harness.backends import Stack

# One who does not follow the private account, and two who do not follow each other, besides the few.
USERNAMES = (*FEW_USERNAMES, "elif", "emil", "fatou")
USERS = [user for user in SAMPLE_USERS if user.username in USERNAMES]
TIMELINE = build_timeline(USERS)
ALL = (*STEPS, "safety")


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seeds.photographs.SIZES", ((240, 160), (160, 200)))


async def test_everything_is_there_once_and_named(
    migrated_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = build_plan(TIMELINE)
    assert plan.requesters
    assert plan.blocking
    assert plan.muting
    assert plan.friends
    with pytest.raises(NotFound, match="python -m seeds"):
        await fill_sample(migrated_stack.settings(), ["safety"], USERS)
    assert await fill_sample(migrated_stack.settings(), ALL, USERS) == 0
    async with open_for_inspection(migrated_stack) as database:
        assert await count(database, "users", f"username = '{PRIVATE}' AND is_private = 1") == 1
        assert await count(database, "follow_requests") == len(plan.requesters)
        assert await count(database, "blocks") == 1
        assert await count(database, "mutes") == 1
        assert await count(database, "close_friends") == len(plan.friends)
        assert await count(database, "posts", "audience = 'close_friends'") == 1
        assert await count(database, "users", f"username = '{MODERATOR}' AND role = 'moderator'") == 1
        assert await count(database, "report_cases", "status = 'open'") >= 2
        assert await count(database, "moderation_actions", "action = 'take_down'") == 1
        assert await count(database, "appeals", "status = 'open'") == 1
        assert await count(database, "restrictions") == 1
        assert await count(database, "comments", "pending = 1") == 1
        assert await count(database, "content_filters") == 1
        assert await count(database, "second_factors", "enabled_at_ms IS NOT NULL") == 1
        assert await count(database, "sessions", "revoked_at_ms IS NULL") == 0
        assert await count(database, "comments", "pinned_at_ms IS NOT NULL AND likes_count = 1") == 1
        assert await count(database, "comment_likes") > 1
        assert await count(database, "posts", "comments_enabled = 0") == 1
        assert await count(database, "posts", "like_count_hidden = 1") == 1
        assert await count(database, "drafts", "publish_at_ms IS NULL") == 1
        assert await count(database, "drafts", "publish_at_ms IS NOT NULL") == 1
        assert await count(database, "posts", "archived_at_ms IS NOT NULL") == 1
        assert await count(database, "posts", "pinned_at_ms IS NOT NULL") == 1
        assert await wrong_counters(database) == []
        before = await checksums(database)
    output = capsys.readouterr().out
    described = describe(TIMELINE, ExistingRows())
    assert {name for name, _ in described} >= {PRIVATE, MODERATOR, SPAMMER, SECURED, FRIENDS_POST.author}
    for name, finds in described:
        assert name in output
        assert finds.split()[0] in output
    assert PASSWORD in output
    await fill_sample(migrated_stack.settings(), ALL, USERS)
    assert "nothing was changed" in capsys.readouterr().out
    async with open_for_inspection(migrated_stack) as database:
        assert await checksums(database) == before
