"""Sorting of posts: collections, pins, the archive, options, friends and hashtags."""

import pytest

from tests.e2e.conftest import Register
from tests.support.inputs.photos import blots
from tests.support.program import Program
from tests.support.windows import Window, Windows

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(240),
]


async def choose(window: Window, action: str) -> None:
    """Open the menu of the screen, and choose an action."""
    await window.page.get_by_role("button", name="More actions").first.click()
    await window.page.get_by_role("dialog").get_by_role("button", name=action, exact=True).click()


async def test_collection_is_filled_renamed_and_deleted(
    windows: Windows, program: Program, register: Register
) -> None:
    ana, ben = await register(program, "ana", "ben")
    post = await ben.publish(blots(), caption="Evening")
    window = await windows.new()
    await window.sign_in("ana", ana.password)
    await window.open(f"/p/{post['id']}")
    page = window.page
    await page.get_by_role("button", name="Save", exact=True).click()
    await page.get_by_role("button", name="Add to collection").click()
    await page.get_by_role("dialog", name="Collections").get_by_role("button", name="New collection").click()
    await page.get_by_role("dialog", name="New collection").get_by_label("Name").fill("Evenings")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Collections")
    assert await dialog.get_by_role("switch", name="Evenings").is_checked()
    await dialog.get_by_role("button", name="Close").click()

    await window.open("/app/saved")
    await page.get_by_role("link", name="Evenings").click()
    await page.get_by_role("link", name="Post by ben").wait_for()
    await choose(window, "Rename")
    await page.get_by_role("dialog").get_by_label("Name").fill("Dusk")
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Dusk").wait_for()
    await choose(window, "Remove posts")
    await page.get_by_role("button", name="Remove the post by ben").click()
    await page.get_by_role("button", name="Done").click()
    await page.get_by_role("link", name="Post by ben").wait_for(state="detached")
    await choose(window, "Delete collection")
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await page.get_by_role("heading", name="Saved", exact=True).wait_for()
    await page.get_by_role("link", name="Post by ben").wait_for()  # it stays saved
    assert await ana.list_all("/collections") == []
    assert window.problems == []


async def test_own_post_is_pinned_closed_archived_and_restored(
    windows: Windows, program: Program, register: Register
) -> None:
    (ana,) = await register(program, "ana")
    older = await ana.publish(blots(), caption="Older")
    await ana.publish(blots(), caption="Newer")
    window = await windows.new()
    await window.sign_in("ana", ana.password)
    await window.open(f"/p/{older['id']}")
    page = window.page
    await choose(window, "Hide like count")
    await page.get_by_text("Changes saved").wait_for()
    await choose(window, "Turn comments off")
    await page.get_by_text("Comments are turned off.").wait_for()
    await choose(window, "Pin to your profile")
    await page.get_by_text("Pinned to your profile").wait_for()
    await window.open("/@ana")
    await page.locator(".grid-item").first.and_(page.get_by_label("Pinned: Post by ana")).click()
    await page.get_by_role("article").wait_for()

    await choose(window, "Archive")
    await page.get_by_text("Only you see it.").wait_for()
    await window.open("/@ana")
    await page.locator(".grid-item").nth(1).wait_for(state="detached")
    await choose(window, "Archive")
    await page.get_by_role("heading", name="Archive").wait_for()
    await page.locator(".grid-item").click()
    await page.get_by_role("article").wait_for()
    await choose(window, "Show on your profile again")
    await page.get_by_text("The post is back on your profile").wait_for()
    restored = await ana.request("GET", f"/posts/{older['id']}")
    assert (restored["hideLikeCount"], restored["commentsEnabled"]) == (True, False)
    assert restored["status"] == "published"
    assert window.problems == []


async def test_close_friends_are_chosen_in_settings_and_on_profiles(
    windows: Windows, program: Program, register: Register
) -> None:
    ana, *_ = await register(program, "ana", "ben", "cleo")
    window = await windows.new()
    await window.sign_in("ana", ana.password)
    await window.open("/@ben")
    page = window.page
    await choose(window, "Add to close friends")
    await page.get_by_text("ben is a close friend now").wait_for()
    await window.open("/app/settings/close-friends")
    await page.get_by_role("button", name="Remove ben").wait_for()
    await page.get_by_role("combobox", name="Add to close friends").fill("cl")
    await page.get_by_role("option", name="cleo").click()
    await page.get_by_role("button", name="Remove cleo").wait_for()
    await page.get_by_role("button", name="Remove ben").click()
    await page.get_by_role("button", name="Remove ben").wait_for(state="detached")
    assert [user["username"] for user in await ana.list_all("/close-friends")] == ["cleo"]
    await window.open("/@cleo")
    await choose(window, "Remove from close friends")
    await page.get_by_text("cleo is no longer a close friend").wait_for()
    assert window.problems == []


async def test_hashtag_is_followed_and_unfollowed(
    windows: Windows, program: Program, register: Register
) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ben.publish(blots(), caption="Evening #sunset")
    window = await windows.new()
    await window.sign_in("ana", ana.password)
    await window.open("/app/tags/sunset")
    page = window.page
    await page.get_by_role("button", name="Follow #sunset").click()
    await page.get_by_role("button", name="Following #sunset. Unfollow").wait_for()
    await window.open("/app/tags")
    await page.get_by_role("link", name="#sunset").wait_for()
    await page.get_by_role("button", name="Following #sunset. Unfollow").click()
    await page.get_by_role("button", name="Follow #sunset").wait_for()
    assert await ana.list_all("/hashtags/following") == []
    assert window.problems == []
