"""Two people in two windows: from signing up to a notification that arrives at once."""

from pathlib import Path

import pytest

from tests.support.inputs.photos import blots
from tests.support.windows import Window, Windows

pytestmark = pytest.mark.timeout(240)


async def publish(window: Window, photo: Path, caption: str) -> None:
    await window.page.get_by_role("link", name="Publish").first.click()
    await window.page.locator("input[type=file]").set_input_files(photo)
    await window.page.get_by_text("Uploaded", exact=True).wait_for()
    await window.page.get_by_label("Caption").fill(caption)
    await window.page.get_by_role("button", name="Publish").click()
    await window.page.get_by_text("Published").wait_for()


async def test_like_and_comment_arrive_in_the_other_window(windows: Windows, tmp_path: Path) -> None:
    photo = tmp_path / "hills.jpg"
    photo.write_bytes(blots())
    ana, ben = await windows.new(), await windows.new()
    await ana.sign_up("ana")
    await ben.sign_up("ben")
    await publish(ana, photo, "The last light #sunset")

    await ben.open("/@ana")
    await ben.page.get_by_role("button", name="Follow ana").click()
    await ben.page.get_by_role("button", name="Following ana. Unfollow").wait_for()
    badge = ana.page.locator("nav .count")
    await badge.get_by_text("1").wait_for()

    await ben.open("/")
    post = ben.page.get_by_role("article", name="Post by ana")
    await post.get_by_role("button", name="Like").click()
    await post.get_by_role("link", name="1 like").wait_for()
    await post.get_by_role("link", name="Comments").click()
    await ben.page.get_by_label("Write a comment").fill("Where is that?")
    await ben.page.keyboard.press("Enter")
    await ben.page.locator(".comment").get_by_text("Where is that?").wait_for()
    await badge.get_by_text("3").wait_for()

    await ana.page.get_by_role("link", name="Activity").click()
    await ana.page.get_by_text("ben commented on your post").wait_for()
    await ana.page.get_by_text("ben likes your post").wait_for()
    await ana.page.get_by_text("ben follows you").wait_for()
    await badge.wait_for(state="hidden")
    assert ana.problems == ben.problems == []
