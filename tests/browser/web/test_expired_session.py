"""A session that the server has ended: the user signs in over the screen, and what was typed is still there."""

import pytest

from tests.e2e.conftest import Register
from tests.support.inputs.photos import blots
from tests.support.program import Program
from tests.support.windows import Windows

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(240),
]


async def test_comment_is_sent_after_signing_in_again(
    windows: Windows, program: Program, register: Register
) -> None:
    (ana,) = await register(program, "ana")
    post = await ana.publish(blots())
    window = await windows.new()
    await window.sign_in("ana", ana.password)
    await window.open(f"/p/{post['id']}")
    page = window.page
    await page.get_by_label("Write a comment").fill("Typed before the session ended")
    await ana.call("DELETE", "/auth/sessions")  # all but the one of the test
    await page.evaluate(
        "() => { const key = 'photofeed.session'; const session = JSON.parse(localStorage.getItem(key));"
        " localStorage.setItem(key, JSON.stringify({ ...session, expiresAtMs: 0 })); }"
    )
    # The live stream may notice the end first, and open the dialog by itself.
    await page.get_by_label("Write a comment").press("Enter")
    dialog = page.get_by_role("dialog", name="Sign in")
    await dialog.get_by_label("Username or e-mail address").fill("ana")
    await dialog.get_by_label("Password").fill(ana.password)
    await page.keyboard.press("Enter")
    await dialog.wait_for(state="detached")
    await page.get_by_label("Write a comment").press("Enter")
    await page.locator(".comment").get_by_text("Typed before the session ended").wait_for()
    (comment,) = await ana.list_all(f"/posts/{post['id']}/comments")
    assert comment["content"] == "Typed before the session ended"
