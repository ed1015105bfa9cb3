"""The weight of the feed page, and that nothing in it moves or is loaded twice."""

import pytest

from tests.e2e.conftest import Register
from tests.support.inputs.photos import blots, noise
from tests.support.program import Program
from tests.support.windows import DESKTOP, PHONE, Windows
from tools.harness.page_figures import gzipped_bytes, observe, read_figures
from tools.harness.waiting import wait_until

pytestmark = [
    pytest.mark.parametrize("stack", ["embedded"], indirect=True),
    pytest.mark.timeout(240),
]
MAX_CODE_BYTES = 60 * 1024
FIRST_PICTURE_IS_LOADED = "document.querySelector('img.photo').complete"
SIZES = {"desktop": DESKTOP, "phone": PHONE}


@pytest.mark.parametrize("size", SIZES)
async def test_feed_page_is_small_and_does_not_shift(
    windows: Windows, program: Program, register: Register, size: str
) -> None:
    ana, ben = await register(program, "ana", "ben")
    await ana.follow(ben)
    await ben.publish(blots(), caption="Evening #sunset")
    await ben.publish(noise(400, 700), blots(), caption="Two")
    # Without a service worker: the headers alone have to avoid the second transfer.
    window = await windows.new(viewport=SIZES[size], service_workers="block")
    await observe(window.context)
    await window.sign_in("ana", ana.password)
    await window.open("/")
    await window.page.get_by_role("article").nth(1).wait_for()

    async def has_loaded() -> bool:
        return bool(await window.page.evaluate(FIRST_PICTURE_IS_LOADED))

    await wait_until(has_loaded)
    figures = await read_figures(window.page)
    assert 0 < await gzipped_bytes(figures.code_files) <= MAX_CODE_BYTES
    assert figures.layout_shift == 0
    assert figures.first_paint_ms > 0

    await window.open("/@ben")
    await window.open("/")
    await window.page.get_by_role("article").nth(1).wait_for()
    again = await read_figures(window.page)
    assert len(again.code_files) >= len(figures.code_files)
    assert again.transferred_bytes == 0
