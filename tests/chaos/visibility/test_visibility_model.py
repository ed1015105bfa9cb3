"""Random changes between people, their posts and accounts: every read shows what the model allows."""

from functools import partial

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from server.ids import UserId
from server.services.jobs.event_jobs import JobKind
from server.services.records import Channel
from tests.chaos.conftest import Report
from tests.chaos.environment import FULL, rounds
from tests.chaos.state_machines import ServiceRunner, run_machine, runner
from tests.chaos.visibility.content_rules import PLACES, ContentRules
from tests.chaos.visibility.people_rules import PeopleRules
from tests.chaos.visibility.program_changes import NOTIFYING_JOBS, PROMPT_JOBS
from tests.chaos.visibility.visibility_rules import PEOPLE, actors
from tools.harness.backends import Stack

__all__ = ["runner"]

pytestmark = pytest.mark.chaos

STEPS_PER_RUN = 50
RUNS = rounds(4, 300)
RUNS_PER_REPORT = 20


class VisibilityMachine(PeopleRules, ContentRules):
    def __init__(self, runner: ServiceRunner, report: Report) -> None:
        super().__init__(runner)
        runner.runs += 1
        self.report = report
        self.steps = -1  # the first comparison precedes the first step

    @initialize(
        period=st.sampled_from([1, 1, 3, STEPS_PER_RUN]), connected=st.sampled_from([True, True, False])
    )
    def start(self, period: int, connected: bool) -> None:
        """`period` is the number of steps after which the jobs that notify run.

        With `connected`, people follow each other, and their posts have places, tags and versions from the start, so
        that short runs compare lists of several items.
        """
        self.period = period
        self.runner.do(self.add_people(PEOPLE))
        if connected:
            self._connect()

    def _connect(self) -> None:
        first, *others = self.people
        for other in others:
            self.follow(first, other)
            self.follow(other, others[0])
        for post, name in zip(self.recent(), PLACES * len(self.people), strict=False):
            self.move(post, name)
            self.tag(post, first)
            self.mention(post, 1)
            self.mention(post, 2)
            self.like(first, post, True)
            self.save(first, post, True, True)

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
        self.paging_viewer, self.limit = stale, 1 + self.steps % 4
        await self.compare_searches(stale, lambda found, allowed: {*found} <= {*allowed})
        await self.work_off(*PROMPT_JOBS)
        await self.compare_all()


@pytest.mark.timeout(14_400 if FULL else 600)
def test_reads_show_what_the_model_allows(runner: ServiceRunner, stack: Stack, report: Report) -> None:
    run_machine(partial(VisibilityMachine, runner, report), RUNS, STEPS_PER_RUN)
    report(f"{stack.name}: {runner.steps} steps in {runner.runs} runs, 0 differences")
    assert runner.steps >= rounds(100, 10_000)
