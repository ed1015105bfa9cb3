"""The doctor of the feeds finds what is wrong in Redis, leaves alone what is right, and mends."""

from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.ids import PostId, UserId
from server.paging import PageRequest
from server.services.feed.consistency_check import ConsistencyCheck, Difference
from server.services.feed.explanations import Explanations, Reason
from tests.support.harness import CELEBRITY_THRESHOLD, WINDOW, ServiceHarness


def checkup_of(harness: ServiceHarness) -> ConsistencyCheck:
    return ConsistencyCheck(harness.database, harness.source, TimelineAudit(harness.wire), WINDOW)


async def differences(
    harness: ServiceHarness, user_id: UserId | None = None, *, fix: bool = False
) -> list[Difference]:
    return [each async for step in checkup_of(harness).run(user_id, fix=fix) for each in step.differences]


async def place(harness: ServiceHarness) -> tuple[UserId, UserId, list[PostId]]:
    """A reader with a feed in Redis, an author whom they follow, and what that author published."""
    reader, author = await harness.users(2)
    await harness.follows.follow(reader, author)
    posts = [await harness.post(author) for _ in range(5)]
    await harness.likes.like(reader, posts[0])
    await harness.work_off()
    for _ in range(2):
        await harness.feed.page(reader, PageRequest())
    return reader, author, posts


async def test_what_is_right_is_left_alone(harness: ServiceHarness) -> None:
    reader, author, posts = await place(harness)
    await harness.likes.unlike(reader, posts[0])
    await harness.likes.like(reader, posts[1])
    await harness.delete(posts[2])
    await harness.post(author)  # its fan-out has not begun
    await harness.profiles.edit(author, {"full_name": "New"})
    assert await differences(harness, fix=True) == []
    assert await harness.redis.exists(f"feed:{reader}")


async def test_every_kind_of_wrong_is_found_and_mended(harness: ServiceHarness) -> None:
    reader, author, posts = await place(harness)
    stranger = await harness.user()
    await harness.redis.zrem(f"feed:{reader}", posts[3])
    await harness.redis.srem(f"follows:{reader}", author)
    await harness.redis.sadd(f"follows:{reader}", stranger)
    await harness.redis.hset(f"liked:{reader}", str(posts[4]), "9:1")
    await harness.redis.hdel(f"liked:{reader}", str(posts[0]))
    await harness.database.execute("UPDATE posts SET likes_count = 5, revision = 9 WHERE id = ?", [posts[1]])
    await harness.database.execute("UPDATE users SET full_name = 'X', revision = 9 WHERE id = ?", [author])
    found = await differences(harness)
    assert {(each.what, each.owner_id) for each in found} == {
        ("feed", reader), ("follows", reader), ("likes", reader), ("counters", posts[1]), ("card of a person", author),
    }  # fmt: skip
    told = {each.what: each.told() for each in found}
    assert told["feed"] == f"lacks 1: {posts[3]}"
    assert told["follows"] == f"lacks 1: {author}; has wrongly 1: {stranger}"
    assert told["likes"] == f"lacks 1: {posts[0]}; has wrongly 1: {posts[4]}"
    assert len(await differences(harness, fix=True)) == len(found)
    assert await differences(harness) == []
    page = await harness.feed.page(reader, PageRequest())
    assert [post.id for post in page.items] == posts[::-1]
    assert {post.id: post.likes_count for post in page.items}[posts[1]] == 5


async def test_lists_of_pulled_authors_are_compared_too(harness: ServiceHarness) -> None:
    author = await harness.user()
    readers = await harness.users(CELEBRITY_THRESHOLD)
    for reader in readers:
        await harness.follows.follow(reader, author)
    posts = [await harness.post(author) for _ in range(4)]
    await harness.work_off()
    await harness.feed.page(readers[0], PageRequest())
    assert await differences(harness) == []
    await harness.redis.zrem(f"author:{author}", posts[2])
    await harness.redis.srem("pulled", author)
    found = await differences(harness, fix=True)
    assert {each.what for each in found} == {"author's list", "pulled authors"}
    assert await differences(harness) == []


async def test_one_person_s_feed_is_looked_at_alone(harness: ServiceHarness) -> None:
    reader, _, posts = await place(harness)
    other, _, others = await place(harness)
    await harness.redis.zrem(f"feed:{reader}", posts[0])
    await harness.redis.zrem(f"feed:{other}", others[0])
    assert [each.owner_id for each in await differences(harness, other)] == [other]


async def test_a_reader_is_told_why_a_post_is_in_the_feed_or_not(harness: ServiceHarness) -> None:
    reader, author, posts = await place(harness)
    explanations = Explanations(harness.source, harness.visibility, TimelineAudit(harness.wire))
    stranger = await harness.user()

    async def why(post_id: PostId) -> tuple[Reason, bool]:
        explanation = await explanations.of(reader, post_id)
        assert explanation.detail
        return explanation.reason, explanation.in_feed

    assert await why(posts[0]) == (Reason.PUSHED, True)
    assert await why(await harness.post(reader)) == (Reason.OWN, True)
    assert await why(await harness.post(stranger)) == (Reason.NOT_FOLLOWED, False)
    assert await why(await harness.post(author)) == (Reason.ON_ITS_WAY, False)
    await harness.work_off()
    assert await why(PostId(12345)) == (Reason.GONE, False)
    await harness.delete(posts[0])
    assert await why(posts[0]) == (Reason.GONE, False)
    for _ in range(WINDOW):
        await harness.post(author)
    await harness.work_off()
    assert await why(posts[1]) == (Reason.FROM_DATABASE, True)
    await harness.timelines.reset([reader])
    assert await why(posts[1]) == (Reason.NOT_KEPT, True)
    await harness.database.execute("UPDATE users SET fan_out_on_read = 1 WHERE id = ?", [author])
    assert await why(posts[1]) == (Reason.PULLED, True)
    await harness.follows.unfollow(reader, author)
    assert await why(posts[1]) == (Reason.NOT_FOLLOWED, False)
