"""Random changes to saves, collections, likes, comments and people: every list equals that of a model."""

from collections.abc import Awaitable
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from server.ids import CollectionId, CommentId, PostId, UserId
from server.paging import PageRequest
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus
from tests.chaos.conftest import Report
from tests.chaos.content.saved_model import ModelCollection, SavedModel
from tests.chaos.environment import FULL, rounds
from tests.chaos.state_machines import ServiceRunner, run_machine, runner
from tools.harness.backends import Stack

__all__ = ["runner"]

pytestmark = pytest.mark.chaos

PEOPLE = 3
STEPS_PER_RUN = 40
RUNS = rounds(5, 300)
RUNS_PER_REPORT = 20
TABLES = ("comments", "likes", "collection_posts", "collections", "saves", "jobs", "posts", "users")

people = st.runner().flatmap(lambda machine: st.sampled_from(machine.people))
posts = st.runner().flatmap(lambda machine: st.sampled_from(list(machine.model.authors)[-6:]))
collections = st.runner().flatmap(lambda machine: st.sampled_from(list(machine.model.collections)))


class SavedMachine(RuleBasedStateMachine):
    def __init__(self, runner: ServiceRunner, report: Report) -> None:
        super().__init__()
        runner.runs += 1
        self.runner, self.harness, self.report = runner, runner.harness, report
        self.model = SavedModel()
        self.people: list[UserId] = []
        self.names = 0

    @initialize()
    def start(self) -> None:
        self.people = self.runner.do(self.harness.users(PEOPLE))
        for author in self.people * 2:
            self.publish(author)

    @rule(author=people)
    def publish(self, author: UserId) -> None:
        self.model.authors[self.runner.do(self.harness.post(author))] = author

    @rule(post=posts)
    def delete(self, post: PostId) -> None:
        if post not in self.model.deleted:
            self.runner.do(self.harness.posts.delete(UserId(self.model.authors[post]), post))
            self.model.deleted.add(post)

    @rule()
    def run_deletion_jobs(self) -> None:
        self.runner.do(self.harness.work_off(JobKind.REMOVE_POST))

    @rule(user=people, post=posts)
    def save(self, user: UserId, post: PostId) -> None:
        if self._changed(self.harness.saves.save(user, post), allowed=self.model.sees(user, post)):
            self.model.save(user, post)

    @rule(user=people, post=posts)
    def unsave(self, user: UserId, post: PostId) -> None:
        self.runner.do(self.harness.saves.unsave(user, post))
        self.model.unsave(user, post)

    @rule(user=people)
    def create_collection(self, user: UserId) -> None:
        self.names += 1
        created = self.runner.do(self.harness.collections.create(user, f"Collection {self.names}"))
        self.model.collections[created.id] = ModelCollection(user)

    @precondition(lambda self: self.model.collections)
    @rule(collection=collections)
    def delete_collection(self, collection: CollectionId) -> None:
        owner = UserId(self.model.collections.pop(collection).owner)
        self.runner.do(self.harness.collections.delete(owner, collection))

    @precondition(lambda self: self.model.collections)
    @rule(user=people, collection=collections, post=posts)
    def collect(self, user: UserId, collection: CollectionId, post: PostId) -> None:
        known = self.model.collections[collection]
        allowed = known.owner == user and self.model.sees(user, post)
        if self._changed(self.harness.collections.add_post(user, collection, post), allowed=allowed):
            self.model.save(user, post)
            if post not in known.posts:
                known.posts.append(post)

    @precondition(lambda self: self.model.collections)
    @rule(user=people, collection=collections, post=posts)
    def discard(self, user: UserId, collection: CollectionId, post: PostId) -> None:
        known = self.model.collections[collection]
        change = self.harness.collections.remove_post(user, collection, post)
        if self._changed(change, allowed=known.owner == user) and post in known.posts:
            known.posts.remove(post)

    @rule(user=people, post=posts, liked=st.booleans())
    def like(self, user: UserId, post: PostId, liked: bool) -> None:
        change = self.harness.likes.like if liked else self.harness.likes.unlike
        if self._changed(change(user, post), allowed=self.model.sees(user, post)):
            if liked and (user, post) not in self.model.likes:
                self.model.likes.append((user, post))
            elif not liked and (user, post) in self.model.likes:
                self.model.likes.remove((user, post))

    @rule(user=people, post=posts)
    def comment(self, user: UserId, post: PostId) -> None:
        outcome = self.runner.outcome(self.harness.comments.add(user, post, "Well seen", None))
        assert isinstance(outcome, str) is not self.model.sees(user, post)
        if not isinstance(outcome, str):
            self.model.comments.append((outcome.id, user, post))

    @precondition(lambda self: self.model.comments)
    @rule()
    def delete_comment(self) -> None:
        comment, author, post = self.model.comments[-1]
        change = self.harness.comments.delete(UserId(author), PostId(post), CommentId(comment))
        if self._changed(change, allowed=self.model.sees(author, post)):
            self.model.comments.pop()

    @rule(one=people, other=people)
    def follow(self, one: UserId, other: UserId) -> None:
        model = self.model
        hidden = other in model.private or {one, other} & model.suspended or model.blocked(one, other)
        if one != other and not hidden:
            self.runner.do(self.harness.follows.follow(one, other))
            model.follows.add((one, other))

    @rule(one=people, other=people, muted=st.booleans())
    def mute(self, one: UserId, other: UserId, muted: bool) -> None:
        mutes = self.harness.mutes
        change = (mutes.mute if muted else mutes.unmute)(one, other)
        if self.runner.outcome(change) is None:
            (self.model.mutes.add if muted else self.model.mutes.discard)((one, other))

    @rule(one=people, other=people, blocked=st.booleans())
    def block(self, one: UserId, other: UserId, blocked: bool) -> None:
        blocks = self.harness.blocks
        if self.runner.outcome((blocks.block if blocked else blocks.unblock)(one, other)) is None:
            if blocked:
                self.model.block(one, other)
            else:
                self.model.blocks.discard((one, other))

    @rule(user=people, private=st.booleans())
    def set_private(self, user: UserId, private: bool) -> None:
        self.runner.do(self.harness.profiles.edit(user, {"is_private": private}))
        (self.model.private.add if private else self.model.private.discard)(user)

    @rule(user=people, suspended=st.booleans())
    def suspend(self, user: UserId, suspended: bool) -> None:
        status = AccountStatus.SUSPENDED if suspended else AccountStatus.ACTIVE
        self.runner.do(self.harness.set_status(user, status))
        (self.model.suspended.add if suspended else self.model.suspended.discard)(user)

    @invariant()
    def lists_equal_the_model(self) -> None:
        self.runner.steps += 1
        limit = 1 + self.runner.steps % 3
        for user in self.people:
            self._compare_lists(user, limit)
            self._compare_posts(user)

    def teardown(self) -> None:
        if self.runner.runs % RUNS_PER_REPORT == 0:
            self.report(f"{self.runner.steps} steps in {self.runner.runs} runs")
        for table in TABLES:
            self.runner.do(self.harness.database.execute(f"DELETE FROM {table}"))

    def _compare_lists(self, user: UserId, limit: int) -> None:
        model, harness = self.model, self.harness
        saved, liked = (
            self.runner.pages(partial(read, user), limit)
            for read in (harness.saves.list_page, harness.likes.list_own)
        )
        assert [post.id for post in saved] == model.saved(user)
        assert [post.id for post in liked] == model.liked(user)
        own = self.runner.pages(partial(harness.comments.list_own, user), limit)
        assert [each.comment.id for each in own] == model.commented(user)
        shown = self.runner.pages(partial(harness.collections.list_page, user), limit)
        assert [each.id for each in shown] == [
            each for each in reversed(model.collections) if model.collections[each].owner == user
        ]
        for each in shown:
            expected = model.visible(user, model.collections[each.id].posts)
            found = self.runner.pages(partial(harness.collections.list_posts, user, each.id), limit)
            assert [post.id for post in found] == expected
            assert [cover.id for cover in each.covers] == expected[:4]

    def _compare_posts(self, user: UserId) -> None:
        """Compare what single posts and a page of the feed say about the user."""
        model = self.model
        found = self.runner.do(self.harness.posts.list_by_ids(user, [PostId(post) for post in model.authors]))
        assert [post.id for post in found] == [post for post in model.authors if model.sees(user, post)]
        for post in found:
            assert post.saved is ((user, post.id) in model.saves)
            assert post.liked is ((user, post.id) in model.likes)
            assert [each.card.id for each in post.liked_by or ()] == model.likers(user, post.id)
        for post in self.runner.do(self.harness.feed.page(user, PageRequest())).items:
            assert (post.liked, post.saved) == (
                (user, post.id) in model.likes,
                (user, post.id) in model.saves,
            )

    def _changed(self, change: Awaitable[Any], *, allowed: bool) -> bool:
        """Carry out a change, which is refused unless it is allowed; return whether it was carried out."""
        outcome = self.runner.outcome(change)
        assert (outcome == "not_found") is not allowed
        return allowed


@pytest.mark.timeout(14_400 if FULL else 600)
def test_lists_equal_the_model(runner: ServiceRunner, stack: Stack, report: Report) -> None:
    run_machine(partial(SavedMachine, runner, report), RUNS, STEPS_PER_RUN)
    report(f"{stack.name}: {runner.steps} steps in {runner.runs} runs, 0 differences")
    assert runner.steps >= rounds(100, 5_000)
