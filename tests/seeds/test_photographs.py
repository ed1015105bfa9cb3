"""The painted photographs: none is flat, none is like another, and each is the same again."""

import pytest
from PIL import Image, ImageChops, ImageStat

from seeds.photographs import SCENES, paint
from seeds.photographs.portraits import portrait

QUICK_SIZES = ((480, 320), (320, 400))
LEAST_DEVIATION = 12.0  # of the greys of a picture; one colour has 0, noise over all of them 74


def deviation(image: Image.Image) -> float:
    return ImageStat.Stat(image.convert("L")).stddev[0]


def difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of two pictures, seen small: 0 to 255."""
    small = [image.convert("L").resize((24, 24)) for image in (one, other)]
    return ImageStat.Stat(ImageChops.difference(*small)).mean[0]


@pytest.fixture(autouse=True)
def smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seeds.photographs.SIZES", QUICK_SIZES)


def test_no_photograph_is_flat_and_no_two_are_alike() -> None:
    pictures = [paint(f"{scene}/{number}", scene).image for scene in SCENES for number in range(3)]
    for picture in pictures:
        assert picture.size in QUICK_SIZES
        assert deviation(picture) > LEAST_DEVIATION
        # Detail, too: a plain gradient is gone when it is seen beside its own blurred copy.
        coarse = picture.resize((picture.width // 16, picture.height // 16)).resize(picture.size)
        assert ImageStat.Stat(ImageChops.difference(picture.convert("L"), coarse.convert("L"))).mean[0] > 1
    for number, one in enumerate(pictures):
        assert min(difference(one, other) for other in pictures[:number] + pictures[number + 1 :]) > 2


def test_a_photograph_is_the_same_again_for_the_same_seed() -> None:
    for scene in ("sea", "night"):
        assert paint("once", scene).image.tobytes() == paint("once", scene).image.tobytes()
        assert paint("once", scene).image.tobytes() != paint("twice", scene).image.tobytes()


def test_a_photograph_says_what_it_shows() -> None:
    assert all(paint("said", scene).alt_text for scene in SCENES)


def test_faces_differ() -> None:
    faces = [portrait(name) for name in ("ana", "ben", "clara", "diego")]
    for number, one in enumerate(faces):
        assert deviation(one) > LEAST_DEVIATION
        assert all(difference(one, other) > 2 for other in faces[number + 1 :])
