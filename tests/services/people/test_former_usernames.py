"""Names that were given up: reserved for their former owner, and free after that."""

import asyncio

import pytest

from server.errors import Conflict, NotFound
from server.ids import UserId
from server.services.accounts.usernames import FORMER_USERNAME_MS
from tools.harness.services import ServiceHarness

PASSWORD = "correct horse battery staple"


async def register(harness: ServiceHarness, username: str) -> UserId:
    return (await harness.accounts.register(username, f"{harness.ids.next()}@example.com", PASSWORD, "")).id


async def refused(harness: ServiceHarness, user_id: UserId, username: str) -> None:
    """Check that neither a user nor a new account gets the name, with the answers for a taken one."""
    with pytest.raises(Conflict) as taken:
        await harness.profiles.edit(user_id, {"username": username, "bio": "Changed"})
    assert (taken.value.code, list(taken.value.fields)) == ("username_taken", ["username"])
    assert (await harness.profiles.get_own(user_id)).bio == ""
    with pytest.raises(Conflict) as taken:
        await register(harness, username)
    assert (taken.value.code, list(taken.value.fields)) == ("username_taken", ["username"])


async def test_former_name_leads_nowhere_and_is_reserved(harness: ServiceHarness) -> None:
    ana, eve = await harness.user("ana"), await harness.user("eve")
    await harness.profiles.edit(ana, {"username": "anna"})
    with pytest.raises(NotFound):
        await harness.profiles.get(eve, "ana")
    for spelling in ("ana", "ANA", "ａｎａ"):
        await refused(harness, eve, spelling)


async def test_former_owner_may_take_the_name_back(harness: ServiceHarness) -> None:
    ana, eve = await harness.user("ana"), await harness.user("eve")
    for username in ("anna", "Ana", "anna", "ANA"):
        assert (await harness.profiles.edit(ana, {"username": username})).username == username
    await refused(harness, eve, "anna")
    await refused(harness, eve, "ana")


async def test_change_of_case_reserves_nothing(harness: ServiceHarness) -> None:
    ana = await harness.user("ana")
    await harness.profiles.edit(ana, {"username": "ANA"})
    assert await harness.value("SELECT COUNT(*) AS names FROM former_usernames") == 0


async def test_name_is_free_when_its_reservation_ends(harness: ServiceHarness) -> None:
    ana, eve = await harness.user("ana"), await harness.user("eve")
    await harness.profiles.edit(ana, {"username": "anna"})
    await harness.profiles.edit(ana, {"username": "hanna"})
    await harness.database.execute(
        "UPDATE former_usernames SET reserved_until_ms = reserved_until_ms - ?", [FORMER_USERNAME_MS]
    )
    assert (await harness.profiles.edit(eve, {"username": "ana"})).username == "ana"
    assert (await harness.profiles.get_own(await register(harness, "anna"))).username == "anna"
    await harness.profiles.edit(eve, {"username": "eve"})
    with pytest.raises(Conflict):
        await harness.profiles.edit(ana, {"username": "ana"})


async def test_name_is_not_taken_while_it_is_given_up(harness: ServiceHarness) -> None:
    users = [await harness.user(f"user{number}x") for number in range(4)]
    for attempt in range(5):
        owner = await harness.user(f"name{attempt}")
        renamed = harness.profiles.edit(owner, {"username": f"other{attempt}"})
        takers = [harness.profiles.edit(user, {"username": f"name{attempt}"}) for user in users]
        results = await asyncio.gather(renamed, *takers, return_exceptions=True)
        assert [isinstance(result, Conflict) for result in results] == [False, *[True] * len(users)]
