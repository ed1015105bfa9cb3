"""The audit log: every entry is part of a chain, and each kind of change to it is found."""

import asyncio
import re

import pytest
from tortoise.exceptions import IntegrityError

from server.models.moderation.audit_chain import ChainHead
from server.services.moderation.audit_log import AuditCheck, AuditReport
from server.services.moderation.decisions import Decision, ModerationAction
from server.services.moderation.reports import SubjectType
from server.services.records import Role
from tests.services.moderation.cases import moderator, reported
from tools.harness.services import ServiceHarness

COPIED = (
    "actor_id, action, case_id, subject_type, subject_id, author_id, note, created_at_ms, reason, message, detail,"
    " hash"
)
WARN = Decision(ModerationAction.WARN, "Be careful")


async def verify(harness: ServiceHarness, known: ChainHead | None = None) -> AuditReport:
    return await AuditCheck(harness.audit_rows).run(known)


async def write_entries(harness: ServiceHarness, count: int) -> None:
    reporter, mod = await harness.user(), await moderator(harness)
    for _ in range(count):
        case_id = await reported(harness, reporter, SubjectType.USER, await harness.user())
        await harness.decisions.resolve(mod, case_id, WARN)


async def allow_changes(harness: ServiceHarness) -> None:
    """Do what an intruder with all rights does first."""
    for name in ("moderation_actions_no_update", "moderation_actions_no_delete"):
        await harness.database.execute(f"DROP TRIGGER IF EXISTS {name}")


async def test_intact_log_is_verified(harness: ServiceHarness) -> None:
    assert (await verify(harness)).problem is None
    await write_entries(harness, 3)
    report = await verify(harness)
    assert (report.entries, report.unchained, report.head.sequence, report.problem) == (3, 0, 3, None)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE moderation_actions SET note = 'Nothing' WHERE sequence = 2", "Entry 2 .* was changed"),
        ("UPDATE moderation_actions SET actor_id = 7 WHERE sequence = 1", "Entry 1 .* was changed"),
        ("DELETE FROM moderation_actions WHERE sequence = 2", "Entry 2 is missing"),
        ("DELETE FROM moderation_actions WHERE sequence = 4", "Entry 4 is missing"),
        ("DELETE FROM moderation_actions", "Entry 1 is missing"),
        ("UPDATE moderation_actions SET sequence = NULL WHERE sequence = 4", "Entry 4 is missing"),
        ("UPDATE moderation_actions SET sequence = 9 WHERE sequence = 3", "Entry 3 is missing"),
        ("UPDATE audit_chain SET hash = 'other'", "Entry 4 is not the one"),
        (
            f"INSERT INTO moderation_actions (id, {COPIED}) SELECT id + 1, {COPIED} FROM moderation_actions"
            " WHERE sequence = 4",
            "is not part of the chain",
        ),
    ],
)
async def test_changed_log_is_noticed(harness: ServiceHarness, change: str, problem: str) -> None:
    await write_entries(harness, 4)
    await allow_changes(harness)
    await harness.database.execute(change)
    found = (await verify(harness)).problem
    assert found is not None
    assert re.search(problem, found)


async def test_chain_that_was_computed_again_differs_from_a_kept_head(harness: ServiceHarness) -> None:
    await write_entries(harness, 2)
    kept = (await verify(harness)).head
    await write_entries(harness, 1)
    assert (await verify(harness, kept)).problem is None
    other = ChainHead(kept.sequence, "0" * 64)
    assert "Entry 2" in str((await verify(harness, other)).problem)
    assert "Entry 4" in str((await verify(harness, ChainHead(9, kept.hash))).problem)


async def test_concurrent_entries_follow_one_another(harness: ServiceHarness) -> None:
    reporter = await harness.user()
    moderators = [await moderator(harness) for _ in range(4)]
    cases = [await reported(harness, reporter, SubjectType.USER, await harness.user()) for _ in range(8)]
    await asyncio.gather(
        *(
            harness.decisions.resolve(moderators[number % 4], case_id, WARN)
            for number, case_id in enumerate(cases)
        )
    )
    report = await verify(harness)
    assert (report.entries, report.problem) == (8, None)


async def test_granted_role_is_in_the_log(harness: ServiceHarness) -> None:
    ana = await harness.user("ana")
    await harness.roles.grant("ana", Role.MODERATOR)
    (entry,) = await harness.action_rows.list_page(None, ana, 1 << 53, 10)
    assert (entry.action, entry.actor_id, entry.detail) == (
        ModerationAction.GRANT_ROLE, 0, "user -> moderator",
    )  # fmt: skip
    assert (await verify(harness)).problem is None


async def test_sqlite_refuses_changes(harness: ServiceHarness) -> None:
    await write_entries(harness, 1)
    if not (await verify(harness)).has_triggers:
        assert harness.database.dialect == "mysql"
        return
    for change in ("UPDATE moderation_actions SET note = ''", "DELETE FROM moderation_actions"):
        with pytest.raises(IntegrityError, match="cannot be changed"):
            await harness.database.execute(change)
