"""Property test: whatever happens and whatever Redis evicts, the feed matches a model in memory."""

import itertools
import os
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from server.ids import PostId, UserId
from server.paging import PageRequest, decode_cursor
from server.services.feed.pages import Feed
from server.services.jobs.event_jobs import JobKind
from tools.harness.services import CELEBRITY_THRESHOLD, ServiceHarness

EXAMPLES = 400 if os.environ.get("CHAOS") == "full" else 20
USERS = 4
examples = itertools.count(1)
# With two of the users an author reaches the threshold; without any, at most half of it.
EXTRA_FOLLOWERS = CELEBRITY_THRESHOLD - 2
EVICTABLE = (
    "feed:{}",
    "follows:{}",
    "relations:{}",
    "tags:{}",
    "strangers:{}",
    "liked:{}",
    "author:{}",
    "counts",
    "people",
    "fan_out_on_read",
    "cards:posts",
)

user = st.integers(0, USERS - 1)
some = st.integers(0, 10_000)
actions = st.one_of(
    st.tuples(st.just("post"), user, some),
    st.tuples(st.just("post"), user, some),
    st.tuples(st.just("read"), user, some),
    st.tuples(st.just("read"), user, some),
    st.tuples(st.just("follow"), user, user),
    st.tuples(st.just("follow"), user, user),
    st.tuples(st.just("unfollow"), user, user),
    st.tuples(st.just("tagged post"), user, some),
    st.tuples(st.just("tagged post"), user, some),
    st.tuples(st.just("follow tag"), user, some),
    st.tuples(st.just("unfollow tag"), user, some),
    st.tuples(st.just("edit"), user, some),
    st.tuples(st.just("mute"), user, user),
    st.tuples(st.just("unmute"), user, user),
    st.tuples(st.just("privacy"), user, some),
    st.tuples(st.just("delete"), user, some),
    st.tuples(st.just("like"), user, some),
    st.tuples(st.just("unlike"), user, some),
    st.tuples(st.just("role"), user, some),
    st.tuples(st.just("crowd"), user, some),
    st.tuples(st.just("work"), user, some),
    st.tuples(st.just("evict"), user, some),
    st.tuples(st.just("restart"), user, some),
)


@dataclass
class FeedModel:
    """The services under test, and the state that they should be in."""

    harness: ServiceHarness
    users: list[UserId]
    extra_followers: list[UserId]
    feeds: list[Feed]
    hashtags: list[str]
    posts: list[tuple[PostId, UserId]] = field(default_factory=list)
    follows: set[tuple[UserId, UserId]] = field(default_factory=set)
    likes: set[tuple[UserId, PostId]] = field(default_factory=set)
    tags: dict[PostId, str] = field(default_factory=dict)
    tag_follows: set[tuple[UserId, str]] = field(default_factory=set)
    mutes: set[tuple[UserId, UserId]] = field(default_factory=set)
    private: set[UserId] = field(default_factory=set)

    async def apply(self, name: str, who: int, which: int) -> None:
        steps: dict[str, Callable[[UserId, int], Coroutine[Any, Any, None]]] = {
            "post": self.post, "read": self.read_page, "follow": self.follow, "unfollow": self.unfollow,
            "delete": self.delete, "like": self.like, "unlike": self.unlike, "role": self.change_role,
            "tagged post": self.post_tagged, "follow tag": self.follow_tag, "unfollow tag": self.unfollow_tag,
            "edit": self.edit, "mute": self.mute, "unmute": self.unmute, "privacy": self.change_privacy,
            "crowd": self.change_followers, "work": self.work, "evict": self.evict, "restart": self.restart,
        }  # fmt: skip
        await steps[name](self.users[who], which)

    async def post(self, author: UserId, _: int) -> None:
        self.posts.append((await self.harness.post(author), author))

    async def post_tagged(self, author: UserId, which: int) -> None:
        tag = self.hashtags[which % len(self.hashtags)]
        post_id = await self.harness.post(author, f"#{tag}")
        self.posts.append((post_id, author))
        self.tags[post_id] = tag

    async def edit(self, _: UserId, which: int) -> None:
        """Give a post another hashtag, or none."""
        if self.posts:
            post_id, author = self.posts[which % len(self.posts)]
            tag = (*self.hashtags, "")[which % 3]
            await self.harness.posts.edit(author, post_id, f"#{tag}" if tag else "plain", None)
            self.tags[post_id] = tag

    async def follow_tag(self, reader: UserId, which: int) -> None:
        tag = self.hashtags[which % len(self.hashtags)]
        await self.harness.discovery.hashtag_follows.follow(reader, tag)
        self.tag_follows.add((reader, tag))

    async def unfollow_tag(self, reader: UserId, which: int) -> None:
        tag = self.hashtags[which % len(self.hashtags)]
        await self.harness.discovery.hashtag_follows.unfollow(reader, tag)
        self.tag_follows.discard((reader, tag))

    async def mute(self, reader: UserId, which: int) -> None:
        if self.users[which] != reader:
            await self.harness.mutes.mute(reader, self.users[which])
            self.mutes.add((reader, self.users[which]))

    async def unmute(self, reader: UserId, which: int) -> None:
        await self.harness.mutes.unmute(reader, self.users[which])
        self.mutes.discard((reader, self.users[which]))

    async def change_privacy(self, author: UserId, which: int) -> None:
        """Make an account private; its followers stay. Requests would follow, so only for a moment."""
        await self.harness.profiles.edit(author, {"is_private": bool(which % 2)})
        (self.private.add if which % 2 else self.private.discard)(author)

    async def follow(self, follower: UserId, which: int) -> None:
        followee = self.users[which]
        if followee != follower and followee not in self.private:
            await self.harness.follows.follow(follower, followee)
            self.follows.add((follower, followee))

    async def unfollow(self, follower: UserId, which: int) -> None:
        followee = self.users[which]
        await self.harness.follows.unfollow(follower, followee)
        self.follows.discard((follower, followee))

    async def change_followers(self, author: UserId, which: int) -> None:
        """Let all extra users follow or unfollow an author."""
        change = self.harness.follows.follow if which % 2 else self.harness.follows.unfollow
        for stranger in self.extra_followers:
            await change(stranger, author)

    async def delete(self, _: UserId, which: int) -> None:
        if self.posts:
            post_id, _author = self.posts.pop(which % len(self.posts))
            await self.harness.delete(post_id)

    async def like(self, actor: UserId, which: int) -> None:
        if self.posts:
            post_id, author = self.posts[which % len(self.posts)]
            if not self.sees(actor, author):
                return
            await self.harness.likes.like(actor, post_id)
            self.likes.add((actor, post_id))

    async def unlike(self, actor: UserId, which: int) -> None:
        if self.posts:
            post_id, author = self.posts[which % len(self.posts)]
            if not self.sees(actor, author):
                return
            await self.harness.likes.unlike(actor, post_id)
            self.likes.discard((actor, post_id))

    async def change_role(self, author: UserId, which: int) -> None:
        role = "celebrity" if which % 2 else "user"
        await self.harness.database.execute("UPDATE users SET role = ? WHERE id = ?", [role, author])

    async def work(self, _: UserId, which: int) -> None:
        """Run some of the due jobs, in either order."""
        due = await self.harness.due()
        for job_id in (due[::-1] if which % 2 else due)[: 1 + which % 5]:
            claim = await self.harness.jobs.claim(job_id)
            assert claim is not None
            await self.harness.handlers()[claim.kind](claim)

    async def evict(self, who: UserId, which: int) -> None:
        """Evict a key from Redis, or all of them."""
        if which % 20 == 0:
            await self.harness.redis.flushdb()
        await self.harness.redis.delete(EVICTABLE[which % len(EVICTABLE)].format(who))

    async def restart(self, _: UserId, __: int) -> None:
        """Change the run id, as if Redis had restarted with data of unknown age."""
        await self.harness.pipelined_redis.command("PING")
        connection = self.harness.pipelined_redis._connection
        assert connection is not None
        connection.run_id = secrets.token_hex(6)

    async def read_page(self, reader: UserId, which: int) -> None:
        """Check that a page has no wrong posts or duplicates; new posts may be missing while jobs are due."""
        limit = 1 + which % 30
        page = await self.feeds[which % len(self.feeds)].page(reader, PageRequest(limit))
        ids = [post.id for post in page.items]
        if await self.harness.due(JobKind.INDEX_POST, JobKind.INDEX_USER, JobKind.UPDATE_TAG_LISTS):
            return  # hashtags follow captions and privacy by jobs
        expected = self.expected(reader)
        assert ids == [post_id for post_id in expected if post_id in set(ids)]
        assert len(ids) == min(limit, len(expected)) or await self.harness.due()

    def expected(self, reader: UserId) -> list[PostId]:
        return sorted(
            (post_id for post_id, author in self.posts if self.has(reader, post_id, author)), reverse=True
        )

    def has(self, reader: UserId, post_id: PostId, author: UserId) -> bool:
        """Return whether the reader's feed has a post."""
        if author == reader:
            return True
        if (reader, author) in self.mutes:
            return False
        tagged = (reader, self.tags.get(post_id, "")) in self.tag_follows and author not in self.private
        return tagged or (reader, author) in self.follows

    def sees(self, viewer: UserId, author: UserId) -> bool:
        return viewer == author or author not in self.private or (viewer, author) in self.follows

    async def read_all(self, feed: Feed, reader: UserId, limits: list[int]) -> None:
        expected, seen, after, number = self.expected(reader), list[PostId](), None, 0
        while True:
            limit = limits[number % len(limits)]
            page = await feed.page(reader, PageRequest(limit, after))
            seen += [post.id for post in page.items]
            for post in page.items:
                assert post.liked == ((reader, post.id) in self.likes)
                assert post.relationship.following == ((reader, post.author.id) in self.follows)
                assert post.relationship.followed_by == ((post.author.id, reader) in self.follows)
                assert post.likes_count == sum(post_id == post.id for _, post_id in self.likes)
            if page.next_cursor is None:
                break
            assert len(page.items) == limit, "only the last page may be short"
            after, number = decode_cursor(page.next_cursor), number + 1
        assert seen == expected


@pytest.mark.timeout(7200 if EXAMPLES > 20 else 240)
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
    actions_taken=st.lists(actions, min_size=20, max_size=120),
    limits=st.lists(st.integers(1, 30), min_size=1, max_size=5),
)
async def test_feed_always_matches_the_model(
    harness: ServiceHarness, actions_taken: list[tuple[str, int, int]], limits: list[int]
) -> None:
    note(f"actions: {actions_taken}")
    await harness.redis.flushdb()
    # Of this example only: the rows of earlier ones stay.
    hashtags = [f"{name}{next(examples)}" for name in ("light", "shadow")]
    feeds = [harness.feed, harness.feed_on(harness.pipelined_redis)]
    model = FeedModel(
        harness, await harness.users(USERS), await harness.users(EXTRA_FOLLOWERS), feeds, hashtags
    )
    for name, who, which in actions_taken:
        await model.apply(name, who, which)
    while await harness.work_off():
        pass
    for reader in model.users:
        for feed in feeds:
            await model.read_all(feed, reader, limits)
