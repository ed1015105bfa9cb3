"""Channels that a user wants per notification type; all by default."""

from collections.abc import Mapping
from functools import partial

from server.ids import UserId
from server.models.notifications.preferences import PreferenceRepository
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import user_not_found
from server.services.records import Channel, NotificationType

COLUMNS: Mapping[Channel, str] = {Channel.PUSH: "push", Channel.EMAIL: "email", Channel.IN_APP: "in_app"}

ChannelPreferences = Mapping[NotificationType, Mapping[Channel, bool]]


class Preferences:
    def __init__(
        self, preferences: PreferenceRepository, unit_of_work: UnitOfWork, tokens: UnsubscribeTokens
    ) -> None:
        self._preferences = preferences
        self._unit_of_work = unit_of_work
        self._tokens = tokens

    async def get_for(self, user_id: UserId) -> ChannelPreferences:
        """Return every type and channel."""
        rows = await self._preferences.list_by_user(user_id)
        stored = {
            row.type: {Channel.PUSH: row.push, Channel.EMAIL: row.email, Channel.IN_APP: row.in_app}
            for row in rows
        }
        return {type_: stored.get(type_, dict.fromkeys(Channel, True)) for type_ in NotificationType}

    async def update(self, user_id: UserId, changes: ChannelPreferences) -> ChannelPreferences:
        """Apply `changes` and keep the rest; return all preferences. Raises NotFound for an unknown user."""
        await self._unit_of_work.run(partial(self._apply, user_id, changes))
        return await self.get_for(user_id)

    async def unsubscribe(self, token: str) -> NotificationType:
        """End the e-mails that an unsubscribe token names; return their type. Idempotent. Raises NotFound."""
        user_id, type_ = self._tokens.decode(token)
        await self.update(user_id, {type_: {Channel.EMAIL: False}})
        return type_

    def get_unsubscribe_type(self, token: str) -> NotificationType:
        """Return which e-mails an unsubscribe token would end. Raises NotFound."""
        return self._tokens.decode(token)[1]

    async def _apply(self, user_id: UserId, changes: ChannelPreferences, work: WorkContext) -> None:
        if not await self._preferences.lock_user(user_id):
            raise user_not_found()
        for type_ in sorted(changes):
            columns = {COLUMNS[channel]: wanted for channel, wanted in changes[type_].items()}
            if columns and not await self._preferences.update(user_id, type_, columns):
                await self._preferences.insert(work.new_id(), user_id, type_, columns)
