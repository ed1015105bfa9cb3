"""Painted photographs are detailed, distinct and reproducible."""

import pytest
from PIL import Image, ImageChops, ImageStat

from seeds.photographs import SCENES, paint
from seeds.photographs.portraits import portrait

QUICK_SIZES = ((480, 320), (320, 400))
MIN_DEVIATION = 12.0  # standard deviation of greys; 0 for one colour, 74 for noise


def deviation(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L")).stddev[0]


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures at thumbnail size, 0 to 255."""
    small = [image.convert("L").resize((24, 24)) for image in (one, other)]
    return ImageStat.Stat(ImageChops.difference(*small)).mean[0]


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seeds.photographs.SIZES", QUICK_SIZES)


def test_photographs_are_detailed_and_distinct() -> None:
    pictures = [paint(f"{scene}/{number}", scene).image for scene in SCENES for number in range(3)]
    for picture in pictures:
        assert picture.size in QUICK_SIZES
        assert deviation(picture) > MIN_DEVIATION
        # A plain gradient would equal its own blurred copy.
        coarse = picture.resize((picture.width // 16, picture.height // 16)).resize(picture.size)
        assert ImageStat.Stat(ImageChops.difference(picture.convert("L"), coarse.convert("L"))).mean[0] > 1
    for number, one in enumerate(pictures):
        assert min(difference(one, other) for other in pictures[:number] + pictures[number + 1 :]) > 2


def test_same_seed_paints_the_same_photograph() -> None:
    for scene in ("sea", "night"):
        assert paint("once", scene).image.tobytes() == paint("once", scene).image.tobytes()
        assert paint("once", scene).image.tobytes() != paint("twice", scene).image.tobytes()


def test_photographs_have_alt_texts() -> None:
    assert all(paint("said", scene).alt_text for scene in SCENES)


def test_portraits_differ() -> None:
    faces = [portrait(name) for name in ("ana", "ben", "clara", "diego")]
    for number, one in enumerate(faces):
        assert deviation(one) > MIN_DEVIATION
        assert all(difference(one, other) > 2 for other in faces[number + 1 :])
