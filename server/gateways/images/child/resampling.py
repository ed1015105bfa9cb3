"""Resampling of pictures with Pillow's Lanczos filter, several parts of a plane at a time."""

from collections.abc import Sequence

from PIL import Image

# Box-filtered to this multiple of the target before Lanczos.
REDUCING_GAP = 3.0
# Pillow filters the bands of a pixel together: four take about as long as two and a half alone.
BANDS, FOUR_BANDS = 4, "CMYK"


def resize(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return the picture in that size; the chroma of YCbCr at half the resolution, as its encoder stores it."""
    if picture.size == size:
        return picture
    if picture.mode == "YCbCr":
        return _resize_halved(picture, size)
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)


def resize_planes(planes: Sequence[Image.Image], size: tuple[int, int]) -> list[Image.Image]:
    """Return one or two grey planes of the same size in another size.

    Filters rows, rounds, and filters columns, as `Image.resize` does, but four parts of the planes at a time.
    """
    width, height = planes[0].size
    if width >= 2 * REDUCING_GAP * size[0] or height >= 2 * REDUCING_GAP * size[1]:
        return [plane.resize(size, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP) for plane in planes]
    return _filter_columns(_filter_rows(planes, size[0]), size[1])


def _resize_halved(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    luma, *chroma = picture.split()
    half = ((size[0] + 1) // 2, (size[1] + 1) // 2)
    planes = resize_planes([luma], size)
    for halved in resize_planes([plane.reduce(2) for plane in chroma], half):
        # The encoder halves it again, which returns the same values.
        doubled = halved.resize((2 * half[0], 2 * half[1]), Image.Resampling.NEAREST)
        planes.append(doubled.crop((0, 0, *size)))
    return Image.merge("YCbCr", planes)


def _filter_rows(planes: Sequence[Image.Image], width: int) -> list[Image.Image]:
    before, height = planes[0].size
    if width == before:
        return list(planes)
    parts = BANDS // len(planes)
    step = -(-height // parts)
    starts = range(0, parts * step, step)
    strips = [plane.crop((0, start, before, start + step)) for plane in planes for start in starts]
    filtered = iter(_filter(strips, (width, step)))
    made = [Image.new("L", (width, height)) for _ in planes]
    for plane in made:
        for start in starts:
            plane.paste(next(filtered), (0, start))
    return made


def _filter_columns(planes: Sequence[Image.Image], height: int) -> list[Image.Image]:
    width, before = planes[0].size
    if height == before:
        return list(planes)
    parts = BANDS // len(planes)
    step = -(-width // parts)
    starts = range(0, parts * step, step)
    strips = [plane.crop((start, 0, start + step, before)) for plane in planes for start in starts]
    filtered = iter(_filter(strips, (step, height)))
    made = [Image.new("L", (width, height)) for _ in planes]
    for plane in made:
        for start in starts:
            plane.paste(next(filtered), (start, 0))
    return made


def _filter(strips: Sequence[Image.Image], size: tuple[int, int]) -> tuple[Image.Image, ...]:
    return Image.merge(FOUR_BANDS, strips).resize(size, Image.Resampling.LANCZOS).split()
