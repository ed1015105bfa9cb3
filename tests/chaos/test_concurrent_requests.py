"""The same two, at once: fifty likes, follows, comments, and as many that take them back, leave one truth."""

import asyncio
import random
from collections import Counter
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.chaos.conftest import Report
from tests.chaos.scene import configuration, number, rounds
from tests.e2e.conftest import NewProgram, Register
from tests.support import photos
from tests.support.backends import Stack
from tests.support.program import Answer, Person

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

AT_ONCE = 50

Request = Coroutine[Any, Any, Answer]


async def together(*requests: Request) -> list[Answer]:
    """The answers to requests that are under way at the same time, made in a random order."""
    return await asyncio.gather(*random.sample(requests, len(requests)))


def statuses(answers: list[Answer]) -> Counter[int]:
    return Counter(answer.status for answer in answers)


def agree(stack: Stack, rows: str, counter: str, of: str) -> int:
    """How many `rows` there are; the counter of the row `of` says the same."""
    counted = number(stack, f"SELECT COUNT(*) FROM {rows}")
    assert number(stack, f"SELECT {counter} FROM {of}") == counted
    return counted


@pytest.mark.timeout(600)
async def test_what_two_do_fifty_times_at_once_is_done_once(
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
    seen = await bob.does("GET", f"/posts/{post_id}")
    assert agree(stack, *counted) == seen["likesCount"] == int(seen["liked"])


async def follows(stack: Stack, ana: Person, bob: Person) -> None:
    path, pair = f"/users/{ana.id}/follow", f"follows WHERE follower_id = {bob.id} AND followee_id = {ana.id}"
    for method, count in (("POST", 1), ("DELETE", 0)):
        answers = await together(*(bob.call(method, path) for _ in range(AT_ONCE)))
        assert statuses(answers) == {200: AT_ONCE}
        assert all(answer.json == {"following": bool(count), "followersCount": count} for answer in answers)
        assert agree(stack, pair, "followers_count", f"users WHERE id = {ana.id}") == count
        assert agree(stack, pair, "following_count", f"users WHERE id = {bob.id}") == count
    # Each the other, back and forth: whoever locks the two in the order of the request deadlocks here.
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
        await one.does("DELETE", f"/users/{other.id}/follow")


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

    # Two delete each comment, while the thread of half of them goes too, and others still reply to it.
    doomed = [answer.json["id"] for answer in answers]
    answers = await together(
        *(person.call("DELETE", f"{path}/{each}") for person in (ana, bob) for each in doomed),
        bob.call("DELETE", f"{path}/{thread['id']}"),
        *(bob.call("POST", path, json=bodies[1]) for _ in range(5)),
    )
    assert statuses(answers).keys() <= {201, 204, 404}
    assert agree(stack, *below_post) == 0
