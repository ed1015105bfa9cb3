"""Tests of the consistency check."""

from server.gateways.feed_store.timeline_audit import TimelineAudit
from server.ids import UserId
from server.models.accounts.users import UserRepository
from server.models.feed.consistency import ConsistencyRepository
from server.paging import PageRequest
from server.services.feed.consistency_check import ConsistencyCheck, Difference
from tests.services.feed.feeds import reader_and_author
from tools.harness.services import CELEBRITY_THRESHOLD, WINDOW, ServiceHarness


def consistency_check(harness: ServiceHarness) -> ConsistencyCheck:
    return ConsistencyCheck(
        ConsistencyRepository(harness.database),
        UserRepository(harness.database),
        harness.feed_queries,
        TimelineAudit(harness.pipelined_redis),
        WINDOW,
    )


async def differences(
    harness: ServiceHarness, user_id: UserId | None = None, *, fix: bool = False
) -> list[Difference]:
    return [
        each async for step in consistency_check(harness).run(user_id, fix=fix) for each in step.differences
    ]


async def test_correct_data_is_not_dropped(harness: ServiceHarness) -> None:
    reader, author, posts = await reader_and_author(harness)
    await harness.likes.unlike(reader, posts[0])
    await harness.likes.like(reader, posts[1])
    await harness.saves.save(reader, posts[1])
    await harness.feed.page(reader, PageRequest())
    await harness.delete(posts[2])
    await harness.post(author)  # its fan-out is pending
    await harness.profiles.edit(author, {"full_name": "New"})
    assert await differences(harness, fix=True) == []
    assert await harness.redis.exists(f"feed:{reader}")


async def test_every_kind_of_difference_is_found_and_fixed(harness: ServiceHarness) -> None:
    reader, author, posts = await reader_and_author(harness)
    stranger = await harness.user()
    await harness.redis.zrem(f"feed:{reader}", posts[3])
    await harness.redis.srem(f"follows:{reader}", author)
    await harness.redis.sadd(f"follows:{reader}", stranger)
    await harness.redis.sadd(f"relations:{reader}", f"-{author}", author)
    await harness.redis.hset(f"liked:{reader}", str(posts[4]), "9:1")
    await harness.redis.hdel(f"liked:{reader}", str(posts[0]))
    await harness.redis.hset(f"liked:{reader}", str(posts[3]), "9:2")
    await harness.database.execute("UPDATE posts SET likes_count = 5, revision = 9 WHERE id = ?", [posts[1]])
    await harness.database.execute("UPDATE posts SET audience = 'close_friends' WHERE id = ?", [posts[2]])
    await harness.database.execute("UPDATE users SET full_name = 'X', revision = 9 WHERE id = ?", [author])
    found = await differences(harness)
    assert {(each.kind, each.owner_id) for each in found} == {
        ("feed", reader), ("follows", reader), ("likes", reader), ("saves", reader), ("counters", posts[1]),
        ("user card", author), ("close friends", reader), ("followed by", reader), ("counters", posts[2]),
    }  # fmt: skip
    described = {each.kind: each.describe() for each in found}
    assert described["feed"] == f"missing 1: {posts[3]}"
    assert described["follows"] == f"missing 1: {author}; unexpected 1: {stranger}"
    assert described["close friends"] == described["followed by"] == f"unexpected 1: {author}"
    assert described["likes"] == f"missing 1: {posts[0]}; unexpected 1: {posts[4]}"
    assert described["saves"] == f"unexpected 1: {posts[3]}"
    assert len(await differences(harness, fix=True)) == len(found)
    assert await differences(harness) == []
    page = await harness.feed.page(reader, PageRequest())
    assert [post.id for post in page.items] == [post_id for post_id in posts[::-1] if post_id != posts[2]]
    assert {post.id: post.likes_count for post in page.items}[posts[1]] == 5


async def test_author_lists_and_author_set_are_compared(harness: ServiceHarness) -> None:
    author = await harness.user()
    readers = await harness.users(CELEBRITY_THRESHOLD)
    for reader in readers:
        await harness.follows.follow(reader, author)
    posts = [await harness.post(author) for _ in range(4)]
    await harness.work_off()
    await harness.feed.page(readers[0], PageRequest())
    assert await differences(harness) == []
    await harness.redis.zrem(f"author:{author}", posts[2])
    await harness.redis.srem("fan_out_on_read", author)
    found = await differences(harness, fix=True)
    assert {each.kind for each in found} == {"author list", "author set"}
    assert await differences(harness) == []


async def test_one_user_is_compared_alone(harness: ServiceHarness) -> None:
    reader, _, posts = await reader_and_author(harness)
    other, _, others = await reader_and_author(harness)
    await harness.redis.zrem(f"feed:{reader}", posts[0])
    await harness.redis.zrem(f"feed:{other}", others[0])
    assert [each.owner_id for each in await differences(harness, other)] == [other]
