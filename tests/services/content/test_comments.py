"""Comments and their replies."""

import asyncio
import contextlib

import pytest

from server.errors import Forbidden, InvalidInput, NotFound
from server.ids import CommentId, PostId, UserId
from server.paging import OLDEST_FIRST, PageRequest, decode_cursor, encode_cursor
from server.services.jobs.event_jobs import JobKind
from tools.harness.services import ServiceHarness


async def test_comment_is_counted_and_emits_an_event(harness: ServiceHarness) -> None:
    author, guest, ada = await harness.user("bob"), await harness.user(), await harness.user("ada")
    post_id = await harness.post(author)
    comment = await harness.comments.add(guest, post_id, "Nice, @Ada, @no_one and @bob @ada!", None)
    assert (comment.post_id, comment.author.id, comment.parent_id) == (post_id, guest, None)
    assert comment.mentions == {"ada": ada, "bob": author}
    assert await harness.value("SELECT comments_count FROM posts WHERE id = ?", post_id) == 1
    claim = await harness.claim(JobKind.NOTIFY_COMMENT)
    assert claim.payload == {
        "comment_id": comment.id,
        "post_id": post_id,
        "post_author_id": author,
        "actor_id": guest,
        "answered_id": None,
    }


async def test_reply_to_a_reply_joins_the_thread(harness: ServiceHarness) -> None:
    guest = await harness.user()
    post_id = await harness.post(guest)
    first = await harness.comments.add(guest, post_id, "first", None)
    reply = await harness.comments.add(guest, post_id, "reply", first.id)
    deeper = await harness.comments.add(guest, post_id, "deeper", reply.id)
    assert (reply.parent_id, deeper.parent_id) == (first.id, first.id)
    (shown,) = (await harness.comments.list_by_post(guest, post_id, PageRequest())).items
    assert (shown.id, shown.replies_count) == (first.id, 2)
    assert await harness.value("SELECT comments_count FROM posts WHERE id = ?", post_id) == 3


async def test_reply_to_a_comment_of_another_post_is_not_found(harness: ServiceHarness) -> None:
    guest = await harness.user()
    one, other = await harness.post(guest), await harness.post(guest)
    comment = await harness.comments.add(guest, one, "here", None)
    for parent_id in (comment.id, CommentId(404)):
        with pytest.raises(NotFound):
            await harness.comments.add(guest, other, "there", parent_id)
    assert await harness.value("SELECT comments_count FROM posts WHERE id = ?", other) == 0
    assert await harness.value("SELECT replies_count FROM comments WHERE id = ?", comment.id) == 0


async def test_commenting_on_a_missing_post_is_not_found(harness: ServiceHarness) -> None:
    guest = await harness.user()
    with pytest.raises(NotFound):
        await harness.comments.add(guest, PostId(404), "hello?", None)
    with pytest.raises(NotFound):
        await harness.comments.list_by_post(guest, PostId(404), PageRequest())
    assert await harness.rows("SELECT id FROM comments") == []
    assert await harness.due() == []


async def test_concurrent_comments_and_replies_are_all_counted(harness: ServiceHarness) -> None:
    guests = await harness.users(5)
    post_id = await harness.post(guests[0])
    thread = await harness.comments.add(guests[0], post_id, "thread", None)
    parents = [None, thread.id] * 20
    await asyncio.gather(
        *(
            harness.comments.add(guests[number % 5], post_id, f"number {number}", parent)
            for number, parent in enumerate(parents)
        )
    )
    assert await harness.value("SELECT comments_count FROM posts WHERE id = ?", post_id) == 41
    assert await harness.value("SELECT replies_count FROM comments WHERE id = ?", thread.id) == 20


async def test_comments_are_paged_newest_first_without_gaps(harness: ServiceHarness) -> None:
    guest = await harness.user()
    post_id = await harness.post(guest)
    made = [(await harness.comments.add(guest, post_id, f"{n}", None)).id for n in range(9)]
    seen: list[CommentId] = []
    request = PageRequest(limit=4)
    while True:
        page = await harness.comments.list_by_post(guest, post_id, request)
        seen += [comment.id for comment in page.items]
        if page.next_cursor is None:
            break
        request = PageRequest(4, decode_cursor(page.next_cursor))
    assert seen == made[::-1]


async def test_text_is_stored_unchanged(harness: ServiceHarness) -> None:
    guest = await harness.user()
    post_id = await harness.post(guest)
    for content in ("😀", "🍣 and 🍺", "ẛ̣ ﬁ Å", "日本語", "'; DROP TABLE comments; --", "100 % \\ ? %s"):
        assert (await harness.comments.add(guest, post_id, content, None)).content == content


async def assert_counts_are_exact(harness: ServiceHarness) -> None:
    """Assert that counters equal the numbers of rows and that no reply lacks its parent."""
    wrong = await harness.rows(
        "SELECT id FROM posts WHERE comments_count <> (SELECT COUNT(*) FROM comments c WHERE c.post_id = posts.id)"
        " UNION SELECT it.id FROM comments it"
        " WHERE replies_count <> (SELECT COUNT(*) FROM comments r WHERE r.parent_id = it.id)"
        " UNION SELECT r.id FROM comments r WHERE r.parent_id IS NOT NULL"
        " AND r.parent_id NOT IN (SELECT id FROM (SELECT id FROM comments) parents)"
    )
    assert wrong == []


async def test_replies_are_paged_oldest_first_without_gaps(harness: ServiceHarness) -> None:
    guest = await harness.user()
    post_id = await harness.post(guest)
    thread, other = [(await harness.comments.add(guest, post_id, "thread", None)).id for _ in range(2)]
    made = [(await harness.comments.add(guest, post_id, f"{n}", thread)).id for n in range(7)]
    await harness.comments.add(guest, post_id, "elsewhere", other)
    seen: list[CommentId] = []
    request = PageRequest(limit=3)
    while True:
        page = await harness.comments.list_replies(guest, post_id, thread, request)
        seen += [reply.id for reply in page.items]
        if page.next_cursor is None:
            break
        request = PageRequest(3, decode_cursor(page.next_cursor, OLDEST_FIRST))
        with pytest.raises(InvalidInput):  # the cursors of the other order are refused
            decode_cursor(page.next_cursor)
        if len(seen) == 3:  # Deleting the cursor's own row moves nothing.
            await harness.comments.delete(guest, post_id, seen[-1])
    assert seen == made
    (newest,) = (await harness.comments.list_by_post(guest, post_id, PageRequest(1))).items
    with pytest.raises(InvalidInput):
        decode_cursor(encode_cursor(newest.id), OLDEST_FIRST)


async def test_comment_without_replies_has_an_empty_list(harness: ServiceHarness) -> None:
    guest = await harness.user()
    post_id, other = await harness.post(guest), await harness.post(guest)
    comment = await harness.comments.add(guest, post_id, "alone", None)
    assert (await harness.comments.list_replies(guest, post_id, comment.id, PageRequest())).items == []
    for where, whose in ((other, comment.id), (post_id, CommentId(404)), (PostId(404), comment.id)):
        with pytest.raises(NotFound):
            await harness.comments.list_replies(guest, where, whose, PageRequest())


async def test_deleting_a_comment_deletes_its_replies(harness: ServiceHarness) -> None:
    author, guest = await harness.users(2)
    post_id = await harness.post(author)
    first, second = [(await harness.comments.add(guest, post_id, "thread", None)).id for _ in range(2)]
    replies = [(await harness.comments.add(author, post_id, "reply", first)).id for _ in range(3)]
    kept = await harness.comments.add(author, post_id, "reply", second)

    await harness.comments.delete(author, post_id, replies[0])
    assert await harness.value("SELECT replies_count FROM comments WHERE id = ?", first) == 2
    await harness.comments.delete(guest, post_id, first)
    rows = await harness.rows("SELECT id FROM comments ORDER BY id")
    assert [row["id"] for row in rows] == [second, kept.id]
    assert await harness.value("SELECT comments_count FROM posts WHERE id = ?", post_id) == 2
    assert await harness.value("SELECT revision FROM posts WHERE id = ?", post_id) == 8
    await assert_counts_are_exact(harness)
    for gone in (first, *replies):
        with pytest.raises(NotFound):
            await harness.comments.delete(guest, post_id, gone)
    assert await harness.value("SELECT revision FROM posts WHERE id = ?", post_id) == 8


async def test_only_comment_and_post_authors_delete_a_comment(harness: ServiceHarness) -> None:
    author, guest, stranger = await harness.users(3)
    post_id, other = await harness.post(author), await harness.post(author)
    comments = [(await harness.comments.add(guest, post_id, f"{n}", None)).id for n in range(2)]
    with pytest.raises(Forbidden):
        await harness.comments.delete(stranger, post_id, comments[0])
    with pytest.raises(NotFound):
        await harness.comments.delete(guest, other, comments[0])
    for editor, comment_id in zip((author, guest), comments, strict=True):
        await harness.comments.delete(editor, post_id, comment_id)
    assert await harness.rows("SELECT id FROM comments") == []


async def test_deleted_comment_causes_no_notification(harness: ServiceHarness) -> None:
    author, guest = await harness.users(2)
    post_id = await harness.post(author)
    comment = await harness.comments.add(guest, post_id, "Sorry", None)
    await harness.comments.delete(guest, post_id, comment.id)
    assert await harness.work_off(JobKind.NOTIFY_COMMENT) == 1
    assert await harness.rows("SELECT id FROM notifications") == []


async def test_reply_concurrent_with_a_deletion_leaves_no_orphan(harness: ServiceHarness) -> None:
    guests = await harness.users(5)
    post_id = await harness.post(guests[0])
    for _ in range(4):
        parent = await harness.comments.add(guests[0], post_id, "parent", None)

        async def reply(guest: UserId, parent_id: CommentId = parent.id) -> None:
            with contextlib.suppress(NotFound):
                await harness.comments.add(guest, post_id, "reply", parent_id)

        deletion = harness.comments.delete(guests[0], post_id, parent.id)
        await asyncio.gather(*(reply(guest) for guest in guests[:3]), deletion, *map(reply, guests))
        await assert_counts_are_exact(harness)
    assert await harness.rows("SELECT id FROM comments") == []


async def test_concurrent_comments_and_deletions_keep_exact_counts(harness: ServiceHarness) -> None:
    guests = await harness.users(5)
    post_id = await harness.post(guests[0])
    thread = await harness.comments.add(guests[0], post_id, "thread", None)

    async def come_and_go(number: int) -> None:
        guest = guests[number % 5]
        comment = await harness.comments.add(guest, post_id, f"{number}", thread.id if number % 2 else None)
        if number % 3:
            await harness.comments.delete(guest, post_id, comment.id)
            with pytest.raises(NotFound):
                await harness.comments.delete(guest, post_id, comment.id)

    await asyncio.gather(*(come_and_go(number) for number in range(50)))
    assert await harness.value("SELECT comments_count FROM posts WHERE id = ?", post_id) == 18
    assert await harness.value("SELECT replies_count FROM comments WHERE id = ?", thread.id) == 8
    await assert_counts_are_exact(harness)
