"""Reads of the program, compared with the model: every pair of users, every recent post."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import NO_USER, CollectionId, CommentId, MediaId, PostId, UserId
from server.paging import PageRequest
from server.services.content.visibility import explain_post, is_post_visible
from server.services.records import Image
from tests.chaos.state_machines import outcome
from tests.chaos.visibility.model_changes import ChangingModel
from tests.chaos.visibility.notification_model import NotificationModel
from tests.chaos.visibility.paged_reads import PagedReads, read_pages
from tests.chaos.visibility.visibility_model import ModelComment, ModelPost
from tools.harness.services import ServiceHarness

ALL = PageRequest(100)
NO_REDIS = "redis://127.0.0.1:1"
TAG, WORD = "dawn", "light"
RECENT = 6


class VisibilityReader(PagedReads):
    def __init__(self, harness: ServiceHarness) -> None:
        super().__init__(harness, ChangingModel([]))
        without_redis = harness.feeds_on(PipelinedRedis(NO_REDIS, 2.0))
        self.sql_feed, self.sql_listed = without_redis.feed, without_redis.listed
        self.people: list[UserId] = []
        self.collections: dict[UserId, CollectionId] = {}
        self.notifications = NotificationModel(self.model)

    @property
    def viewers(self) -> list[UserId]:
        return [user for user in self.people if user not in self.model.hidden]

    def recent(self) -> list[ModelPost]:
        return self.model.newest()[:RECENT]

    async def compare_all(self) -> None:
        counted = (await self.harness.discovery.hashtags.get(TAG)).posts_count
        assert counted == sum(self.model.is_public(post) for post in self.model.newest())
        await together([*map(self._compare_viewer, self.viewers), self._compare_public()])

    async def _compare_public(self) -> None:
        """Compare what everybody reads without an account."""
        posts = [post.id for post in self.model.newest() if self.model.is_public(post)]
        assert ids_in(await self.harness.discovery.hashtags.list_posts(NO_USER, TAG, ALL)) == posts
        await self.compare_places(NO_USER)
        for user in self.people:
            await self._compare_user(NO_USER, user)
        for post in self.recent():
            await self._compare_post(NO_USER, post)

    async def _compare_viewer(self, viewer: UserId) -> None:
        await self._compare_feeds(viewer)
        await self.compare_searches(viewer, lambda found, allowed: found == allowed)
        for user in self.people:
            await self._compare_user(viewer, user)
        for post in self.recent():
            await self._compare_post(viewer, post)
        await self._compare_hashtag(viewer)
        await self.compare_places(viewer)
        await self._compare_batches(viewer)
        await self._compare_lists(viewer)
        await self._compare_notifications(viewer)

    async def _compare_feeds(self, viewer: UserId) -> None:
        for feed in (self.harness.feed, self.sql_feed):
            page = (await self.pages(viewer, feed.page)).items
            assert [post.id for post in page] == self.model.feed(viewer)
            for post in page:
                self._compare_shown(viewer, post)

    async def compare_searches(
        self, viewer: UserId, agree: Callable[[Sequence[int], Sequence[int]], bool]
    ) -> None:
        model, discovery = self.model, self.harness.discovery
        people = sorted(user for user in self.people if model.sees_user(viewer, user))
        posts = [post.id for post in model.newest() if model.lists_post(viewer, post)]
        found = await self.search_pages(viewer, partial(discovery.users.search, viewer, "user"))
        completed = await discovery.users.complete(viewer, "user", 100)
        for users in (found, completed):
            assert agree(sorted(each.card.id for each in users), people)
            for each in users:
                assert each.relationship == model.relationship(viewer, each.card.id)
        captions = await self.search_pages(viewer, partial(discovery.captions.search, viewer, WORD))
        assert agree(ids_in(captions), posts)
        assert agree(ids_in(await self.pages(viewer, discovery.hashtags.list_posts, TAG)), posts)

    async def _compare_hashtag(self, viewer: UserId) -> None:
        """Compare the posts of a hashtag, which come from the caches of the feed, with and without Redis."""
        wanted = [post.id for post in self.model.newest() if self.model.lists_post(viewer, post)]
        discovery = self.harness.discovery_with(self.sql_listed)
        for hashtags in (self.harness.discovery.hashtags, discovery.hashtags):
            page = await read_pages(partial(hashtags.list_posts, viewer, TAG), 3)
            for post in page.items:
                self._compare_shown(viewer, post)
            assert ids_in(page) == wanted

    async def _compare_batches(self, viewer: UserId) -> None:
        """Compare the reads of several posts and users by their ids."""
        posts = self.model.newest()
        found = await self.harness.posts.list_by_ids(viewer, [PostId(post.id) for post in posts])
        assert ids_in(found) == [post.id for post in posts if self.model.sees_post(viewer, post)]
        for post in found:
            self._compare_shown(viewer, post)
        users = await self.harness.profiles.list_users(viewer, self.people)
        assert [(each.card.id, each.relationship) for each in users] == [
            (user, self.model.relationship(viewer, user))
            for user in self.people
            if self.model.finds(viewer, user)
        ]

    async def _compare_lists(self, viewer: UserId) -> None:
        """Compare the lists that only their owner reads."""
        model, harness = self.model, self.harness
        for read, wanted in (
            (harness.mutes.list_muted, model.found_targets(model.mutes, viewer)),
            (harness.blocks.list_blocked, model.found_targets(model.blocks, viewer)),
            (harness.restrictions.list_restricted, model.targets(model.restricted, viewer)),
            (harness.close_friends.list_friends, model.targets(model.close_friends, viewer)),
            (harness.follow_requests.list_sent, model.targets(model.requests, viewer)),
            (harness.follow_requests.list_received, model.requesters(viewer)),
        ):
            assert users_in(await self.pages(viewer, read)) == wanted
        await self._compare_saves(viewer)

    async def _compare_saves(self, viewer: UserId) -> None:
        saves, collections = self.harness.saves, self.harness.collections
        assert ids_in(await self.pages(viewer, saves.list_page)) == self.model.kept(self.model.saves, viewer)
        liked = await self.pages(viewer, self.harness.likes.list_own)
        assert ids_in(liked) == self.model.kept(self.model.liked, viewer)
        comments = await self.pages(viewer, self.harness.comments.list_own)
        assert [each.comment.id for each in comments.items] == self.model.own_comments(viewer)
        assert ids_in(await self.pages(viewer, self.harness.posts.list_archived)) == self.model.archive(
            viewer
        )
        collection = await collections.get(viewer, self.collections[viewer])
        wanted = self.model.kept(self.model.collected, viewer)
        assert ids_in(await self.pages(viewer, collections.list_posts, collection.id)) == wanted
        assert [cover.id for cover in collection.covers] == wanted[: len(collection.covers)]
        assert collection.posts_count == sum(user == viewer for user, _ in self.model.collected)
        await self._compare_discoveries(viewer)

    async def _compare_discoveries(self, viewer: UserId) -> None:
        """Compare what is chosen by popularity: the model says what must not be among it."""
        for each in (await self.harness.discovery.suggestions.list_suggestions(viewer, 20)).items:
            user = each.user.card.id
            assert self.model.is_suggested(viewer, user)
            assert each.user.relationship == self.model.relationship(viewer, user)
            for follower in each.followed_by:
                assert {(viewer, follower.id), (follower.id, user)} <= {*self.model.follows}
                assert follower.id not in self.model.hidden
        for post in (await self.harness.explore.page(viewer, 100)).items:
            assert self.model.is_explored(viewer, self.model.posts[post.id])
            self._compare_shown(viewer, post)

    async def _compare_user(self, viewer: UserId, user: UserId) -> None:
        model, harness = self.model, self.harness
        reads = (
            harness.profiles.get(viewer, user),
            self.pages(viewer, harness.posts.list_by_author, user),
            self.pages(viewer, harness.follows.list_followers, user),
            self.pages(viewer, harness.follows.list_following, user),
            self.pages(viewer, harness.tags.list_posts, user),
        )
        profile, posts, followers, following, tagged = [await outcome(read) for read in reads]
        if not model.finds(viewer, user):
            assert {profile, posts, followers, following, tagged} == {"not_found"}
            return
        assert profile.relationship == model.relationship(viewer, user)
        assert profile.posts_count == model.posts_count(viewer, user)
        assert profile.followers_count == sum(other == user for _, other in model.follows)
        assert profile.following_count == sum(one == user for one, _ in model.follows)
        assert ids_in(posts) == model.of_author(viewer, user)
        assert users_in(followers) == model.followers(viewer, user)
        assert users_in(following) == model.following(viewer, user)
        assert ids_in(tagged) == [
            post.id
            for post in model.tagged(user, "approved")
            if model.lists_post(viewer, post)
            and model.is_open(viewer, user)
            and model.sees_user(viewer, user)
        ]
        for post in posts.items:
            self._compare_shown(viewer, post)

    async def _compare_post(self, viewer: UserId, post: ModelPost) -> None:
        """Compare the condition, the predicate, the explanation, and what belongs to a post."""
        harness, post_id, visible = self.harness, PostId(post.id), self.model.sees_post(viewer, post)
        facts = await harness.audience_rows.find_facts(viewer, post_id)
        assert facts is not None
        assert is_post_visible(facts) == visible
        assert explain_post(facts) == self.model.reason(viewer, post)
        if viewer == post.author:
            await self._compare_audience(post)
        if viewer != NO_USER:  # only users get signed addresses
            await self._compare_pictures(viewer, post)
        reads = (
            harness.posts.get(viewer, post_id),
            self.pages(viewer, harness.likes.list_likers, post_id),
            self.pages(viewer, harness.comments.list_by_post, post_id),
            self.read_versions(viewer, post_id),
            harness.tags.list_by_post(viewer, post_id),
        )
        found, likers, comments, history, tags = [await outcome(read) for read in reads]
        if visible:
            self._compare_shown(viewer, found)
            assert users_in(likers) == self.model.likers(viewer, post)
            self._compare_comments(viewer, comments, self.model.comments(viewer, post))
            assert [(each.tag.user_id, each.pending) for each in tags] == self.model.tags(viewer, post)
            assert [each.caption for each in history] == self.model.versions(viewer, post)
        else:
            assert [found, likers, comments, history, tags] == ["not_found"] * 5
        for comment in post.comments:
            await self._compare_comment(viewer, post, comment)

    async def _compare_comment(self, viewer: UserId, post: ModelPost, comment: ModelComment) -> None:
        ids = PostId(post.id), CommentId(comment.id)
        replies = await outcome(self.pages(viewer, self.harness.comments.list_replies, *ids))
        found = await outcome(self.harness.comments.find(viewer, *ids))
        likers = await outcome(self.pages(viewer, self.harness.comment_likes.list_likers, *ids))
        if self.model.finds_comment(viewer, post, comment):
            assert (found.id, found.replies_count) == (comment.id, self.model.replies_count(post, comment))
            self._compare_comments(viewer, replies, self.model.comments(viewer, post, comment))
            assert users_in(likers) == self.model.likers(viewer, comment)
        else:
            assert {found, replies, likers} == {"not_found"}

    def _compare_shown(self, viewer: UserId, shown: Any) -> None:
        """Compare the counters and relationships of a post that a list shows."""
        post = self.model.posts[shown.id]
        assert (shown.author.id, shown.card.audience, shown.is_public) == (
            post.author,
            post.audience,
            self.model.is_public(post),
        )
        assert (shown.likes_count, shown.comments_count) == (len(post.likers), post.comments_count)
        assert shown.liked == (viewer in post.likers)
        assert shown.saved == ((viewer, post.id) in self.model.saves)
        assert shown.relationship == self.model.relationship(viewer, post.author)

    def _compare_comments(self, viewer: UserId, page: Any, wanted: list[tuple[Any, ...]]) -> None:
        assert [
            (each.id, each.pending, each.replies_count, each.likes_count, each.liked) for each in page.items
        ] == wanted
        for comment in page.items:
            assert comment.relationship == self.model.relationship(viewer, comment.author.id)

    async def _compare_pictures(self, viewer: UserId, post: ModelPost) -> None:
        """Compare the plain address of the picture, and one that was signed for the viewer at any time."""
        harness, key = self.harness, f"posts/{post.id}/large.jpg"
        images = [Image(MediaId(post.id), f"https://media.test/posts/{post.id}", 1, 1, "", "", ())]
        (image,) = harness.media_addresses.sign(images, viewer, harness.media_addresses.expires_at_s(post.id))
        signed = dict(parse_qsl(image.query[1:]))
        for query, allowed in (
            (dict[str, str](), self.model.is_public(post)),
            (signed, self.model.sees_post(viewer, post)),
        ):
            assert (await outcome(harness.media_access.check(key, query)) != "not_found") is allowed

    async def _compare_audience(self, post: ModelPost) -> None:
        """Compare what the author reads; hidden users read nothing and are not counted."""
        author, post_id = UserId(post.author), PostId(post.id)
        user = self.people[post.id % len(self.people)]
        found = await outcome(self.harness.audiences.explain(author, post_id, user))
        if not self.model.sees_post(author, post):
            assert found == "not_found"
            return
        assert found.member.reason == self.model.reason(user, post)
        if found.people_count is not None:
            others = [each for each in self.viewers if each != author]
            assert found.people_count == sum(self.model.sees_post(each, post) for each in others)

    async def _compare_notifications(self, viewer: UserId) -> None:
        """Compare the list, the stream and the counter with what the model expects, in both directions."""
        notifications, expected = self.harness.notifications, self.notifications
        listed = (await self.pages(viewer, notifications.list_page)).items
        streamed = await notifications.list_after(viewer, 0, 100)
        assert [
            (
                each.sequence,
                each.type,
                each.actor.id,
                each.post_id,
                each.comment_id,
                each.others_count,
                each.read,
            )
            for each in listed
        ] == expected.listed(viewer)
        assert [
            (each.sequence, each.type, each.actor.id, each.post_id, each.comment_id) for each in streamed
        ] == expected.streamed(viewer)
        assert await notifications.count_unread(viewer) == expected.unread_count(viewer)
        for each in [*listed, *streamed]:
            assert each.relationship == self.model.relationship(viewer, each.actor.id)
            if each.post is not None:
                assert each.post.is_public is self.model.is_public(self.model.posts[each.post.id])


async def together(comparisons: Iterable[Awaitable[None]]) -> None:
    """Await all, and then raise the first failure, so that nothing runs on."""
    for failure in await asyncio.gather(*comparisons, return_exceptions=True):
        if failure is not None:
            raise failure


def ids_in(page: Any) -> list[int]:
    items: list[Any] = page.items if hasattr(page, "items") else page
    return [each.id for each in items]


def users_in(page: Any) -> list[int]:
    return [each.card.id for each in page.items]
