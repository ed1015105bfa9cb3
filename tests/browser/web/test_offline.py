"""A connection that is lost: the client opens without one, and an upload continues where it stopped."""

from pathlib import Path

import pytest

from tests.support.inputs.photos import twelve_megapixels
from tests.support.windows import Windows
from tools.harness.waiting import wait_until

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(240),
]
SLOW = {"offline": False, "latency": 20, "downloadThroughput": -1, "uploadThroughput": 400_000}


async def test_client_opens_without_a_connection(windows: Windows) -> None:
    window = await windows.new()
    await window.sign_up("ana")
    await window.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    await window.page.reload()
    await window.context.set_offline(True)
    await window.open("/app/settings")
    await window.page.get_by_role("heading", name="Settings").wait_for()
    await window.open("/")
    await window.page.get_by_text("You are offline").first.wait_for()
    await window.context.set_offline(False)
    await window.page.get_by_role("button", name="Try again").click()
    await window.page.get_by_text("Your feed is empty").wait_for()


async def test_upload_continues_after_the_connection_was_lost(windows: Windows, tmp_path: Path) -> None:
    photo = tmp_path / "hills.jpg"
    photo.write_bytes(twelve_megapixels())
    window = await windows.new()
    await window.sign_up("ana")
    await window.open("/app/publish")
    sent: list[int] = []
    window.page.on(
        "request",
        lambda request: request.method == "PATCH" and sent.append(int(request.headers["upload-offset"])),
    )

    async def has_begun() -> bool:
        return bool(await window.page.evaluate("document.querySelector('progress')?.value > 0.1"))

    protocol = await window.context.new_cdp_session(window.page)
    await protocol.send("Network.enable")
    await protocol.send("Network.emulateNetworkConditions", SLOW)
    await window.page.get_by_label("Caption").fill("Typed before the tunnel")
    await window.page.locator("input[type=file]").set_input_files(photo)
    await wait_until(has_begun)
    await window.context.set_offline(True)
    before = len(sent)
    await window.context.set_offline(False)
    await window.page.get_by_text("Uploaded", exact=True).wait_for(timeout=90_000)
    assert sent[before] > 0  # it did not begin again
    await window.page.get_by_role("button", name="Publish").click()
    await window.page.get_by_text("Published").wait_for()
    await window.page.get_by_text("Typed before the tunnel").wait_for()
