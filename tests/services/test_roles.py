"""Roles, on both databases."""

import pytest

from server.errors import NotFound
from server.gateways.touches import Touches
from server.paging import PageRequest
from server.services.records import Role
from server.services.roles import Roles
from tests.house import House


async def test_a_role_counts_from_the_next_sign_in_or_refresh(house: House) -> None:
    account = await house.accounts.register("ana", "ana@example.com", "a long password", "")
    assert account.role is Role.USER
    roles = Roles(house.database, Touches(house.wire))
    assert await roles.grant("ANA", Role.ADMIN) is Role.USER
    assert (await house.accounts.authenticate("ana", "a long password")).role is Role.ADMIN
    assert await roles.grant("ana", Role.ADMIN) is Role.ADMIN


async def test_nobody_is_given_a_role_by_mistake(house: House) -> None:
    await house.user("ana")
    with pytest.raises(NotFound, match="bob"):
        await Roles(house.database, Touches(house.wire)).grant("bob", Role.ADMIN)
    assert await house.value("SELECT role FROM users") == Role.USER


async def test_a_celebrity_is_shown_as_one_at_once(house: House) -> None:
    ana = await house.user("ana")
    await house.post(ana)
    for _ in range(2):
        (post,) = (await house.feed.page(ana, PageRequest())).items
        assert not post.author.is_celebrity
    await Roles(house.database, Touches(house.wire)).grant("ana", Role.CELEBRITY)
    (post,) = (await house.feed.page(ana, PageRequest())).items
    assert post.author.is_celebrity
