"""Roles."""

import pytest

from server.errors import NotFound
from server.paging import PageRequest
from server.services.records import Role
from tools.harness.services import ServiceHarness


async def test_role_applies_from_the_next_sign_in(harness: ServiceHarness) -> None:
    account = await harness.accounts.register("ana", "ana@example.com", "a long password", "")
    assert account.role is Role.USER
    assert await harness.roles.grant("ANA", Role.ADMIN) is Role.USER
    assert (await harness.password_authentication.authenticate("ana", "a long password")).role is Role.ADMIN
    assert await harness.roles.grant("ana", Role.ADMIN) is Role.ADMIN


async def test_role_of_an_unknown_username_is_not_granted(harness: ServiceHarness) -> None:
    await harness.user("ana")
    with pytest.raises(NotFound, match="bob"):
        await harness.roles.grant("bob", Role.ADMIN)
    assert await harness.value("SELECT role FROM users") == Role.USER


async def test_celebrity_badge_appears_at_once(harness: ServiceHarness) -> None:
    ana = await harness.user("ana")
    await harness.post(ana)
    for _ in range(2):
        (post,) = (await harness.feed.page(ana, PageRequest())).items
        assert not post.author.is_celebrity
    await harness.roles.grant("ana", Role.CELEBRITY)
    (post,) = (await harness.feed.page(ana, PageRequest())).items
    assert post.author.is_celebrity
