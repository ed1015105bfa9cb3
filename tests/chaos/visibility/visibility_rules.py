"""Strategies that draw from the state machine, and steps that change both the program and the model."""

from collections.abc import Awaitable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from server.events import CacheKey
from server.ids import CommentId, PostId, UserId
from server.services.jobs.unit_of_work import WorkContext
from tests.chaos.state_machines import ServiceRunner
from tests.chaos.visibility.program_changes import ProgramChanges
from tests.chaos.visibility.visibility_model import ModelComment, ModelPost

PEOPLE = 4
people = st.runner().flatmap(lambda machine: st.sampled_from(machine.people))
actors = st.runner().flatmap(lambda machine: st.sampled_from(machine.viewers))
NO_POST = ModelPost(404, 404, deleted=True)
posts = st.runner().flatmap(
    lambda machine: st.sampled_from(list(machine.model.posts.values())[-4:] or [NO_POST])
)
commented = st.runner().flatmap(lambda machine: st.sampled_from(machine.recent_comments()))


class VisibilityRules(ProgramChanges, RuleBasedStateMachine):
    def __init__(self, runner: ServiceRunner) -> None:
        RuleBasedStateMachine.__init__(self)
        ProgramChanges.__init__(self, runner.harness)
        self.runner = runner
        self.suspended: set[int] = set()

    def recent_comments(self) -> list[tuple[ModelPost, ModelComment]]:
        return [(post, comment) for post in self.recent() for comment in post.comments[-4:]]

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
