"""A request with an idempotency key takes effect once, even if it is repeated at the same moment."""

import asyncio

import pytest

from server.errors import Conflict, InvalidInput, NotFound, Unauthenticated
from server.ids import CommentId, PostId
from server.models.jobs.idempotency_keys import IdempotencyKeyRepository
from server.services.jobs.idempotency import CompletedRequest, Idempotency, StoredResponse
from server.services.jobs.unit_of_work import AlreadyDone, IdempotencyToken, WorkContext
from tools.harness.services import ServiceHarness

RESPONSE = StoredResponse(201, {"Location": "/posts/1"}, '{"id":"1","caption":"ü"}')


def token(harness: ServiceHarness, content: bytes = b"content", key: str = "key") -> IdempotencyToken:
    return harness.idempotency.token("user 1", "POST /posts", key, content)


async def test_request_is_recorded_with_result_and_response(harness: ServiceHarness) -> None:
    author_id, post_id = await harness.user(), await harness.post(await harness.user())
    named = token(harness)
    assert await harness.idempotency.find(named) is None
    comment = await harness.comments.add(author_id, post_id, "hello", None, named)
    assert await harness.idempotency.find(named) == CompletedRequest(comment.id, None)
    await harness.idempotency.save(named, RESPONSE)
    assert await harness.idempotency.find(named) == CompletedRequest(comment.id, RESPONSE)
    assert await harness.comments.get(comment.id) == comment


async def test_twenty_simultaneous_requests_have_one_effect(harness: ServiceHarness) -> None:
    author_id, post_id = await harness.user(), await harness.post(await harness.user())
    answers = await asyncio.gather(
        *(harness.comments.add(author_id, post_id, "hello", None, token(harness)) for _ in range(20)),
        return_exceptions=True,
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyDone"] * 19 + ["Comment"]
    assert await harness.value("SELECT COUNT(*) AS n FROM comments") == 1
    assert await harness.value("SELECT comments_count FROM posts") == 1
    assert await harness.value("SELECT COUNT(*) AS n FROM jobs WHERE kind = 'notify.comment'") == 1


async def test_twenty_simultaneous_registrations_create_one_account(harness: ServiceHarness) -> None:
    async def register() -> object:
        return await harness.accounts.register(
            "ana", "ana@example.com", "a good password", "", token(harness)
        )

    answers = await asyncio.gather(*(register() for _ in range(20)), return_exceptions=True)
    assert sum(isinstance(answer, Conflict) for answer in answers) == 19, answers
    done = await harness.idempotency.find(token(harness))
    assert done is not None
    assert done.result_id == await harness.value("SELECT id FROM users")


async def test_refused_request_leaves_its_key_free(harness: ServiceHarness) -> None:
    author_id, post_id = await harness.user(), await harness.post(await harness.user())
    with pytest.raises(NotFound):
        await harness.comments.add(author_id, PostId(1), "hello", None, token(harness))
    assert await harness.idempotency.find(token(harness)) is None
    await harness.comments.add(author_id, post_id, "hello", None, token(harness))


async def test_repeated_request_has_no_effect(harness: ServiceHarness) -> None:
    ran = 0

    async def create(work: WorkContext) -> int:
        nonlocal ran
        ran += 1
        return work.result_id

    made = await harness.unit_of_work.run(create, token=token(harness))
    with pytest.raises(AlreadyDone) as caught:
        await harness.unit_of_work.run(create, token=token(harness))
    assert ran == 1
    assert (caught.value.code, caught.value.retry_after_s) == ("idempotency_key_in_use", 1.0)
    assert await harness.idempotency.find(token(harness)) == CompletedRequest(made, None)


async def test_key_with_other_content_is_rejected(harness: ServiceHarness) -> None:
    author_id, post_id = await harness.user(), await harness.post(await harness.user())
    await harness.comments.add(author_id, post_id, "hello", None, token(harness))
    with pytest.raises(InvalidInput) as caught:
        await harness.idempotency.find(token(harness, b"other content"))
    assert caught.value.code == "idempotency_key_reused"
    # Another key, another person or another route has nothing to do with it.
    assert await harness.idempotency.find(token(harness, b"other content", "another key")) is None
    for who, route in (("user 2", "POST /posts"), ("user 1", "POST /stories")):
        assert (
            await harness.idempotency.find(harness.idempotency.token(who, route, "key", b"content")) is None
        )


async def test_token_reveals_nothing_of_the_request(harness: ServiceHarness) -> None:
    named = token(harness, b"a password")
    assert len(named.key_hash) == len(named.fingerprint) == 64
    other = Idempotency(IdempotencyKeyRepository(harness.database), b"another secret")
    assert other.token("user 1", "POST /posts", "key", b"a password").fingerprint != named.fingerprint


async def test_registration_is_repeated_only_with_its_password(
    harness: ServiceHarness,
) -> None:
    account = await harness.accounts.register("ana", "ana@example.com", "a good password", "")
    assert await harness.password_authentication.get_registered(account.id, "a good password") == account
    with pytest.raises(Unauthenticated):
        await harness.password_authentication.get_registered(account.id, "another password")


async def test_deleted_comment_is_not_found(harness: ServiceHarness) -> None:
    with pytest.raises(NotFound):
        await harness.comments.get(CommentId(1))
