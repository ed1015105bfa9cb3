"""The doctor of the feeds finds what is wrong in Redis, leaves alone what is right, and mends."""

from server.gateways.timeline_audit import TimelineAudit
from server.ids import PostId, UserId
from server.paging import PageRequest
from server.services.feed.checkup import Checkup, Difference
from server.services.feed.explanations import Explanations, Reason
from tests.house import CELEBRITY_THRESHOLD, WINDOW, House


def checkup_of(house: House) -> Checkup:
    return Checkup(house.database, house.source, TimelineAudit(house.wire), WINDOW)


async def differences(house: House, user_id: UserId | None = None, *, fix: bool = False) -> list[Difference]:
    return [each async for step in checkup_of(house).run(user_id, fix=fix) for each in step.differences]


async def place(house: House) -> tuple[UserId, UserId, list[PostId]]:
    """A reader with a feed in Redis, an author whom they follow, and what that author published."""
    reader, author = await house.users(2)
    await house.follows.follow(reader, author)
    posts = [await house.post(author) for _ in range(5)]
    await house.likes.like(reader, posts[0])
    await house.work_off()
    for _ in range(2):
        await house.feed.page(reader, PageRequest())
    return reader, author, posts


async def test_what_is_right_is_left_alone(house: House) -> None:
    reader, author, posts = await place(house)
    await house.likes.unlike(reader, posts[0])
    await house.likes.like(reader, posts[1])
    await house.delete(posts[2])
    await house.post(author)  # its fan-out has not begun
    await house.profiles.edit(author, {"full_name": "New"})
    assert await differences(house, fix=True) == []
    assert await house.redis.exists(f"feed:{reader}")


async def test_every_kind_of_wrong_is_found_and_mended(house: House) -> None:
    reader, author, posts = await place(house)
    stranger = await house.user()
    await house.redis.zrem(f"feed:{reader}", posts[3])
    await house.redis.srem(f"follows:{reader}", author)
    await house.redis.sadd(f"follows:{reader}", stranger)
    await house.redis.hset(f"liked:{reader}", str(posts[4]), "9:1")
    await house.redis.hdel(f"liked:{reader}", str(posts[0]))
    await house.database.execute("UPDATE posts SET likes_count = 5, revision = 9 WHERE id = ?", [posts[1]])
    await house.database.execute("UPDATE users SET full_name = 'X', revision = 9 WHERE id = ?", [author])
    found = await differences(house)
    assert {(each.what, each.owner_id) for each in found} == {
        ("feed", reader), ("follows", reader), ("likes", reader), ("counters", posts[1]), ("card of a person", author),
    }  # fmt: skip
    told = {each.what: each.told() for each in found}
    assert told["feed"] == f"lacks 1: {posts[3]}"
    assert told["follows"] == f"lacks 1: {author}; has wrongly 1: {stranger}"
    assert told["likes"] == f"lacks 1: {posts[0]}; has wrongly 1: {posts[4]}"
    assert len(await differences(house, fix=True)) == len(found)
    assert await differences(house) == []
    page = await house.feed.page(reader, PageRequest())
    assert [post.id for post in page.items] == posts[::-1]
    assert {post.id: post.likes_count for post in page.items}[posts[1]] == 5


async def test_lists_of_pulled_authors_are_compared_too(house: House) -> None:
    author = await house.user()
    readers = await house.users(CELEBRITY_THRESHOLD)
    for reader in readers:
        await house.follows.follow(reader, author)
    posts = [await house.post(author) for _ in range(4)]
    await house.work_off()
    await house.feed.page(readers[0], PageRequest())
    assert await differences(house) == []
    await house.redis.zrem(f"author:{author}", posts[2])
    await house.redis.srem("pulled", author)
    found = await differences(house, fix=True)
    assert {each.what for each in found} == {"author's list", "pulled authors"}
    assert await differences(house) == []


async def test_one_person_s_feed_is_looked_at_alone(house: House) -> None:
    reader, _, posts = await place(house)
    other, _, others = await place(house)
    await house.redis.zrem(f"feed:{reader}", posts[0])
    await house.redis.zrem(f"feed:{other}", others[0])
    assert [each.owner_id for each in await differences(house, other)] == [other]


async def test_a_reader_is_told_why_a_post_is_in_the_feed_or_not(house: House) -> None:
    reader, author, posts = await place(house)
    explanations = Explanations(house.source, house.visibility, TimelineAudit(house.wire))
    stranger = await house.user()

    async def why(post_id: PostId) -> tuple[Reason, bool]:
        explanation = await explanations.of(reader, post_id)
        assert explanation.detail
        return explanation.reason, explanation.in_feed

    assert await why(posts[0]) == (Reason.PUSHED, True)
    assert await why(await house.post(reader)) == (Reason.OWN, True)
    assert await why(await house.post(stranger)) == (Reason.NOT_FOLLOWED, False)
    assert await why(await house.post(author)) == (Reason.ON_ITS_WAY, False)
    await house.work_off()
    assert await why(PostId(12345)) == (Reason.GONE, False)
    await house.delete(posts[0])
    assert await why(posts[0]) == (Reason.GONE, False)
    for _ in range(WINDOW):
        await house.post(author)
    await house.work_off()
    assert await why(posts[1]) == (Reason.FROM_DATABASE, True)
    await house.timelines.reset([reader])
    assert await why(posts[1]) == (Reason.NOT_KEPT, True)
    await house.database.execute("UPDATE users SET pulled = 1 WHERE id = ?", [author])
    assert await why(posts[1]) == (Reason.PULLED, True)
    await house.follows.unfollow(reader, author)
    assert await why(posts[1]) == (Reason.NOT_FOLLOWED, False)
