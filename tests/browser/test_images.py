"""The renditions that a browser loads, from the `sources` of a post."""

import html
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image

from tests.e2e.conftest import Register
from tests.support.chromium import Page
from tests.support.inputs.pictures import encoded
from tests.support.program import Person, Program
from tools.harness.waiting import wait_until

pytestmark = [pytest.mark.timeout(180), pytest.mark.parametrize("stack", ["embedded"], indirect=True)]

PHONE = {"width": 420, "height": 900, "pixel_ratio": 2.0}
# The second number is 0 for what the browser had in memory.
LOADED = "performance.getEntriesByType('resource').map(each => [each.name, each.transferSize && each.encodedBodySize])"
# What an image element chose, after it was decoded: broken images are an error.
CHOSEN = "Promise.all([...document.images].map(each => each.decode().then(() => each.currentSrc)))"

Show = Callable[[str], Awaitable[str]]


@pytest.fixture
async def show() -> AsyncIterator[Show]:
    """Return a function that serves the body of a page and returns its address."""
    pages: list[str] = []

    async def serve(request: web.Request) -> web.Response:
        return web.Response(text=pages[int(request.match_info["number"])], content_type="text/html")

    application = web.Application()
    application.router.add_get("/{number:[0-9]+}", serve)
    async with TestServer(application) as server:

        async def show(body: str) -> str:
            viewport = '<meta name="viewport" content="width=device-width">'
            pages.append(f"<!doctype html><title>Feed</title>{viewport}<body style=margin:0>{body}")
            return str(server.make_url(f"/{len(pages) - 1}"))

        yield show


def srcset(image: dict[str, Any], media_type: str) -> str:
    sources = [source for source in image["sources"] if source["type"] == media_type]
    return html.escape(", ".join(f"{source['url']} {source['width']}w" for source in sources))


def img(image: dict[str, Any]) -> str:
    return (
        f'<img src="{html.escape(image["url"])}" srcset="{srcset(image, "image/jpeg")}" sizes="100vw"'
        f' width="{image["width"]}" height="{image["height"]}" style="width:100%;height:auto">'
    )


def picture(image: dict[str, Any]) -> str:
    source = f'<source type="image/avif" srcset="{srcset(image, "image/avif")}" sizes="100vw">'
    return f"<picture>{source}{img(image)}</picture>"


async def publish(person: Person) -> dict[str, Any]:
    """Publish a photograph, and return its image with all sources."""
    texture = Image.effect_noise((500, 400), 60).resize((2000, 1600), Image.Resampling.BICUBIC)
    post = await person.publish(encoded(texture.convert("RGB"), quality=92))

    async def image_with_avif() -> dict[str, Any]:
        (image,) = (await person.request("GET", f"/posts/{post['id']}"))["images"]
        return image if {source["type"] for source in image["sources"]} > {"image/jpeg"} else {}

    return await wait_until(image_with_avif, 90.0)


async def test_phone_loads_the_1080_rendition_as_avif(
    program: Program, register: Register, page: Page, show: Show
) -> None:
    (ana,) = await register(program, "ana")
    image = await publish(ana)
    assert [source["width"] for source in image["sources"]] == [320, 320, 640, 640, 1080, 1080, 1440, 1440]
    urls = {(source["width"], source["type"]): source["url"] for source in image["sources"]}
    sizes: dict[str, int] = {}
    await page.set_screen(**PHONE)
    for body, expected in (
        (img(image), urls[1080, "image/jpeg"]),
        (picture(image), urls[1080, "image/avif"]),
    ):
        await page.open(await show(body))
        assert await page.evaluate(CHOSEN) == [expected]
        loaded = [[url, size] for url, size in await page.evaluate(LOADED) if "/media/" in url and size]
        assert [url for url, _ in loaded] == [expected]
        sizes.update(loaded)
        assert await page.evaluate("document.images[0].clientWidth") == PHONE["width"]
    assert 0 < sizes[urls[1080, "image/avif"]] < sizes[urls[1080, "image/jpeg"]]


async def test_other_screens_load_other_renditions(
    program: Program, register: Register, page: Page, show: Show
) -> None:
    (ana,) = await register(program, "ana")
    image = await publish(ana)
    for width, pixel_ratio, expected in ((300, 1, 320), (300, 2, 640), (480, 3, 1440)):
        await page.set_screen(width, 900, pixel_ratio)
        await page.open(await show(picture(image)))
        (chosen,) = await page.evaluate(CHOSEN)
        assert chosen in [source["url"] for source in image["sources"] if source["width"] == expected]
        assert chosen.endswith(".avif")
