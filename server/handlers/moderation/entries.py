"""Entries of the audit log as JSON."""

from typing import Any

from server.clock import isoformat
from server.services.moderation.decisions import ModerationActionRow


def action_entry(row: ModerationActionRow) -> dict[str, Any]:
    return {
        "id": str(row.id),
        "actorId": optional_id(row.actor_id or None),
        "action": row.action,
        "caseId": optional_id(row.case_id or None),
        "subjectType": row.subject_type,
        "subjectId": str(row.subject_id),
        "userId": optional_id(row.author_id or None),
        "decisionId": optional_id(row.about_id),
        "reason": row.reason or None,
        "message": row.message,
        "note": row.note,
        "detail": row.detail,
        "until": None if row.until_ms is None else isoformat(row.until_ms),
        "createdAt": isoformat(row.created_at_ms),
    }


def optional_id(value: int | None) -> str | None:
    return None if value is None else str(value)
