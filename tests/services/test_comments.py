"""Comments and their replies."""

import asyncio

import pytest

from server.errors import NotFound
from server.ids import CommentId, PostId
from server.paging import PageRequest, decode_cursor
from server.services.reactions import JobKind
from tests.house import House


async def test_a_comment_is_counted_and_told(house: House) -> None:
    author, guest = await house.users(2)
    post_id = await house.post(author)
    comment = await house.comments.add(guest, post_id, "Nice, @Ada and @bob @ada!", None)
    assert (comment.post_id, comment.author.id, comment.parent_id) == (post_id, guest, None)
    assert comment.mentions == ("ada", "bob")
    assert await house.value("SELECT comments_count FROM posts WHERE id = ?", post_id) == 1
    claim = await house.claim(JobKind.NOTIFY_COMMENT)
    assert claim.payload == {
        "comment_id": comment.id,
        "post_id": post_id,
        "post_author_id": author,
        "actor_id": guest,
        "answered_id": None,
    }


async def test_a_reply_to_a_reply_joins_the_thread(house: House) -> None:
    guest = await house.user()
    post_id = await house.post(guest)
    first = await house.comments.add(guest, post_id, "first", None)
    reply = await house.comments.add(guest, post_id, "reply", first.id)
    deeper = await house.comments.add(guest, post_id, "deeper", reply.id)
    assert (reply.parent_id, deeper.parent_id) == (first.id, first.id)
    (shown,) = (await house.comments.of_post(guest, post_id, PageRequest())).items
    assert (shown.id, shown.replies_count) == (first.id, 2)
    assert await house.value("SELECT comments_count FROM posts WHERE id = ?", post_id) == 3


async def test_a_reply_stays_under_its_own_post(house: House) -> None:
    guest = await house.user()
    one, other = await house.post(guest), await house.post(guest)
    comment = await house.comments.add(guest, one, "here", None)
    for parent_id in (comment.id, CommentId(404)):
        with pytest.raises(NotFound):
            await house.comments.add(guest, other, "there", parent_id)
    assert await house.value("SELECT comments_count FROM posts WHERE id = ?", other) == 0
    assert await house.value("SELECT replies_count FROM comments WHERE id = ?", comment.id) == 0


async def test_a_missing_post_takes_no_comment(house: House) -> None:
    guest = await house.user()
    with pytest.raises(NotFound):
        await house.comments.add(guest, PostId(404), "hello?", None)
    with pytest.raises(NotFound):
        await house.comments.of_post(guest, PostId(404), PageRequest())
    assert await house.rows("SELECT id FROM comments") == []
    assert await house.due() == []


async def test_comments_and_replies_at_once_are_all_counted(house: House) -> None:
    guests = await house.users(5)
    post_id = await house.post(guests[0])
    thread = await house.comments.add(guests[0], post_id, "thread", None)
    parents = [None, thread.id] * 20
    await asyncio.gather(
        *(
            house.comments.add(guests[number % 5], post_id, f"number {number}", parent)
            for number, parent in enumerate(parents)
        )
    )
    assert await house.value("SELECT comments_count FROM posts WHERE id = ?", post_id) == 41
    assert await house.value("SELECT replies_count FROM comments WHERE id = ?", thread.id) == 20


async def test_comments_are_read_newest_first_without_a_gap(house: House) -> None:
    guest = await house.user()
    post_id = await house.post(guest)
    made = [(await house.comments.add(guest, post_id, f"{n}", None)).id for n in range(9)]
    seen: list[CommentId] = []
    request = PageRequest(limit=4)
    while True:
        page = await house.comments.of_post(guest, post_id, request)
        seen += [comment.id for comment in page.items]
        if page.next_cursor is None:
            break
        request = PageRequest(4, decode_cursor(page.next_cursor))
    assert seen == made[::-1]


async def test_text_comes_back_as_it_was_written(house: House) -> None:
    guest = await house.user()
    post_id = await house.post(guest)
    for content in ("😀", "🍣 and 🍺", "ẛ̣ ﬁ Å", "日本語", "'; DROP TABLE comments; --", "100 % \\ ? %s"):
        assert (await house.comments.add(guest, post_id, content, None)).content == content
