"""Rows of what people were told, as they are shown: which of them, and with whom did it."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.ids import NotificationId, UserId
from server.models.accounts.user_cards import USER_COLUMNS, UserCardRow
from server.models.conditions import Condition
from server.models.database import Database
from server.services.content.cards import Cards
from server.services.records import Notification, NotificationType


def shown(seen: Condition) -> Condition:
    """What was not taken back, and is not about a post that the recipient may no longer see, or a comment that is gone:
    that shows at once, and not only when their jobs have run. The table is `n`; `seen` is about posts `p`."""
    return Condition(
        "n.withdrawn = 0 AND (n.post_id IS NULL OR EXISTS(SELECT 1 FROM posts p WHERE p.id = n.post_id AND"
        f" {seen.sql})) AND (n.comment_id IS NULL OR EXISTS(SELECT 1 FROM comments c WHERE c.id = n.comment_id))",
        seen.parameters,
    )


async def read(
    database: Database, cards: Cards, seen: Condition, condition: str, parameters: Sequence[Any]
) -> list[Notification]:
    """Those of the `condition`, which may end in an order and a limit, that are shown to whoever `seen` is about."""
    allowed = shown(seen)
    rows = await database.rows(
        "SELECT n.id, n.recipient_id, n.sequence, n.type, n.post_id, n.comment_id, n.others_count, n.read_at_ms,"
        f" n.created_at_ms, {USER_COLUMNS} FROM notifications n JOIN users u ON u.id = n.actor_id"
        f" WHERE {allowed.sql} AND {condition}",
        [*allowed.parameters, *parameters],
    )
    return [_notification(cards, row) for row in rows]


def _notification(cards: Cards, row: Mapping[str, Any]) -> Notification:
    return Notification(
        id=NotificationId(row["id"]),
        recipient_id=UserId(row["recipient_id"]),
        sequence=row["sequence"],
        type=NotificationType(row["type"]),
        actor=cards.user(UserCardRow.from_row(row)),
        post_id=row["post_id"],
        comment_id=row["comment_id"],
        read=row["read_at_ms"] is not None,
        created_at_ms=row["created_at_ms"],
        others_count=row["others_count"],
    )
