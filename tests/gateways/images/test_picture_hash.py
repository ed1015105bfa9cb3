"""Perceptual hashes: nearly equal for copies of a picture, far apart for different ones, none for plain ones."""

from pathlib import Path

import pytest
from PIL import Image

from server.gateways.images.processor import ImageProcessor, Shape
from tests.support.inputs import photos
from tests.support.inputs.phone_files import opened
from tests.support.inputs.pictures import encoded

NEAR, FAR = 8, 30
SIZE = (640, 480)


async def hash_of(
    processor: ImageProcessor, folder: Path, content: bytes, shape: Shape = Shape.PHOTO
) -> str | None:
    (folder / "picture").write_bytes(content)
    return (await processor.process(folder / "picture", shape)).hash


def distance(one: str | None, other: str | None) -> int:
    assert one is not None
    assert other is not None
    assert len(one) == len(other) == 32
    return (int(one, 16) ^ int(other, 16)).bit_count()


async def test_copies_have_nearly_the_same_hash(processor: ImageProcessor, tmp_path: Path) -> None:
    original = photos.blots()
    turned = Image.Exif()
    turned[photos.ORIENTATION] = photos.TURNED_RIGHT
    copies = [
        photos.blots(quality=40),
        photos.blots(width=160, quality=60),
        encoded(opened(original), "PNG"),
        encoded(opened(original).convert("L"), "WEBP"),
        encoded(opened(original).point(lambda value: min(255, value * 11 // 10))),
        encoded(opened(original).crop((6, 5, 634, 475))),
        encoded(opened(original).transpose(Image.Transpose.ROTATE_90), exif=turned),
    ]
    first = await hash_of(processor, tmp_path, original)
    for copy in copies:
        assert distance(first, await hash_of(processor, tmp_path, copy)) <= NEAR
    for seed in (2, 3):
        other = await hash_of(processor, tmp_path, photos.blots(seed))
        assert distance(first, other) > FAR


async def test_avatar_has_the_hash_of_the_whole_picture(processor: ImageProcessor, tmp_path: Path) -> None:
    made = [await hash_of(processor, tmp_path, photos.blots(), shape) for shape in Shape]
    assert distance(*made) <= NEAR


@pytest.mark.parametrize("shape", Shape)
async def test_plain_pictures_have_no_hash(processor: ImageProcessor, tmp_path: Path, shape: Shape) -> None:
    gradient = Image.linear_gradient("L").resize(SIZE)
    for picture in (Image.new("RGB", SIZE, "teal"), gradient, gradient.rotate(90), Image.new("L", (1, 1))):
        assert await hash_of(processor, tmp_path, encoded(picture, "PNG"), shape) is None
