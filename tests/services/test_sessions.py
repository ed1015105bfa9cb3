"""Sessions: a chain of refresh tokens with one end, and devices that are signed out for good; on both databases."""

import asyncio
import hashlib
from collections.abc import Sequence

import jwt
import pytest

from server.errors import NotFound, Unauthenticated
from server.gateways.touches import Touches
from server.ids import SessionId, UserId
from server.paging import PageRequest
from server.services.records import Principal, Role, TokenPair
from server.services.roles import Roles
from server.services.sessions import Sessions
from server.services.tokens import Tokens
from server.services.unit_of_work import UnitOfWork
from tests.house import TOKEN_RULES as RULES
from tests.house import House

OVERLAP_MS = round(RULES.refresh_overlap_s * 1000)


async def sign_in(house: House, user_id: UserId | None = None, device: str = "a phone") -> TokenPair:
    """On a new device, of somebody new unless it is said of whom."""
    return await house.sessions.open(user_id or await house.user(), 0, device, "192.0.2.1")


async def refresh(house: House, token: str) -> TokenPair:
    return await house.sessions.refresh(token, "a newer phone", "192.0.2.2")


async def assert_spent(house: House, *tokens: str) -> None:
    refusals: list[tuple[str, str]] = []
    for token in [*tokens, "no token at all"]:
        with pytest.raises(Unauthenticated) as refused:
            await refresh(house, token)
        refusals.append((refused.value.code, refused.value.detail))
    assert len(set(refusals)) == 1


async def owner(house: House, pair: TokenPair) -> Principal:
    return await house.principal(pair.access_token)


async def assert_signed_out(house: House, *pairs: TokenPair) -> None:
    for pair in pairs:
        with pytest.raises(Unauthenticated) as refused:
            await owner(house, pair)
        assert refused.value.code == "invalid_token"


async def let_overlap_pass(house: House) -> None:
    await house.database.execute("UPDATE sessions SET rotated_at_ms = rotated_at_ms - ?", [OVERLAP_MS + 1])


async def test_an_access_token_speaks_for_its_owner(house: House) -> None:
    ada = await house.user()
    pair = await sign_in(house, ada)
    principal = await owner(house, pair)
    assert (principal.user_id, principal.role) == (ada, Role.USER)
    assert pair.expires_in_s == RULES.access_ttl_s
    assert await house.value("SELECT user_id FROM sessions WHERE id = ?", principal.session_id) == ada


async def test_a_refresh_token_is_kept_as_a_hash(house: House) -> None:
    pair = await house.sessions.open(await house.user(), 0, "x" * 500, "y" * 500)
    nonce = jwt.decode(pair.refresh_token, options={"verify_signature": False})["jti"]
    (row,) = await house.rows("SELECT refresh_hash, user_agent, address FROM sessions")
    assert row["refresh_hash"] == hashlib.sha256(nonce.encode()).hexdigest()
    assert (len(row["user_agent"]), len(row["address"])) == (200, 45)


async def test_a_refresh_token_is_no_access_token_nor_the_other_way_round(house: House) -> None:
    pair = await sign_in(house)
    with pytest.raises(Unauthenticated):
        await house.principal(pair.refresh_token)
    await assert_spent(house, pair.access_token)


async def test_a_password_that_was_changed_meanwhile_opens_no_session(house: House) -> None:
    ada = await house.user()
    await house.database.execute("UPDATE users SET password_changed_at_ms = 5 WHERE id = ?", [ada])
    with pytest.raises(Unauthenticated) as refused:
        await sign_in(house, ada)
    assert refused.value.code == "wrong_credentials"
    assert await house.value("SELECT COUNT(*) AS n FROM sessions") == 0


async def test_each_refresh_token_leads_to_the_next(house: House) -> None:
    pair = await sign_in(house)
    first = await owner(house, pair)
    for _ in range(3):
        pair = await refresh(house, pair.refresh_token)
        assert await owner(house, pair) == first
    (row,) = await house.rows("SELECT user_agent, address, created_at_ms, last_used_at_ms FROM sessions")
    assert (row["user_agent"], row["address"]) == ("a newer phone", "192.0.2.2")
    assert row["last_used_at_ms"] > row["created_at_ms"]


async def test_a_refresh_brings_the_role_that_its_owner_has_now(house: House) -> None:
    ada = await house.user("ada")
    pair = await sign_in(house, ada)
    await Roles(house.database, Touches(house.wire)).grant("ada", Role.ADMIN)
    assert (await owner(house, pair)).role is Role.USER
    assert (await owner(house, await refresh(house, pair.refresh_token))).role is Role.ADMIN


async def test_of_many_who_spend_a_token_at_once_all_get_the_same_next_one(house: House) -> None:
    pair = await sign_in(house)
    pairs = await asyncio.gather(*(refresh(house, pair.refresh_token) for _ in range(20)))
    (following,) = {each.refresh_token for each in pairs}
    assert following != pair.refresh_token
    for each in pairs:
        await owner(house, each)
    await let_overlap_pass(house)
    last = await refresh(house, following)
    await owner(house, last)
    await let_overlap_pass(house)
    await assert_spent(house, following)


async def test_a_token_that_was_spent_longer_ago_ends_the_session(house: House) -> None:
    stolen = await sign_in(house)
    pair = await refresh(house, stolen.refresh_token)
    other = await sign_in(house, (await owner(house, pair)).user_id)
    await let_overlap_pass(house)
    await assert_spent(house, stolen.refresh_token, pair.refresh_token)
    await assert_signed_out(house, stolen, pair)
    await owner(house, other)


async def test_only_the_token_that_was_spent_last_has_an_overlap(house: House) -> None:
    pairs = [await sign_in(house)]
    for _ in range(2):
        pairs.append(await refresh(house, pairs[-1].refresh_token))
    assert (await refresh(house, pairs[1].refresh_token)).refresh_token == pairs[2].refresh_token
    await assert_spent(house, pairs[0].refresh_token, pairs[2].refresh_token)
    await assert_signed_out(house, *pairs)


@pytest.mark.parametrize("apart_s", [-300, 300])
async def test_two_processes_whose_clocks_are_apart_give_the_same_next_token(
    house: House, apart_s: int
) -> None:
    pair = await sign_in(house)
    first = await refresh(house, pair.refresh_token)
    again = await sessions_elsewhere(house, apart_s).refresh(pair.refresh_token, "", "")
    assert again.refresh_token == first.refresh_token
    await owner(house, await refresh(house, again.refresh_token))


@pytest.mark.parametrize("apart_s", [-300, 300])
async def test_the_overlap_is_as_short_for_a_process_whose_clock_is_wrong(house: House, apart_s: int) -> None:
    elsewhere = sessions_elsewhere(house, apart_s)
    for one, other in ((house.sessions, elsewhere), (elsewhere, house.sessions)):
        pair = await sign_in(house)
        await one.refresh(pair.refresh_token, "", "")
        await let_overlap_pass(house)
        with pytest.raises(Unauthenticated):
            await other.refresh(pair.refresh_token, "", "")


def sessions_elsewhere(house: House, apart_s: int) -> Sessions:
    """As a process has them whose clock is so far ahead."""

    class Apart:
        def now_ms(self) -> int:
            return house.clock.now_ms() + apart_s * 1000

    clock = Apart()
    work = UnitOfWork(house.database, house.ids, clock, house.jobs, house.rings)
    return Sessions(house.database, work, Tokens(clock, RULES), house.revocations)


async def test_a_session_that_is_over_is_not_refreshed(house: House) -> None:
    pair = await sign_in(house)
    await house.database.execute("UPDATE sessions SET expires_at_ms = ?", [house.clock.now_ms() - 1])
    await assert_spent(house, pair.refresh_token)
    await house.database.execute("DELETE FROM sessions")
    await assert_spent(house, pair.refresh_token)


async def test_a_refresh_token_ends_with_its_session(house: House) -> None:
    pair = await sign_in(house)
    ends_at_ms = house.clock.now_ms() + 3_600_000
    await house.database.execute("UPDATE sessions SET expires_at_ms = ?", [ends_at_ms])
    following = (await refresh(house, pair.refresh_token)).refresh_token
    assert jwt.decode(following, options={"verify_signature": False})["exp"] == ends_at_ms // 1000


async def test_another_user_s_refresh_token_is_of_no_use_with_this_session(house: House) -> None:
    pair = await sign_in(house)
    claim = house.tokens.read_refresh(pair.refresh_token)
    forged = house.tokens.refresh(
        type(claim)(await house.user(), claim.session_id, claim.nonce), house.clock.now_ms(), 2**52
    )
    await assert_spent(house, forged)
    await refresh(house, pair.refresh_token)


async def test_a_device_that_is_signed_out_is_refused(house: House) -> None:
    ada = await house.user()
    phone, laptop = await sign_in(house, ada), await sign_in(house, ada)
    await house.sessions.end(ada, (await owner(house, phone)).session_id)
    await assert_signed_out(house, phone)
    await assert_spent(house, phone.refresh_token)
    await owner(house, laptop)
    await refresh(house, laptop.refresh_token)


async def test_nobody_signs_out_what_is_not_theirs_or_not_there(house: House) -> None:
    ada, bob = await house.users(2)
    pair = await sign_in(house, ada)
    session_id = (await owner(house, pair)).session_id
    for user_id, asked in [(bob, session_id), (ada, SessionId(1))]:
        with pytest.raises(NotFound):
            await house.sessions.end(user_id, asked)
    await owner(house, pair)
    await house.sessions.end(ada, session_id)
    with pytest.raises(NotFound):
        await house.sessions.end(ada, session_id)


async def test_devices_are_listed_newest_first_without_those_that_are_out(house: House) -> None:
    ada = await house.user()
    pairs = [await sign_in(house, ada, f"device {number}") for number in range(6)]
    await sign_in(house)
    viewer, ids = await owner(house, pairs[4]), [(await owner(house, pair)).session_id for pair in pairs]
    await house.sessions.end(ada, ids[1])
    now_ms, idle_ms = house.clock.now_ms(), RULES.refresh_idle_s * 1000
    await house.database.execute("UPDATE sessions SET expires_at_ms = ? WHERE id = ?", [now_ms - 1, ids[2]])
    await house.database.execute(
        "UPDATE sessions SET last_used_at_ms = ? WHERE id = ?", [now_ms - idle_ms - 1000, ids[3]]
    )
    assert await devices_of(house, viewer) == ["device 5", "device 4", "device 0"]
    page = await house.sessions.devices(viewer, PageRequest(limit=2))
    assert [device.current for device in page.items] == [False, True]
    assert page.next_cursor is not None


async def devices_of(house: House, viewer: Principal) -> Sequence[str]:
    return [device.user_agent for device in (await house.sessions.devices(viewer, PageRequest())).items]
