"""R1: a worker is killed during a large fan-out; every feed gets the post and every like notifies, once."""

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from redis import Redis

from tests.chaos.conftest import Report
from tests.chaos.environment import LEASE_S, ask, configuration, insert, number, redis_of, rounds, settled
from tests.e2e.conftest import NewProgram, Register
from tests.support.inputs import photos
from tests.support.program import Person, Program
from tools.harness.backends import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("migrated_stack")]

FOLLOWERS = 5000
FANS = 5
FIRST_FOLLOWER = 10_000
RESUMED_WITHIN_S = 30.0
FEED_TTL_S = 1_209_600
KILL_WITHIN_S = 0.5


async def test_fan_out_survives_a_killed_worker(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    config = small_batches(stack)
    # The first process owns the embedded Redis, which would be killed with it.
    api = await new_program("--port=0", "--role=api", config=config).start()
    worker = await new_program("--role=worker", config=config).start()
    crowd = await Crowd.gather(stack, api, register)
    for _ in range(rounds(1, 20)):
        await crowd.publishes()
        await asyncio.gather(crowd.likes_it(), kill_in_the_middle(worker))
        crowd.note_kill()
        await worker.start()
        await crowd.is_served()
    report(crowd.figures(f"R1 {stack.name}"))


@pytest.mark.parametrize("stack", ["mariadb"], indirect=True)  # the embedded stack has one worker
async def test_another_worker_takes_over_the_fan_out(
    stack: Stack, new_program: NewProgram, register: Register, report: Report
) -> None:
    config = small_batches(stack)
    api = await new_program("--port=0", "--role=api", config=config).start()
    workers = [await new_program("--role=worker", config=config).start() for _ in range(2)]
    crowd = await Crowd.gather(stack, api, register)
    for _ in range(rounds(1, 20)):
        await crowd.publishes()
        await asyncio.gather(crowd.likes_it(), kill_in_the_middle(workers[0]))
        crowd.note_kill()
        await crowd.is_served()
        await workers[0].start()
        workers.reverse()
    report(crowd.figures(f"R1 {stack.name}, another worker there"))


def small_batches(stack: Stack) -> Path:
    return configuration(stack, {"fan_out_batch = 1000": "fan_out_batch = 20"})


async def kill_in_the_middle(worker: Program) -> None:
    await asyncio.sleep(random.uniform(0, KILL_WITHIN_S))
    await worker.kill()


def marker(stack: Stack, redis: Redis) -> str:
    """Return the marker of a complete cached feed on the running server; its score is 0."""
    ((epoch,),) = ask(stack, "SELECT epoch FROM installation")
    generation = number(stack, "SELECT generation FROM cache_generations")
    return f"built:{redis.info('server')['run_id'][:12]}{epoch}.{generation}"


class Crowd:
    """An author with thousands of cached follower feeds, and a few fans who like the posts."""

    def __init__(self, stack: Stack, author: Person, fans: list[Person], followers: list[int]) -> None:
        self._stack = stack
        self._author = author
        self._fans = fans
        self._feeds = [f"feed:{reader}" for reader in [int(author.id), *followers]]
        self._posts: list[str] = []
        self._killed_at = 0.0
        self._in_the_middle = 0
        self._slowest_s = 0.0

    @classmethod
    async def gather(cls, stack: Stack, api: Program, register: Register) -> "Crowd":
        author, *fans = await register(api, "author", *(f"fan{n}" for n in range(FANS)))
        followers = list(range(FIRST_FOLLOWER, FIRST_FOLLOWER + FOLLOWERS))
        columns = (
            "username, username_key, email, email_key, password_hash, password_changed_at_ms, created_at_ms"
        )
        insert(
            stack,
            "users",
            f"id, {columns}, full_name, bio, website, avatar_key, role, posts_count, followers_count, following_count",
            (
                f"{n}, 'u{n}', 'u{n}', 'u{n}@x.test', 'u{n}@x.test', '', 0, 0, '', '', '', '', 'user', 0, 0, 1"
                for n in followers
            ),
        )
        insert(
            stack, "follows", "id, follower_id, followee_id", (f"{n}, {n}, {author.id}" for n in followers)
        )
        crowd = cls(stack, author, fans, followers)
        with redis_of(stack) as redis, redis.pipeline(transaction=False) as pipeline:
            built = marker(stack, redis)
            for feed in crowd._feeds:
                pipeline.zadd(feed, {built: 0})
                pipeline.expire(feed, FEED_TTL_S)
            pipeline.execute()
        return crowd

    async def publishes(self) -> None:
        post = await self._author.publish(photos.small(len(self._posts)))
        self._posts.append(post["id"])

    async def likes_it(self) -> None:
        await asyncio.gather(*(fan.like(self._posts[-1]) for fan in self._fans))

    def note_kill(self) -> None:
        self._killed_at = time.monotonic()
        progress = ask(
            self._stack, "SELECT COUNT(*) FROM jobs WHERE kind = 'feed.fan_out' AND state = 'running'"
        )
        self._in_the_middle += int(progress[0][0])

    async def is_served(self) -> None:
        """Assert that everything arrives once, in time, without new traffic."""
        await settled(self._stack, RESUMED_WITHIN_S)
        self._slowest_s = max(self._slowest_s, time.monotonic() - self._killed_at)
        assert self._slowest_s < RESUMED_WITHIN_S
        with redis_of(self._stack) as redis, redis.pipeline(transaction=False) as pipeline:
            wanted = {marker(self._stack, redis), *self._posts}
            for feed in self._feeds:
                pipeline.zrange(feed, 0, -1)
            members: list[list[str]] = pipeline.execute()
        wrong = [feed for feed, found in zip(self._feeds, members, strict=True) if set(found) != wanted]
        assert wrong == []
        assert [post["id"] for post in await self._author.feed()] == self._posts[::-1]
        told = Counter(
            (each["type"], each["othersCount"] + 1, each["post"]["id"])
            for each in await self._author.notifications()
        )
        assert told == Counter(("like", len(self._fans), post) for post in self._posts)
        assert number(self._stack, "SELECT COUNT(*) FROM jobs WHERE state = 'dead'") == 0

    def figures(self, title: str) -> str:
        kills = len(self._posts)
        return (
            f"{title}: {kills} kills, {self._in_the_middle} in the middle of a fan-out, {FOLLOWERS} feeds,"
            f" 0 lost, 0 doubled, all served within {self._slowest_s:.1f} s (lease {LEASE_S:g} s)"
        )
