"""The step `discovery` of the sample data: explore, trends and suggestions have something to show at once."""

import orjson
import pytest

from seeds.commands import fill_sample
from seeds.discovery import TAG, trend_posts
from tests.seeds.database_checks import checksums, count, open_for_inspection, wrong_counters
from tests.seeds.test_safety import ALL, TIMELINE, USERS
from tools.harness.backends import Stack


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seeds.photographs.SIZES", ((240, 160), (160, 200)))


async def test_explore_and_trends_are_filled_once(
    migrated_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = (*ALL, "discovery")
    assert await fill_sample(migrated_stack.settings(), steps, USERS) == 0
    assert f"#{TAG}" in capsys.readouterr().out
    async with open_for_inspection(migrated_stack) as database:
        posts = await count(
            database, "hashtag_posts p JOIN hashtags h ON h.id = p.hashtag_id", f"h.tag = '{TAG}'"
        )
        assert posts == len(trend_posts(TIMELINE)) >= 3
        contents = {
            row["kind"]: orjson.loads(row["content"])
            for row in await database.rows("SELECT kind, content FROM rankings ORDER BY id")
        }
        assert len(contents["explore"]["posts"]) >= posts
        assert len(contents["trends"]["trends"]) >= 1
        assert await wrong_counters(database) == []
        before = await checksums(database)
    await fill_sample(migrated_stack.settings(), steps, USERS)
    async with open_for_inspection(migrated_stack) as database:
        assert await checksums(database) == before
