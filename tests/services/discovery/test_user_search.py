"""Search for users: scripts, ranking, typos, paging, and who is never found."""

import pytest

from server.errors import InvalidInput
from server.ids import UserId
from server.services.discovery import name_walk
from server.services.records import AccountStatus
from tests.services.discovery.names import index_all, user_named
from tools.harness.services import ServiceHarness

# Username, full name, and the queries that find and do not find the user.
NAMES = [
    (
        "maria.silva92",
        "María Silva",
        "maria MARIA mária maria.s silva92 mariasilva ilva sil Silva,maria",
        "mb xyz",
    ),
    ("taro", "山田太郎", "山 山田 太郎 田太 taro", "郎山 川"),
    ("somchai1", "สมชาย ใจดี", "สมชาย ใจ ชาย", "ดใ"),
    ("ahmad_m", "أحمد مُحمّد", "احمد أحمد محمد حمد", "خالد"),
    ("kim_cs", "김철수", "김 철수 김철", "박"),
    ("orsted", "Ørsted Łódź", "orsted ørsted lodz ŁÓDŹ", "ost"),
    ("istanbul", "İSTANBUL", "istanbul İstanbul ISTANBUL", "tan3"),
    ("sakura", "さくらガーデン", "さく ガー ｶﾞｰ", "カー"),
    ("ilya_p", "Илья Пушкин", "илья ПУШ пушкин", "гоголь"),
    ("wide", "ＦＵＬＬ ｗｉｄｔｈ", "full width FULL", "half"),
    ("under_score", "100% Real_Name", "under_score underscore 100 real score", "50"),
]


async def found(harness: ServiceHarness, viewer: UserId, text: str) -> list[UserId]:
    return [each.card.id for each in (await harness.discovery.users.search(viewer, text, 100)).items]


async def completed(harness: ServiceHarness, viewer: UserId, prefix: str, limit: int = 20) -> list[UserId]:
    return [each.card.id for each in await harness.discovery.users.complete(viewer, prefix, limit)]


async def test_every_script_is_found(harness: ServiceHarness) -> None:
    viewer = await harness.user("viewer")
    users = {name: await user_named(harness, name, full_name) for name, full_name, _, _ in NAMES}
    await index_all(harness)
    for name, _, finding, missing in NAMES:
        for query in finding.split():
            assert users[name] in await found(harness, viewer, query.replace(",", " ")), query
        for query in missing.split():
            assert users[name] not in await found(harness, viewer, query), query


async def test_operators_and_wildcards_are_taken_literally(harness: ServiceHarness) -> None:
    viewer = await harness.user("viewer")
    ana = await harness.user("ana")
    await index_all(harness)
    for query in (
        "%",
        "_",
        "*",
        '"',
        "+",
        "-",
        "\\",
        "(((",
        "~",
        "a%b",
        "b_a",
        "n*x",
        "an\\",
        "ana NEAR b",
        "' OR 1=1 --",
    ):
        expected = [ana] if query == "an\\" else []  # a backslash separates words, as any punctuation
        assert await found(harness, viewer, query) == expected, query


async def test_one_wrong_character_is_forgiven_if_nothing_matches(harness: ServiceHarness) -> None:
    viewer = await harness.user("viewer")
    user = await user_named(harness, "margarethe", "Пётр Васильев")
    other = await user_named(harness, "mango", "")
    await index_all(harness)
    for query in (
        "margerethe",
        "margaretha",
        "margarthe",
        "mrgarethe",
        "argarethe",
        "margarrethe",
        "magrarethe",
    ):
        assert await found(harness, viewer, query) == [user], query
    for query in ("nargar", "mragar", "margax", "васильов", "вaсильев"[:1] + "осильев"):
        assert await found(harness, viewer, query) == [user], query
    assert await found(harness, viewer, "morgarexhe") == []  # two characters
    assert await found(harness, viewer, "mango") == [other]
    assert await found(harness, viewer, "mnago") == [other]


async def test_exact_name_then_followees_then_popular_users(harness: ServiceHarness) -> None:
    viewer, friend, followed, famous, known, exact, inside = [
        await user_named(harness, name, "")
        for name in ("viewer", "ana.friend", "ana.followed", "ana.famous", "ana.known", "ana", "diana")
    ]
    for user, followers in ((famous, 5000), (known, 70), (inside, 90_000)):
        await harness.database.execute("UPDATE users SET followers_count = ? WHERE id = ?", [followers, user])
    await harness.follows.follow(viewer, followed)
    await harness.follows.follow(viewer, friend)
    await harness.follows.follow(friend, viewer)
    await index_all(harness)
    expected = [exact, friend, followed, famous, known, inside]
    assert await found(harness, viewer, "ana") == expected
    assert await completed(harness, viewer, "@ana") == expected[:-1]
    assert await completed(harness, viewer, "ana", 2) == expected[:2]


async def test_pages_neither_repeat_nor_skip(harness: ServiceHarness) -> None:
    viewer = await harness.user("viewer")
    users = [
        await user_named(harness, f"ana{n}", f"Ana Maria {n} Anastasia" if n % 2 else "Diana")
        for n in range(31)
    ]
    for n, user in enumerate(users):
        await harness.database.execute("UPDATE users SET followers_count = ? WHERE id = ?", [n * n, user])
        if n % 5 == 0:
            await harness.follows.follow(viewer, user)
    await index_all(harness)
    everyone = await found(harness, viewer, "ana")
    assert sorted(everyone) == sorted(users)
    for text in ("ana", "ana anastasia", "an", "anq7x", "anastasja"):
        whole = await found(harness, viewer, text)
        for limit in (1, 3, 7, 100):
            listed: list[UserId] = []
            cursor: str | None = None
            while True:
                page = await harness.discovery.users.search(viewer, text, limit, cursor)
                listed += [each.card.id for each in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert listed == whole, (text, limit)


async def test_cursor_of_another_search_is_refused(harness: ServiceHarness) -> None:
    viewer = await harness.user("viewer")
    for n in range(3):
        await user_named(harness, f"ana{n}", "")
    await index_all(harness)
    cursor = (await harness.discovery.users.search(viewer, "ana", 1)).next_cursor
    assert cursor is not None
    searches = (
        harness.discovery.users.search(viewer, "anb", 1, cursor),
        harness.discovery.hashtags.search("ana", 1, cursor),
        harness.discovery.captions.search(viewer, "ana", 1, cursor),
        harness.discovery.users.search(viewer, "ana", 1, "AAAA"),
        harness.discovery.users.search(viewer, "ana", 1, "\u00e9"),
        harness.discovery.users.search(viewer, "ana", 1, cursor[:-4]),
    )
    for search in searches:
        with pytest.raises(InvalidInput):
            await search


async def test_hidden_users_are_never_found(harness: ServiceHarness) -> None:
    viewer, blocked, blocking, private = [
        await harness.user(name) for name in ("viewer", "ana.blocked", "ana.blocking", "ana.private")
    ]
    hidden = {
        await harness.user(f"ana.{status}"): status
        for status in AccountStatus
        if status is not AccountStatus.ACTIVE
    }
    await index_all(harness)
    for user in hidden:
        await harness.follows.follow(viewer, user)
    assert set(await found(harness, viewer, "ana")) == {blocked, blocking, private, *hidden}
    await harness.blocks.block(viewer, blocked)
    await harness.blocks.block(blocking, viewer)
    await harness.profiles.edit(private, {"is_private": True})
    for user, status in hidden.items():
        await harness.set_status(user, status)
    for jobs_ran in (False, True):
        for query in ("ana", "an", "ana.blocked", "ana.suspended", "xna.blocked", "na"):
            for seen in (await found(harness, viewer, query), await completed(harness, viewer, query)):
                assert set(seen) <= {private}, (query, jobs_ran)
        assert await found(harness, viewer, "ana") == [private]
        await index_all(harness)
    for user in hidden:
        await harness.set_status(user, AccountStatus.ACTIVE)
    await index_all(harness)
    assert set(await found(harness, viewer, "ana")) == {private, *hidden}


async def test_changed_names_are_found_at_once(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, zoe = await harness.user("viewer"), await harness.user("zoe")
    await index_all(harness)
    elsewhere = harness.discovery_with(harness.feeds.listed).users  # another process
    for users in (harness.discovery.users, elsewhere):
        assert [each.card.id for each in await users.complete(viewer, "ada", 5)] == []
        assert [each.card.id for each in await users.complete(viewer, "zo", 5)] == [zoe]
    await harness.profiles.edit(zoe, {"username": "ada"})
    await index_all(harness)
    assert await completed(harness, viewer, "ada") == [zoe]
    assert await completed(harness, viewer, "zo") == []
    monkeypatch.setattr(name_walk, "KEPT_S", 0.0)
    late = harness.discovery_with(harness.feeds.listed).users
    assert [each.card.id for each in await late.complete(viewer, "ad", 5)] == [zoe]
    await harness.profiles.edit(zoe, {"username": "adele"})
    await index_all(harness)
    assert [each.card.id for each in await late.complete(viewer, "adele", 5)] == [zoe]
    assert [each.card.username for each in await late.complete(viewer, "ad", 5)] == ["adele"]
