"""Cancellation of 30 % of all requests at random points: no wrong responses, no leaked connections."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from server.ids import PostId, UserId
from server.paging import PageRequest
from tools.harness.services import ServiceHarness

ROUNDS = 40
PEOPLE = 12
CANCELLED = 0.3
MAX_S = 0.03
FIRST_PAGE = PageRequest(20, None)

Asks = Callable[[ServiceHarness, UserId, PostId], Awaitable[bool]]


async def asks_for_own_profile(harness: ServiceHarness, me: UserId, _: PostId) -> bool:
    return (await harness.profiles.get_own(me)).id == me


async def asks_for_own_feed(harness: ServiceHarness, me: UserId, own_post: PostId) -> bool:
    page = await harness.feed.page(me, FIRST_PAGE)
    return [post.id for post in page.items] == [own_post] and page.items[0].author.id == me


async def comments(harness: ServiceHarness, me: UserId, post: PostId) -> bool:
    comment = await harness.comments.add(me, post, f"from {me}", None)
    return (comment.author.id, comment.content, comment.post_id) == (me, f"from {me}", post)


async def likes_or_not(harness: ServiceHarness, me: UserId, post: PostId) -> bool:
    if random.random() < 0.5:
        return (await harness.likes.like(me, post)).liked
    return not (await harness.likes.unlike(me, post)).liked


ASKS: tuple[Asks, ...] = (asks_for_own_profile, asks_for_own_feed, comments, likes_or_not)


async def test_cancelled_requests_mix_up_and_leak_nothing(harness: ServiceHarness) -> None:
    people = await harness.users(PEOPLE)
    posts = {me: await harness.post(me) for me in people}
    for me in people:
        await asks_for_own_feed(harness, me, posts[me])
    ended: dict[str, int] = {"right": 0, "cancelled": 0}
    for _ in range(ROUNDS):
        asked = [asyncio.create_task(random.choice(ASKS)(harness, me, posts[me])) for me in people]
        await asyncio.gather(*(cut_off(task) for task in asked if random.random() < CANCELLED))
        for answer in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(answer, asyncio.CancelledError):
                ended["cancelled"] += 1
            else:
                assert answer is True
                ended["right"] += 1
    assert ended["cancelled"] > ROUNDS * PEOPLE * CANCELLED / 4, ended

    async with asyncio.timeout(5):  # as many at once as there are connections, and more
        assert all(await asyncio.gather(*(comments(harness, me, posts[me]) for me in people * 2)))
    for me, post in posts.items():
        row = await harness.rows(
            "SELECT likes_count, comments_count, (SELECT COUNT(*) FROM likes WHERE post_id = posts.id) AS likes,"
            " (SELECT COUNT(*) FROM comments WHERE post_id = posts.id) AS comments FROM posts WHERE id = ?",
            post,
        )
        assert (row[0]["likes_count"], row[0]["comments_count"]) == (row[0]["likes"], row[0]["comments"])
        assert (
            await harness.value("SELECT COUNT(*) AS n FROM comments WHERE author_id = ?", me)
            == row[0]["comments"]
        )
    notified = await harness.value("SELECT COUNT(*) AS n FROM jobs WHERE kind = 'notify.comment'")
    assert notified == await harness.value("SELECT COUNT(*) AS n FROM comments")


async def cut_off(task: asyncio.Task[bool]) -> None:
    """Cancel after a random time or a random number of event loop iterations."""
    if random.random() < 0.5:
        await asyncio.sleep(random.uniform(0, MAX_S))
    for _ in range(random.randint(0, 30)):
        await asyncio.sleep(0)
    task.cancel()
