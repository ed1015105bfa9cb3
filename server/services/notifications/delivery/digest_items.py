"""Contents of a digest: one item per post that was liked or commented on, per mention, per kind of follow."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.ids import NotificationId, PostId, UserId
from server.models.notifications.digest_contents import (
    DigestContentRepository,
    DigestPerson,
    DigestRecipient,
    DigestRow,
)
from server.services.emails.suppressions import Suppressions
from server.services.notifications.digests import MAX_ENTRIES
from server.services.notifications.notification_text import headline
from server.services.records import NotificationType

MAX_ITEMS = 20
MAX_PEOPLE = 1000
_LIKES = (NotificationType.LIKE, NotificationType.COMMENT_LIKE)
# All entries of these types are one item.
_ABOUT_USERS = (NotificationType.FOLLOW, NotificationType.FOLLOW_REQUEST, NotificationType.FOLLOW_ACCEPTED)
_NOUNS: Mapping[NotificationType, tuple[str, str]] = {
    NotificationType.LIKE: ("like", "likes"),
    NotificationType.COMMENT_LIKE: ("like of a comment", "likes of comments"),
    NotificationType.COMMENT: ("comment", "comments"),
    NotificationType.REPLY: ("reply", "replies"),
    NotificationType.MENTION: ("mention", "mentions"),
    NotificationType.TAG: ("tag of you", "tags of you"),
    NotificationType.FOLLOW: ("new follower", "new followers"),
    NotificationType.FOLLOW_REQUEST: ("follow request", "follow requests"),
    NotificationType.FOLLOW_ACCEPTED: ("accepted follow request", "accepted follow requests"),
}


@dataclass(frozen=True, slots=True)
class DigestItem:
    """`people` are distinct, the newest first; `events` counts what they did. `text` is what the newest one wrote.

    `capped`: there are more people and events than are counted.
    """

    type: NotificationType
    people: tuple[DigestPerson, ...]
    events: int
    capped: bool
    post_id: PostId | None
    in_comment: bool
    text: str

    @property
    def headline(self) -> str:
        """A sentence without a full stop, as `ana and 12 others liked your post`."""
        others = len(self.people) - 1
        return headline(
            self.type, self.people[0].username, others, in_comment=self.in_comment, capped=self.capped
        )


@dataclass(frozen=True, slots=True)
class DigestContent:
    """`delivered`: the entries that `items` are about. `more`: there are entries besides them."""

    items: tuple[DigestItem, ...]
    delivered: frozenset[NotificationId]
    more: bool

    @property
    def summary(self) -> str:
        """Numbers only, as `12 likes, 3 comments and 2 new followers`."""
        counts: dict[NotificationType, int] = {}
        capped = {item.type for item in self.items if item.capped or self.more}
        for item in self.items:
            counts[item.type] = counts.get(item.type, 0) + item.events
        parts = [
            f"{count:,}{'+' if type_ in capped else ''} {_NOUNS[type_][count != 1]}"
            for type_, count in counts.items()
        ]
        return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


class DigestContents:
    def __init__(self, contents: DigestContentRepository, suppressions: Suppressions) -> None:
        self._contents = contents
        self._suppressions = suppressions

    async def find_recipient(self, user_id: UserId) -> DigestRecipient | None:
        """Return None for a user whose account is not active, or who has no verified address."""
        recipient = await self._contents.find_recipient(user_id)
        return recipient if recipient is not None and recipient.email else None

    async def read(
        self, user_id: UserId, recipient: DigestRecipient, entries: list[NotificationId]
    ) -> DigestContent:
        """Return what the recipient may see of `entries` now, and has not read.

        Types that the address has unsubscribed from are left out. There are at most MAX_ITEMS items, in the order of
        their newest entries.
        """
        unwanted = await self._suppressions.list_topics(recipient.email)
        groups: dict[tuple[str, int], list[DigestRow]] = {}
        for row in await self._contents.list_rows(user_id, entries):
            if row.type not in unwanted and (row.shown or row.grouped):
                groups.setdefault(_key(row), []).append(row)
        items: list[DigestItem] = []
        delivered: set[NotificationId] = set()
        waiting = list(groups.values())
        while waiting and len(items) < MAX_ITEMS:
            rows = waiting.pop(0)
            item = await self._item(user_id, rows)
            if item is not None:
                items.append(item)
                delivered.update(row.id for row in rows if row.shown)
        delivered.update(row.id for rows in waiting for row in rows if row.shown)
        return DigestContent(
            tuple(items), frozenset(delivered), more=bool(waiting) or len(entries) >= MAX_ENTRIES
        )

    async def _item(self, user_id: UserId, rows: list[DigestRow]) -> DigestItem | None:
        """Return None for a group of which nothing is left."""
        newest = rows[0]
        if newest.grouped:
            people = await self._contents.list_people(user_id, newest, MAX_PEOPLE + 1)
        else:
            people = [DigestPerson(row.actor_id, row.actor) for row in rows]
        if not people:
            return None
        distinct = tuple({person.id: person for person in people[:MAX_PEOPLE]}.values())
        return DigestItem(
            type=NotificationType(newest.type),
            people=distinct,
            events=min(len(people), MAX_PEOPLE),
            capped=len(people) > MAX_PEOPLE,
            post_id=newest.post_id,
            in_comment=newest.comment_id is not None,
            text=newest.text if newest.type not in _LIKES else "",
        )


def _key(row: DigestRow) -> tuple[str, int]:
    """Return what the rows of one item have in common."""
    if row.type in _ABOUT_USERS:
        return row.type, 0
    if row.type == NotificationType.COMMENT and row.post_id is not None:
        return row.type, row.post_id
    if row.type in _LIKES:
        return row.type, row.target_id
    return row.type, row.id
