"""The server is killed around the time of scheduled posts: each is published once, not early, and reaches the feeds."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from tests.chaos.conftest import Report
from tests.chaos.environment import ask, configuration, rounds, settled
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, photo_form
from tools.harness.backends import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

KILLS = rounds(2, 20)
POSTS_PER_KILL = 3
DUE_AFTER_S = (1.0, 1.6)
KILLED_AFTER_S = (0.9, 1.9)
DEADLINE_S = 60.0


async def schedule(author: Person, caption: str) -> tuple[str, datetime]:
    """Schedule a post; return its caption and its time."""
    at = datetime.now(UTC) + timedelta(seconds=random.uniform(*DUE_AFTER_S))
    form = photo_form(photos.small())
    form.add_field("caption", caption)
    form.add_field("publishAt", at.isoformat(timespec="milliseconds"))
    await author.request("POST", "/posts", data=form)
    return caption, at.replace(microsecond=at.microsecond // 1000 * 1000)


@pytest.mark.timeout(900)
async def test_scheduled_posts_are_published_once(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    program = await new_program("--port=0", config=configuration(stack)).start()
    ana, ben = await register(program, "ana", "ben")
    await ben.follow(ana)
    wanted: dict[str, datetime] = {}
    for kill in range(KILLS):
        await ben.feed()  # cached, so that the fan-out adds to it
        captions = [f"Post {kill}.{number}" for number in range(POSTS_PER_KILL)]
        wanted.update([await schedule(ana, caption) for caption in captions])
        await asyncio.sleep(random.uniform(*KILLED_AFTER_S))  # the fault: at any moment around the times
        await program.kill()
        await program.start()
    last = max(wanted.values())
    await asyncio.sleep(max(0.0, (last - datetime.now(UTC)).total_seconds()))
    await settled(stack, DEADLINE_S)

    assert await ana.list_all("/posts?status=scheduled") == await ana.list_all("/posts?status=draft") == []
    posts = await ana.list_all("/posts")
    assert Counter(post["caption"] for post in posts) == dict.fromkeys(wanted, 1)
    for post in posts:
        assert datetime.fromisoformat(post["createdAt"]) >= wanted[post["caption"]]
    ids = [post["id"] for post in posts]
    assert [post["id"] for post in await ben.feed()] == ids
    payloads = ask(stack, "SELECT payload FROM jobs WHERE kind = 'feed.fan_out' AND state = 'completed'")
    fanned_out = [str(orjson.loads(payload)["post_id"]) for (payload,) in payloads]
    assert Counter(fanned_out) == dict.fromkeys(ids, 1)
    report(f"{stack.name}: {KILLS} kills around the times of {len(ids)} scheduled posts: each published once")
