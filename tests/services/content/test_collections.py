"""Collections: named lists of saved posts, private to their owner."""

import asyncio

import pytest

from server.errors import Conflict, NotFound
from server.ids import CollectionId, PostId, UserId
from server.paging import PageRequest, decode_cursor
from server.services.content import collections
from server.services.jobs.unit_of_work import AlreadyDone, IdempotencyToken
from server.services.records import Collection
from tests.services.content.test_saves import saved_ids
from tests.services.erasure.test_account_erasure import publish
from tests.services.feed.feeds import count_queries
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def collection(harness: ServiceHarness, owner: UserId, name: str = "Hills") -> CollectionId:
    return (await harness.collections.create(owner, name)).id


async def post_ids(
    harness: ServiceHarness, owner: UserId, collection_id: CollectionId, limit: int = 20
) -> list[PostId]:
    """Return all posts of a collection, page by page."""
    found: list[PostId] = []
    after = None
    while True:
        page = await harness.collections.list_posts(owner, collection_id, PageRequest(limit, after))
        found += [post.id for post in page.items]
        if page.next_cursor is None:
            return found
        after = decode_cursor(page.next_cursor)


async def all_collections(harness: ServiceHarness, owner: UserId) -> list[Collection]:
    return list((await harness.collections.list_page(owner, PAGE)).items)


async def test_collection_lists_its_posts_by_the_time_of_addition(harness: ServiceHarness) -> None:
    author, owner = await harness.users(2)
    posts = [await harness.post(author) for _ in range(5)]
    hills, sea = await collection(harness, owner), await collection(harness, owner, "Sea")
    for post_id in (posts[3], posts[0], posts[4], posts[3]):
        await harness.collections.add_post(owner, hills, post_id)
    await harness.collections.add_post(owner, sea, posts[0])
    for limit in (1, 2, 20):
        assert await post_ids(harness, owner, hills, limit) == [posts[4], posts[0], posts[3]]
    assert await saved_ids(harness, owner) == [posts[4], posts[0], posts[3]]
    found = await all_collections(harness, owner)
    assert [(each.name, each.posts_count) for each in found] == [("Sea", 1), ("Hills", 3)]


async def test_collections_show_the_newest_visible_posts_as_covers(harness: ServiceHarness) -> None:
    author, other, owner = await harness.user("bob"), await harness.user("carl"), await harness.user("ada")
    posts = [await publish(harness, author, "") for _ in range(5)]
    hidden = await publish(harness, other, "")
    hills = await collection(harness, owner)
    await collection(harness, owner, "Empty")
    for post_id in (*posts, hidden):
        await harness.collections.add_post(owner, hills, post_id)
    await harness.blocks.block(other, owner)
    with count_queries(harness.database) as statements:
        empty, shown = await all_collections(harness, owner)
    assert len(statements) == 2
    assert (empty.covers, empty.posts_count) == ((), 0)
    assert ([cover.id for cover in shown.covers], shown.posts_count) == (posts[:0:-1], 6)
    assert all(cover.image is not None and cover.is_public for cover in shown.covers)


async def test_removing_a_save_removes_it_from_collections(harness: ServiceHarness) -> None:
    author, owner = await harness.users(2)
    post_id = await harness.post(author)
    found = [await collection(harness, owner, name) for name in ("Hills", "Sea")]
    for each in found:
        await harness.collections.add_post(owner, each, post_id)
    await harness.saves.unsave(owner, post_id)
    for each in found:
        assert await post_ids(harness, owner, each) == []
    assert await harness.rows("SELECT id FROM collection_posts") == []


async def test_removed_posts_and_those_of_deleted_collections_stay_saved(harness: ServiceHarness) -> None:
    author, owner = await harness.users(2)
    posts = [await harness.post(author) for _ in range(2)]
    hills = await collection(harness, owner)
    for post_id in posts:
        await harness.collections.add_post(owner, hills, post_id)
    for _ in range(2):
        await harness.collections.remove_post(owner, hills, posts[0])
        assert await post_ids(harness, owner, hills) == [posts[1]]
    await harness.collections.delete(owner, hills)
    assert await saved_ids(harness, owner) == posts[::-1]
    assert await all_collections(harness, owner) == []
    with pytest.raises(NotFound):
        await harness.collections.delete(owner, hills)


async def test_hidden_posts_leave_a_collection_and_return(harness: ServiceHarness) -> None:
    author, owner = await harness.users(2)
    post_id = await harness.post(author)
    hills = await collection(harness, owner)
    await harness.collections.add_post(owner, hills, post_id)
    await harness.blocks.block(author, owner)
    assert await post_ids(harness, owner, hills) == []
    await harness.blocks.unblock(author, owner)
    assert await post_ids(harness, owner, hills) == [post_id]


async def test_collections_of_others_do_not_exist(harness: ServiceHarness) -> None:
    owner, stranger = await harness.users(2)
    post_id = await harness.post(owner)
    hills = await collection(harness, owner)
    service = harness.collections
    for act in (
        service.get(stranger, hills),
        service.list_posts(stranger, hills, PAGE),
        service.rename(stranger, hills, "Mine"),
        service.add_post(stranger, hills, post_id),
        service.remove_post(stranger, hills, post_id),
        service.delete(stranger, hills),
    ):
        with pytest.raises(NotFound, match="Collection not found"):
            await act
    assert await all_collections(harness, stranger) == []
    assert await saved_ids(harness, stranger) == []


async def test_hidden_post_is_not_added(harness: ServiceHarness) -> None:
    author, owner = await harness.users(2)
    post_id = await harness.post(author)
    hills = await collection(harness, owner)
    await harness.blocks.block(author, owner)
    with pytest.raises(NotFound, match="Post not found"):
        await harness.collections.add_post(owner, hills, post_id)


async def test_each_name_is_used_once_per_owner(harness: ServiceHarness) -> None:
    owner, other = await harness.users(2)
    hills, sea = await collection(harness, owner, "Hills ⛰"), await collection(harness, owner, "Sea")
    with pytest.raises(Conflict) as refused:
        await harness.collections.create(owner, "hills ⛰")
    assert refused.value.code == "collection_exists"
    with pytest.raises(Conflict):
        await harness.collections.rename(owner, sea, "HILLS ⛰")
    assert (await harness.collections.rename(owner, hills, "HILLS ⛰")).name == "HILLS ⛰"
    assert (await harness.collections.create(other, "Sea")).name == "Sea"


async def test_number_of_collections_is_limited(
    harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collections, "MAX_COLLECTIONS", 3)
    owner = await harness.user()
    made = await asyncio.gather(
        *(harness.collections.create(owner, str(n)) for n in range(5)), return_exceptions=True
    )
    refused = [each for each in made if isinstance(each, Conflict)]
    assert {each.code for each in refused} == {"too_many_collections"}
    assert len(refused) == 2
    assert len(await all_collections(harness, owner)) == 3


async def test_number_of_posts_is_limited(harness: ServiceHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "MAX_COLLECTION_POSTS", 2)
    owner = await harness.user()
    posts = [await harness.post(owner) for _ in range(3)]
    hills = await collection(harness, owner)
    for post_id in posts[:2]:
        await harness.collections.add_post(owner, hills, post_id)
    with pytest.raises(Conflict) as refused:
        await harness.collections.add_post(owner, hills, posts[2])
    assert refused.value.code == "collection_full"
    assert await saved_ids(harness, owner) == posts[1::-1]
    await harness.collections.add_post(owner, hills, posts[0])


async def test_repeated_creation_has_one_effect(harness: ServiceHarness) -> None:
    owner, once = await harness.user(), IdempotencyToken("key", "fingerprint")
    await harness.collections.create(owner, "Hills", once)
    with pytest.raises(AlreadyDone):
        await harness.collections.create(owner, "Hills", once)


async def test_list_shows_which_collections_have_a_post(harness: ServiceHarness) -> None:
    owner = await harness.user()
    posts = [await harness.post(owner) for _ in range(2)]
    hills, _ = await collection(harness, owner), await collection(harness, owner, "Sea")
    await harness.collections.add_post(owner, hills, posts[0])
    for post_id, expected in ((posts[0], [False, True]), (posts[1], [False, False])):
        found = await harness.collections.list_page(owner, PAGE, post_id)
        assert [each.has_post for each in found.items] == expected
    assert {each.has_post for each in await all_collections(harness, owner)} == {None}
