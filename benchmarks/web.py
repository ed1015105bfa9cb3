"""Benchmark of the web client: code, first contentful paint and layout shift of its feed page, in Chromium on loopback.

A first visit has an empty cache. The second visit is another page of the same browser profile, without a service
worker.
"""

import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from aiohttp import ClientSession, FormData
from playwright.async_api import Browser, async_playwright
from rich.console import Console
from rich.table import Table

from benchmarks.processes import server
from seeds.photographs import paint
from tools.harness.page_figures import PageFigures, gzipped_bytes, observe, read_figures
from tools.harness.servers import free_port

RUNS = 5
POSTS = 5
PERSON = {"username": "ana", "email": "ana@example.com", "password": "correct horse"}

# As the web client keeps it; a page without an origin has no storage.
SIGN_IN = """
const { user, accessToken, refreshToken, expiresIn } = signedIn;
const kept = { userId: user.id, accessToken, refreshToken, expiresAtMs: Date.now() + expiresIn * 1000 };
if (location.origin !== "null") localStorage.setItem("photofeed.session", JSON.stringify(kept));
"""


async def measure(console: Console) -> None:
    """Print the medians of `RUNS` visits, each with a new browser profile."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("error: Chromium was not found. Install it, for example with: apt install chromium")
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "VAR_DIR": folder, "PORT": str(port := free_port()), "LOG_FORMAT": "json"}
        with server([sys.executable, "run.py"], environ):
            url = f"http://localhost:{port}"
            await _publish(url, Path(folder))
            async with async_playwright() as playwright:
                browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                await _visit(browser, url)  # the first one compresses the files
                visits = [await _visit(browser, url) for _ in range(RUNS)]
                await browser.close()
            code = await gzipped_bytes(visits[0][0].code_files)
    table = Table("feed page in Chromium", "first visit", "second visit", title=f"{POSTS} posts, loopback")
    first, second = [visit[0] for visit in visits], [visit[1] for visit in visits]
    rows: Sequence[tuple[str, Callable[[Sequence[PageFigures]], str]]] = (
        ("first contentful paint", lambda figures: f"{_median(figures, 'first_paint_ms'):.0f} ms"),
        ("requests", lambda figures: f"{_median(figures, 'requests'):.0f}"),
        ("transferred code", lambda figures: f"{_median(figures, 'transferred_bytes'):,.0f} bytes"),
        ("layout shift", lambda figures: f"{max(each.layout_shift for each in figures):.3f}"),
    )
    for name, read in rows:
        table.add_row(name, read(first), read(second))
    table.add_row("files of code", str(len(first[0].code_files)), "")
    table.add_row("code as gzip", f"{code:,} bytes", "")
    console.print(table)


def _median(figures: Sequence[PageFigures], name: str) -> float:
    return statistics.median(getattr(each, name) for each in figures)


async def _publish(url: str, folder: Path) -> None:
    """Register a user, and publish posts."""
    async with ClientSession(url) as session:
        async with session.post("/auth/register", json=PERSON) as response:
            token = (await response.json())["accessToken"]
        for number in range(POSTS):
            photo = folder / f"{number}.jpg"
            paint(str(number)).save(photo)
            form = FormData({"caption": f"Evening {number} #sunset"})
            form.add_field("images", photo.read_bytes(), filename=photo.name, content_type="image/jpeg")
            headers = {"Authorization": f"Bearer {token}"}
            async with session.post("/posts", data=form, headers=headers) as response:
                response.raise_for_status()


async def _visit(browser: Browser, url: str) -> tuple[PageFigures, PageFigures]:
    """Return the figures of the feed page with an empty cache, and with what it left there."""
    context = await browser.new_context(service_workers="block")
    await observe(context)
    page = await context.new_page()
    credentials = {name: PERSON[name] for name in ("username", "password")}
    signed_in = await page.request.post(f"{url}/auth/login", data=credentials)
    await context.add_init_script(f"const signedIn = {await signed_in.text()};{SIGN_IN}")
    figures: list[PageFigures] = []
    for _ in range(2):
        await page.goto(url)
        await page.get_by_role("article").first.wait_for()
        figures.append(await read_figures(page))
        await page.goto("about:blank")
    await context.close()
    return figures[0], figures[1]
