"""Random changes between people, their posts and accounts: every read shows what the model allows."""

from collections.abc import Awaitable
from functools import partial
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from server.events import CacheKey
from server.ids import ActionId, CommentId, PostId, UserId
from server.models.audience import Audience
from server.services.jobs.event_jobs import JobKind
from server.services.jobs.unit_of_work import WorkContext
from server.services.records import AccountStatus, Channel, PostStatus
from tests.chaos.conftest import Report
from tests.chaos.environment import FULL, rounds
from tests.chaos.state_machines import ServiceRunner, run_machine, runner
from tests.chaos.visibility.program_changes import NOTIFYING_JOBS, PROMPT_JOBS, ProgramChanges
from tests.chaos.visibility.visibility_model import ModelComment, ModelPost
from tests.chaos.visibility.visibility_reader import TAG, WORD
from tests.services.explore.explores import rank
from tools.harness.backends import Stack

__all__ = ["runner"]

pytestmark = pytest.mark.chaos

PEOPLE = 4
STEPS_PER_RUN = 50
RUNS = rounds(4, 300)
RUNS_PER_REPORT = 20
people = st.runner().flatmap(lambda machine: st.sampled_from(machine.people))
actors = st.runner().flatmap(lambda machine: st.sampled_from(machine.viewers))
audiences = st.sampled_from(Audience)
NO_POST = ModelPost(404, 404, deleted=True)
posts = st.runner().flatmap(
    lambda machine: st.sampled_from(list(machine.model.posts.values())[-4:] or [NO_POST])
)
commented = st.runner().flatmap(lambda machine: st.sampled_from(machine.recent_comments()))


class VisibilityMachine(ProgramChanges, RuleBasedStateMachine):
    def __init__(self, runner: ServiceRunner, report: Report) -> None:
        RuleBasedStateMachine.__init__(self)
        ProgramChanges.__init__(self, runner.harness)
        runner.runs += 1
        self.runner, self.report = runner, report
        self.suspended: set[int] = set()
        self.steps = -1  # the first comparison precedes the first step

    def recent_comments(self) -> list[tuple[ModelPost, ModelComment]]:
        return [(post, comment) for post in self.recent() for comment in post.comments[-4:]]

    @initialize(period=st.sampled_from([1, 1, 3, STEPS_PER_RUN]))
    def start(self, period: int) -> None:
        """`period` is the number of steps after which the jobs that notify run."""
        self.period = period
        self.runner.do(self.add_people(PEOPLE))

    # People

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
        self.runner.do(self.work_off(JobKind.ACCEPT_FOLLOW_REQUESTS))
        self.model.set_private(user, private=private)

    @rule(one=actors, other=people)
    def block(self, one: UserId, other: UserId) -> None:
        self._agree(self.harness.blocks.block(one, other), self.model.block(one, other))

    @rule(one=actors, other=people)
    def unblock(self, one: UserId, other: UserId) -> None:
        expected = self.model.set_pair(self.model.blocks, one, other, wanted=False)
        self._agree(self.harness.blocks.unblock(one, other), expected)

    @rule(one=actors, other=people, muted=st.booleans())
    def mute(self, one: UserId, other: UserId, muted: bool) -> None:
        mutes = self.harness.mutes
        expected = self.model.set_pair(self.model.mutes, one, other, wanted=muted)
        self._agree((mutes.mute if muted else mutes.unmute)(one, other), expected)

    @rule(one=actors, other=people, friend=st.booleans())
    def set_close_friend(self, one: UserId, other: UserId, friend: bool) -> None:
        friends = self.harness.close_friends
        expected = self.model.set_pair(self.model.close_friends, one, other, wanted=friend)
        self._agree((friends.add if friend else friends.remove)(one, other), expected)

    @rule(one=actors, other=people, restricted=st.booleans())
    def restrict(self, one: UserId, other: UserId, restricted: bool) -> None:
        restrictions = self.harness.restrictions
        expected = self.model.set_pair(self.model.restricted, one, other, wanted=restricted)
        self._agree((restrictions.restrict if restricted else restrictions.unrestrict)(one, other), expected)

    # Accounts

    @rule(user=people, status=st.sampled_from([AccountStatus.SUSPENDED, AccountStatus.ACTIVE]))
    def set_status(self, user: UserId, status: AccountStatus) -> None:
        """Suspend an account, or end a suspension or closure without a sign-in."""
        hidden = status is AccountStatus.SUSPENDED
        if not hidden or self.viewers != [user]:
            self.runner.do(self.harness.set_status(user, status))
            self._set_hidden(user, hidden=hidden)
            (self.suspended.add if hidden else self.suspended.discard)(user)

    @rule(user=actors, delete=st.booleans())
    def close_account(self, user: UserId, delete: bool) -> None:
        if len(self.viewers) > 1:
            self.runner.do(self.close_account_of(user, delete=delete))
            self._set_hidden(user, hidden=True)

    @rule(user=people)
    def sign_in(self, user: UserId) -> None:
        """Sign in and register the device, which cancels a deactivation and a deletion."""
        suspended = user in self.suspended
        self._agree(self.open_session(user), "account_suspended" if suspended else None)
        if not suspended:
            self._set_hidden(user, hidden=False)
            self.notifications.devices.add(user)

    @rule(user=people)
    def erase_account(self, user: UserId) -> None:
        others = [each for each in self.viewers if each != user]
        if user not in self.suspended and others and len(self.people) > 2:
            if user not in self.model.hidden:
                self.close_account(user, delete=True)
            self.runner.do(self.erase_account_of(user))
            self.people.remove(user)
            self.model.erase(user)
            self.notifications.erase(user)

    @precondition(lambda machine: len(machine.people) < PEOPLE)
    @rule()
    def register(self) -> None:
        self.runner.do(self.add_user())

    # Posts

    @rule(author=actors, audience=audiences)
    def publish(self, author: UserId, audience: Audience) -> None:
        self.runner.do(self.add_post(author, audience))

    @rule(post=posts, audience=audiences)
    def edit_audience(self, post: ModelPost, audience: Audience) -> None:
        author = UserId(post.author)
        if author not in self.model.hidden:
            expected = self._refusal(author, post)
            self._agree(self.harness.posts.edit(author, PostId(post.id), None, None, audience), expected)
            if expected is None:
                self.model.set_audience(post, audience)

    @rule(post=posts, choice=st.integers(0, 2**PEOPLE - 1))
    def mention(self, post: ModelPost, choice: int) -> None:
        """Mention a set of people in the caption."""
        author = UserId(post.author)
        mentioned: list[int] = [user for bit, user in enumerate(self.people) if choice >> bit & 1]
        caption = " ".join([WORD, f"#{TAG}", *(f"@{self.model.names[user]}" for user in mentioned)])
        if author not in self.model.hidden:
            expected = self._refusal(author, post)
            self._agree(self.harness.posts.edit(author, PostId(post.id), caption, None), expected)
            if expected is None:
                self.model.edit_caption(post, caption, mentioned)

    @rule(post=posts, archived=st.booleans())
    def archive(self, post: ModelPost, archived: bool) -> None:
        author, status = UserId(post.author), PostStatus.ARCHIVED if archived else PostStatus.PUBLISHED
        if author not in self.model.hidden:
            change = self.harness.posts.edit(author, PostId(post.id), None, None, status=status)
            expected = self._refusal(author, post)
            self._agree(change, expected)
            if expected is None:
                self.model.set_archived(post, archived=archived)

    @rule(user=actors, post=posts)
    def delete_post(self, user: UserId, post: ModelPost) -> None:
        self._agree(self.harness.posts.delete(user, PostId(post.id)), self.model.delete_post(user, post))

    @rule(post=posts)
    def take_down_post(self, post: ModelPost) -> None:
        action_id = ActionId(self.harness.ids.next())
        self._decide(partial(self.harness.posts.take_down, PostId(post.id), action_id), post)
        if post.is_present:
            post.hidden_by = action_id

    @rule(post=posts)
    def restore_post(self, post: ModelPost) -> None:
        if post.hidden_by is not None:
            action_id = ActionId(post.hidden_by)
            self._decide(partial(self.harness.posts.restore, PostId(post.id), action_id), post)
            post.hidden_by = None

    @rule(actor=actors, post=posts, liked=st.booleans())
    def like(self, actor: UserId, post: ModelPost, liked: bool) -> None:
        likes = self.harness.likes
        change = (likes.like if liked else likes.unlike)(actor, PostId(post.id))
        self._agree(change, self.model.like(actor, post, liked=liked))

    @rule(user=actors, post=posts, saved=st.booleans(), collected=st.booleans())
    def save(self, user: UserId, post: ModelPost, saved: bool, collected: bool) -> None:
        """Save a post or remove the save; with `collected`, put it into the user's collection or take it out."""
        post_id, saves = PostId(post.id), self.harness.saves
        if not collected:
            change = (saves.save if saved else saves.unsave)(user, post_id)
            self._agree(change, self.model.save(user, post, saved=saved))
            return
        collections = self.harness.collections
        change = (collections.add_post if saved else collections.remove_post)(
            user, self.collections[user], post_id
        )
        self._agree(change, self.model.collect(user, post, collected=saved))

    @rule()
    def rank_explore(self) -> None:
        self.runner.do(rank(self.harness))

    # Comments

    @rule(author=actors, post=posts, mentioned=people)
    def comment(self, author: UserId, post: ModelPost, mentioned: UserId) -> None:
        self._comment(author, post, None, mentioned)

    @precondition(lambda machine: machine.recent_comments())
    @rule(author=actors, answered=commented, mentioned=people)
    def reply(self, author: UserId, answered: tuple[ModelPost, ModelComment], mentioned: UserId) -> None:
        self._comment(author, *answered, mentioned)

    @precondition(lambda machine: machine.recent_comments())
    @rule(actor=actors, found=commented, liked=st.booleans())
    def like_comment(self, actor: UserId, found: tuple[ModelPost, ModelComment], liked: bool) -> None:
        post, comment = found
        likes = self.harness.comment_likes
        change = (likes.like if liked else likes.unlike)(actor, PostId(post.id), CommentId(comment.id))
        self._agree(change, self.model.like_comment(actor, post, comment, liked=liked))

    @precondition(lambda machine: machine.recent_comments())
    @rule(user=actors, found=commented)
    def approve(self, user: UserId, found: tuple[ModelPost, ModelComment]) -> None:
        post, comment = found
        approval = self.harness.commenting.approvals.approve(user, PostId(post.id), CommentId(comment.id))
        self._agree(approval, self.model.approve(user, post, comment))

    @precondition(lambda machine: machine.recent_comments())
    @rule(user=actors, found=commented)
    def delete_comment(self, user: UserId, found: tuple[ModelPost, ModelComment]) -> None:
        post, comment = found
        deletion = self.harness.comments.delete(user, PostId(post.id), CommentId(comment.id))
        self._agree(deletion, self.model.delete_comment(user, post, comment))

    @precondition(lambda machine: machine.recent_comments())
    @rule(found=commented)
    def moderate_comment(self, found: tuple[ModelPost, ModelComment]) -> None:
        """Take a comment down, or restore one that was taken down."""
        post, comment = found
        ids, comments = (PostId(post.id), CommentId(comment.id)), self.harness.commenting.removals
        if comment.hidden_by is None:
            action_id = ActionId(self.harness.ids.next())
            self._decide(partial(comments.take_down, *ids, action_id), post)
            self.model.hide_comment(post, comment, action_id)
        else:
            action_id = ActionId(comment.hidden_by)
            self._decide(partial(comments.restore, *ids, action_id), post)
            self.model.show_comment(post, comment, action_id)

    # Jobs

    @rule()
    def run_jobs(self) -> None:
        self.runner.do(self.work_off(*NOTIFYING_JOBS))
        self.notifications.run_jobs()

    @rule()
    def deliver(self) -> None:
        """Send the pushes and e-mails that wait, which are those that the model expects."""
        sent, expected = self.runner.do(self.run_deliveries()), self.notifications.run_deliveries()
        for channel in (Channel.PUSH, Channel.EMAIL):
            assert [each for each in sent if each.channel is channel] == [
                each for each in expected if each.channel is channel
            ]

    @rule()
    def remove_posts(self) -> None:
        self.runner.do(self.work_off(JobKind.REMOVE_POST))
        for post in [post for post in self.model.posts.values() if post.deleted]:
            del self.model.posts[post.id]
            self.model.forget_saves(post.id)
            self.notifications.remove_post(post)

    @rule(user=actors)
    def read_notifications(self, user: UserId) -> None:
        self.runner.do(self.harness.notifications.mark_read_up_to(user, None))
        self.notifications.read_all(user)

    @invariant()
    def every_read_agrees(self) -> None:
        self.steps += 1
        if self.steps % self.period == 0:
            self.run_jobs()
        if self.steps % (2 * self.period) == 0:
            self.deliver()
        self.runner.do(self._compare())

    def teardown(self) -> None:
        self.runner.steps += max(self.steps, 0)
        if self.runner.runs % RUNS_PER_REPORT == 0:
            self.report(f"{self.runner.steps} steps in {self.runner.runs} runs")
        self.runner.do(self.empty_tables())

    async def _compare(self) -> None:
        stale = self.viewers[self.steps % len(self.viewers)]
        await self.compare_searches(stale, lambda found, allowed: {*found} <= {*allowed})
        await self.work_off(*PROMPT_JOBS)
        await self.compare_all()

    # Steps

    def _agree(self, change: Awaitable[Any], refusal: str | None) -> None:
        outcome = self.runner.outcome(change)
        assert (outcome if isinstance(outcome, str) else None) == refusal

    def _refusal(self, viewer: int, post: ModelPost) -> str | None:
        return None if self.model.sees_post(viewer, post) else "not_found"

    def _comment(
        self, author: UserId, post: ModelPost, parent: ModelComment | None, mentioned: UserId
    ) -> None:
        text = f"@{self.model.names[mentioned]}"
        expected = self.model.refuse_comment(author, post, parent)
        parent_id = None if parent is None else CommentId(parent.id)
        outcome = self.runner.outcome(self.harness.comments.add(author, PostId(post.id), text, parent_id))
        if expected is None:
            assert not outcome.pending
            self.model.comment(post, ModelComment(outcome.id, author, text, [mentioned]), parent)
        else:
            assert outcome == expected

    def _decide(self, change: Any, post: ModelPost) -> None:
        """Carry out what moderators decide about a post or one of its comments."""
        keys = CacheKey("post", post.id), CacheKey("feed", post.author)

        async def carry_out(work: WorkContext) -> None:
            await change(work=work)

        self.runner.do(self.harness.unit_of_work.run(carry_out, changes=keys))

    def _set_hidden(self, user: int, *, hidden: bool) -> None:
        (self.model.hidden.add if hidden else self.model.hidden.discard)(user)
        if hidden:
            self.notifications.devices.discard(user)
        else:
            self.suspended.discard(user)


@pytest.mark.timeout(14_400 if FULL else 600)
def test_reads_show_what_the_model_allows(runner: ServiceRunner, stack: Stack, report: Report) -> None:
    run_machine(partial(VisibilityMachine, runner, report), RUNS, STEPS_PER_RUN)
    report(f"{stack.name}: {runner.steps} steps in {runner.runs} runs, 0 differences")
    assert runner.steps >= rounds(100, 10_000)
