"""A request with a key takes effect once, whoever else tries it at the same moment."""

import asyncio

import pytest

from server.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from server.ids import CommentId, PostId
from server.services.idempotency import Answer, Done
from server.services.unit_of_work import AlreadyDone, Once, Work
from tests.house import House

ANSWER = Answer(201, {"Location": "/posts/1"}, '{"id":"1","caption":"ü"}')


def once(house: House, content: bytes = b"content", key: str = "key") -> Once:
    return house.idempotency.once("user 1", "POST /posts", key, content)


async def test_an_effect_is_noted_with_its_result_and_later_its_answer(house: House) -> None:
    author_id, post_id = await house.user(), await house.post(await house.user())
    named = once(house)
    assert await house.idempotency.find(named) is None
    comment = await house.comments.add(author_id, post_id, "hello", None, named)
    assert await house.idempotency.find(named) == Done(comment.id, None)
    await house.idempotency.keep(named, ANSWER)
    assert await house.idempotency.find(named) == Done(comment.id, ANSWER)
    assert await house.comments.get(comment.id) == comment


async def test_twenty_at_the_same_moment_have_one_effect(house: House) -> None:
    author_id, post_id = await house.user(), await house.post(await house.user())
    answers = await asyncio.gather(
        *(house.comments.add(author_id, post_id, "hello", None, once(house)) for _ in range(20)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyDone"] * 19 + ["Comment"]
    assert await house.value("SELECT COUNT(*) AS n FROM comments") == 1
    assert await house.value("SELECT comments_count FROM posts") == 1
    assert await house.value("SELECT COUNT(*) AS n FROM jobs WHERE kind = 'notify.comment'") == 1


async def test_twenty_registrations_at_the_same_moment_make_one_account(house: House) -> None:
    async def register() -> object:
        return await house.accounts.register("ana", "ana@example.com", "a good password", "", once(house))

    answers = await asyncio.gather(*(register() for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, Conflict) for answer in answers) == 19, answers
    done = await house.idempotency.find(once(house))
    assert done is not None
    assert done.result_id == await house.value("SELECT id FROM users")


async def test_what_is_refused_leaves_its_key_free(house: House) -> None:
    author_id, post_id = await house.user(), await house.post(await house.user())
    with pytest.raises(NotFound):
        await house.comments.add(author_id, PostId(1), "hello", None, once(house))
    assert await house.idempotency.find(once(house)) is None
    await house.comments.add(author_id, post_id, "hello", None, once(house))


async def test_a_repeated_effect_is_undone_as_a_whole(house: House) -> None:
    ran = 0

    async def body(work: Work) -> int:
        nonlocal ran
        ran += 1
        return work.made_id

    made = await house.unit_of_work.run(body, once=once(house))
    with pytest.raises(AlreadyDone) as caught:
        await house.unit_of_work.run(body, once=once(house))
    assert ran == 1
    assert (caught.value.code, caught.value.retry_after_s) == ("idempotency_key_in_use", 1.0)
    assert await house.idempotency.find(once(house)) == Done(made, None)


async def test_another_request_under_the_same_key_is_refused(house: House) -> None:
    author_id, post_id = await house.user(), await house.post(await house.user())
    await house.comments.add(author_id, post_id, "hello", None, once(house))
    with pytest.raises(InvalidInput) as caught:
        await house.idempotency.find(once(house, b"other content"))
    assert caught.value.code == "idempotency_key_reused"
    # Another key, another person or another route has nothing to do with it.
    assert await house.idempotency.find(once(house, b"other content", "another key")) is None
    for who, route in (("user 2", "POST /posts"), ("user 1", "POST /stories")):
        assert await house.idempotency.find(house.idempotency.once(who, route, "key", b"content")) is None


async def test_nothing_that_was_sent_can_be_read_from_what_is_kept(house: House) -> None:
    named = once(house, b"a password")
    assert len(named.key_hash) == len(named.fingerprint) == 64
    other = type(house.idempotency)(house.database, b"another secret")
    assert other.once("user 1", "POST /posts", "key", b"a password").fingerprint != named.fingerprint


async def test_a_registration_is_repeated_by_whoever_still_knows_the_password(house: House) -> None:
    account = await house.accounts.register("ana", "ana@example.com", "a good password", "")
    assert await house.accounts.registered(account.id, "a good password") == account
    with pytest.raises(Unauthenticated):
        await house.accounts.registered(account.id, "another password")


async def test_a_comment_that_was_deleted_is_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        await house.comments.get(CommentId(1))
