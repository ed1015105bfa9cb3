"""Writers that send as fast as they are answered, their acknowledged writes, and checks of the effects."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import closing
from typing import Any

from aiohttp import ClientError

from tests.support.inputs import photos
from tests.support.program import Answer, Person, Program, photo_form
from tools.harness.backends import Stack
from tools.harness.waiting import wait_until

DONE_WITHIN_S = 30.0
INVALIDATED_WITHIN_S = 10.0
RETRY_AFTER_S = 0.05

# Type, actor, and the target post or comment.
Expected = tuple[str, str, str]


class Traffic:
    """Fans like and comment the posts of one author; each comment mentions the observer, who only reads.

    A request without an answer may or may not have taken effect. An answered one must have.
    """

    def __init__(self, author: Person, fans: list[Person], observer: Person) -> None:
        self.author = author
        self.fans = fans
        self.observer = observer
        self.posts: list[str] = []
        self.likes: set[tuple[str, str]] = set()
        self.comments: set[str] = set()
        self.refused: list[Answer] = []
        self.unanswered: list[Exception] = []
        self._stopping = False
        self._persistent = False

    @property
    def acknowledged(self) -> int:
        return len(self.posts) + len(self.likes) + len(self.comments)

    async def follow_author(self) -> None:
        """Let the fans follow the author and read their feeds.

        From now on the feeds are cached in Redis with one post. Only older posts are read from the database, so that a
        post that fan-out misses is not seen.
        """
        self.posts.append((await self.author.publish(photos.small()))["id"])
        for fan in self.fans:
            await fan.follow(self.author)
            assert [post["id"] for post in await fan.feed()] == self.posts

    def move_to(self, program: Program) -> None:
        """Direct all users to another program."""
        for person in (self.author, self.observer, *self.fans):
            person.program = program

    def stop(self) -> None:
        """Stop after the pending requests."""
        self._stopping = True

    async def run(self, *, persistently: bool = False) -> None:
        """Run until the program stops answering, or until `stop`; `persistently`: only until `stop`."""
        self._stopping, self._persistent = False, persistently
        await asyncio.gather(
            self._until_gone(self._publish), *(self._until_gone(self._react(fan)) for fan in self.fans)
        )

    async def _until_gone(self, act: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while not self._stopping:
            failed = len(self.refused) + len(self.unanswered)
            try:
                await act()
            except (ClientError, OSError) as error:
                self.unanswered.append(error)
                if not self._persistent:
                    return
            if len(self.refused) + len(self.unanswered) > failed:
                await asyncio.sleep(RETRY_AFTER_S)

    async def _publish(self) -> None:
        photo = photos.small(len(self.posts) % 256)
        answer = await self.author.call("POST", "/posts", data=photo_form(photo))
        if self._is_ok(answer):
            self.posts.append(answer.json["id"])

    def _react(self, fan: Person) -> Callable[[], Coroutine[Any, Any, None]]:
        async def react() -> None:
            post_id = self.posts[-1]
            if (fan.id, post_id) not in self.likes:
                if self._is_ok(await fan.call("POST", f"/posts/{post_id}/likes")):
                    self.likes.add((fan.id, post_id))
                return
            comment = {"content": f"look at this, @{self.observer.username}"}
            answer = await fan.call("POST", f"/posts/{post_id}/comments", json=comment)
            if self._is_ok(answer):
                self.comments.add(answer.json["id"])
            await asyncio.sleep(0.02)

        return react

    def _is_ok(self, answer: Answer) -> bool:
        if not answer.ok:
            self.refused.append(answer)
        return answer.ok


async def assert_complete(traffic: Traffic, stack: Stack) -> None:
    """Assert that acknowledged writes exist, and that each is in every feed and notified once."""
    await wait_until(lambda: _no_job_left(stack), DONE_WITHIN_S)
    assert jobs_in(stack, "dead") == 0

    posts = [post["id"] for post in await traffic.author.list_all("/posts")]
    assert set(traffic.posts) <= set(posts)
    assert len(posts) == len(set(posts))
    likes: set[tuple[str, str]] = set()
    for post_id in posts:
        likes |= {(each["id"], post_id) for each in await traffic.author.list_all(f"/posts/{post_id}/likes")}
    assert traffic.likes <= likes
    for fan in traffic.fans:
        shown = [(post_id, (fan.id, post_id) in likes) for post_id in posts]

        async def agrees(fan: Person = fan, shown: list[tuple[str, bool]] = shown) -> bool:
            return [(post["id"], post["liked"]) for post in await fan.feed()] == shown

        # A sweep expires what a killed process left stale, a few seconds later.
        assert await wait_until(agrees, INVALIDATED_WITHIN_S), f"the feed of {fan.username}"

    comments: dict[str, str] = {}
    for post_id in posts:
        for comment in await traffic.author.list_all(f"/posts/{post_id}/comments"):
            comments[comment["id"]] = comment["author"]["id"]
    assert traffic.comments <= comments.keys()

    wanted = Counter[Expected](
        [("follow", fan.id, "") for fan in traffic.fans]
        + [
            ("like", f"{count} people", post_id)
            for post_id, count in Counter(post for _, post in likes).items()
        ]
        + [("comment", author_id, comment_id) for comment_id, author_id in comments.items()]
    )
    assert _differences(wanted, await _notifications_of(traffic.author)) == []
    mentions = Counter[Expected](
        ("mention", author_id, comment_id) for comment_id, author_id in comments.items()
    )
    assert _differences(mentions, await _notifications_of(traffic.observer)) == []


def jobs_in(stack: Stack, *states: str) -> int:
    """Count the feed and notification jobs in these states."""
    names = ", ".join(f"'{state}'" for state in states)
    question = f"SELECT COUNT(*) FROM jobs WHERE queue IN ('feed', 'notifications') AND state IN ({names})"
    if stack.mariadb is not None:
        return int(stack.mariadb.query(question, stack.database["DB_NAME"]))
    with closing(sqlite3.connect(stack.sqlite_file, timeout=10)) as database:
        return int(database.execute(question).fetchone()[0])


async def _no_job_left(stack: Stack) -> bool:
    return jobs_in(stack, "ready", "running") == 0


async def _notifications_of(person: Person) -> Counter[Expected]:
    """Return type, actor and target of each notification; likes of a post are one entry with a count."""
    return Counter(
        (
            each["type"],
            f"{each['othersCount'] + 1} people" if each["type"] == "like" else each["actor"]["id"],
            (each.get("comment") or each.get("post") or {"id": ""})["id"],
        )
        for each in await person.notifications()
    )


def _differences(wanted: Counter[Expected], found: Counter[Expected]) -> list[str]:
    missing = [f"missing: {each}" for each in (wanted - found).elements()]
    return missing + [f"too many: {each}" for each in (found - wanted).elements()]
