"""A photograph from upload to a follower's feed, and the like that comes back live."""

import io
import re
import time
import zipfile
from typing import Any, cast

import pytest
from aiohttp import FormData
from PIL import Image

from tests.e2e.conftest import Register
from tests.support.inputs import photos
from tests.support.program import Program, print_figures
from tools.harness.waiting import wait_until

# Five times the target of a quiet machine; the measured figures are printed.
IN_FEED_WITHIN_S = 5 * 2.0
ON_STREAM_WITHIN_S = 5 * 1.0

ADDRESS = re.compile(
    r"https?://[^/]+/media/(posts|avatars)/[0-9a-f]{32}/(small|medium|w1080|large|square)\.jpg"
)
HARMLESS = {
    "Content-Type": "image/jpeg",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}

ONE_STACK_IS_SMOKE = pytest.mark.parametrize(
    "stack", [pytest.param("embedded", marks=pytest.mark.smoke), "mariadb"], indirect=True
)


def jpegs(image: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the JPEG sources; a job adds the AVIF ones later."""
    return [source for source in image["sources"] if source["type"] == "image/jpeg"]


def for_everyone(post: dict[str, Any]) -> dict[str, Any]:
    """Return a post without what differs by viewer and time: relationship, likers, AVIF sources."""
    author = {name: value for name, value in post["author"].items() if name != "relationship"}
    images = [{**image, "sources": jpegs(image)} for image in post["images"]]
    rest = {name: value for name, value in post.items() if name != "likedBy"}  # the feed has it on request
    return {**rest, "author": author, "images": images}


@ONE_STACK_IS_SMOKE
async def test_photograph_reaches_a_follower_and_the_like_the_stream(
    program: Program, register: Register
) -> None:
    ana, bob, cleo = await register(program, "ana", "bob", "cleo")
    # From now on the feed is cached in Redis, and fan-out has to add the photograph.
    earlier = await ana.publish(photos.small())
    await bob.follow(ana)
    assert [each["id"] for each in await bob.feed()] == [earlier["id"]]

    began = time.monotonic()
    post = await ana.publish(photos.twelve_megapixels(), caption="Good #morning, @bob")
    published = time.monotonic()

    async def new_in_feed() -> list[dict[str, Any]]:
        return [each for each in await bob.feed() if each["id"] != earlier["id"]]

    (shown,) = await wait_until(new_in_feed, IN_FEED_WITHIN_S)
    print_figures(
        f"published in {published - began:.2f} s, in the feed {time.monotonic() - published:.2f} s later"
    )
    assert for_everyone(shown) == for_everyone(post)
    assert shown["author"]["relationship"]["following"]
    assert (shown["author"]["id"], shown["hashtags"], shown["mentions"]) == (ana.id, ["morning"], ["bob"])
    assert shown["mentionedUsers"] == [{"id": bob.id, "writtenAs": "bob"}]

    (image,) = shown["images"]
    assert (image["width"], image["height"], image["animated"]) == (1440, 1920, False)
    sources = jpegs(image)
    assert [source["width"] for source in sources] == [320, 640, 1080, 1440]
    small, medium, _, large = (source["url"] for source in sources)
    assert image["variants"] == {"small": small, "medium": medium, "large": large}
    assert image["url"] == large
    for source in (*sources, image["thumbnail"]):
        served = await bob.call("GET", source["url"])
        assert served.status == 200
        assert served.headers["Content-Type"] == source["type"] == "image/jpeg"
        assert_no_metadata(served.content)
        picture = Image.open(io.BytesIO(served.content))
        assert picture.size == (source["width"], source["height"])
        assert source is image["thumbnail"] or assert_upright(picture) is None

    async with ana.stream() as stream:
        assert (await stream.block()).retry
        liked = time.monotonic()
        await bob.like(post["id"])
        like = await stream.event()
        took_s = time.monotonic() - liked
        print_figures(f"the like was on the stream {took_s:.3f} s after the tap")
        assert like.event == "like"
        assert took_s < ON_STREAM_WITHIN_S
        comment = await bob.comment(post["id"], "Beautiful, @cleo should see it")
        told = await stream.event()
        assert (told.event, int(told.id)) == ("comment", int(like.id) + 1)

    assert [each["type"] for each in await ana.notifications()] == ["comment", "like", "follow"]
    (mention,) = await wait_until(cleo.notifications)
    assert (mention["type"], mention["comment"]["id"]) == ("mention", comment["id"])
    seen = (
        await ana.request("GET", f"/posts/{post['id']}"),
        await bob.request("GET", f"/posts/{post['id']}"),
    )
    assert [(each["likesCount"], each["commentsCount"], each["liked"]) for each in seen] == [
        (1, 1, False),
        (1, 1, True),
    ]
    assert await program.interrupt() == 0


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_limits_are_public_and_refusals_name_the_file(program: Program, register: Register) -> None:
    (ana,) = await register(program, "ana")
    config = await ana.request("GET", "/config")
    images = config["images"]
    assert {each["type"]: each["maxPixels"] for each in images["formats"]}["image/jpeg"] == 250_000_000
    assert (config["texts"]["caption"], config["pages"]["max"]) == (2200, 100)

    small, large = photos.small(), photos.small() + bytes(images["maxFileBytes"])
    for second, status, text in (
        (large, 413, 'File 2 ("IMG_2.heic") is larger than 5.24 MB. Send a smaller one.'),
        (b"II*\0 raw", 415, 'Image 2 ("IMG_2.heic"): TIFF or raw files are not accepted. Send a JPEG, HEIC,'),
    ):
        form = FormData()
        for number, data in enumerate((small, second), start=1):
            form.add_field(
                "images", io.BytesIO(data), filename=f"IMG_{number}.heic", content_type="image/jpeg"
            )
        answer = await ana.call("POST", "/posts", data=form)
        problem = answer.json
        assert (answer.status, problem["errors"]["images"][0][: len(text)]) == (status, text)
        assert problem["detail"] == problem["errors"]["images"][0]


@pytest.mark.parametrize("stack", ["embedded"], indirect=True)
async def test_served_images_contain_no_metadata(program: Program, register: Register) -> None:
    ana, bob = await register(program, "ana", "bob")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as tail:
        tail.writestr("canary.txt", "canary")
    polyglot = photos.twelve_megapixels() + b"<script>canary()</script>" + archive.getvalue()
    assert zipfile.is_zipfile(io.BytesIO(polyglot))

    def form(field: str) -> FormData:
        data = FormData()
        name = "../../canary.html"
        data.add_field(field, io.BytesIO(polyglot), filename=name, content_type="text/html")
        return data

    post = await ana.request("POST", "/posts", data=form("images"))
    me = await ana.request("POST", "/users/avatar", data=form("avatar"))
    assert [source["width"] for source in me["avatarSources"]] == [96, 320]
    assert me["avatarSources"][1]["url"] == me["avatarUrl"]
    sources = [*post["images"][0]["sources"], post["images"][0]["thumbnail"], *me["avatarSources"]]
    urls = [source["url"] for source in sources]
    assert len(urls) == 7
    for url in urls:
        assert ADDRESS.fullmatch(url), url
        served = await bob.call("GET", url)
        assert served.status == 200
        assert {name: served.headers.get(name) for name in HARMLESS} == HARMLESS
        assert_no_metadata(served.content)
        assert b"canary" not in served.content
        assert served.content.endswith(b"\xff\xd9")
        assert not zipfile.is_zipfile(io.BytesIO(served.content))
        wanted = await bob.call("GET", url, headers={"Accept": "text/html"})
        assert (wanted.content, wanted.headers["Content-Type"]) == (served.content, "image/jpeg")
        head = await bob.call("HEAD", url)
        assert {name: head.headers.get(name) for name in HARMLESS} == HARMLESS


def assert_no_metadata(served: bytes) -> None:
    """Assert that no metadata of the camera is left in the served image."""
    sent = Image.open(io.BytesIO(photos.twelve_megapixels()))
    assert sent.getexif().get_ifd(photos.GPS)
    assert photos.COMMENT in photos.twelve_megapixels()
    picture = Image.open(io.BytesIO(served))
    assert not picture.getexif()
    assert not picture.info.get("exif")
    for secret in (photos.COMMENT, photos.CAMERA.encode(), b"Exif", b"2026:11:22"):
        assert secret not in served


def assert_upright(picture: Image.Image) -> None:
    """Assert that the red band is at the top and nowhere else."""
    width, height = picture.size
    points = {
        "top left": (width // 10, height // 20),
        "top right": (width * 9 // 10, height // 20),
        "bottom left": (width // 10, height * 9 // 10),
    }
    colours = {name: cast("tuple[int, int, int]", picture.getpixel(point)) for name, point in points.items()}
    red = {name for name, (r, g, b) in colours.items() if r > 150 and max(g, b) < 90}
    assert red == {"top left", "top right"}, colours
