"""Saved posts: idempotent, private, and listed while they are visible."""

import asyncio

import pytest

from server.errors import NotFound
from server.ids import PostId, UserId
from server.paging import PageRequest, decode_cursor
from server.services.jobs.event_jobs import JobKind
from server.services.records import PostStatus
from tests.services.feed.feeds import count_queries, reader_and_author
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def saved_ids(harness: ServiceHarness, user_id: UserId, limit: int = 20) -> list[PostId]:
    """Return all saved posts, page by page."""
    found: list[PostId] = []
    after = None
    while True:
        page = await harness.saves.list_page(user_id, PageRequest(limit, after))
        found += [post.id for post in page.items]
        if page.next_cursor is None:
            return found
        after = decode_cursor(page.next_cursor)


async def feed_marks(harness: ServiceHarness, reader: UserId) -> dict[PostId, tuple[bool, bool]]:
    page = await harness.feed.page(reader, PAGE)
    return {post.id: (post.liked, post.saved) for post in page.items}


async def test_second_save_and_second_removal_change_nothing(harness: ServiceHarness) -> None:
    author, reader = await harness.users(2)
    post_id = await harness.post(author)
    for _ in range(2):
        await harness.saves.save(reader, post_id)
        assert await saved_ids(harness, reader) == [post_id]
    assert (await harness.posts.get(reader, post_id)).saved
    assert not (await harness.posts.get(author, post_id)).saved
    for _ in range(2):
        await harness.saves.unsave(reader, post_id)
        assert await saved_ids(harness, reader) == []
    assert not (await harness.posts.get(reader, post_id)).saved


async def test_concurrent_saves_insert_one_row(harness: ServiceHarness) -> None:
    author, reader = await harness.users(2)
    post_id = await harness.post(author)
    await asyncio.gather(*(harness.saves.save(reader, post_id) for _ in range(8)))
    assert await harness.value("SELECT COUNT(*) AS n FROM saves") == 1


async def test_missing_and_hidden_posts_are_not_saved(harness: ServiceHarness) -> None:
    author, reader = await harness.users(2)
    post_id = await harness.post(author)
    await harness.blocks.block(author, reader)
    for hidden in (post_id, PostId(404)):
        with pytest.raises(NotFound, match="Post not found"):
            await harness.saves.save(reader, hidden)
    assert await harness.rows("SELECT id FROM saves") == []


async def test_saved_posts_are_listed_by_the_time_of_the_save(harness: ServiceHarness) -> None:
    author, reader = await harness.users(2)
    posts = [await harness.post(author) for _ in range(5)]
    order = [posts[2], posts[4], posts[0], posts[3], posts[1]]
    for post_id in order:
        await harness.saves.save(reader, post_id)
    await harness.saves.save(await harness.user(), posts[2])
    for limit in (1, 2, 20):
        assert await saved_ids(harness, reader, limit) == order[::-1]


async def test_hidden_posts_leave_the_list_and_return(harness: ServiceHarness) -> None:
    author, other, reader = await harness.users(3)
    hidden, kept = await harness.post(author), await harness.post(other)
    for post_id in (kept, hidden):
        await harness.saves.save(reader, post_id)
    await harness.blocks.block(reader, author)
    assert await saved_ids(harness, reader, 1) == [kept]
    await harness.blocks.unblock(reader, author)
    assert await saved_ids(harness, reader) == [hidden, kept]
    await harness.profiles.edit(author, {"is_private": True})
    assert await saved_ids(harness, reader) == [kept]
    await harness.saves.unsave(reader, hidden)
    await harness.profiles.edit(author, {"is_private": False})
    assert await saved_ids(harness, reader) == [kept]


async def test_own_archived_posts_are_in_no_list(harness: ServiceHarness) -> None:
    author = await harness.user()
    kept, hidden = await harness.post(author), await harness.post(author)
    collection = await harness.collections.create(author, "Mine")
    for post_id in (kept, hidden):
        await harness.likes.like(author, post_id)
        await harness.collections.add_post(author, collection.id, post_id)
    for status, shown in ((PostStatus.ARCHIVED, [kept]), (PostStatus.PUBLISHED, [hidden, kept])):
        await harness.posts.edit(author, hidden, None, None, status=status)
        assert await saved_ids(harness, author) == shown
        page = PageRequest(limit=10)
        liked = await harness.likes.list_own(author, page)
        collected = await harness.collections.list_posts(author, collection.id, page)
        for posts in (liked, collected):
            assert [post.id for post in posts.items] == shown
        covers = (await harness.collections.get(author, collection.id)).covers
        assert [cover.id for cover in covers] == shown


async def test_saves_are_deleted_with_their_post(harness: ServiceHarness) -> None:
    author, *readers = await harness.users(7)
    post_id = await harness.post(author)
    for reader in readers:
        await harness.saves.save(reader, post_id)
    await harness.posts.delete(author, post_id)
    assert await saved_ids(harness, readers[0]) == []
    await harness.work_off(JobKind.REMOVE_POST)
    assert await harness.rows("SELECT id FROM saves") == []


async def test_feed_shows_saves_without_a_query(harness: ServiceHarness) -> None:
    reader, _, posts = await reader_and_author(harness)
    await harness.saves.save(reader, posts[1])
    await harness.saves.save(reader, posts[0])
    expected = {post_id: (post_id == posts[0], post_id in posts[:2]) for post_id in posts}
    assert await feed_marks(harness, reader) == expected
    with count_queries(harness.database) as statements:
        for _ in range(2):
            assert await feed_marks(harness, reader) == expected
    assert statements == []
    await harness.saves.unsave(reader, posts[0])
    assert (await feed_marks(harness, reader))[posts[0]] == (True, False)


async def test_likes_in_the_feed_keep_the_mark_of_a_save(harness: ServiceHarness) -> None:
    reader, _, posts = await reader_and_author(harness)
    await harness.saves.save(reader, posts[2])
    for _ in range(2):
        await harness.feed.page(reader, PAGE)
    await harness.likes.like(reader, posts[2])
    await harness.likes.like(reader, posts[3])
    with count_queries(harness.database) as statements:
        marks = await feed_marks(harness, reader)
        assert (marks[posts[2]], marks[posts[3]]) == ((True, True), (True, False))
        assert statements == []
    await harness.likes.unlike(reader, posts[2])
    assert (await feed_marks(harness, reader))[posts[2]] == (False, True)


async def test_old_posts_beyond_the_cached_marks_are_looked_up(harness: ServiceHarness) -> None:
    reader, _, posts = await reader_and_author(harness)
    await harness.saves.save(reader, posts[0])
    await harness.feed.page(reader, PAGE)
    await harness.feed.page(reader, PAGE)
    await harness.redis.hset(f"liked:{reader}", "complete_from_id", str(posts[3]))
    await harness.redis.hdel(f"liked:{reader}", *map(str, posts[:3]))
    assert (await feed_marks(harness, reader))[posts[0]] == (True, True)
    await harness.likes.like(reader, posts[1])
    await harness.likes.unlike(reader, posts[0])
    marks = await feed_marks(harness, reader)
    assert (marks[posts[0]], marks[posts[1]]) == ((False, True), (True, False))
