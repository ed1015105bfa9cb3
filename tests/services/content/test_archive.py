"""Archived posts: hidden from everybody but their author, and restored to their place with all that they had."""

from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from server.errors import Conflict, NotFound
from server.events import CacheKey
from server.gateways.feed_store.keys import COUNTS
from server.ids import ActionId, PostId, UserId
from server.models.audience import Audience
from server.models.counters import COUNTED_TABLES, CounterRepository
from server.paging import PageRequest
from server.services.content.audiences import VisibleTo
from server.services.content.drafts import DraftChanges, DraftContent
from server.services.content.pictures import Upload
from server.services.jobs.event_jobs import JobKind
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import Draft, NotificationType, Post, PostStatus
from tests.services.feed.feeds import read_all
from tests.support.inputs import photos
from tools.harness.services import ServiceHarness

PAGE = PageRequest()


async def set_status(harness: ServiceHarness, author: UserId, post_id: PostId, status: PostStatus) -> Post:
    return await harness.posts.edit(author, post_id, None, None, status=status)


async def archive(harness: ServiceHarness, author: UserId, post_id: PostId) -> Post:
    return await set_status(harness, author, post_id, PostStatus.ARCHIVED)


async def restore(harness: ServiceHarness, author: UserId, post_id: PostId) -> Post:
    return await set_status(harness, author, post_id, PostStatus.PUBLISHED)


async def in_feed(harness: ServiceHarness, reader: UserId) -> list[int]:
    return [post.id for post in (await harness.feed.page(reader, PAGE)).items]


async def listed(harness: ServiceHarness, viewer: UserId, author: UserId) -> list[PostId]:
    return [post.id for post in (await harness.posts.list_by_author(viewer, author, PAGE)).items]


async def archived(harness: ServiceHarness, author: UserId) -> list[PostId]:
    return [post.id for post in (await harness.posts.list_archived(author, PAGE)).items]


async def count_of(harness: ServiceHarness, author: UserId) -> int:
    counters = CounterRepository(harness.database)
    for table in COUNTED_TABLES:
        assert [row for row in await counters.compare_batch(table, 0) if row.wrong] == []
    return await harness.value("SELECT posts_count FROM users WHERE id = ?", author)


async def test_archived_post_is_hidden_and_returns_to_its_place(harness: ServiceHarness) -> None:
    ana, bob = await harness.users(2)
    await harness.follows.follow(bob, ana)
    old, post, new = [await harness.post(ana, f"Number {number} #hill") for number in range(3)]
    await harness.likes.like(bob, post)
    comment = await harness.comments.add(bob, post, "Fine", None)
    await harness.work_off()
    assert await in_feed(harness, bob) == [new, post, old]

    shown = await archive(harness, ana, post)
    assert (shown.status, shown.likes_count, shown.comments_count) == (PostStatus.ARCHIVED, 1, 1)
    for reader in (ana, bob):
        assert await in_feed(harness, reader) == await listed(harness, reader, ana) == [new, old]
        assert (await harness.discovery.hashtags.list_posts(reader, "hill", PAGE)).items[1].id == old
    for read in (harness.posts.get(bob, post), harness.likes.like(bob, post)):
        with pytest.raises(NotFound):
            await read
    assert await archived(harness, ana) == [post]
    assert await archived(harness, bob) == []
    assert await count_of(harness, ana) == 2

    restored = await restore(harness, ana, post)
    assert (restored.status, restored.card.edited_at_ms) == (PostStatus.PUBLISHED, None)
    for reader in (ana, bob):
        assert await in_feed(harness, reader) == await listed(harness, reader, ana) == [new, post, old]
    assert [each.id for each in (await harness.comments.list_by_post(bob, post, PAGE)).items] == [comment.id]
    assert (await harness.posts.get(bob, post)).liked
    assert await count_of(harness, ana) == 3
    assert await archived(harness, ana) == []


async def test_feed_built_in_between_gets_the_restored_post(harness: ServiceHarness) -> None:
    ana, bob = await harness.users(2)
    await harness.follows.follow(bob, ana)
    post, new = await harness.post(ana), await harness.post(ana)
    await archive(harness, ana, post)
    await harness.work_off()
    assert await in_feed(harness, bob) == [new]
    await restore(harness, ana, post)
    await harness.work_off()
    assert await read_all(harness.feed, bob, 1) == [new, post]


async def test_changes_of_an_archived_post_do_not_show_it(harness: ServiceHarness) -> None:
    ana, bob = await harness.users(2)
    await harness.follows.follow(bob, ana)
    post = await harness.post(ana)
    await harness.work_off()
    assert await in_feed(harness, bob) == [post]
    await archive(harness, ana, post)
    await harness.likes.like(ana, post)
    await harness.comments.add(ana, post, "Mine", None)
    await harness.posts.edit(ana, post, "Other", None, Audience.FOLLOWERS)
    await harness.work_off()
    assert await in_feed(harness, bob) == await in_feed(harness, ana) == []
    assert await count_of(harness, ana) == 0
    await restore(harness, ana, post)
    (shown,) = (await harness.feed.page(bob, PAGE)).items
    assert (shown.card.caption, shown.likes_count, shown.comments_count) == ("Other", 1, 1)
    assert await count_of(harness, ana) == 1
    assert await harness.value("SELECT follower_posts_count FROM users WHERE id = ?", ana) == 1


async def test_counters_that_redis_lost_do_not_show_it(harness: ServiceHarness) -> None:
    ana, bob = await harness.users(2)
    await harness.follows.follow(bob, ana)
    post = await harness.post(ana)
    await harness.work_off()
    for reader in (ana, bob):
        await in_feed(harness, reader)
    await archive(harness, ana, post)
    await harness.redis.delete(COUNTS)
    assert await in_feed(harness, ana) == await in_feed(harness, bob) == []


async def test_archiving_twice_changes_nothing(harness: ServiceHarness) -> None:
    ana = await harness.user()
    post = await harness.post(ana)
    for _ in range(2):
        assert (await archive(harness, ana, post)).revision == 1
    assert await count_of(harness, ana) == 0
    for _ in range(2):
        assert (await restore(harness, ana, post)).revision == 2
    assert await count_of(harness, ana) == 1


async def test_only_the_author_archives(harness: ServiceHarness) -> None:
    ana, bob = await harness.users(2)
    post = await harness.post(ana)
    with pytest.raises(Exception, match="Only the author"):
        await archive(harness, bob, post)
    await archive(harness, ana, post)
    with pytest.raises(NotFound):
        await restore(harness, bob, post)


async def test_plain_address_of_its_picture_stops_working(harness: ServiceHarness) -> None:
    ana, bob = await harness.users(2)
    post = await publish(harness, ana)
    image = post.card.images[0]
    key = f"{image.base_url.removeprefix('https://media.test/')}/large.jpg"
    assert await harness.media_access.check(key, {}) is None
    assert not (await archive(harness, ana, post.id)).is_public
    for viewer, allowed in ((ana, True), (bob, False)):
        (signed,) = harness.media_addresses.sign([image], viewer, 2**40)
        query = dict(parse_qsl(signed.query[1:]))
        if allowed:
            assert await harness.media_access.check(key, query)
        else:
            with pytest.raises(NotFound):
                await harness.media_access.check(key, query)
    with pytest.raises(NotFound):
        await harness.media_access.check(key, {})
    await restore(harness, ana, post.id)
    assert await harness.media_access.check(key, {}) is None


async def publish(harness: ServiceHarness, author: UserId) -> Post:
    return await harness.posts.publish(author, "", [Upload(saved(harness))])


def saved(harness: ServiceHarness) -> Path:
    file = harness.folder / "photo"
    file.write_bytes(photos.small())
    return file


async def test_mentioned_users_are_notified_only_while_they_see_it(harness: ServiceHarness) -> None:
    ana, bob = await harness.user("ana"), await harness.user("bob")
    post = await harness.post(ana, "Soon")
    await archive(harness, ana, post)
    await harness.posts.edit(ana, post, "With @bob", None)
    await harness.work_off()
    assert (await harness.notifications.list_page(bob, PAGE)).items == []
    await restore(harness, ana, post)
    await harness.work_off()
    (mention,) = (await harness.notifications.list_page(bob, PAGE)).items
    assert (mention.type, mention.post_id) == (NotificationType.MENTION, post)
    await archive(harness, ana, post)
    assert (await harness.notifications.list_page(bob, PAGE)).items == []


async def test_moderators_and_authors_hide_independently(harness: ServiceHarness) -> None:
    ana = await harness.user()
    post, action = await harness.post(ana), ActionId(7)

    async def decide(work: WorkContext) -> None:
        await (harness.posts.restore if await is_down() else harness.posts.take_down)(post, action, work)

    async def is_down() -> bool:
        return bool(await harness.rows("SELECT 1 FROM posts WHERE hidden_by_id = ?", action))

    keys = (CacheKey("post", post), CacheKey("feed", ana))
    await archive(harness, ana, post)
    await harness.unit_of_work.run(decide, changes=keys)
    with pytest.raises(NotFound):
        await restore(harness, ana, post)
    await harness.unit_of_work.run(decide, changes=keys)
    await harness.work_off()
    assert await archived(harness, ana) == [post]
    assert await in_feed(harness, ana) == []
    assert await count_of(harness, ana) == 0
    await harness.posts.delete(ana, post)
    assert await count_of(harness, ana) == 0


async def test_search_does_not_find_it(harness: ServiceHarness) -> None:
    ana = await harness.user()
    post = await harness.post(ana, "A quiet hill #hill")
    await harness.work_off(JobKind.INDEX_POST)
    for change, found in ((archive, 0), (restore, 1)):
        await change(harness, ana, post)
        await harness.work_off(JobKind.INDEX_POST)
        assert len((await harness.discovery.captions.search(ana, "quiet", 10)).items) == found
        assert (await harness.discovery.hashtags.get("hill")).posts_count == found


async def test_explanation_names_the_archive(harness: ServiceHarness) -> None:
    ana, bob = await harness.users(2)
    post = await harness.post(ana)
    await archive(harness, ana, post)
    explained = await harness.audiences.explain(ana, post, bob)
    assert explained.member is not None
    assert (explained.visible_to, explained.people_count) == (VisibleTo.AUTHOR, 0)
    assert (explained.member.visible, explained.member.reason) == (False, "archived")


async def test_draft_cannot_be_archived(harness: ServiceHarness) -> None:
    ana = await harness.user()
    draft = await harness.drafts.create(ana, DraftContent(""), [Upload(saved(harness))])
    assert isinstance(draft, Draft)
    with pytest.raises(Conflict) as refused:
        await harness.drafts.edit(ana, draft.id, DraftChanges(status=PostStatus.ARCHIVED))
    assert refused.value.code == "not_published"
