"""Every screen, in both themes and on a phone: without errors in the console, and accessible according to axe."""

from typing import Any

import pytest

from tests.e2e.conftest import Register
from tests.support.inputs.photos import blots
from tests.support.program import Program
from tests.support.windows import DESKTOP, PHONE, Windows

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(240),
]
OPEN = (
    "/sign-in",
    "/sign-up",
    "/forgot-password",
    "/reset-password?token=x",
    "/verify-email?token=x",
    "/appeal?token=x",
)
SIGNED_IN = (
    "/", "/@ben", "/@ana", "/app/search", "/app/search?q=be", "/app/search?q=sun&type=hashtags", "/app/explore",
    "/app/tags/sunset", "/app/saved", "/app/activity", "/app/requests", "/app/publish", "/app/users/ben/followers",
    "/app/settings", "/app/settings/profile", "/app/settings/privacy", "/app/settings/notifications",
    "/app/settings/security", "/app/settings/appearance", "/app/settings/data", "/app/settings/close-friends",
    "/app/settings/interactions", "/app/drafts", "/app/drafts?show=scheduled", "/app/archive", "/app/tags",
    "/app/tagged",
)  # fmt: skip
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": DESKTOP, "color_scheme": "light"},
    "dark, phone": {"viewport": PHONE, "color_scheme": "dark", "has_touch": True},
    "right to left": {"viewport": PHONE, "locale": "ar"},
}


@pytest.fixture
async def post_id(program: Program, register: Register) -> str:
    """A post of ben, who follows ana and is followed by her, with a like, a comment and a reply."""
    ana, ben = await register(program, "ana", "ben")
    post = await ben.publish(blots(), caption="Evening #sunset with @ana")
    await ana.follow(ben)
    await ben.follow(ana)
    await ana.like(post["id"])
    comment = await ana.comment(post["id"], "Where is that?")
    reply = {"content": "At home", "parentId": comment["id"]}
    await ben.request("POST", f"/posts/{post['id']}/comments", json=reply)
    return str(post["id"])


@pytest.mark.parametrize("look", LOOKS)
async def test_screens_are_accessible_and_log_no_errors(windows: Windows, post_id: str, look: str) -> None:
    window = await windows.new(reduced_motion="reduce", **LOOKS[look])
    wrong = [found for path in OPEN for found in await window.check(path)]
    await window.sign_in("ana", "a password of the tests")
    own = (
        f"/p/{post_id}",
        f"/app/posts/{post_id}/likes",
        f"/app/posts/{post_id}/edit",
        f"/app/posts/{post_id}/history",
    )
    wrong += [found for path in (*SIGNED_IN, *own) for found in await window.check(path)]
    assert not wrong, "\n".join(wrong)
