"""Browser windows of the web client, each of one person. What the console and the security policy report is kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.support.chromium import EXECUTABLE
from tools.harness.waiting import wait_until

PASSWORD = "correct horse battery staple"
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI}`));
"""


class Window:
    """A window with its own session. `problems` are errors of the console, of scripts and of the policy."""

    def __init__(self, context: BrowserContext, page: Page, url: str) -> None:
        self.context = context
        self.page = page
        self.problems: list[str] = []
        self._url = url
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))

    async def open(self, path: str = "/") -> None:
        """Open a path, and wait for its screen."""
        await self.page.goto(self._url + path)
        await self.page.locator("main > *").first.wait_for()

    def url(self, path: str) -> str:
        return self._url + path

    async def check(self, path: str) -> list[str]:
        """Open a path, and return what axe and the console find wrong with its screen."""
        await self.open(path)
        await self.settle()
        results = await Axe().run(self.page)
        found = [
            f"{path}: {violation['id']}: {violation['nodes'][0]['html'][:120]}"
            for violation in results.response["violations"]
        ]
        problems, self.problems = self.problems, []
        return [*found, *(f"{path}: {problem}" for problem in problems)]

    async def settle(self) -> None:
        """Wait until nothing is loading any more."""

        async def has_settled() -> bool:
            return bool(await self.page.evaluate("!document.querySelector('.spinner, [aria-busy]')"))

        await wait_until(has_settled)

    async def sign_up(self, username: str) -> None:
        await self.open("/sign-up")
        await self.page.get_by_label("E-mail address").fill(f"{username}@example.com")
        await self.page.get_by_label("Username").fill(username)
        await self.page.get_by_label("Password").fill(PASSWORD)
        await self.page.get_by_role("button", name="Sign up").click()
        await self.page.get_by_role("link", name="Activity").wait_for()

    async def sign_in(self, username: str, password: str = PASSWORD) -> None:
        """Sign in; by selectors, because labels depend on the language."""
        await self.open("/sign-in")
        await self.page.locator("[name=username]").fill(username)
        await self.page.locator("[name=password]").fill(password)
        await self.page.locator("form [type=submit]").click()
        await self.page.locator("nav").wait_for()

    def _note(self, kind: str, text: str) -> None:
        if kind in {"error", "warning"}:
            self.problems.append(text)


class Windows:
    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url

    async def new(self, **options: Any) -> Window:
        """Open a window; `options` are those of a Playwright context."""
        context = await self._browser.new_context(**{"viewport": DESKTOP, "locale": "en", **options})
        await context.add_init_script(REPORT_VIOLATIONS)
        return Window(context, await context.new_page(), self._url)


@asynccontextmanager
async def open_windows(url: str) -> AsyncIterator[Windows]:
    """Start Chromium, and yield what opens windows on a server."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=EXECUTABLE, args=["--no-sandbox"])
        try:
            yield Windows(browser, url)
        finally:
            await browser.close()
