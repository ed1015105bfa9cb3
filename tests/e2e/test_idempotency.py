"""Idempotency-Key: a repeated request has one effect and replays the first answer."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiohttp import FormData

from tests.e2e.conftest import Register
from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program, photo_form

KEY = "0d3c1a52-5c0e-4a54-9d2c-6d6f1f3f6d11"
TOGETHER = 20


async def post(person: Person, caption: str = "", key: str = KEY, shade: int = 128, **headers: str) -> Answer:
    data = photo_form(photos.small(shade), caption=caption)
    return await person.call("POST", "/posts", data=data, headers={"Idempotency-Key": key, **headers})


def assert_replay(answer: Answer, first: Answer) -> None:
    assert "Idempotency-Replayed" not in first.headers
    assert answer.headers["Idempotency-Replayed"] == "true"
    assert (answer.status, answer.content) == (first.status, first.content)
    for name in ("Location", "Content-Type"):
        assert answer.headers.get(name) == first.headers.get(name)


def assert_problem(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_repeated_request_replays_the_first_answer(program: Program, register: Register) -> None:
    ana, ben = await register(program, "ana", "ben")
    first = await post(ana, "one")
    assert first.status == 201
    await ben.like(first.json["id"])
    assert_replay(await post(ana, "one"), first)  # with another boundary, and after a like
    assert_problem(await post(ana, "two"), 422, "idempotency_key_reused")
    assert_problem(await post(ana, "one", shade=90), 422, "idempotency_key_reused")
    assert (await post(ben, "one")).json["id"] != first.json["id"]
    assert (await post(ana, "one", key="another key")).json["id"] != first.json["id"]

    path, body = f"/posts/{first.json['id']}/comments", {"content": "hello"}
    headers = {"Idempotency-Key": KEY}
    comment = await ben.call("POST", path, json=body, headers=headers)
    assert_replay(await ben.call("POST", path, json=body, headers=headers), comment)
    other = await ben.call("POST", path, json={"content": "hello!"}, headers=headers)
    assert_problem(other, 422, "idempotency_key_reused")
    elsewhere = f"/posts/{(await ana.publish(photos.small()))['id']}/comments"
    assert_problem(
        await ben.call("POST", elsewhere, json=body, headers=headers), 422, "idempotency_key_reused"
    )
    assert len(await ana.list_all(path)) == 1
    assert len(await ana.list_all("/posts")) == 3


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_invalid_key_is_refused_and_refusals_are_not_stored(
    program: Program, register: Register
) -> None:
    (ana,) = await register(program, "ana")
    for key in ("", "x" * 256, "ключ", "tab\there"):
        answer = await post(ana, key=key)
        assert answer.status == 422, key
        assert "Idempotency-Key" in answer.json["errors"]
    assert (await post(ana, key="x" * 255)).status == 201
    empty = await ana.call(
        "POST", "/posts", data=FormData({"caption": "x"}), headers={"Idempotency-Key": KEY}
    )
    assert empty.status in {415, 422}
    assert (await post(ana)).status == 201


async def test_repeated_registration_signs_in_to_the_same_account(
    program: Program, register: Register
) -> None:
    (ana,) = await register(program, "ana")
    ana.token = ""

    async def send(**changes: Any) -> Answer:
        body = {"username": "ben", "email": "ben@example.com", "password": "a good password", **changes}
        return await ana.call("POST", "/auth/register", json=body, headers={"Idempotency-Key": KEY})

    first, second = await send(), await send()
    assert (first.status, second.status) == (201, 201)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert first.json["user"] == second.json["user"]
    assert first.json["refreshToken"] != second.json["refreshToken"]
    assert_problem(await send(password="another password"), 422, "idempotency_key_reused")
    # Another client may choose the same key.
    other = {"username": "cleo", "email": "cleo@example.com", "password": "a good password"}
    headers = {"Idempotency-Key": KEY, "User-Agent": "another app"}
    assert (await ana.call("POST", "/auth/register", json=other, headers=headers)).status == 201
    ana.token = second.json["accessToken"]
    assert (await ana.call("GET", "/users/profile")).json["username"] == "ben"


async def test_concurrent_repeats_have_one_effect(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    path = f"/posts/{(await ana.publish(photos.small()))['id']}/comments"

    async def comment() -> Answer:
        return await ana.call("POST", path, json={"content": "once"}, headers={"Idempotency-Key": KEY})

    for send, listing, there_before in ((lambda: post(ana, "once"), "/posts", 1), (comment, path, 0)):
        answers = await asyncio.gather(*(send() for _ in range(TOGETHER)))
        statuses = Counter(answer.status for answer in answers)
        assert statuses.keys() <= {201, 409}, statuses
        made = {answer.json["id"] for answer in answers if answer.status == 201}
        assert len(made) == 1
        for answer in answers:
            if answer.status == 409:
                assert_problem(answer, 409, "idempotency_key_in_use")
                assert answer.headers["Retry-After"] == "1"
        assert len(await ana.list_all(listing)) == there_before + 1
        last = await send()
        assert (last.status, last.json["id"]) == (201, *made)
