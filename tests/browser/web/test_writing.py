"""Writing and editing posts: people, places, options, carousels, drafts and scheduled posts."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.e2e.conftest import Register
from tests.support.inputs.photos import blots, noise
from tests.support.program import Program
from tests.support.windows import Window, Windows

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(240),
]


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    files = [tmp_path / "hills.jpg", tmp_path / "sea.jpg"]
    for file, content in zip(files, (blots(), noise(640, 480)), strict=True):
        file.write_bytes(content)
    return files


async def choose_photos(window: Window, photos: list[Path]) -> None:
    await window.page.locator("input[type=file]").set_input_files(photos)
    for number in range(len(photos)):
        await window.page.get_by_text("Uploaded", exact=True).nth(number).wait_for()


async def test_tagged_user_agrees_before_others_see_it(
    windows: Windows, program: Program, register: Register, photos: list[Path]
) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ben.follow(ana)  # who does not see a post cannot be tagged in it
    ana_window, ben_window = await windows.new(), await windows.new()
    await ben_window.sign_in("ben", ben.password)
    await ben_window.open("/app/settings/interactions")
    async with ben_window.page.expect_response("**/tags/settings"):
        await ben_window.page.get_by_role("switch", name="Approve tags yourself").check()

    await ana_window.sign_in("ana", ana.password)
    await ana_window.open("/app/publish")
    page = ana_window.page
    await choose_photos(ana_window, photos[:1])
    await page.get_by_role("button", name="Tag people").click()
    dialog = page.get_by_role("dialog", name="Tag people")
    await dialog.locator(".tag-photo").click(position={"x": 60, "y": 50})
    await dialog.get_by_role("combobox", name="Tag people").fill("be")
    await dialog.get_by_role("option", name="ben").wait_for()
    await page.keyboard.press("Enter")
    await dialog.get_by_role("button", name="ben: move with the arrow keys").press("ArrowRight")
    await dialog.get_by_role("button", name="Done").click()
    await page.get_by_role("button", name="One person tagged").wait_for()

    await page.get_by_role("combobox", name="Place").fill("Old harbour")
    await page.get_by_role("option", name="Add “Old harbour”").click()
    dialog = page.get_by_role("dialog", name="New place")
    await dialog.get_by_label("Latitude").fill("38.7")
    await dialog.get_by_label("Longitude").fill("-9.14")
    await dialog.get_by_role("button", name="Use this place").click()
    await page.get_by_role("switch", name="Hide like count").check()
    await page.get_by_role("switch", name="Turn comments off").check()
    await page.get_by_label("Who can see it").select_option("Followers")
    await page.get_by_role("button", name="Publish", exact=True).click()
    await page.get_by_text("Published").wait_for()
    (post,) = await ana.list_all("/posts")
    assert (post["hideLikeCount"], post["commentsEnabled"], post["audience"]) == (True, False, "followers")
    assert post["place"]["name"] == "Old harbour"

    await ben_window.open("/app/tagged")
    await ben_window.page.get_by_role("button", name="Approve").click()
    await ben_window.page.get_by_text("Others see now").wait_for()
    await ben_window.open("/@ana")
    await ben_window.page.locator(".grid-item").click()
    await ben_window.page.get_by_role("button", name="People in this photo").click()
    await ben_window.page.locator(".frame").get_by_role("link", name="ben").wait_for()
    await ben_window.page.get_by_role("link", name="Old harbour").wait_for()
    await ben_window.page.get_by_text("Comments are turned off.").wait_for()
    await ben_window.page.get_by_role("article").get_by_role("button", name="More actions").click()
    await ben_window.page.get_by_role("button", name="Remove me from the photos").click()
    await ben_window.page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    await ben_window.page.get_by_text("You are no longer tagged").wait_for()
    assert ana_window.problems == ben_window.problems == []


async def test_carousel_is_edited_and_its_history_shown(
    windows: Windows, program: Program, register: Register, photos: list[Path]
) -> None:
    (ana,) = await register(program, "ana")
    post = await ana.publish(*(photo.read_bytes() for photo in photos), caption="Before")
    window = await windows.new()
    await window.sign_in("ana", ana.password)
    await window.open(f"/app/posts/{post['id']}/edit")
    page = window.page
    second = page.get_by_role("listitem", name="Photo 2 of 2")
    await second.get_by_label("Description").fill("The sea")
    await second.get_by_role("button", name="Move back").press("Enter")
    await page.get_by_role("listitem", name="Photo 1 of 2").get_by_label("Description").wait_for()
    await page.get_by_role("listitem", name="Photo 2 of 2").get_by_role("button", name="Remove").click()
    await page.get_by_label("Caption").fill("After")
    await page.get_by_role("button", name="Save changes").click()
    await page.get_by_text("Changes saved").wait_for()

    edited = await ana.request("GET", f"/posts/{post['id']}")
    assert [image["altText"] for image in edited["images"]] == ["The sea"]
    assert edited["images"][0]["id"] == post["images"][1]["id"]
    await page.get_by_role("link", name="edited").click()
    version = page.get_by_role("article")
    await version.get_by_text("Before").wait_for()
    await version.get_by_text("One photo was removed.").wait_for()
    assert window.problems == []


async def test_draft_is_scheduled_cancelled_and_published(
    windows: Windows, program: Program, register: Register, photos: list[Path]
) -> None:
    (ana,) = await register(program, "ana")
    window = await windows.new()
    await window.sign_in("ana", ana.password)
    await window.open("/app/publish")
    page = window.page
    await choose_photos(window, photos[:1])
    await page.get_by_label("Caption").fill("For later")
    await page.get_by_role("button", name="Save draft").click()
    await page.get_by_role("link", name="For later").click()
    await page.get_by_label("Caption").fill("For tomorrow")
    await page.get_by_role("button", name="Schedule…").click()
    tomorrow = (datetime.now().astimezone() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    await page.get_by_role("dialog").get_by_label("Publish at").fill(tomorrow)
    await page.get_by_role("dialog").get_by_role("button", name="Schedule").click()
    await page.get_by_role("tab", name="Scheduled", selected=True).wait_for()
    (scheduled,) = await ana.list_all("/posts?status=scheduled")
    assert scheduled["caption"] == "For tomorrow"

    await page.get_by_role("button", name="More actions: For tomorrow").click()
    await page.get_by_role("button", name="Cancel the schedule").click()
    await page.get_by_text("Nothing is scheduled").wait_for()
    await page.get_by_role("tab", name="Drafts").click()
    await page.get_by_role("link", name="For tomorrow").click()
    await page.get_by_role("button", name="Publish now").click()
    await page.get_by_text("Published").wait_for()
    (post,) = await ana.list_all("/posts")
    assert post["caption"] == "For tomorrow"
    assert await ana.list_all("/posts?status=draft") == []
    assert window.problems == []


async def test_reload_keeps_what_was_written(windows: Windows, photos: list[Path]) -> None:
    window = await windows.new()
    await window.sign_up("ana")
    await window.open("/app/publish")
    await choose_photos(window, photos)
    await window.page.get_by_label("Description: Photo 2 of 2").fill("The sea")
    await window.page.get_by_label("Caption").fill("Almost finished")
    await window.page.reload()
    await window.page.get_by_text("What you had written is still here.").wait_for()
    assert await window.page.get_by_label("Caption").input_value() == "Almost finished"
    assert await window.page.get_by_label("Description: Photo 2 of 2").input_value() == "The sea"
    await window.page.get_by_role("button", name="Publish", exact=True).click()
    await window.page.get_by_text("Published").wait_for()
    assert window.problems == []


async def test_refused_file_is_named_and_the_rest_is_kept(windows: Windows, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(blots()[:600])
    window = await windows.new()
    await window.sign_up("ana")
    await window.open("/app/publish")
    await window.page.get_by_label("Caption").fill("Still here")
    await window.page.locator("input[type=file]").set_input_files(broken)
    await window.page.locator(".chosen-picture .error").get_by_text("broken.jpg:").wait_for()
    await window.page.get_by_role("button", name="Remove").click()
    await window.page.get_by_role("button", name="Publish", exact=True).click()
    await window.page.get_by_text("Choose a photo first.").wait_for()
    assert await window.page.get_by_label("Caption").input_value() == "Still here"
