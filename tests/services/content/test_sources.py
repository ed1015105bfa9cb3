"""Addresses and dimensions of renditions, computed from what a row stores."""

from dataclasses import replace
from pathlib import Path

from PIL import Image as PillowImage

from server.ids import MediaId
from server.services.content.posts import Upload
from server.services.content.sources import avatar_sources, image_sources, named_urls, thumbnail
from server.services.records import Image
from tests.support.inputs.phone_files import baseline
from tools.harness.services import ServiceHarness

BASE = "https://media.test/posts/1"
LEGACY = Image(MediaId(1), BASE, 1080, 1440, "", "", ("small", "medium", "large"))


def sizes(image: Image) -> list[tuple[str, int, int]]:
    return [(source.url.rpartition("/")[2], source.width, source.height) for source in image_sources(image)]


async def test_sources_match_the_stored_files(harness: ServiceHarness, tmp_path: Path) -> None:
    ana = await harness.user()
    for number, size in enumerate(
        [(1601, 1203), (1203, 1601), (700, 500), (300, 200), (3000, 450), (500, 30)]
    ):
        (tmp_path / "photo").write_bytes(baseline(*size))
        post = await harness.posts.publish(ana, str(number), [Upload(tmp_path / "photo")])
        (image,) = post.card.images
        square = thumbnail(image)
        assert square is not None
        for source in (*image_sources(image), square):
            file = harness.folder / "media" / source.url.removeprefix("https://media.test/")
            with PillowImage.open(file) as picture:
                assert picture.size == (source.width, source.height)
        assert set(named_urls(image_sources(image)).values()) <= {each.url for each in image_sources(image)}


def test_older_pictures_have_sizes_of_the_longer_side() -> None:
    assert sizes(LEGACY) == [("small.jpg", 240, 320), ("medium.jpg", 480, 640), ("large.jpg", 1080, 1440)]
    assert thumbnail(LEGACY) is None
    tiny = replace(LEGACY, width=100, height=50)
    assert sizes(tiny) == [("large.jpg", 100, 50)]


def test_missing_named_sizes_are_the_next_larger() -> None:
    image = Image(MediaId(1), BASE, 500, 500, "", "", ("small", "large", "square"))
    assert named_urls(image_sources(image)) == {
        "small": f"{BASE}/small.jpg",
        "medium": f"{BASE}/large.jpg",
        "large": f"{BASE}/large.jpg",
    }


def test_avatar_sources_follow_the_side_in_the_key() -> None:
    def sides(key: str) -> list[int]:
        return [source.width for source in avatar_sources(f"https://media.test/avatars/{key}/large.jpg")]

    assert (sides("0a"), sides("0a-200"), sides("0a-50")) == ([96, 320], [96, 200], [50])
