"""Figures of a page that a browser measures: code, first contentful paint and layout shift."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import ClientSession
from playwright.async_api import BrowserContext, Page

# Observed from the start of the page: entries of layout shifts are not kept for later.
OBSERVE = """
window.shifts = [];
new PerformanceObserver((list) => shifts.push(...list.getEntries().map(({ value }) => value)))
  .observe({ type: "layout-shift", buffered: true });
"""
READ = """() => {
  const code = performance.getEntriesByType("resource").filter(({ name }) => name.includes("/web/"));
  const paint = performance.getEntriesByName("first-contentful-paint")[0];
  return {
    paint: paint ? paint.startTime : 0,
    shift: shifts.reduce((sum, value) => sum + value, 0),
    transferred: code.reduce((sum, { transferSize }) => sum + transferSize, 0),
    files: [...new Set(code.map(({ name }) => name))],
    requests: performance.getEntriesByType("resource").length + 1,
  };
}"""


@dataclass(frozen=True, slots=True)
class PageFigures:
    """`code_files`: addresses of scripts, styles and icons; `transferred_bytes`: of these, with their headers."""

    first_paint_ms: float
    layout_shift: float
    code_files: Sequence[str]
    transferred_bytes: int
    requests: int


async def observe(context: BrowserContext) -> None:
    """Measure all pages that the context opens from now on."""
    await context.add_init_script(OBSERVE)


async def read_figures(page: Page) -> PageFigures:
    """Return the figures of a page that has loaded."""
    found = await page.evaluate(READ)
    return PageFigures(
        found["paint"], found["shift"], found["files"], found["transferred"], found["requests"]
    )


async def gzipped_bytes(addresses: Sequence[str]) -> int:
    """Return how many bytes the files have as gzip, without headers."""
    total = 0
    async with ClientSession(auto_decompress=False) as session:
        for address in addresses:
            async with session.get(address, headers={"Accept-Encoding": "gzip"}) as response:
                total += len(await response.read())
    return total
