"""Property test: whatever happens, explore, suggestions, trends and hashtag pages match a model in memory."""

import itertools
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import PostId, UserId
from server.paging import PageRequest, decode_cursor
from server.services.discovery.trends import MIN_AUTHORS
from server.services.explore.pages import Explore
from tests.services.explore.explores import rank
from tools.harness.services import ServiceHarness

EXAMPLES = 300 if os.environ.get("CHAOS") == "full" else 10
USERS = 5
EVICTABLE = ("strangers:{}", "liked:{}", "seen:{}", "feed:{}", "counts", "people", "cards:posts")
NO_REDIS = "redis://127.0.0.1:1"

examples = itertools.count(1)
user = st.integers(0, USERS - 1)
some = st.integers(0, 10_000)
NAMES = (
    "post", "post", "like", "unlike", "follow", "follow", "unfollow", "mute", "unmute", "block", "unblock", "restrict",
    "unrestrict", "privacy", "delete", "rank", "rank", "read", "read", "evict", "dismiss", "work",
)  # fmt: skip
actions = st.tuples(st.sampled_from(NAMES), user, some)


@dataclass
class DiscoveryModel:
    """The services under test, and the state that they should be in. Pairs are (subject, target)."""

    harness: ServiceHarness
    users: list[UserId]
    tag: str
    posts: dict[PostId, UserId] = field(default_factory=dict)
    likes: set[tuple[UserId, PostId]] = field(default_factory=set)
    pairs: dict[str, set[tuple[UserId, UserId]]] = field(
        default_factory=lambda: {name: set() for name in ("follow", "mute", "block", "restrict", "dismiss")}
    )
    private: set[UserId] = field(default_factory=set)

    async def apply(self, name: str, who: UserId, which: int) -> None:
        other = self.users[which % USERS]
        posts = list(self.posts)
        post_id = posts[which % len(posts)] if posts else None
        match name:
            case "post":
                self.posts[await self.harness.post(who, f"#{self.tag}")] = who
            case "like" | "unlike" if post_id is not None and self.sees(who, post_id):
                change = self.harness.likes.like if name == "like" else self.harness.likes.unlike
                await change(who, post_id)
                (self.likes.add if name == "like" else self.likes.discard)((who, post_id))
            case "delete" if post_id is not None:
                await self.harness.delete(post_id)
                del self.posts[post_id]
            case "privacy":
                await self.harness.profiles.edit(other, {"is_private": bool(which % 2)})
                (self.private.add if which % 2 else self.private.discard)(other)
            case "rank":
                await rank(self.harness)
            case "read":
                await self.harness.explore.page(who, 1 + which % 5)
            case "evict":
                await self.harness.redis.delete(EVICTABLE[which % len(EVICTABLE)].format(who))
            case "work":
                await self.harness.work_off()
            case _ if name in self._changes and other != who:
                await self._relate(name, who, other)
            case _:
                pass

    async def _relate(self, name: str, who: UserId, other: UserId) -> None:
        blocked = {(who, other), (other, who)} & self.pairs["block"]
        if (name not in ("unblock", "unfollow") and blocked) or (name == "follow" and other in self.private):
            return
        if (other, who) in self.pairs["block"]:
            return
        await self._changes[name](who, other)
        kind = name.removeprefix("un")
        (self.pairs[kind].discard if name.startswith("un") else self.pairs[kind].add)((who, other))
        if name == "block":
            self.pairs["follow"] -= {(who, other), (other, who)}

    @property
    def _changes(self) -> dict[str, Callable[[UserId, UserId], Coroutine[Any, Any, Any]]]:
        harness = self.harness
        return {
            "follow": harness.follows.follow, "unfollow": harness.follows.unfollow,
            "mute": harness.mutes.mute, "unmute": harness.mutes.unmute,
            "block": harness.blocks.block, "unblock": harness.blocks.unblock,
            "restrict": harness.restrictions.restrict, "unrestrict": harness.restrictions.unrestrict,
            "dismiss": harness.discovery.suggestions.dismiss,
        }  # fmt: skip

    def sees(self, viewer: UserId, post_id: PostId) -> bool:
        author = self.posts[post_id]
        if {(viewer, author), (author, viewer)} & self.pairs["block"]:
            return False
        return viewer == author or author not in self.private or (viewer, author) in self.pairs["follow"]

    def is_stranger(self, viewer: UserId, other: UserId) -> bool:
        related = {kind for kind in ("follow", "mute", "restrict") if (viewer, other) in self.pairs[kind]}
        blocked = {(viewer, other), (other, viewer)} & self.pairs["block"]
        return viewer != other and not related and not blocked

    def is_explored(self, viewer: UserId, post_id: PostId) -> bool:
        author = self.posts.get(post_id)
        return (
            author is not None
            and author not in self.private
            and self.is_stranger(viewer, author)
            and (viewer, post_id) not in self.likes
        )

    async def check_explore(self, explore: Explore, viewer: UserId, limits: list[int]) -> None:
        """Compare all pages, while new rankings are made in between."""
        ranking = await self.harness.feeds.rankings.newest()
        expected = [post_id for post_id, _ in ranking.posts if self.is_explored(viewer, post_id)]
        await self.harness.redis.delete(f"seen:{viewer}")
        shown, cursor = list[PostId](), None
        for number in itertools.count():
            limit = limits[number % len(limits)]
            page = await explore.page(viewer, limit, cursor)
            shown += [post.id for post in page.items]
            for post in page.items:
                assert post.likes_count == sum(post_id == post.id for _, post_id in self.likes)
                assert post.relationship.followed_by == ((post.author.id, viewer) in self.pairs["follow"])
            if page.next_cursor is None:
                break
            assert len(page.items) == limit, "only the last page may be short"
            cursor = page.next_cursor
            if number == 0:
                await self.harness.explore_ranking.rank(anew=True)
        assert shown == expected

    async def check_suggestions(self, viewer: UserId) -> None:
        follows = self.pairs["follow"]
        wanted = {
            other
            for other in self.users
            if self.is_stranger(viewer, other)
            and (viewer, other) not in self.pairs["dismiss"]
            and any((viewer, friend) in follows and (friend, other) in follows for friend in self.users)
        }
        found = (await self.harness.discovery.suggestions.list_suggestions(viewer, 20)).items
        assert {each.user.card.id for each in found if each.followed_by} == wanted
        for each in found:
            friends = [
                friend
                for friend in self.users
                if (viewer, friend) in follows and (friend, each.user.card.id) in follows
            ]
            assert len(each.followed_by) + each.others == len(friends)

    async def check_hashtag(self, viewer: UserId, limit: int) -> None:
        shown, after = list[PostId](), None
        while True:
            page = await self.harness.discovery.hashtags.list_posts(
                viewer, self.tag, PageRequest(limit, after)
            )
            shown += [post.id for post in page.items]
            if page.next_cursor is None:
                break
            after = decode_cursor(page.next_cursor)
        assert shown == sorted((each for each in self.posts if self.sees(viewer, each)), reverse=True)

    async def check_trend(self) -> None:
        authors = {author for author in self.posts.values() if author not in self.private}
        await self.harness.discovery.trend_jobs.find()
        trends = {trend.tag: trend for trend in await self.harness.discovery.trends.list_trending(50)}
        assert (self.tag in trends) == (len(authors) >= MIN_AUTHORS)
        if self.tag in trends:
            assert trends[self.tag].authors == len(authors)


@pytest.mark.timeout(7200 if EXAMPLES > 10 else 240)
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
    actions_taken=st.lists(actions, min_size=10, max_size=60),
    limits=st.lists(st.integers(1, 6), min_size=1, max_size=4),
)
async def test_discovery_always_matches_the_model(
    harness: ServiceHarness, actions_taken: list[tuple[str, int, int]], limits: list[int]
) -> None:
    note(f"actions: {actions_taken}")
    await harness.redis.flushdb()
    await harness.database.execute("DELETE FROM explore_candidates")  # of earlier examples
    await harness.database.execute("DELETE FROM posts")
    harness.feeds.rankings.forget()
    model = DiscoveryModel(harness, await harness.users(USERS), f"light{next(examples)}")
    for name, who, which in actions_taken:
        await model.apply(name, model.users[who], which)
    while await harness.work_off():
        pass
    without_redis = harness.feeds_on(PipelinedRedis(NO_REDIS, 0.2)).explore
    for viewer in model.users:
        await rank(harness)
        for explore in (harness.explore, without_redis):
            await model.check_explore(explore, viewer, limits)
        await model.check_suggestions(viewer)
        await model.check_hashtag(viewer, limits[0])
    await model.check_trend()
