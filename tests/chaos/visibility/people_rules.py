"""Rules about people: follows, blocks and other pairs, and accounts that close, return and are erased."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from server.ids import UserId
from server.services.jobs.event_jobs import JobKind
from server.services.records import AccountStatus
from tests.chaos.visibility.visibility_rules import PEOPLE, VisibilityRules, actors, people


class PeopleRules(VisibilityRules):
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
        expected = None
        if (one, other) in self.model.blocks:
            self.model.blocks.remove((one, other))
        else:
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
