"""Preferences: of what, and by which ways, a person wants to be told. Everything, unless they say otherwise."""

from collections.abc import Mapping
from typing import Any

from server.ids import UserId
from server.models.database import Database, DuplicateKey, SerializationFailure
from server.models.notifications.preferences import NotificationPreferenceTable
from server.services.emails.unsubscribe_tokens import UnsubscribeTokens
from server.services.jobs.unit_of_work import UnitOfWork, WorkContext
from server.services.people.user_lookup import user_not_found
from server.services.records import Channel, NotificationType

COLUMNS: Mapping[Channel, str] = {Channel.PUSH: "push", Channel.EMAIL: "email", Channel.IN_APP: "in_app"}

Wishes = Mapping[NotificationType, Mapping[Channel, bool]]


class Preferences:
    def __init__(self, database: Database, unit_of_work: UnitOfWork, links: UnsubscribeTokens) -> None:
        self._database = database
        self._unit_of_work = unit_of_work
        self._links = links

    async def of(self, user_id: UserId) -> Wishes:
        """What this person wants: every type, every channel."""
        rows = await self._database.rows(
            "SELECT type, push, email, in_app FROM notification_preferences WHERE user_id = ?", [user_id]
        )
        found: dict[str, Mapping[str, Any]] = {row["type"]: row for row in rows}
        return {
            type_: {
                channel: bool(found[type_][column]) if type_ in found else True
                for channel, column in COLUMNS.items()
            }
            for type_ in NotificationType
        }

    async def change(self, user_id: UserId, wishes: Wishes) -> Wishes:
        """Change what is named and leave the rest; everything as it is now. Raises NotFound for nobody."""

        async def body(work: WorkContext) -> None:
            if not await self._database.rows(
                f"SELECT id FROM users WHERE id = ?{self._database.for_update}", [user_id]
            ):
                raise user_not_found()
            for type_ in sorted(wishes):
                if wishes[type_]:
                    await self._put(work, user_id, type_, wishes[type_])

        await self._unit_of_work.run(body)
        return await self.of(user_id)

    async def unsubscribe(self, token: str) -> NotificationType:
        """End the mail that a link is for; what it was about. Again changes nothing. Raises NotFound."""
        user_id, type_ = self._links.read(token)
        await self.change(user_id, {type_: {Channel.EMAIL: False}})
        return type_

    def subscription(self, token: str) -> NotificationType:
        """What a link would end. Raises NotFound."""
        return self._links.read(token)[1]

    async def _put(
        self, work: WorkContext, user_id: UserId, type_: NotificationType, wanted: Mapping[Channel, bool]
    ) -> None:
        values = {COLUMNS[channel]: int(chosen) for channel, chosen in wanted.items()}
        columns = ", ".join(f"{name} = ?" for name in values)
        changed = await self._database.execute(
            f"UPDATE notification_preferences SET {columns} WHERE user_id = ? AND type = ?",
            [*values.values(), user_id, type_],
        )
        if changed:
            return
        try:
            await NotificationPreferenceTable.create(
                id=work.new_id(),
                user_id=user_id,
                type=type_,
                push=values.get("push", 1),
                email=values.get("email", 1),
                in_app=values.get("in_app", 1),
            )
        except DuplicateKey as error:
            raise SerializationFailure("Another request set this just now.") from error
