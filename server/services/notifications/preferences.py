"""Channels that a user wants per notification type; all by default. Notifications of the service have no choice.

An unsubscribe link ends e-mails to the address, not to the account. Only the owner of the mailbox can end that, with a
link that is e-mailed to it.
"""

import contextlib
from collections.abc import Mapping
from functools import partial

from server.events import EmailVerificationRequested
from server.ids import UserId
from server.models.accounts.users import UserRepository
from server.models.database import DuplicateKey
from server.models.notifications.digests import (
    DEFAULT_EMAIL_FREQUENCY,
    DigestRepository,
    EmailFrequency,
)
from server.models.notifications.preferences import PreferenceRepository
from server.services.emails.suppressions import Suppressions
from server.services.emails.unsubscribe_tokens import AllNotifications, EmailTopic, UnsubscribeTokens
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.notifications.digests import Digests
from server.services.people.user_lookup import user_not_found
from server.services.records import PREFERENCE_TYPES, Channel, NotificationType

COLUMNS: Mapping[Channel, str] = {Channel.PUSH: "push", Channel.EMAIL: "email", Channel.IN_APP: "in_app"}

ChannelPreferences = Mapping[NotificationType, Mapping[Channel, bool]]


class Preferences:
    def __init__(
        self,
        preferences: PreferenceRepository,
        users: UserRepository,
        suppressions: Suppressions,
        unit_of_work: UnitOfWork,
        tokens: UnsubscribeTokens,
        digests: Digests,
        digest_rows: DigestRepository,
    ) -> None:
        self._preferences = preferences
        self._users = users
        self._suppressions = suppressions
        self._unit_of_work = unit_of_work
        self._tokens = tokens
        self._digests = digests
        self._digest_rows = digest_rows

    async def get_for(self, user_id: UserId) -> ChannelPreferences:
        """Return every type and channel. A type that the user's address has unsubscribed from is not e-mailed."""
        rows = await self._preferences.list_by_user(user_id)
        stored = {
            row.type: {Channel.PUSH: row.push, Channel.EMAIL: row.email, Channel.IN_APP: row.in_app}
            for row in rows
        }
        wanted = {type_: stored.get(type_, dict.fromkeys(Channel, True)) for type_ in PREFERENCE_TYPES}
        for type_ in await self._list_suppressed(user_id):
            wanted[type_] = {**wanted[type_], Channel.EMAIL: False}
        return wanted

    async def get_email_frequency(self, user_id: UserId) -> EmailFrequency:
        """Return how often the user gets e-mails; never, if the user's address has unsubscribed from digests."""
        if AllNotifications.TOPIC in await self._list_topics(user_id):
            return EmailFrequency.NEVER
        state = await self._digest_rows.find_state(user_id)
        return DEFAULT_EMAIL_FREQUENCY if state is None else state.frequency

    async def update(
        self, user_id: UserId, changes: ChannelPreferences, email_frequency: EmailFrequency | None = None
    ) -> ChannelPreferences:
        """Apply `changes` and keep the rest; return all preferences. Raises NotFound for an unknown user.

        E-mails that the user's address has unsubscribed from stay off until the address is verified again; an e-mail
        with a link for that is requested. Another frequency moves the digest that is due.
        """
        await self._unit_of_work.run(partial(self._apply, user_id, changes, email_frequency))
        return await self.get_for(user_id)

    async def unsubscribe(self, token: str) -> EmailTopic:
        """End the e-mails that an unsubscribe token names; return their topic. Idempotent. Raises NotFound."""
        address_hash, type_ = self._tokens.decode(token)

        async def suppress(work: WorkContext) -> None:
            await self._suppressions.suppress(work.new_id(), address_hash, type_, work.now_ms())

        with contextlib.suppress(DuplicateKey):  # it has unsubscribed before
            await self._unit_of_work.run(suppress)
        return type_

    def get_unsubscribe_type(self, token: str) -> EmailTopic:
        """Return which e-mails an unsubscribe token would end. Raises NotFound."""
        return self._tokens.decode(token)[1]

    async def _apply(
        self,
        user_id: UserId,
        changes: ChannelPreferences,
        email_frequency: EmailFrequency | None,
        work: WorkContext,
    ) -> None:
        if email_frequency is not None:  # first: jobs lock the inbox before the user's row
            await self._digests.set_frequency(work, user_id, email_frequency)
        if not await self._preferences.lock_user(user_id):
            raise user_not_found()
        for type_ in sorted(changes):
            columns = {COLUMNS[channel]: wanted for channel, wanted in changes[type_].items()}
            if columns and not await self._preferences.update(user_id, type_, columns):
                await self._preferences.insert(work.new_id(), user_id, type_, columns)
        topics = await self._list_topics(user_id)
        wanted = {type_ for type_, channels in changes.items() if channels.get(Channel.EMAIL)}
        asks_for_emails = email_frequency not in {None, EmailFrequency.NEVER}
        if topics & wanted or (asks_for_emails and AllNotifications.TOPIC in topics):
            work.emit(EmailVerificationRequested(user_id))

    async def _list_suppressed(self, user_id: UserId) -> set[NotificationType]:
        topics = await self._list_topics(user_id)
        return {type_ for type_ in PREFERENCE_TYPES if type_.value in topics}

    async def _list_topics(self, user_id: UserId) -> set[str]:
        """Return what the user's address has unsubscribed from."""
        user = await self._users.get_contact(user_id)
        return await self._suppressions.list_topics(user.email) if user is not None else set()
