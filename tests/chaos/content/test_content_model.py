"""R16: random operations on the program and on an in-memory model give equal answers, on both databases."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    rule,
)
from structlog.testing import capture_logs

from server.ids import CommentId, PostId, UserId
from server.models.content.post_images import PostImageTable
from server.models.jobs.jobs import JobState, JobTable
from server.services.jobs.event_jobs import JobKind, Queue
from server.services.records import Comment, Post
from tests.chaos.conftest import Report
from tests.chaos.content.content_model import ModelPost
from tests.chaos.content.content_reader import ContentReader, expected, pair
from tests.chaos.environment import FULL, rounds
from tests.chaos.state_machines import ServiceRunner, run_machine, runner
from tools.harness.backends import Stack

__all__ = ["runner"]

pytestmark = pytest.mark.chaos

STEPS_PER_RUN = 40
RUNS = rounds(10, 170)
NO_USER, NO_POST, NO_COMMENT = UserId(404), PostId(404), CommentId(404)
TABLES = ("likes", "comments", "post_images", "posts", "follows", "jobs", "users")

PEOPLE = 5


def out_of(place: Callable[[Any], Sequence[Any]]) -> Any:
    """Return a strategy that draws from the running machine."""
    return st.runner().flatmap(lambda machine: st.sampled_from(place(machine)))


# Few users, and the newest posts and comments, deleted ones included: drawing from all would give no post more than one
# page of anything, and draws that take many bytes end a run early.
people = out_of(lambda machine: machine.people)
people_or_nobody = out_of(lambda machine: [*machine.people, NO_USER])
recent_posts = out_of(lambda machine: machine.posts[-3:])
recent_comments = out_of(lambda machine: machine.comments[-6:])
texts = st.sampled_from(["", "a", "%_", "Å 😀", "@user1 #tag"])
limits = st.integers(1, 4)


class ContentMachine(ContentReader):
    """Applies every rule to the program and to the model, and compares the answers."""

    def __init__(self, runner: ServiceRunner) -> None:
        super().__init__(runner)
        runner.runs += 1
        self.people: list[UserId] = []
        self.posts = [NO_POST]
        self.comments = [NO_COMMENT]
        self.person, self.post, self.thread = NO_USER, NO_POST, NO_COMMENT

    # People

    @initialize()
    def people_and_posts(self) -> None:
        self.people = [self._new_user() for _ in range(PEOPLE)]
        for author in self.people[:2]:
            self.publish(author, "", 3)
            self.comment(author, self.post, "first", None)

    @rule(user=people, name=texts)
    def rename(self, user: UserId, name: str) -> None:
        self.model.names[user] = name
        profile = self._step(self.harness.profiles.edit(user, {"full_name": name}), person=user)
        assert profile.full_name == name

    @rule(one=people, other=people_or_nobody)
    def follow(self, one: UserId, other: UserId) -> None:
        state = self._step(self.harness.follows.follow(one, other), person=other)
        assert pair(state, "following", "followers_count") == expected(lambda: self.model.follow(one, other))

    @rule(one=people, other=people_or_nobody)
    def unfollow(self, one: UserId, other: UserId) -> None:
        state = self._step(self.harness.follows.unfollow(one, other), person=other)
        assert pair(state, "following", "followers_count") == expected(
            lambda: self.model.unfollow(one, other)
        )

    # Posts

    @rule(author=people, caption=texts, pictures=st.integers(0, 3))
    def publish(self, author: UserId, caption: str, pictures: int) -> None:
        post_id = self._step(self._publish(author, caption, pictures), person=author)
        self.model.posts[post_id] = ModelPost(post_id, author, caption, [""] * pictures)
        self.posts.append(post_id)
        self.post = post_id

    @rule(
        editor=people,
        post=recent_posts,
        caption=st.none() | texts,
        alt_texts=st.none() | st.lists(texts, max_size=4),
    )
    def edit(self, editor: UserId, post: PostId, caption: str | None, alt_texts: list[str] | None) -> None:
        edited = self._step(self.harness.posts.edit(editor, post, caption, alt_texts), post=post)
        wanted = expected(lambda: self.model.edit(editor, post, caption, alt_texts))
        assert isinstance(edited, Post) if wanted is None else edited == wanted

    @rule(post=recent_posts, caption=st.none() | texts, alt_texts=st.none() | st.lists(texts, max_size=3))
    def edit_own(self, post: PostId, caption: str | None, alt_texts: list[str] | None) -> None:
        owner = self.model.posts[post].author if post in self.model.posts else self.people[0]
        self.edit(UserId(owner), post, caption, alt_texts)

    @rule(editor=people, post=recent_posts)
    def delete(self, editor: UserId, post: PostId) -> None:
        outcome = self._step(self.harness.posts.delete(editor, post), post=post, person=editor)
        assert outcome == expected(lambda: self.model.delete(editor, post))

    @rule()
    def run_deletion_jobs(self) -> None:
        self._step(self.harness.work_off(JobKind.REMOVE_POST))
        hidden = self.runner.do(self.harness.rows("SELECT id FROM posts WHERE deleted_at_ms IS NOT NULL"))
        assert hidden == []

    # Likes and comments

    @rule(actor=people, post=recent_posts)
    def like(self, actor: UserId, post: PostId) -> None:
        state = self._step(self.harness.likes.like(actor, post), post=post)
        assert pair(state, "liked", "likes_count") == expected(lambda: self.model.like(actor, post))

    @rule(actor=people, post=recent_posts)
    def unlike(self, actor: UserId, post: PostId) -> None:
        state = self._step(self.harness.likes.unlike(actor, post), post=post)
        assert pair(state, "liked", "likes_count") == expected(lambda: self.model.unlike(actor, post))

    @rule(author=people, post=recent_posts, content=texts, parent=st.none() | recent_comments)
    def comment(self, author: UserId, post: PostId, content: str, parent: CommentId | None) -> None:
        made = self._step(self.harness.comments.add(author, post, content, parent), post=post)
        new_id = made.id if isinstance(made, Comment) else 0
        wanted = expected(lambda: self.model.comment(author, post, content, parent, new_id))
        if not isinstance(made, Comment):
            assert made == wanted
            return
        assert self._shown_comment(made) == self._wanted_comment(self.model.post(post), wanted)
        self.thread = CommentId(wanted.thread or wanted.id)
        self.comments.append(made.id)

    @rule(editor=people, post=recent_posts, comment=recent_comments)
    def delete_comment(self, editor: UserId, post: PostId, comment: CommentId) -> None:
        outcome = self._step(self.harness.comments.delete(editor, post, comment), post=post)
        assert outcome == expected(lambda: self.model.delete_comment(editor, post, comment))

    @rule(editor=people, comment=recent_comments)
    def delete_a_comment_where_it_is(self, editor: UserId, comment: CommentId) -> None:
        self.delete_comment(editor, self._post_of(comment), comment)

    # Actions of all users, so that lists get long

    @rule(one=people)
    def all_follows(self, one: UserId) -> None:
        for other in self.people:
            self.follow(other, one)
            self.follow(one, other)

    @rule(post=recent_posts, first=people)
    def all_likes(self, post: PostId, first: UserId) -> None:
        start = self.people.index(first)
        for actor in self.people[start:] + self.people[:start]:
            self.like(actor, post)

    @rule(post=recent_posts)
    def all_comments(self, post: PostId) -> None:
        for author in self.people:
            self.comment(author, post, "a", None)

    @rule(parent=recent_comments)
    def all_reply(self, parent: CommentId) -> None:
        for author in self.people:
            self.comment(author, self._post_of(parent), "a", parent)

    # Reads: of the changed records after every step, and of anything at random

    @invariant()
    def changes_are_visible(self) -> None:
        if self.people:
            turn = self.runner.steps
            self.look_around(self.people[turn % PEOPLE], self.person, self.post, self.thread, 1 + turn % 4)

    @rule(viewer=people, user=people_or_nobody, post=recent_posts, parent=recent_comments, limit=limits)
    def look_around(self, viewer: UserId, user: UserId, post: PostId, parent: CommentId, limit: int) -> None:
        """Read everything of a user, a post and a thread, in pages of `limit`."""
        self.read_profile(viewer, user)
        self.read_follows(viewer, user, limit)
        self.read_posts(viewer, user, limit)
        self.read_post(viewer, post)
        self.read_likers(viewer, post, limit)
        self.read_comments(viewer, post, limit)
        self.read_replies(viewer, post, parent, limit)

    def teardown(self) -> None:
        """Assert that all counters are exact and every post has the revision of its changes."""
        try:
            with capture_logs() as lines:
                self.runner.do(self._audit())
            assert lines == []
            rows = self.runner.do(
                self.harness.rows("SELECT id, revision FROM posts WHERE deleted_at_ms IS NULL")
            )
            revisions = {post.id: post.revision for post in self.model.posts.values()}
            assert {row["id"]: row["revision"] for row in rows} == revisions
        finally:
            self.runner.do(self._empty())

    def _step(self, awaitable: Awaitable[Any], **about: Any) -> Any:
        """Perform one step and remember its subject: `person`, `post`, `thread`."""
        self.runner.steps += 1
        for name, what in about.items():
            setattr(self, name, what)
        return self.runner.outcome(awaitable)

    def _post_of(self, comment: CommentId) -> PostId:
        posts = self.model.posts.values()
        found = (post.id for post in posts if comment in {each.id for each in post.comments})
        return PostId(next(found, NO_POST))

    # Helpers beside the services

    def _new_user(self) -> UserId:
        user_id: UserId = self.runner.do(self.harness.user())
        self.model.names[user_id] = ""
        return user_id

    async def _publish(self, author: UserId, caption: str, pictures: int) -> PostId:
        """Publish a post with pictures that exist only as rows."""
        post_id = await self.harness.post(author, caption)
        for position in range(pictures):
            await PostImageTable.create(
                id=self.harness.ids.next(), post_id=post_id, position=position, media_key=f"posts/{post_id}",
                width=1, height=1, blurhash="", variants='["large"]',
            )  # fmt: skip
        return post_id

    async def _audit(self) -> None:
        await JobTable.create(
            id=self.harness.ids.next(), queue=Queue.MAINTENANCE, kind=JobKind.AUDIT_COUNTERS, payload="{}",
            state=JobState.READY, run_at_ms=1, created_at_ms=1,
        )  # fmt: skip
        claim = await self.harness.claim(JobKind.AUDIT_COUNTERS)
        await self.runner.counter_audit.audit(claim)
        assert (await self.harness.job(claim.id))["state"] == JobState.COMPLETED

    async def _empty(self) -> None:
        for table in TABLES:
            await self.harness.database.execute(f"DELETE FROM {table}")


@pytest.mark.timeout(1800 if FULL else 600)
def test_program_agrees_with_the_model(runner: ServiceRunner, stack: Stack, report: Report) -> None:
    run_machine(lambda: ContentMachine(runner), RUNS, STEPS_PER_RUN)
    report(f"{stack.name}: {runner.steps} steps in {runner.runs} runs, 0 differences")
    assert runner.steps >= rounds(400, 10_000)
