"""The user's own likes and comments, as far as their posts are visible."""

from collections.abc import Awaitable, Callable
from typing import Any

from server.ids import CommentId, UserId
from server.paging import Page, PageRequest, decode_cursor
from tests.services.erasure.test_account_erasure import publish
from tests.services.feed.feeds import count_queries
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def walk(
    list_page: Callable[[UserId, PageRequest], Awaitable[Page[Any]]], user_id: UserId, limit: int = 20
) -> list[Any]:
    """Return all items of a list, page by page."""
    found: list[Any] = []
    after = None
    while True:
        page = await list_page(user_id, PageRequest(limit, after))
        found += page.items
        if page.next_cursor is None:
            return found
        after = decode_cursor(page.next_cursor)


async def test_likes_are_listed_by_the_time_of_the_like(harness: ServiceHarness) -> None:
    author, fan = await harness.users(2)
    posts = [await harness.post(author) for _ in range(5)]
    order = [posts[2], posts[4], posts[0], posts[3], posts[1]]
    for post_id in order:
        await harness.likes.like(fan, post_id)
        await harness.likes.like(author, post_id)
    await harness.likes.unlike(fan, posts[0])
    order.remove(posts[0])
    for limit in (1, 3, 20):
        found = await walk(harness.likes.list_own, fan, limit)
        assert [post.id for post in found] == order[::-1]
        assert {post.liked for post in found} == {True}


async def test_likes_of_hidden_posts_leave_the_list_and_return(harness: ServiceHarness) -> None:
    author, other, fan = await harness.users(3)
    hidden, kept, deleted = await harness.post(author), await harness.post(other), await harness.post(other)
    for post_id in (kept, hidden, deleted):
        await harness.likes.like(fan, post_id)
    await harness.blocks.block(author, fan)
    await harness.posts.delete(other, deleted)
    assert [post.id for post in await walk(harness.likes.list_own, fan, 1)] == [kept]
    await harness.blocks.unblock(author, fan)
    assert [post.id for post in await walk(harness.likes.list_own, fan)] == [hidden, kept]


async def test_own_comments_carry_a_picture_of_their_post(harness: ServiceHarness) -> None:
    author, fan = await harness.user("bob"), await harness.user("ada")
    posts = [await publish(harness, author, "") for _ in range(2)]
    first = await harness.comments.add(fan, posts[0], "First", None)
    await harness.comments.add(author, posts[0], "Not mine", None)
    await harness.comments.add(fan, posts[1], "Second", None)
    await harness.comments.add(fan, posts[0], "Third", CommentId(first.id))
    for limit in (1, 2, 20):
        found = await walk(harness.comments.list_own, fan, limit)
        assert [each.comment.content for each in found] == ["Third", "Second", "First"]
        assert [each.post.id for each in found] == [posts[0], posts[1], posts[0]]
        assert all(each.post.image is not None and each.post.is_public for each in found)
    with count_queries(harness.database) as statements:
        await harness.comments.list_own(fan, PAGE)
    assert len(statements) == 2


async def test_comments_on_hidden_posts_leave_the_list_and_return(harness: ServiceHarness) -> None:
    author, fan = await harness.users(2)
    await harness.comments.add(fan, await harness.post(author), "Mine", None)
    await harness.profiles.edit(author, {"is_private": True})
    assert await walk(harness.comments.list_own, fan) == []
    await harness.profiles.edit(author, {"is_private": False})
    assert [each.comment.content for each in await walk(harness.comments.list_own, fan)] == ["Mine"]


async def test_pending_comments_are_listed_for_their_author(harness: ServiceHarness) -> None:
    author, fan = await harness.users(2)
    await harness.restrictions.restrict(author, fan)
    await harness.comments.add(fan, await harness.post(author), "Mine", None)
    (found,) = await walk(harness.comments.list_own, fan)
    assert (found.comment.content, found.comment.pending) == ("Mine", False)
