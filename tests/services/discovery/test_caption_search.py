"""Search for posts by their captions."""

import pytest

from server.errors import InvalidInput
from server.ids import PostId, UserId
from server.services.discovery import caption_search
from server.services.records import AccountStatus
from tests.services.discovery.names import INDEXING
from tools.harness.services import ServiceHarness

# A caption, and queries that find it and that do not, separated by bars.
CAPTIONS = [
    ("The last light, Höhenzug #sunset", "last|LAST light|light last|sunset|#sunset|hohenzug|höhen", "x|ght|lights|li"),
    ("東京タワーの夜景", "東京|タワー|夜景|京タ|夜|東京 夜景|ﾀﾜｰ", "京都|夜東"),
    ("อาหารไทยอร่อยมาก", "อาหาร|ไทย|อร่อย|ไทยอร่อย", "ไทยมาก"),
    ("غروب الشمس الجميل", "غروب|الشمس|غُرُوب", "قمر"),
    ("서울의 야경이 아름답다", "서울|야경|아름|울의", "부산"),
    ("Ночь в Санкт-Петербурге", "ночь|санкт|петербург|Санкт-Петербурге", "москва"),
    ("100% pure_gold *star* \\path", "100%|100|pure|gold|*star*|\\path|star", "50%|%|_"),
]  # fmt: skip


async def found(harness: ServiceHarness, viewer: UserId, text: str) -> list[PostId]:
    await harness.work_off(*INDEXING)
    return [post.id for post in (await harness.discovery.captions.search(viewer, text, 100)).items]


async def test_every_script_is_found(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    posts = {caption: await harness.post(ada, caption) for caption, _, _ in CAPTIONS}
    for caption, finding, missing in CAPTIONS:
        for query in finding.split("|"):
            assert posts[caption] in await found(harness, ada, query), query
        for query in missing.split("|"):
            assert posts[caption] not in await found(harness, ada, query), query


async def test_only_visible_posts_are_found(harness: ServiceHarness) -> None:
    ada, bob, eve = await harness.users(3)
    hers, theirs = await harness.post(ada, "The light of dawn"), await harness.post(eve, "Light")
    await harness.follows.follow(bob, ada)
    assert await found(harness, eve, "light") == [theirs, hers]
    await harness.profiles.edit(ada, {"is_private": True})
    assert await found(harness, eve, "light") == [theirs]
    assert await found(harness, bob, "light") == [theirs, hers]
    await harness.blocks.block(bob, eve)
    assert await found(harness, bob, "light") == [hers]
    await harness.set_status(ada, AccountStatus.DEACTIVATED)
    assert await found(harness, bob, "light") == []
    await harness.set_status(ada, AccountStatus.ACTIVE)
    await harness.posts.edit(ada, hers, "The dark of dusk", None)
    assert (await found(harness, bob, "light"), await found(harness, bob, "dus dark")) == ([], [hers])
    await harness.delete(hers)
    assert await found(harness, ada, "dusk") == []


async def test_pages_neither_repeat_nor_skip(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caption_search, "ROWS_PER_STATEMENT", 3)
    monkeypatch.setattr(caption_search, "MAX_ROWS", 6)
    ada = await harness.user("ada")
    captions = ["light", "light and shadow", "lightning", "dark"]
    posts = [await harness.post(ada, captions[n % 4]) for n in range(30)]
    for text, expected in (("light", [0, 1, 2]), ("light shad", [1]), ("lightn", [2])):
        wanted = [post for n, post in reversed([*enumerate(posts)]) if n % 4 in expected]
        for limit in (1, 2, 4, 50):
            await harness.work_off(*INDEXING)
            listed: list[PostId] = []
            cursor: str | None = None
            while True:
                page = await harness.discovery.captions.search(ada, text, limit, cursor)
                assert len(page.items) <= limit
                listed += [post.id for post in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert listed == wanted, (text, limit)
    cursor = (await harness.discovery.captions.search(ada, "light", 1)).next_cursor
    with pytest.raises(InvalidInput):
        await harness.discovery.captions.search(ada, "dark", 1, cursor)


async def test_very_long_caption_is_found_by_its_beginning(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    post_id = await harness.post(ada, "dawn " + " ".join(f"word{n}x" for n in range(250)))
    assert await found(harness, ada, "dawn word3x") == [post_id]
