"""Table `moderation_actions`: the audit log. Rows are only inserted, by `audit_chain`, and outlive what they name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tortoise import fields
from tortoise.models import Model

from server.ids import ActionId, CaseId, UserId
from server.models.database import Database, placeholders
from server.models.moderation.report_cases import ReportedSubject

# The operator, who uses the command line and has no account.
OPERATOR = UserId(0)
NO_CASE = CaseId(0)


class ModerationAction(StrEnum):
    """Entries of the audit log: what moderators and operators did, and the appeals of users."""

    CLAIM = "claim"
    DISMISS = "dismiss"
    WARN = "warn"
    TAKE_DOWN = "take_down"
    SUSPEND = "suspend"
    BAN = "ban"
    RESTORE = "restore"
    APPEAL = "appeal"
    CLAIM_APPEAL = "claim_appeal"
    UPHOLD = "uphold"
    REVERSE = "reverse"
    GRANT_ROLE = "grant_role"
    END_SESSIONS = "end_sessions"
    PAUSE_QUEUE = "pause_queue"
    RESUME_QUEUE = "resume_queue"
    RETRY_JOBS = "retry_jobs"
    DISCARD_JOBS = "discard_jobs"
    PROMOTE_JOBS = "promote_jobs"
    ADD_FILTER = "add_filter"
    EDIT_FILTER = "edit_filter"
    DROP_FILTER = "drop_filter"


# Those that resolve a case.
DECISIONS = (
    ModerationAction.DISMISS,
    ModerationAction.WARN,
    ModerationAction.TAKE_DOWN,
    ModerationAction.SUSPEND,
    ModerationAction.BAN,
)
# Those that the person concerned can appeal against, and that can be undone.
SANCTIONS = DECISIONS[1:]
CLOSING = (ModerationAction.SUSPEND, ModerationAction.BAN)
UNDOING = (ModerationAction.RESTORE, ModerationAction.REVERSE)
# Those that the person concerned is notified of.
NOTIFIED = (*SANCTIONS, *UNDOING, ModerationAction.UPHOLD)


class ModerationActionTable(Model):
    """No foreign keys: an erased account or deleted post stays in the log by its id.

    `actor_id` is 0 for the operator. `about_id` is the action that an appeal, its outcome or a restoration is about.
    `detail` depends on the action. `sequence` and `hash` link the rows; rows from before the chain have neither.
    """

    id = fields.BigIntField(primary_key=True, generated=False)
    actor_id = fields.BigIntField()
    action = fields.CharField(max_length=12)
    case_id = fields.BigIntField()
    subject_type = fields.CharField(max_length=8)
    subject_id = fields.BigIntField()
    author_id = fields.BigIntField()
    note = fields.CharField(max_length=1000, default="")
    until_ms: fields.Field[int | None] = fields.BigIntField(null=True)
    created_at_ms = fields.BigIntField()
    reason = fields.CharField(max_length=16, default="", db_default="")
    message = fields.CharField(max_length=1000, default="", db_default="")
    detail = fields.CharField(max_length=255, default="", db_default="")
    about_id: fields.Field[int | None] = fields.BigIntField(null=True, db_index=True)
    sequence: fields.Field[int | None] = fields.BigIntField(null=True)
    hash = fields.CharField(max_length=64, default="", db_default="")

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "moderation_actions"
        unique_together = (("sequence",),)
        indexes = (("actor_id", "id"), ("author_id", "id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModerationActionRow:
    """`author_id`: whose account or content it is; 0 if it is no user's. `until_ms`: the end of a suspension.

    `note` is for moderators, `message` for the person concerned.
    """

    id: ActionId
    actor_id: UserId
    action: ModerationAction
    subject_type: str
    subject_id: int
    author_id: UserId
    created_at_ms: int
    case_id: CaseId = NO_CASE
    note: str = ""
    until_ms: int | None = None
    reason: str = ""
    message: str = ""
    detail: str = ""
    about_id: ActionId | None = None


COLUMNS = (
    "id", "actor_id", "action", "case_id", "subject_type", "subject_id", "author_id", "note", "until_ms",
    "created_at_ms", "reason", "message", "detail", "about_id",
)  # fmt: skip
SELECTED = ", ".join(f"a.{column}" for column in COLUMNS)
NOT_UNDONE = (
    "NOT EXISTS(SELECT 1 FROM moderation_actions u WHERE u.about_id = a.id"
    " AND u.action IN ('restore', 'reverse'))"
)


@dataclass(frozen=True, slots=True)
class NoticeRow:
    """An action that its person is notified of. `excerpt`: the text when it was first reported, or empty."""

    action: ModerationActionRow
    excerpt: str
    post_id: int | None
    undone: bool


class ModerationActionRepository:
    """Reads the audit log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, action_id: ActionId) -> ModerationActionRow | None:
        rows = await self._list("a.id = ?", [action_id], 1)
        return rows[0] if rows else None

    async def find_all(self, action_ids: Sequence[ActionId]) -> dict[ActionId, ModerationActionRow]:
        """Return the actions that exist, by id."""
        if not action_ids:
            return {}
        some = f"a.id IN ({placeholders(len(action_ids))})"
        return {row.id: row for row in await self._list(some, action_ids, len(action_ids))}

    async def count_standing(self, author_id: UserId) -> dict[str, int]:
        """Return how many sanctions of each kind against a user were not undone."""
        rows = await self._database.rows(
            "SELECT a.action, COUNT(*) AS n FROM moderation_actions a WHERE a.author_id = ?"
            f" AND a.action IN ({placeholders(len(SANCTIONS))}) AND {NOT_UNDONE} GROUP BY a.action",
            [author_id, *SANCTIONS],
        )
        return {row["action"]: row["n"] for row in rows}

    async def find_last_sanction_ms(self, author_id: UserId) -> int | None:
        """Return the time of the newest sanction against a user that was not undone."""
        rows = await self._database.rows(
            "SELECT MAX(a.created_at_ms) AS at_ms FROM moderation_actions a WHERE a.author_id = ?"
            f" AND a.action IN ({placeholders(len(SANCTIONS))}) AND {NOT_UNDONE}",
            [author_id, *SANCTIONS],
        )
        at_ms: int | None = rows[0]["at_ms"]
        return at_ms

    async def list_page(
        self, actor_id: UserId | None, author_id: UserId | None, before_id: int, limit: int
    ) -> list[ModerationActionRow]:
        """Return actions, newest first; of one moderator, about one user, or both."""
        wanted = {"actor_id": actor_id, "author_id": author_id}
        given = {column: value for column, value in wanted.items() if value is not None}
        where = "".join(f" AND a.{column} = ?" for column in given)
        return await self._list(f"a.id < ?{where}", [before_id, *given.values()], limit)

    async def find_closing(self, author_id: UserId) -> ModerationActionRow | None:
        """Return the newest suspension or ban of an account that was not undone."""
        rows = await self.list_closing(author_id)
        return rows[0] if rows else None

    async def list_closing(self, author_id: UserId) -> list[ModerationActionRow]:
        """Return the suspensions and bans of an account that were not undone, newest first."""
        return await self._list(
            f"a.author_id = ? AND a.action IN ({placeholders(len(CLOSING))}) AND {NOT_UNDONE}",
            [author_id, *CLOSING],
            100,
        )

    async def is_undone(self, action_id: ActionId) -> bool:
        rows = await self._database.rows(
            f"SELECT 1 FROM moderation_actions WHERE about_id = ? AND action IN ({placeholders(len(UNDOING))}) LIMIT 1",
            [action_id, *UNDOING],
        )
        return bool(rows)

    async def list_notices(
        self, author_id: UserId, before_id: int, limit: int, action_id: ActionId | None = None
    ) -> list[NoticeRow]:
        """Return the actions that a person is notified of, newest first; all, or the one with an id."""
        only, more = ("", []) if action_id is None else (" AND a.id = ?", [action_id])
        rows = await self._database.rows(
            f"SELECT {SELECTED}, COALESCE(c.excerpt, '') AS excerpt, c.post_id, NOT ({NOT_UNDONE}) AS undone"
            " FROM moderation_actions a LEFT JOIN report_cases c ON c.id = a.case_id"
            f" WHERE a.author_id = ? AND a.id < ? AND a.action IN ({placeholders(len(NOTIFIED))}){only}"
            " ORDER BY a.id DESC LIMIT ?",
            [author_id, before_id, *NOTIFIED, *more, limit],
        )
        return [NoticeRow(_row(row), row["excerpt"], row["post_id"], bool(row["undone"])) for row in rows]

    async def _list(self, where: str, parameters: Sequence[Any], limit: int) -> list[ModerationActionRow]:
        rows = await self._database.rows(
            f"SELECT {SELECTED} FROM moderation_actions a WHERE {where} ORDER BY a.id DESC LIMIT ?",
            [*parameters, limit],
        )
        return [_row(row) for row in rows]


def new_action(  # noqa: PLR0913 - one per column that decisions have
    action_id: ActionId,
    actor_id: UserId,
    action: ModerationAction,
    case: tuple[CaseId, ReportedSubject],
    now_ms: int,
    *,
    note: str = "",
    until_ms: int | None = None,
    reason: str = "",
    message: str = "",
    detail: str = "",
    about_id: ActionId | None = None,
) -> ModerationActionRow:
    """Return an action on the subject of a case."""
    case_id, subject = case
    return ModerationActionRow(
        id=action_id,
        actor_id=actor_id,
        action=action,
        case_id=case_id,
        subject_type=subject.type,
        subject_id=subject.id,
        author_id=subject.author_id,
        created_at_ms=now_ms,
        note=note,
        until_ms=until_ms,
        reason=reason,
        message=message,
        detail=detail,
        about_id=about_id,
    )


def _row(row: Mapping[str, Any]) -> ModerationActionRow:
    values: dict[str, Any] = {column: row[column] for column in COLUMNS}
    values["action"] = ModerationAction(row["action"])
    return ModerationActionRow(**values)
