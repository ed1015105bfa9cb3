"""Table `moderation_actions`: the audit log of moderators. Rows are only inserted, and outlive what they name."""

from dataclasses import dataclass
from enum import StrEnum

from tortoise import fields
from tortoise.models import Model

from server.ids import ActionId, CaseId, UserId
from server.models.database import Database
from server.models.moderation.report_cases import ReportedSubject, SubjectType


class ModerationAction(StrEnum):
    """Actions of moderators. All but the claim resolve a case."""

    CLAIM = "claim"
    DISMISS = "dismiss"
    WARN = "warn"
    TAKE_DOWN = "take_down"
    SUSPEND = "suspend"
    BAN = "ban"


class ModerationActionTable(Model):
    """No foreign keys: an erased account or deleted post stays in the log by its id."""

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

    class Meta:  # pyright: ignore[reportIncompatibleVariableOverride]
        table = "moderation_actions"
        indexes = (("actor_id", "id"), ("author_id", "id"))


@dataclass(frozen=True, slots=True)
class ModerationActionRow:
    """`author_id`: whose account or content it is. `until_ms`: the end of a suspension."""

    id: ActionId
    actor_id: UserId
    action: ModerationAction
    case_id: CaseId
    subject_type: SubjectType
    subject_id: int
    author_id: UserId
    note: str
    until_ms: int | None
    created_at_ms: int


def new_action(
    action_id: ActionId,
    actor_id: UserId,
    action: ModerationAction,
    case: tuple[CaseId, ReportedSubject],
    note: str,
    until_ms: int | None,
    now_ms: int,
) -> ModerationActionRow:
    case_id, subject = case
    return ModerationActionRow(
        action_id,
        actor_id,
        action,
        case_id,
        subject.type,
        subject.id,
        subject.author_id,
        note,
        until_ms,
        now_ms,
    )


class ModerationActionRepository:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def insert(self, row: ModerationActionRow) -> None:
        await ModerationActionTable.create(
            id=row.id,
            actor_id=row.actor_id,
            action=row.action,
            case_id=row.case_id,
            subject_type=row.subject_type,
            subject_id=row.subject_id,
            author_id=row.author_id,
            note=row.note,
            until_ms=row.until_ms,
            created_at_ms=row.created_at_ms,
        )

    async def list_page(
        self, actor_id: UserId | None, author_id: UserId | None, before_id: int, limit: int
    ) -> list[ModerationActionRow]:
        """Return actions, newest first; of one moderator, about one user, or both."""
        wanted = {"actor_id": actor_id, "author_id": author_id}
        given = {column: value for column, value in wanted.items() if value is not None}
        where = "".join(f" AND {column} = ?" for column in given)
        rows = await self._database.rows(
            "SELECT id, actor_id, action, case_id, subject_type, subject_id, author_id, note, until_ms,"
            f" created_at_ms FROM moderation_actions WHERE id < ?{where} ORDER BY id DESC LIMIT ?",
            [before_id, *given.values(), limit],
        )
        for row in rows:
            row["action"], row["subject_type"] = (
                ModerationAction(row["action"]),
                SubjectType(row["subject_type"]),
            )
        return [ModerationActionRow(**row) for row in rows]
