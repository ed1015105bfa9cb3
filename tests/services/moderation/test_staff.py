"""Roles that administrators give, on both databases."""

import asyncio

import pytest

from server.errors import Conflict, Forbidden, InvalidInput, NotFound
from server.ids import UserId
from server.paging import PageRequest
from server.services.moderation.session_administration import SessionAdministration
from server.services.moderation.staff import Staff
from server.services.records import Confirmation, Principal, Role
from tools.harness.services import ServiceHarness

PASSWORD = "a long password"


@pytest.fixture
def staff(harness: ServiceHarness) -> Staff:
    return Staff(
        harness.user_rows,
        harness.audit_rows,
        harness.reauthentication,
        harness.cards,
        harness.unit_of_work,
    )


@pytest.fixture
def sessions(harness: ServiceHarness) -> SessionAdministration:
    return SessionAdministration(
        harness.user_rows,
        harness.session_rows,
        harness.active_sessions,
        harness.revocations,
        harness.audit_rows,
        harness.unit_of_work,
    )


async def signed_in(harness: ServiceHarness, name: str, role: Role = Role.USER) -> Principal:
    """Register a user and return the principal of a session that was opened with the password alone."""
    account = await harness.accounts.register(name, f"{name}@example.com", PASSWORD, "")
    await harness.roles.grant(name, role)
    tokens = await harness.sessions.create(
        account.id, account.password_changed_at_ms, "Firefox", "203.0.113.7"
    )
    return harness.tokens.read_access(tokens.access_token).principal


async def audit(harness: ServiceHarness, about: UserId) -> list[tuple[int, str, str]]:
    rows = await harness.action_rows.list_page(None, about, 2**53, 10)
    return [(row.actor_id, row.action, row.detail) for row in rows]


async def test_administrator_gives_and_withdraws_roles(harness: ServiceHarness, staff: Staff) -> None:
    boss, ana = await signed_in(harness, "boss", Role.ADMIN), await signed_in(harness, "ana")
    proof = Confirmation(PASSWORD)
    assert await staff.set_role(boss, proof, ana.user_id, Role.MODERATOR) is Role.USER
    await harness.request_authenticator.require_moderator(ana)
    members = await staff.list_members()
    assert [(member.card.username, member.role) for member in members] == [
        ("boss", Role.ADMIN),
        ("ana", Role.MODERATOR),
    ]
    # The proof holds for five minutes.
    assert await staff.set_role(boss, Confirmation(), "ana", Role.USER) is Role.MODERATOR
    with pytest.raises(Forbidden):
        await harness.request_authenticator.require_moderator(ana)
    assert (await audit(harness, ana.user_id))[:2] == [
        (boss.user_id, "grant_role", "moderator -> user"),
        (boss.user_id, "grant_role", "user -> moderator"),
    ]


async def test_role_needs_a_proof(harness: ServiceHarness, staff: Staff) -> None:
    boss, ana = await signed_in(harness, "boss", Role.ADMIN), await signed_in(harness, "ana")
    await harness.session_rows.clear_reauthenticated(boss.user_id)
    with pytest.raises(Forbidden) as refused:
        await staff.set_role(boss, Confirmation(), ana.user_id, Role.ADMIN)
    assert refused.value.code == "reauthentication_required"
    with pytest.raises(InvalidInput) as wrong:
        await staff.set_role(boss, Confirmation("not the password"), ana.user_id, Role.ADMIN)
    assert wrong.value.code == "wrong_password"
    with pytest.raises(NotFound):
        await staff.set_role(boss, Confirmation(PASSWORD), UserId(1), Role.ADMIN)
    assert await harness.user_rows.get_role(ana.user_id) == Role.USER


async def test_last_administrator_stays_one(harness: ServiceHarness, staff: Staff) -> None:
    boss = await signed_in(harness, "boss", Role.ADMIN)
    with pytest.raises(Conflict) as refused:
        await staff.set_role(boss, Confirmation(PASSWORD), boss.user_id, Role.USER)
    assert refused.value.code == "last_administrator"
    second = await signed_in(harness, "second", Role.ADMIN)
    await staff.set_role(boss, Confirmation(), boss.user_id, Role.USER)
    with pytest.raises(Forbidden):  # the check of the request came before
        await staff.set_role(boss, Confirmation(PASSWORD), second.user_id, Role.USER)


async def test_one_of_two_administrators_remains(harness: ServiceHarness, staff: Staff) -> None:
    first, second = [await signed_in(harness, name, Role.ADMIN) for name in ("first", "second")]
    proof = Confirmation(PASSWORD)
    results = await asyncio.gather(
        staff.set_role(first, proof, second.user_id, Role.USER),
        staff.set_role(second, proof, first.user_id, Role.USER),
        return_exceptions=True,
    )
    assert [type(result) for result in results if isinstance(result, Exception)] == [Forbidden]
    assert len([member for member in await staff.list_members() if member.role is Role.ADMIN]) == 1


async def test_sessions_are_listed_and_ended(
    harness: ServiceHarness, sessions: SessionAdministration
) -> None:
    boss, ana = await signed_in(harness, "boss", Role.ADMIN), await signed_in(harness, "ana")
    listed = (await sessions.list_sessions("ana", PageRequest(), boss.session_id)).items
    shown = [
        (each.session.id, each.session.user_agent, each.network, each.session.current) for each in listed
    ]
    assert shown == [(ana.session_id, "Firefox", "203.0.113.0/24", False)]
    (own,) = (await sessions.list_sessions(boss.user_id, PageRequest(), boss.session_id)).items
    assert own.session.current

    with pytest.raises(NotFound):
        await sessions.end(boss.user_id, boss.user_id, ana.session_id)
    await sessions.end(boss.user_id, ana.user_id, ana.session_id)
    assert await harness.revocations.is_revoked(ana.session_id)
    with pytest.raises(NotFound):
        await sessions.end(boss.user_id, ana.user_id, ana.session_id)
    await sessions.end_all(boss.user_id, boss.user_id)
    assert await harness.revocations.is_revoked(boss.session_id)
    assert (await audit(harness, ana.user_id))[0] == (
        boss.user_id,
        "end_sessions",
        f"session {ana.session_id}",
    )
    assert (await audit(harness, boss.user_id))[0] == (boss.user_id, "end_sessions", "all sessions")
    with pytest.raises(NotFound):
        await sessions.end_all(boss.user_id, UserId(1))
