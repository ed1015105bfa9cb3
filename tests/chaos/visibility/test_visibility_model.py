"""Random follows, requests, blocks, mutes and privacy changes: every read shows what the model allows."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from server.gateways.redis.pipelined_client import PipelinedRedis
from server.ids import CommentId, MediaId, PostId, UserId
from server.models.audience import Audience
from server.models.content.post_images import NewPostImage
from server.paging import PageRequest
from server.services.content.visibility import is_post_visible
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus, Image
from tests.chaos.conftest import Report
from tests.chaos.environment import FULL, rounds
from tests.chaos.state_machines import ServiceRunner, run_machine, runner
from tests.chaos.visibility.visibility_model import ModelComment, ModelPost, VisibilityModel
from tests.services.discovery.names import INDEXING, index_all
from tools.harness.backends import Stack

__all__ = ["runner"]

pytestmark = pytest.mark.chaos

PEOPLE = 4
STEPS_PER_RUN = 25
RUNS = rounds(8, 1000)
ALL = PageRequest(100)
NO_REDIS = "redis://127.0.0.1:1"
CAPTION = "Light #dawn"
TABLES = (
    "likes", "comments", "posts", "notifications", "inboxes", "follows", "follow_requests", "blocks", "mutes",
    "close_friends", "restrictions", "hashtag_posts", "hashtags", "search_terms", "search_entries", "jobs", "users",
)  # fmt: skip
JOBS = tuple(
    kind
    for kind in JobKind
    if kind.startswith(("notify.", "people.", "feed.")) and kind is not JobKind.PROPAGATE_REVOCATIONS
)

people = st.runner().flatmap(lambda machine: st.sampled_from(machine.people))
actors = st.runner().flatmap(
    lambda machine: st.sampled_from([user for user in machine.people if user not in machine.model.hidden])
)
audiences = st.sampled_from(Audience)
posts = st.runner().flatmap(lambda machine: st.sampled_from(list(machine.model.posts)[-6:]))


class VisibilityMachine(RuleBasedStateMachine):
    def __init__(self, runner: ServiceRunner) -> None:
        super().__init__()
        runner.runs += 1
        self.runner, self.harness = runner, runner.harness
        self.sql_feed = runner.harness.feed_on(PipelinedRedis(NO_REDIS, 2.0))
        self.people: list[UserId] = []
        self.model = VisibilityModel([])

    @initialize()
    def start(self) -> None:
        self.people = self.runner.do(self.harness.users(PEOPLE))
        self.model = VisibilityModel([*self.people])
        self.runner.do(index_all(self.harness))
        for author in self.people:
            self.publish(author, Audience.PUBLIC)

    @rule(author=actors, audience=audiences)
    def publish(self, author: UserId, audience: Audience) -> None:
        post_id = self.runner.do(self._post_with_a_picture(author, audience))
        self.runner.do(self.harness.work_off(JobKind.FAN_OUT))
        self.model.posts[post_id] = ModelPost(post_id, author, audience)

    @rule(post=posts, audience=audiences)
    def edit_audience(self, post: PostId, audience: Audience) -> None:
        found = self.model.posts[post]
        if found.author not in self.model.hidden:
            self._agree(self.harness.posts.edit(UserId(found.author), post, None, None, audience), None)
            found.audience = audience
            self.runner.do(self.harness.work_off(JobKind.FAN_OUT))

    @rule(one=actors, other=people, friend=st.booleans())
    def set_close_friend(self, one: UserId, other: UserId, friend: bool) -> None:
        refusal = None if self.model.finds(one, other) else "not_found"
        if one == other and friend:
            refusal = "own_account"
        friends = self.harness.close_friends
        self._agree((friends.add if friend else friends.remove)(one, other), refusal)
        if refusal is None:
            (self.model.close_friends.add if friend else self.model.close_friends.discard)((one, other))

    @rule(one=actors, other=people)
    def follow(self, one: UserId, other: UserId) -> None:
        self._agree(self.harness.follows.follow(one, other), self.model.follow(one, other))

    @rule(one=actors, other=people)
    def unfollow(self, one: UserId, other: UserId) -> None:
        self._agree(self.harness.follows.unfollow(one, other), self.model.unfollow(one, other))

    @rule(one=actors, other=people)
    def remove_follower(self, one: UserId, other: UserId) -> None:
        self._agree(self.harness.follows.remove_follower(one, other), self.model.remove_follower(one, other))

    @rule(one=actors, other=people, accept=st.booleans())
    def answer(self, one: UserId, other: UserId, accept: bool) -> None:
        requests = self.harness.follow_requests
        answer = requests.accept if accept else requests.decline
        self._agree(answer(one, other), self.model.answer(one, other, accept=accept))

    @rule(user=actors, private=st.booleans())
    def set_private(self, user: UserId, private: bool) -> None:
        self.runner.do(self.harness.profiles.edit(user, {"is_private": private}))
        self.runner.do(self.harness.work_off(JobKind.ACCEPT_FOLLOW_REQUESTS))
        self.model.set_private(user, private=private)

    @rule(user=people, hidden=st.booleans())
    def set_status(self, user: UserId, hidden: bool) -> None:
        if hidden and len(self.model.hidden | {user}) == PEOPLE:
            return
        status = AccountStatus.SUSPENDED if hidden else AccountStatus.ACTIVE
        self.runner.do(self.harness.set_status(user, status))
        (self.model.hidden.add if hidden else self.model.hidden.discard)(user)
        self.runner.do(self.harness.work_off(JobKind.RESTORE_AUTHOR))

    @rule(one=actors, other=people)
    def block(self, one: UserId, other: UserId) -> None:
        self._agree(self.harness.blocks.block(one, other), self.model.block(one, other))

    @rule(one=actors, other=people)
    def unblock(self, one: UserId, other: UserId) -> None:
        found = self.model.finds(one, other)
        self._agree(self.harness.blocks.unblock(one, other), None if found else "not_found")
        if found:
            self.model.blocks.discard((one, other))

    @rule(one=actors, other=people, muted=st.booleans())
    def mute(self, one: UserId, other: UserId, muted: bool) -> None:
        refusal = None if self.model.finds(one, other) else "not_found"
        if one == other and muted:
            refusal = "own_account"
        self._agree((self.harness.mutes.mute if muted else self.harness.mutes.unmute)(one, other), refusal)
        if refusal is None:
            (self.model.mutes.add if muted else self.model.mutes.discard)((one, other))

    @rule(actor=actors, post=posts)
    def like(self, actor: UserId, post: PostId) -> None:
        found = self.model.posts[post]
        self._agree(self.harness.likes.like(actor, post), self._refusal(actor, found))
        if self.model.sees_post(actor, found) and actor not in found.likers:
            found.likers.append(actor)

    @rule(author=actors, post=posts)
    def comment(self, author: UserId, post: PostId) -> None:
        found = self.model.posts[post]
        mention = self.people[self.runner.steps % PEOPLE]
        text = f"@{self.runner.do(self._username(mention))}"
        outcome = self.runner.outcome(self.harness.comments.add(author, post, text, None))
        self.runner.steps += 1
        if self.model.sees_post(author, found):
            pending = (found.author, author) in self.model.restricted
            found.comments.append(ModelComment(outcome.id, author, pending))
            assert not outcome.pending
        else:
            assert outcome == "not_found"

    @rule(one=actors, other=people, restricted=st.booleans())
    def restrict(self, one: UserId, other: UserId, restricted: bool) -> None:
        refusal = None if self.model.finds(one, other) else "not_found"
        if one == other and restricted:
            refusal = "own_account"
        restrictions = self.harness.restrictions
        self._agree((restrictions.restrict if restricted else restrictions.unrestrict)(one, other), refusal)
        if refusal is None:
            (self.model.restricted.add if restricted else self.model.restricted.discard)((one, other))

    @rule(user=actors, post=posts)
    def approve_newest_comment(self, user: UserId, post: PostId) -> None:
        found = self.model.posts[post]
        if found.comments:
            comment = found.comments[-1]
            approval = self.harness.comments.approve(user, post, CommentId(comment.id))
            self._agree(approval, self.model.approve(user, found, comment))

    @rule(author=actors)
    def mention_all(self, author: UserId) -> None:
        names = " ".join(f"@{self.runner.do(self._username(user))}" for user in self.people) + f" {CAPTION}"
        newest = next((post for post in self.model.newest() if post.author == author), None)
        if newest is not None:
            self.runner.do(self.harness.posts.edit(author, PostId(newest.id), names, None))

    @rule()
    def run_jobs(self) -> None:
        self.runner.do(self.harness.work_off(*JOBS))

    @invariant()
    def every_read_agrees(self) -> None:
        one = [self.people[self.runner.steps % PEOPLE]]
        self._compare_searches(one, lambda found, allowed: set(found) <= set(allowed))  # before the jobs
        self.runner.do(self.harness.work_off(*INDEXING))
        self._compare_searches(self.people, lambda found, allowed: found == allowed)
        counted = self.runner.do(self.harness.discovery.hashtags.get("dawn")).posts_count
        assert counted == sum(self.model.is_public(post) for post in self.model.newest())
        for viewer in self.people:
            if viewer not in self.model.hidden:
                self._compare_viewer(viewer)

    def teardown(self) -> None:
        for table in TABLES:
            self.runner.do(self.harness.database.execute(f"DELETE FROM {table}"))

    def _compare_viewer(self, viewer: UserId) -> None:
        model, harness = self.model, self.harness
        for feed in (harness.feed, self.sql_feed):
            page = self.runner.do(feed.page(viewer, ALL)).items
            assert [post.id for post in page] == model.feed(viewer)
            for post in page:
                assert post.relationship == model.relationship(viewer, post.author.id)
        for user in self.people:
            posts = self.runner.outcome(harness.posts.list_by_author(viewer, user, ALL))
            if self.model.finds(viewer, user):
                assert [post.id for post in posts.items] == model.of_author(viewer, user)
                assert all(post.relationship == model.relationship(viewer, user) for post in posts.items)
            else:
                assert posts == "not_found"
            self._compare_profile(viewer, user)
        for post in model.newest()[:6]:
            self._compare_post(viewer, post)
        self._compare_batches(viewer)
        self._compare_notifications(viewer)

    def _compare_searches(self, viewers: list[UserId], agree: Callable[[list[int], list[int]], bool]) -> None:
        model, discovery = self.model, self.harness.discovery
        for viewer in viewers:
            if viewer in model.hidden:
                continue
            people = sorted(user for user in self.people if model.sees_user(viewer, user))
            posts = [post.id for post in model.newest() if model.sees_post(viewer, post)]
            assert agree(sorted(self._listed(discovery.users.search(viewer, "user", 100))), people)
            completed = self.runner.do(discovery.users.complete(viewer, "user", 100))
            assert agree(sorted(each.card.id for each in completed), people)
            assert agree(self._ids(discovery.captions.search(viewer, "light", 100), "id"), posts)
            assert agree(self._ids(discovery.hashtags.list_posts(viewer, "dawn", ALL), "id"), posts)

    def _compare_batches(self, viewer: UserId) -> None:
        """Compare the reads of several posts and users by their ids."""
        posts = self.model.newest()
        found = self.runner.do(self.harness.posts.list_by_ids(viewer, [PostId(post.id) for post in posts]))
        assert [post.id for post in found] == [
            post.id for post in posts if self.model.sees_post(viewer, post)
        ]
        users = self.runner.do(self.harness.profiles.list_users(viewer, self.people))
        assert [(each.card.id, each.relationship) for each in users] == [
            (user, self.model.relationship(viewer, user))
            for user in self.people
            if self.model.finds(viewer, user)
        ]

    def _compare_profile(self, viewer: UserId, user: UserId) -> None:
        profile = self.runner.outcome(self.harness.profiles.get(viewer, user))
        follows = self.harness.follows
        lists = (
            (follows.list_followers, self.model.followers),
            (follows.list_following, self.model.following),
        )
        if not self.model.finds(viewer, user):
            assert profile == "not_found"
            for read, _ in lists:
                assert self.runner.outcome(read(viewer, user, ALL)) == "not_found"
            return
        assert profile.relationship == self.model.relationship(viewer, user)
        assert profile.posts_count == self.model.posts_count(viewer, user)
        for read, wanted in lists:
            assert self._listed(read(viewer, user, ALL)) == wanted(viewer, user)

    def _compare_post(self, viewer: UserId, post: ModelPost) -> None:
        post_id = PostId(post.id)
        facts = self.runner.do(self.harness.audience_rows.find_facts(viewer, post_id))
        assert is_post_visible(facts) == self.model.sees_post(viewer, post)
        assert self.runner.do(self.harness.audiences.explain_to(viewer, post_id)).reason == self.model.reason(
            viewer, post
        )
        if viewer == post.author:
            self._compare_audience(post)
        found = self.runner.outcome(self.harness.posts.get(viewer, post_id))
        self._compare_pictures(viewer, post)
        if not self.model.sees_post(viewer, post):
            assert found == "not_found"
            assert self.runner.outcome(self.harness.likes.list_likers(viewer, post_id, ALL)) == "not_found"
            assert (
                self.runner.outcome(self.harness.comments.list_by_post(viewer, post_id, ALL)) == "not_found"
            )
            return
        assert found.is_public is self.model.is_public(post)
        assert (found.likes_count, found.comments_count) == (
            len(post.likers),
            sum(not comment.pending for comment in post.comments),
        )
        likers = self._listed(self.harness.likes.list_likers(viewer, post_id, ALL))
        assert likers == self.model.likers(viewer, post)
        comments = self.runner.do(self.harness.comments.list_by_post(viewer, post_id, ALL)).items
        assert [(comment.id, comment.pending) for comment in comments] == self.model.comments(viewer, post)
        for comment in comments:
            assert comment.relationship == self.model.relationship(viewer, comment.author.id)

    def _compare_pictures(self, viewer: UserId, post: ModelPost) -> None:
        """Compare the plain address of the picture, and one that was signed for the viewer at any time."""
        harness, key = self.harness, f"posts/{post.id}/large.jpg"
        images = [Image(MediaId(post.id), f"https://media.test/posts/{post.id}", 1, 1, "", "", ())]
        (image,) = harness.media_addresses.sign(images, viewer, harness.media_addresses.expires_at_s(post.id))
        signed = dict(parse_qsl(image.query[1:]))
        for query, allowed in (
            (dict[str, str](), self.model.is_public(post)),
            (signed, self.model.sees_post(viewer, post)),
        ):
            outcome = self.runner.outcome(harness.media_access.check(key, query))
            assert (outcome != "not_found") is allowed

    async def _post_with_a_picture(self, author: UserId, audience: Audience) -> PostId:
        post_id = await self.harness.post(author, CAPTION, audience=audience)
        await self.harness.image_rows.insert(
            NewPostImage(MediaId(post_id), post_id, 0, f"posts/{post_id}", 1, 1, "", "", ("large",))
        )
        return post_id

    def _compare_audience(self, post: ModelPost) -> None:
        """Compare the number of users who see a post; hidden ones read nothing and are not counted."""
        found = self.runner.do(self.harness.audiences.explain(UserId(post.author), PostId(post.id)))
        if found.people_count is not None:
            others = [user for user in self.people if user not in self.model.hidden | {post.author}]
            assert found.people_count == sum(self.model.sees_post(user, post) for user in others)

    def _compare_notifications(self, viewer: UserId) -> None:
        """Assert that the list has nothing that the viewer must not see, and agrees with the count and the stream."""
        listed = self.runner.do(self.harness.notifications.list_page(viewer, ALL)).items
        streamed = self.runner.do(self.harness.notifications.list_after(viewer, 0, 100))
        for each in [*listed, *streamed]:
            assert self.model.sees_user(viewer, each.actor.id)
            assert each.relationship == self.model.relationship(viewer, each.actor.id)
            assert each.post_id is None or self.model.sees_post(viewer, self.model.posts[each.post_id])
            if each.comment_id is not None:
                comments = self.model.posts[each.post_id].comments
                assert [comment.pending for comment in comments if comment.id == each.comment_id] == [False]
        assert self.runner.do(self.harness.notifications.count_unread(viewer)) == len(listed)

    def _agree(self, change: Awaitable[Any], refusal: str | None) -> None:
        self.runner.steps += 1
        outcome = self.runner.outcome(change)
        assert (outcome if isinstance(outcome, str) else None) == refusal

    def _refusal(self, viewer: UserId, post: ModelPost) -> str | None:
        return None if self.model.sees_post(viewer, post) else "not_found"

    def _ids(self, page: Any, name: str) -> list[int]:
        return [getattr(each, name) for each in self.runner.do(page).items]

    def _listed(self, page: Any) -> list[int]:
        return [each.card.id for each in self.runner.do(page).items]

    async def _username(self, user: UserId) -> str:
        return (await self.harness.profiles.get_own(user)).username


@pytest.mark.timeout(7200 if FULL else 600)
def test_reads_show_what_the_model_allows(runner: ServiceRunner, stack: Stack, report: Report) -> None:
    run_machine(partial(VisibilityMachine, runner), RUNS, STEPS_PER_RUN)
    report(f"{stack.name}: {runner.steps} changes in {runner.runs} runs, 0 differences")
    assert runner.steps >= rounds(50, 8_000)
