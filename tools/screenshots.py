"""Take screenshots of the web client: `python -m tools.screenshots [--url URL] [--folder FOLDER]`.

Needs Chromium, and a running server with the sample data of `make seed`. With `--readme` it takes the few of the README
instead, as small files in `docs/images`.
"""

import argparse
import asyncio
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, Error, Page, async_playwright

PASSWORD = "correct horse"  # noqa: S105 - of the sample data
SCREENS = {
    "feed": "/", "search": "/app/search?q=an", "explore": "/app/explore", "profile": "/@ana", "saved": "/app/saved",
    "activity": "/app/activity", "publish": "/app/publish", "hashtag": "/app/tags/sunset", "settings": "/app/settings",
    "notifications": "/app/settings/notifications", "security": "/app/settings/security",
}  # fmt: skip
CONSOLE = {
    page: f"/admin/{page}"
    for page in ("queues", "reports", "appeals", "people", "filters", "processes", "storage", "audit")
}
README_FOLDER = Path("docs/images")
README_QUALITY = 70
DEVICES: dict[str, dict[str, Any]] = {
    "desktop": {"viewport": {"width": 1280, "height": 860}},
    "phone": {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2},
}
THEMES: Sequence[Any] = ("light", "dark")
QUIET_MS = 600  # after the last picture


async def main(url: str, folder: Path, *, readme: bool) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("Chromium was not found. Install it, for example with: apt install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        if readme:
            await shoot_readme(browser, url)
            await browser.close()
            return
        for device, options in DEVICES.items():
            for theme in THEMES:
                await shoot(
                    browser, url, "ana", SCREENS, folder, f"{device}-{theme}", color_scheme=theme, **options
                )
        await shoot(browser, url, "admin", CONSOLE, folder, "console", **DEVICES["desktop"])
        await browser.close()


async def shoot(
    browser: Browser,
    url: str,
    username: str,
    screens: dict[str, str],
    folder: Path,
    suffix: str,
    quality: int = 82,
    **options: Any,
) -> None:
    """Sign in and write one file per screen."""
    context = await browser.new_context(locale="en", **options)
    page = await context.new_page()
    await sign_in(page, url, username)
    for name, path in screens.items():
        await page.goto(url + path)
        await page.locator("main > *").first.wait_for()
        await page.wait_for_timeout(QUIET_MS)
        file = folder / f"{name}-{suffix}.jpg"
        await page.screenshot(path=file, type="jpeg", quality=quality)
        print(file)
    await context.close()


async def shoot_readme(browser: Browser, url: str) -> None:
    """Write the feed on a desktop, a profile on a phone at night, and the console."""
    desktop, phone = DEVICES["desktop"], {**DEVICES["phone"], "device_scale_factor": 1.5}
    for name, user, path, options in (
        ("feed", "ana", "/", {**desktop, "color_scheme": "light"}),
        ("profile", "ben", "/@ana", {**phone, "color_scheme": "dark"}),
        ("console", "admin", CONSOLE["queues"], {**desktop, "color_scheme": "light"}),
    ):
        await shoot(browser, url, user, {name: path}, README_FOLDER, "screen", README_QUALITY, **options)


async def sign_in(page: Page, url: str, username: str) -> None:
    try:
        await page.goto(f"{url}/sign-in")
    except Error:
        sys.exit(f"No server answers at {url}. Start one with: make run")
    await page.locator("[name=username]").fill(username)
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("form [type=submit]").click()
    try:
        await page.locator("nav").first.wait_for(timeout=10_000)
    except Error:
        sys.exit(f"Signing in as {username!r} failed. Create the sample data with: make seed")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Take screenshots of the web client.")
    parser.add_argument("--url", default="http://localhost:3000", help="a server with sample data")
    parser.add_argument("--folder", type=Path, default=Path("var/screenshots"), help="where the files go")
    parser.add_argument("--readme", action="store_true", help=f"take those of the README, in {README_FOLDER}")
    arguments = parser.parse_args()
    asyncio.run(main(arguments.url.rstrip("/"), arguments.folder, readme=arguments.readme))
