"""R15: fifty concurrent likes, follows or comments on one pair leave one row and exact counters."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import configuration, number, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Answer, Person
from tools.harness.backends import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

AT_ONCE = 50

Request = Coroutine[Any, Any, Answer]


async def together(*requests: Request) -> list[Answer]:
    """Run requests concurrently, in random order, and return their answers."""
    return await asyncio.gather(*random.sample(requests, len(requests)))


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def agree(stack: Stack, rows: str, counter: str, of: str) -> int:
    """Return the number of `rows`, and assert that the counter agrees."""
    counted = number(stack, f"SELECT COUNT(*) FROM {rows}")
    assert number(stack, f"SELECT {counter} FROM {of}") == counted
    return counted


@pytest.mark.timeout(600)
async def test_fifty_concurrent_repeats_have_one_effect(
    new_program: NewProgram, register: Register, stack: Stack, report: Report
) -> None:
    program = await new_program("--port=0", config=configuration(stack)).start()
    ana, bob = await register(program, "ana", "bob")
    post_id = (await ana.publish(photos.small()))["id"]
    for _ in range(rounds(1, 20)):
        await likes(stack, bob, post_id)
        await follows(stack, ana, bob)
        await comments(stack, ana, bob, post_id)
    answered = Counter(line["status"] for line in program.logged("request"))
    report(f"{stack.name}: answers by status {dict(sorted(answered.items()))}")
    assert max(answered) < 500
    assert "Traceback" not in program.out


async def likes(stack: Stack, bob: Person, post_id: str) -> None:
    path = f"/posts/{post_id}/likes"
    counted = (f"likes WHERE post_id = {post_id}", "likes_count", f"posts WHERE id = {post_id}")
    for method, count in (("POST", 1), ("DELETE", 0)):
        answers = await together(*(bob.call(method, path) for _ in range(AT_ONCE)))
        assert statuses(answers) == {200: AT_ONCE}
        assert all(answer.json == {"liked": bool(count), "likesCount": count} for answer in answers)
        assert agree(stack, *counted) == count
    answers = await together(
        *(bob.call(method, path) for method in ("POST", "DELETE") for _ in range(AT_ONCE // 2))
    )
    assert statuses(answers) == {200: AT_ONCE}
    assert all(answer.json["likesCount"] == int(answer.json["liked"]) for answer in answers)
    seen = await bob.request("GET", f"/posts/{post_id}")
    assert agree(stack, *counted) == seen["likesCount"] == int(seen["liked"])


async def follows(stack: Stack, ana: Person, bob: Person) -> None:
    path, pair = f"/users/{ana.id}/follow", f"follows WHERE follower_id = {bob.id} AND followee_id = {ana.id}"
    for method, count in (("POST", 1), ("DELETE", 0)):
        answers = await together(*(bob.call(method, path) for _ in range(AT_ONCE)))
        assert statuses(answers) == {200: AT_ONCE}
        state = {"following": bool(count), "requested": False, "followersCount": count}
        assert all(answer.json == state for answer in answers)
        assert agree(stack, pair, "followers_count", f"users WHERE id = {ana.id}") == count
        assert agree(stack, pair, "following_count", f"users WHERE id = {bob.id}") == count
    # Both follow each other: locking the two users in request order would deadlock here.
    crossed = [
        one.call(method, f"/users/{other.id}/follow")
        for one, other in ((ana, bob), (bob, ana))
        for method in ("POST", "DELETE")
        for _ in range(AT_ONCE // 4)
    ]
    assert statuses(await together(*crossed)).keys() == {200}
    for person in (ana, bob):
        user = f"users WHERE id = {person.id}"
        agree(stack, f"follows WHERE followee_id = {person.id}", "followers_count", user)
        agree(stack, f"follows WHERE follower_id = {person.id}", "following_count", user)
    for one, other in ((ana, bob), (bob, ana)):
        await one.request("DELETE", f"/users/{other.id}/follow")


async def comments(stack: Stack, ana: Person, bob: Person, post_id: str) -> None:
    path = f"/posts/{post_id}/comments"
    below_post = (f"comments WHERE post_id = {post_id}", "comments_count", f"posts WHERE id = {post_id}")
    thread = await bob.comment(post_id, "thread")
    bodies = [{"content": f"{n}", "parentId": thread["id"] if n % 2 else None} for n in range(AT_ONCE)]
    answers = await together(*(bob.call("POST", path, json=body) for body in bodies))
    assert statuses(answers) == {201: AT_ONCE}
    assert agree(stack, *below_post) == AT_ONCE + 1
    replies = f"comments WHERE parent_id = {thread['id']}"
    assert agree(stack, replies, "replies_count", f"comments WHERE id = {thread['id']}") == AT_ONCE // 2

    # Two clients delete each comment, while half of the threads are deleted and others still reply.
    doomed = [answer.json["id"] for answer in answers]
    answers = await together(
        *(person.call("DELETE", f"{path}/{each}") for person in (ana, bob) for each in doomed),
        bob.call("DELETE", f"{path}/{thread['id']}"),
        *(bob.call("POST", path, json=bodies[1]) for _ in range(5)),
    )
    assert statuses(answers).keys() <= {201, 204, 404}
    assert agree(stack, *below_post) == 0
