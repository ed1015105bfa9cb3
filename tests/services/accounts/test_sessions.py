"""Sessions: chains of refresh tokens, and devices that are signed out."""

import asyncio
import hashlib
from collections.abc import Sequence

import jwt
import pytest

from server.errors import NotFound, Unauthenticated
from server.ids import SessionId, UserId
from server.paging import PageRequest
from server.services.accounts.sessions import Sessions
from server.services.accounts.tokens import Tokens
from server.services.jobs.event_jobs import JobKind
from server.services.jobs.unit_of_work import UnitOfWork
from server.services.records import Principal, Role, TokenPair
from tools.harness.services import TOKEN_RULES as RULES
from tools.harness.services import ServiceHarness

OVERLAP_MS = round(RULES.refresh_overlap_s * 1000)


async def sign_in(
    harness: ServiceHarness, user_id: UserId | None = None, device: str = "a phone"
) -> TokenPair:
    """Sign a new device in, of a new user by default."""
    return await harness.sessions.create(user_id or await harness.user(), 0, device, "192.0.2.1")


async def refresh(harness: ServiceHarness, token: str) -> TokenPair:
    return await harness.sessions.refresh(token, "a newer phone", "192.0.2.2")


async def assert_rejected(harness: ServiceHarness, *tokens: str) -> None:
    refusals: list[tuple[str, str]] = []
    for token in [*tokens, "no token at all"]:
        with pytest.raises(Unauthenticated) as refused:
            await refresh(harness, token)
        refusals.append((refused.value.code, refused.value.detail))
    assert len(set(refusals)) == 1


async def owner(harness: ServiceHarness, pair: TokenPair) -> Principal:
    return await harness.principal(pair.access_token)


async def assert_signed_out(harness: ServiceHarness, *pairs: TokenPair) -> None:
    for pair in pairs:
        with pytest.raises(Unauthenticated) as refused:
            await owner(harness, pair)
        assert refused.value.code == "invalid_token"


async def let_overlap_pass(harness: ServiceHarness) -> None:
    await harness.database.execute("UPDATE sessions SET rotated_at_ms = rotated_at_ms - ?", [OVERLAP_MS + 1])


async def test_access_token_identifies_its_user(harness: ServiceHarness) -> None:
    ada = await harness.user()
    pair = await sign_in(harness, ada)
    principal = await owner(harness, pair)
    assert (principal.user_id, principal.role) == (ada, Role.USER)
    assert pair.expires_in_s == RULES.access_ttl_s
    assert await harness.value("SELECT user_id FROM sessions WHERE id = ?", principal.session_id) == ada


async def test_refresh_token_is_stored_as_a_hash(harness: ServiceHarness) -> None:
    pair = await harness.sessions.create(await harness.user(), 0, "x" * 500, "y" * 500)
    nonce = jwt.decode(pair.refresh_token, options={"verify_signature": False})["jti"]
    (row,) = await harness.rows("SELECT refresh_hash, user_agent, address FROM sessions")
    assert row["refresh_hash"] == hashlib.sha256(nonce.encode()).hexdigest()
    assert (len(row["user_agent"]), len(row["address"])) == (200, 45)


async def test_refresh_and_access_tokens_are_not_interchangeable(harness: ServiceHarness) -> None:
    pair = await sign_in(harness)
    with pytest.raises(Unauthenticated):
        await harness.principal(pair.refresh_token)
    await assert_rejected(harness, pair.access_token)


async def test_password_changed_since_verification_is_rejected(harness: ServiceHarness) -> None:
    ada = await harness.user()
    await harness.database.execute("UPDATE users SET password_changed_at_ms = 5 WHERE id = ?", [ada])
    with pytest.raises(Unauthenticated) as refused:
        await sign_in(harness, ada)
    assert refused.value.code == "wrong_credentials"
    assert await harness.value("SELECT COUNT(*) AS n FROM sessions") == 0


async def test_refresh_tokens_form_a_chain(harness: ServiceHarness) -> None:
    pair = await sign_in(harness)
    first = await owner(harness, pair)
    for _ in range(3):
        pair = await refresh(harness, pair.refresh_token)
        assert await owner(harness, pair) == first
    (row,) = await harness.rows("SELECT user_agent, address, created_at_ms, last_used_at_ms FROM sessions")
    assert (row["user_agent"], row["address"]) == ("a newer phone", "192.0.2.2")
    assert row["last_used_at_ms"] > row["created_at_ms"]


async def test_refresh_returns_the_current_role(harness: ServiceHarness) -> None:
    ada = await harness.user("ada")
    pair = await sign_in(harness, ada)
    await harness.roles.grant("ada", Role.ADMIN)
    assert (await owner(harness, pair)).role is Role.USER
    assert (await owner(harness, await refresh(harness, pair.refresh_token))).role is Role.ADMIN


async def test_concurrent_refreshes_return_the_same_token(harness: ServiceHarness) -> None:
    pair = await sign_in(harness)
    pairs = await asyncio.gather(*(refresh(harness, pair.refresh_token) for _ in range(20)))
    (following,) = {each.refresh_token for each in pairs}
    assert following != pair.refresh_token
    for each in pairs:
        await owner(harness, each)
    await let_overlap_pass(harness)
    last = await refresh(harness, following)
    await owner(harness, last)
    await let_overlap_pass(harness)
    await assert_rejected(harness, following)


async def test_reused_refresh_token_revokes_the_session(harness: ServiceHarness) -> None:
    stolen = await sign_in(harness)
    pair = await refresh(harness, stolen.refresh_token)
    other = await sign_in(harness, (await owner(harness, pair)).user_id)
    await let_overlap_pass(harness)
    await assert_rejected(harness, stolen.refresh_token, pair.refresh_token)
    await assert_signed_out(harness, stolen, pair)
    await owner(harness, other)


async def test_only_the_last_used_token_has_an_overlap(harness: ServiceHarness) -> None:
    pairs = [await sign_in(harness)]
    for _ in range(2):
        pairs.append(await refresh(harness, pairs[-1].refresh_token))
    assert (await refresh(harness, pairs[1].refresh_token)).refresh_token == pairs[2].refresh_token
    await assert_rejected(harness, pairs[0].refresh_token, pairs[2].refresh_token)
    await assert_signed_out(harness, *pairs)


@pytest.mark.parametrize("apart_s", [-300, 300])
async def test_successor_is_independent_of_process_clocks(harness: ServiceHarness, apart_s: int) -> None:
    pair = await sign_in(harness)
    first = await refresh(harness, pair.refresh_token)
    again = await sessions_elsewhere(harness, apart_s).refresh(pair.refresh_token, "", "")
    assert again.refresh_token == first.refresh_token
    await owner(harness, await refresh(harness, again.refresh_token))


@pytest.mark.parametrize("apart_s", [-300, 300])
async def test_overlap_is_independent_of_process_clocks(harness: ServiceHarness, apart_s: int) -> None:
    elsewhere = sessions_elsewhere(harness, apart_s)
    for one, other in ((harness.sessions, elsewhere), (elsewhere, harness.sessions)):
        pair = await sign_in(harness)
        await one.refresh(pair.refresh_token, "", "")
        await let_overlap_pass(harness)
        with pytest.raises(Unauthenticated):
            await other.refresh(pair.refresh_token, "", "")


def sessions_elsewhere(harness: ServiceHarness, apart_s: int) -> Sessions:
    """Return the sessions of a process whose clock is `apart_s` ahead."""

    class SkewedClock:
        def now_ms(self) -> int:
            return harness.clock.now_ms() + apart_s * 1000

    clock = SkewedClock()
    work = UnitOfWork(harness.database, harness.ids, clock, harness.jobs, harness.notifier.notify)
    return harness.sessions_with(work, Tokens(clock, RULES))


async def test_ended_session_is_not_refreshed(harness: ServiceHarness) -> None:
    pair = await sign_in(harness)
    await harness.database.execute("UPDATE sessions SET expires_at_ms = ?", [harness.clock.now_ms() - 1])
    await assert_rejected(harness, pair.refresh_token)
    await harness.database.execute("DELETE FROM sessions")
    await assert_rejected(harness, pair.refresh_token)


async def test_refresh_token_expires_with_its_session(harness: ServiceHarness) -> None:
    pair = await sign_in(harness)
    ends_at_ms = harness.clock.now_ms() + 3_600_000
    await harness.database.execute("UPDATE sessions SET expires_at_ms = ?", [ends_at_ms])
    following = (await refresh(harness, pair.refresh_token)).refresh_token
    assert jwt.decode(following, options={"verify_signature": False})["exp"] == ends_at_ms // 1000


async def test_refresh_token_of_another_user_is_rejected(harness: ServiceHarness) -> None:
    pair = await sign_in(harness)
    claim = harness.tokens.read_refresh(pair.refresh_token)
    forged = harness.tokens.issue_refresh(
        type(claim)(await harness.user(), claim.session_id, claim.nonce), harness.clock.now_ms(), 2**52
    )
    await assert_rejected(harness, forged)
    await refresh(harness, pair.refresh_token)


async def test_signed_out_device_is_rejected(harness: ServiceHarness) -> None:
    ada = await harness.user()
    phone, laptop = await sign_in(harness, ada), await sign_in(harness, ada)
    await harness.sessions.end(ada, (await owner(harness, phone)).session_id)
    await assert_signed_out(harness, phone)
    await assert_rejected(harness, phone.refresh_token)
    await owner(harness, laptop)
    await refresh(harness, laptop.refresh_token)


async def test_ending_a_foreign_or_missing_session_is_not_found(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    pair = await sign_in(harness, ada)
    session_id = (await owner(harness, pair)).session_id
    for user_id, asked in [(bob, session_id), (ada, SessionId(1))]:
        with pytest.raises(NotFound):
            await harness.sessions.end(user_id, asked)
    await owner(harness, pair)
    await harness.sessions.end(ada, session_id)
    with pytest.raises(NotFound):
        await harness.sessions.end(ada, session_id)


async def test_active_sessions_are_listed_newest_first(harness: ServiceHarness) -> None:
    ada = await harness.user()
    pairs = [await sign_in(harness, ada, f"device {number}") for number in range(6)]
    await sign_in(harness)
    principal, ids = (
        await owner(harness, pairs[4]),
        [(await owner(harness, pair)).session_id for pair in pairs],
    )
    await harness.sessions.end(ada, ids[1])
    now_ms, idle_ms = harness.clock.now_ms(), RULES.refresh_idle_s * 1000
    await harness.database.execute("UPDATE sessions SET expires_at_ms = ? WHERE id = ?", [now_ms - 1, ids[2]])
    await harness.database.execute(
        "UPDATE sessions SET last_used_at_ms = ? WHERE id = ?", [now_ms - idle_ms - 1000, ids[3]]
    )
    assert await user_agents(harness, principal) == ["device 5", "device 4", "device 0"]
    page = await harness.sessions.list_sessions(principal, PageRequest(limit=2))
    assert [session.current for session in page.items] == [False, True]
    assert page.next_cursor is not None


async def user_agents(harness: ServiceHarness, principal: Principal) -> Sequence[str]:
    return [
        session.user_agent
        for session in (await harness.sessions.list_sessions(principal, PageRequest())).items
    ]


async def test_other_sessions_end_and_the_current_one_stays(harness: ServiceHarness) -> None:
    ada, bob = await harness.users(2)
    here, *elsewhere = [await sign_in(harness, ada) for _ in range(3)]
    his = await sign_in(harness, bob)
    await harness.sessions.end_others(await owner(harness, here))
    await assert_signed_out(harness, *elsewhere)
    await owner(harness, here)
    await owner(harness, his)
    again = await refresh(harness, here.refresh_token)
    await harness.sessions.end_others(await owner(harness, again))  # nothing is left to end
    assert await harness.work_off(JobKind.PROPAGATE_REVOCATIONS) == 1
