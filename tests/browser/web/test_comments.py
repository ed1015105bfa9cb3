"""Comments: written, liked, edited, pinned, and held back while their author is restricted."""

import pytest

from tests.e2e.conftest import Register
from tests.support.inputs.photos import blots
from tests.support.program import Program
from tests.support.windows import Window, Windows

pytestmark = pytest.mark.timeout(240)


async def choose(window: Window, author: str, action: str) -> None:
    await window.page.get_by_role("button", name=f"Actions for the comment by {author}").first.click()
    await window.page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()


async def test_comment_is_liked_edited_and_pinned(
    windows: Windows, program: Program, register: Register
) -> None:
    ana, ben = await register(program, "ana", "ben")
    post = await ana.publish(blots())
    await ben.comment(post["id"], "A first!")
    ana_window, ben_window = await windows.new(), await windows.new()
    await ana_window.sign_in("ana", ana.password)
    await ben_window.sign_in("ben", ben.password)
    for window in (ana_window, ben_window):
        await window.open(f"/p/{post['id']}")
    await ana_window.page.get_by_role("button", name="Like the comment by ben").click()
    await ana_window.page.locator(".comment").get_by_role("link", name="1 like").wait_for()
    await choose(ana_window, "ben", "Pin")
    await ana_window.page.locator(".comment").get_by_text("Pinned", exact=True).wait_for()

    await choose(ben_window, "ben", "Edit")
    await ben_window.page.get_by_label("Edit comment").fill("First!")
    await ben_window.page.get_by_role("button", name="Save changes").click()
    await ben_window.page.locator(".comment").get_by_text("First!").wait_for()
    await ben_window.page.locator(".comment").get_by_text("edited").wait_for()
    (comment,) = await ana.list_all(f"/posts/{post['id']}/comments")
    assert (comment["content"], comment["likesCount"], comment["pinned"]) == ("First!", 1, True)
    await choose(ana_window, "ben", "Unpin")
    await ana_window.page.locator(".comment").get_by_text("Pinned", exact=True).wait_for(state="detached")
    assert ana_window.problems == ben_window.problems == []


async def test_comments_of_restricted_users_wait_for_approval(
    windows: Windows, program: Program, register: Register
) -> None:
    ana, ben, cleo = await register(program, "ana", "ben", "cleo")
    post = await ana.publish(blots())
    window = await windows.new()
    await window.sign_in("ana", ana.password)
    await window.open("/@ben")
    page = window.page
    await page.get_by_role("button", name="More actions").click()
    await page.get_by_role("button", name="Restrict ben").click()
    await page.get_by_role("dialog").get_by_role("button", name="Restrict", exact=True).click()
    await page.get_by_text("ben is restricted").wait_for()
    await ben.comment(post["id"], "A kind word")
    await ben.comment(post["id"], "An unkind word")
    assert await cleo.list_all(f"/posts/{post['id']}/comments") == []

    await window.open(f"/p/{post['id']}")
    kind = page.locator(".comment", has_text="A kind word")
    await kind.get_by_text("Only you and ben see this comment.").wait_for()
    await kind.get_by_role("button", name="Approve").click()
    await page.get_by_text("The comment is visible now").wait_for()
    unkind = page.locator(".comment", has_text="An unkind word")
    await unkind.get_by_role("button", name="Delete").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await unkind.wait_for(state="detached")
    shown = [comment["content"] for comment in await cleo.list_all(f"/posts/{post['id']}/comments")]
    assert shown == ["A kind word"]
    assert window.problems == []
