"""Names that no user may choose."""

import pytest

from server.errors import Conflict, InvalidInput
from server.services.accounts.reserved_usernames import check_not_reserved, is_reserved
from tests.contract.routes import app_routes
from tools.harness.services import ServiceHarness

PASSWORD = "correct horse"


@pytest.mark.parametrize(
    "name",
    [
        "admin",
        "ADMIN",
        "ad.min",
        "admin_",
        "_root",
        "Support",
        "me_",
        "help",
        "photofeed",
        "photo_feed",
        "photofeed.billing",
        "my_photofeed",
    ],
)
def test_reserved_name_is_refused_in_every_spelling(name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_not_reserved(name)
    assert (refused.value.code, list(refused.value.fields)) == ("username_reserved", ["username"])


@pytest.mark.parametrize("name", ["ana", "admina", "supporter", "mehmet", "root4"])
def test_other_name_is_free(name: str) -> None:
    assert not is_reserved(name)


def test_routes_are_reserved() -> None:
    segments = {
        segment
        for route in app_routes()
        if route.resource is not None
        for segment in route.resource.canonical.split("/")
        if segment.isalpha()
    }
    assert {segment for segment in segments if not is_reserved(segment)} <= {
        # Parts of paths below an id, and verbs.
        "available", "sent", "refresh", "resend", "unused", "explain", "failed", "read", "pause", "resume", "retry",
        "audit", "claim", "resolve", "decisions", "oidc", "reauthenticate", "setup", "confirm", "approve", "audience",
        "begin", "finish", "link", "methods", "recent", "restore", "pending", "history", "pin", "save", "dismissed",
        "role", "processes", "storage", "delayed", "promote",
    }  # fmt: skip


async def test_rename_to_a_reserved_name_is_refused(harness: ServiceHarness) -> None:
    support, ada = await harness.user("support"), await harness.user("ada")
    with pytest.raises(InvalidInput):
        await harness.profiles.edit(ada, {"username": "Sup.Port"})
    assert (await harness.profiles.get_own(ada)).username == "ada"
    # A name from before stays.
    assert (await harness.profiles.edit(support, {"username": "Support"})).username == "Support"


async def test_available_name_can_be_registered(harness: ServiceHarness) -> None:
    ben = await harness.user("ben")
    await harness.profiles.edit(ben, {"username": "benjamin"})
    for name, available in {"benjamin": False, "BEN": False, "admin": False, "ada": True}.items():
        assert await harness.accounts.is_username_available(name) is available, name
    with pytest.raises(Conflict):
        await harness.accounts.register("ben", "other@example.com", PASSWORD, "")
    await harness.accounts.register("ada", "ada@example.com", PASSWORD, "")
