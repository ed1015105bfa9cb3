"""Whatever happens, and whatever Redis forgets, the feed is what a list in memory says it is."""

import os
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from server.ids import PostId, UserId
from server.paging import PageRequest, decode_cursor
from server.services.feed.pages import Feed
from tests.support.harness import CELEBRITY_THRESHOLD, ServiceHarness

EXAMPLES = 400 if os.environ.get("CHAOS") == "full" else 20
PEOPLE = 4
CROWD = (
    CELEBRITY_THRESHOLD - 2
)  # with two of the people an author has a crowd, with none no more than half of one
FORGETTABLE = ("feed:{}", "follows:{}", "liked:{}", "author:{}", "counts", "people", "pulled", "cards:posts")

person = st.integers(0, PEOPLE - 1)
some = st.integers(0, 10_000)
acts = st.one_of(
    st.tuples(st.just("post"), person, some),
    st.tuples(st.just("post"), person, some),
    st.tuples(st.just("read"), person, some),
    st.tuples(st.just("read"), person, some),
    st.tuples(st.just("follow"), person, person),
    st.tuples(st.just("follow"), person, person),
    st.tuples(st.just("unfollow"), person, person),
    st.tuples(st.just("delete"), person, some),
    st.tuples(st.just("like"), person, some),
    st.tuples(st.just("unlike"), person, some),
    st.tuples(st.just("role"), person, some),
    st.tuples(st.just("crowd"), person, some),
    st.tuples(st.just("work"), person, some),
    st.tuples(st.just("forget"), person, some),
    st.tuples(st.just("restart"), person, some),
)


@dataclass
class Story:
    """The program's services, and beside them what they are to come to."""

    harness: ServiceHarness
    people: list[UserId]
    crowd: list[UserId]
    feeds: list[Feed]
    posts: list[tuple[PostId, UserId]] = field(default_factory=list)
    follows: set[tuple[UserId, UserId]] = field(default_factory=set)
    likes: set[tuple[UserId, PostId]] = field(default_factory=set)

    async def act(self, name: str, who: int, which: int) -> None:
        steps: dict[str, Callable[[UserId, int], Coroutine[Any, Any, None]]] = {
            "post": self.post, "read": self.read_a_page, "follow": self.follow, "unfollow": self.unfollow,
            "delete": self.delete, "like": self.like, "unlike": self.unlike, "role": self.change_role,
            "crowd": self.gather_a_crowd, "work": self.work, "forget": self.forget, "restart": self.restart,
        }  # fmt: skip
        await steps[name](self.people[who], which)

    async def post(self, author: UserId, _: int) -> None:
        self.posts.append((await self.harness.post(author), author))

    async def follow(self, follower: UserId, which: int) -> None:
        followee = self.people[which]
        if followee != follower:
            await self.harness.follows.follow(follower, followee)
            self.follows.add((follower, followee))

    async def unfollow(self, follower: UserId, which: int) -> None:
        followee = self.people[which]
        await self.harness.follows.unfollow(follower, followee)
        self.follows.discard((follower, followee))

    async def gather_a_crowd(self, author: UserId, which: int) -> None:
        """Strangers follow somebody, or leave."""
        change = self.harness.follows.follow if which % 2 else self.harness.follows.unfollow
        for stranger in self.crowd:
            await change(stranger, author)

    async def delete(self, _: UserId, which: int) -> None:
        if self.posts:
            post_id, _author = self.posts.pop(which % len(self.posts))
            await self.harness.delete(post_id)

    async def like(self, actor: UserId, which: int) -> None:
        if self.posts:
            post_id, _ = self.posts[which % len(self.posts)]
            await self.harness.likes.like(actor, post_id)
            self.likes.add((actor, post_id))

    async def unlike(self, actor: UserId, which: int) -> None:
        if self.posts:
            post_id, _ = self.posts[which % len(self.posts)]
            await self.harness.likes.unlike(actor, post_id)
            self.likes.discard((actor, post_id))

    async def change_role(self, author: UserId, which: int) -> None:
        role = "celebrity" if which % 2 else "user"
        await self.harness.database.execute("UPDATE users SET role = ? WHERE id = ?", [role, author])

    async def work(self, _: UserId, which: int) -> None:
        """Some of the jobs that are due, in whatever order."""
        due = await self.harness.due()
        for job_id in (due[::-1] if which % 2 else due)[: 1 + which % 5]:
            claim = await self.harness.jobs.claim(job_id)
            assert claim is not None
            await self.harness.handlers()[claim.kind](claim)

    async def forget(self, who: UserId, which: int) -> None:
        """Redis throws a key out, or all of them."""
        if which % 20 == 0:
            await self.harness.redis.flushdb()
        await self.harness.redis.delete(FORGETTABLE[which % len(FORGETTABLE)].format(who))

    async def restart(self, _: UserId, __: int) -> None:
        """Redis comes back, with all that it had, as another server: nobody knows how old that is."""
        await self.harness.wire.command("PING")
        connection = self.harness.wire._connection
        assert connection is not None
        connection.life = secrets.token_hex(6)

    async def read_a_page(self, reader: UserId, which: int) -> None:
        """Nothing is shown that does not belong, and nothing twice; what is new may still be on its way."""
        limit = 1 + which % 30
        page = await self.feeds[which % len(self.feeds)].page(reader, PageRequest(limit))
        ids = [post.id for post in page.items]
        expected = self.expected(reader)
        assert ids == [post_id for post_id in expected if post_id in set(ids)]
        assert len(ids) == min(limit, len(expected)) or await self.harness.due()

    def expected(self, reader: UserId) -> list[PostId]:
        authors = {reader, *(followee for follower, followee in self.follows if follower == reader)}
        return sorted((post_id for post_id, author in self.posts if author in authors), reverse=True)

    async def read_whole(self, feed: Feed, reader: UserId, limits: list[int]) -> None:
        expected, seen, after, turn = self.expected(reader), list[PostId](), None, 0
        while True:
            limit = limits[turn % len(limits)]
            page = await feed.page(reader, PageRequest(limit, after))
            seen += [post.id for post in page.items]
            for post in page.items:
                assert post.liked == ((reader, post.id) in self.likes)
                assert post.likes_count == sum(post_id == post.id for _, post_id in self.likes)
            if page.next_cursor is None:
                break
            assert len(page.items) == limit, "only the last page may be short"
            after, turn = decode_cursor(page.next_cursor), turn + 1
        assert seen == expected


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(
    story=st.lists(acts, min_size=20, max_size=120),
    limits=st.lists(st.integers(1, 30), min_size=1, max_size=5),
)
async def test_the_feed_is_always_what_the_model_says(
    harness: ServiceHarness, story: list[tuple[str, int, int]], limits: list[int]
) -> None:
    note(f"the story: {story}")
    await harness.redis.flushdb()
    feeds = [harness.feed, harness.feed_on(harness.wire)]
    told = Story(harness, await harness.users(PEOPLE), await harness.users(CROWD), feeds)
    for name, who, which in story:
        await told.act(name, who, which)
    while await harness.work_off():
        pass
    for reader in told.people:
        for feed in feeds:
            await told.read_whole(feed, reader, limits)
