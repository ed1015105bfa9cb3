"""Tags: who can be tagged, who sees a tag, and how it ends."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from server.errors import InvalidInput, NotFound
from server.ids import PostId, UserId
from server.models.audience import Audience
from server.paging import PageRequest
from server.services.content.pictures import Upload
from server.services.content.post_pictures import ChosenPicture
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus, NotificationType, Post, Tag, TagPermission
from tests.support.inputs import photos
from tools.harness.services import ServiceHarness

CENTRE = (5000, 5000)
NOTIFYING = (JobKind.NOTIFY_TAGGED, JobKind.RETRACT_BLOCKED, JobKind.REMOVE_BLOCKED_TAGS)


@pytest.fixture
def photo(harness: ServiceHarness) -> Path:
    file = harness.folder / "photo"
    file.write_bytes(photos.small())
    return file


@pytest.fixture
async def people(harness: ServiceHarness) -> list[UserId]:
    """Return Ana, who publishes, and three others."""
    return [await harness.user(name) for name in ("ana", "ben", "cleo", "dan")]


async def publish(
    harness: ServiceHarness,
    author_id: UserId,
    photo: Path,
    *tagged: UserId,
    audience: Audience = Audience.PUBLIC,
) -> Post:
    left = await harness.unused_media.list_unused(author_id)  # by a post that was refused
    media = left[0] if left else await harness.unused_media.add(author_id, Upload(photo))
    chosen = ChosenPicture(media.id, tags=[Tag(user_id, *CENTRE) for user_id in tagged])
    return await harness.posts.publish_chosen(author_id, "", [chosen], audience=audience)


async def retag(harness: ServiceHarness, post: Post, *tags: Tag) -> Post:
    chosen = [ChosenPicture(post.card.images[0].id, tags=tags)]
    return await harness.posts.edit(post.author.id, post.id, None, None, None, chosen)


async def visible(harness: ServiceHarness, viewer_id: UserId, post_id: PostId) -> list[tuple[UserId, bool]]:
    """Return the tagged users that the viewer sees, and whether their tags are pending."""
    return [(each.user.card.id, each.pending) for each in await harness.tags.list_by_post(viewer_id, post_id)]


async def listed(harness: ServiceHarness, viewer_id: UserId, user_id: UserId) -> list[PostId]:
    return [post.id for post in (await harness.tags.list_posts(viewer_id, user_id, PageRequest())).items]


async def pending(harness: ServiceHarness, user_id: UserId) -> list[PostId]:
    return [post.id for post in (await harness.tags.list_pending(user_id, PageRequest())).items]


async def notified(harness: ServiceHarness, user_id: UserId) -> list[PostId | None]:
    """Return the posts of the notifications about tags, once all jobs have run."""
    await harness.work_off(*NOTIFYING)
    found = await harness.notifications.list_page(user_id, PageRequest())
    return [each.post_id for each in found.items if each.type is NotificationType.TAG]


def shown(post: Post) -> list[UserId]:
    return [tag.user_id for image in post.card.images for tag in image.tags]


async def refused(harness: ServiceHarness, author_id: UserId, photo: Path, tagged: UserId) -> InvalidInput:
    with pytest.raises(InvalidInput) as error:
        await publish(harness, author_id, photo, tagged)
    assert error.value.code == "untaggable_user"
    assert error.value.fields == {"media": [f"User {tagged} cannot be tagged."]}
    return error.value


async def test_tagged_users_are_shown_listed_and_notified(
    harness: ServiceHarness, people: Sequence[UserId], photo: Path
) -> None:
    ana, ben, cleo, dan = people
    first, second = await publish(harness, ana, photo, ben, cleo), await publish(harness, ana, photo, ben)
    assert shown(first) == [ben, cleo]
    assert first.card.images[0].tags[0] == Tag(ben, *CENTRE)
    assert await visible(harness, dan, first.id) == [(ben, False), (cleo, False)]
    assert await listed(harness, dan, ben) == [second.id, first.id]
    page = await harness.tags.list_posts(dan, ben, PageRequest(1))
    assert ([post.id for post in page.items], page.next_cursor is None) == ([second.id], False)
    assert await listed(harness, dan, cleo) == [first.id]
    assert await notified(harness, ben) == [second.id, first.id]
    assert await notified(harness, cleo) == [first.id]
    assert await notified(harness, ana) == []
    for feed in (harness.feed, harness.feed_on(harness.pipelined_redis)):
        found = (await feed.page(ana, PageRequest())).items
        assert [shown(post) for post in found] == [[ben], [ben, cleo]]


async def test_edit_replaces_the_tags_of_listed_pictures(
    harness: ServiceHarness, people: Sequence[UserId], photo: Path
) -> None:
    ana, ben, cleo, _ = people
    post = await publish(harness, ana, photo, ben)
    await notified(harness, ben)
    edited = await retag(harness, post, Tag(ben, 1, 2), Tag(cleo, 3, 4))
    assert edited.card.images[0].tags == (Tag(ben, 1, 2), Tag(cleo, 3, 4))
    media = await harness.unused_media.add(ana, Upload(photo))
    kept = [ChosenPicture(edited.card.images[0].id), ChosenPicture(media.id)]
    more = await harness.posts.edit(ana, post.id, None, None, None, kept)
    assert [len(image.tags) for image in more.card.images] == [2, 0]
    assert await notified(harness, cleo) == [post.id]
    assert len(await harness.rows("SELECT id FROM notifications WHERE recipient_id = ?", ben)) == 1

    await retag(harness, edited, Tag(cleo, 3, 4))
    assert await notified(harness, ben) == []
    # Tags end with their picture.
    other = await harness.unused_media.add(ana, Upload(photo))
    replaced = await harness.posts.edit(ana, post.id, None, None, None, [ChosenPicture(other.id)])
    assert shown(replaced) == []
    assert await notified(harness, cleo) == []
    assert await harness.rows("SELECT id FROM post_tags") == []


async def test_refusals_have_one_answer(
    harness: ServiceHarness, people: Sequence[UserId], photo: Path
) -> None:
    ana, ben, cleo, dan = people
    missing = await refused(harness, ana, photo, UserId(404))
    await harness.blocks.block(ben, ana)
    await harness.blocks.block(ana, cleo)
    await harness.set_status(dan, AccountStatus.SUSPENDED)
    eve, fay = await harness.users(2)
    await harness.tags.change_settings(eve, TagPermission.NOBODY, None)
    await harness.tags.change_settings(fay, TagPermission.FOLLOWING, None)
    for user_id in (ben, cleo, dan, eve, fay):
        error = await refused(harness, ana, photo, user_id)
        assert error.detail == missing.detail
    await harness.follows.follow(fay, ana)
    assert shown(await publish(harness, ana, photo, fay)) == [fay]
    await harness.follows.follow(eve, ana)
    await refused(harness, ana, photo, eve)
    # Who does not see the post could not remove the tag.
    with pytest.raises(InvalidInput):
        await publish(harness, ana, photo, fay, audience=Audience.CLOSE_FRIENDS)
    await harness.close_friends.add(ana, fay)
    assert shown(await publish(harness, ana, photo, fay, audience=Audience.CLOSE_FRIENDS)) == [fay]
    # Everybody may tag themselves.
    await harness.tags.change_settings(ana, TagPermission.NOBODY, manual_approval=True)
    assert shown(await publish(harness, ana, photo, ana)) == [ana]
    assert await notified(harness, ana) == []


async def test_pending_tags_are_seen_by_author_and_user_alone(
    harness: ServiceHarness, people: Sequence[UserId], photo: Path
) -> None:
    ana, ben, cleo, _ = people
    await harness.tags.change_settings(ben, None, manual_approval=True)
    post = await publish(harness, ana, photo, ben, cleo)
    for viewer, wanted in (
        (ana, [(ben, True), (cleo, False)]),
        (ben, [(ben, True), (cleo, False)]),
        (cleo, [(cleo, False)]),
    ):
        assert await visible(harness, viewer, post.id) == wanted
    assert shown(post) == [cleo]
    assert await pending(harness, ben) == [post.id]
    assert await pending(harness, cleo) == await listed(harness, cleo, ben) == []
    assert await notified(harness, ben) == [post.id]
    (cached,) = (await harness.feed.page(ana, PageRequest())).items
    assert shown(cached) == [cleo]

    await harness.tags.approve(ben, post.id)
    await harness.tags.approve(ben, post.id)
    (cached,) = (await harness.feed.page(ana, PageRequest())).items
    assert shown(cached) == [ben, cleo]
    assert cached.card.edited_at_ms is None
    assert await pending(harness, ben) == []
    assert await listed(harness, cleo, ben) == [post.id]
    assert await visible(harness, cleo, post.id) == [(ben, False), (cleo, False)]
    assert await notified(harness, ben) == [post.id]
    for stranger in (ana, people[3]):
        with pytest.raises(NotFound):
            await harness.tags.approve(stranger, post.id)


async def test_removed_tag_does_not_come_back(
    harness: ServiceHarness, people: Sequence[UserId], photo: Path
) -> None:
    ana, ben, cleo, _ = people
    post = await publish(harness, ana, photo, ben, cleo)
    assert await notified(harness, ben) == [post.id]
    await harness.posts.edit(ana, post.id, None, None, Audience.FOLLOWERS)
    with pytest.raises(NotFound):
        await harness.posts.get(ben, post.id)
    await harness.tags.remove(ben, post.id)  # also without seeing the post
    with pytest.raises(NotFound):
        await harness.tags.remove(ben, post.id)
    await harness.posts.edit(ana, post.id, None, None, Audience.PUBLIC)
    assert shown(await harness.posts.get(ana, post.id)) == [cleo]
    assert await visible(harness, ana, post.id) == [(cleo, False)]
    assert await listed(harness, cleo, ben) == []
    assert await notified(harness, ben) == []
    with pytest.raises(InvalidInput):
        await retag(harness, post, Tag(ben, *CENTRE), Tag(cleo, *CENTRE))
    await retag(harness, post)
    assert shown(await retag(harness, post, Tag(cleo, *CENTRE))) == [cleo]
    with pytest.raises(NotFound):
        await harness.tags.approve(ben, post.id)
    with pytest.raises(NotFound):
        await harness.tags.remove(cleo, PostId(404))


async def test_block_removes_tags_both_ways(
    harness: ServiceHarness, people: Sequence[UserId], photo: Path
) -> None:
    ana, ben, cleo, dan = people
    ours, theirs = await publish(harness, ana, photo, ben, cleo), await publish(harness, ben, photo, ana)
    assert await notified(harness, ben) == [ours.id]
    await harness.blocks.block(ben, ana)
    assert await notified(harness, ben) == await notified(harness, ana) == []
    await harness.blocks.unblock(ben, ana)
    assert shown(await harness.posts.get(dan, ours.id)) == [cleo]
    assert shown(await harness.posts.get(dan, theirs.id)) == []
    assert await listed(harness, dan, ben) == await listed(harness, dan, ana) == []
    assert await notified(harness, ben) == []

    # A viewer with a block sees neither the user nor the list.
    await harness.blocks.block(cleo, dan)
    assert await visible(harness, dan, ours.id) == []
    with pytest.raises(NotFound):
        await listed(harness, dan, cleo)
    assert await listed(harness, cleo, dan) == []


async def test_tagged_posts_follow_the_visibility_rule(
    harness: ServiceHarness, people: Sequence[UserId], photo: Path
) -> None:
    ana, ben, cleo, dan = people
    post = await publish(harness, ana, photo, ben)
    await harness.profiles.edit(ana, {"is_private": True})
    assert await listed(harness, dan, ben) == await listed(harness, ben, ben) == []
    await harness.profiles.edit(ana, {"is_private": False})
    await harness.profiles.edit(ben, {"is_private": True})
    assert await listed(harness, dan, ben) == []
    assert await listed(harness, ben, ben) == [post.id]
    await harness.follows.follow(cleo, ben)
    await harness.follow_requests.accept(ben, cleo)
    assert await listed(harness, cleo, ben) == [post.id]
    await harness.set_status(ben, AccountStatus.SUSPENDED)
    assert await visible(harness, dan, post.id) == []
    for user_id in (ben, UserId(404)):
        with pytest.raises(NotFound):
            await listed(harness, cleo, user_id)


async def test_tags_are_deleted_with_their_post(
    harness: ServiceHarness, people: Sequence[UserId], photo: Path
) -> None:
    ana, ben, *_ = people
    post = await publish(harness, ana, photo, ben)
    await harness.posts.delete(ana, post.id)
    assert await listed(harness, ben, ben) == []
    await harness.tags.remove(ben, post.id)
    await harness.work_off(JobKind.REMOVE_POST)
    assert await harness.rows("SELECT id FROM post_tags") == []
    assert await notified(harness, ben) == []


async def test_picture_has_a_tag_of_a_user_once(
    harness: ServiceHarness, people: Sequence[UserId], photo: Path
) -> None:
    ana, ben, *_ = people
    media = [(await harness.unused_media.add(ana, Upload(photo))).id for _ in range(2)]
    chosen = [ChosenPicture(each, tags=[Tag(ben, *CENTRE)]) for each in media]
    post = await harness.posts.publish_chosen(ana, "", chosen)
    assert shown(post) == [ben, ben]
    assert await listed(harness, ana, ben) == [post.id]
    await harness.tags.remove(ben, post.id)
    assert shown(await harness.posts.get(ana, post.id)) == []
