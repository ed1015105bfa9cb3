"""An image processor, and a photograph as a phone makes it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image

from server.gateways.images.processor import ImageProcessor
from tests.support.inputs.pictures import marked, srgb_profile


@pytest.fixture
async def processor() -> AsyncIterator[ImageProcessor]:
    processor = ImageProcessor()
    yield processor
    await processor.stop()


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph from a phone: rotated, with a place, a comment, XMP and a profile."""
    path = tmp_path_factory.mktemp("camera") / "photo.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "CanaryCam"
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)})
    marked(3000, 2250).save(
        path,
        exif=exif,
        comment=b"canary comment",
        xmp=b"<x:xmpmeta>canary xmp</x:xmpmeta>",
        icc_profile=srgb_profile(),
    )
    return path
