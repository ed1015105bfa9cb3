"""Resampling of several planes at a time, compared with Pillow's own."""

import pytest
from PIL import Image

from server.gateways.images.child.resampling import REDUCING_GAP, resize_planes

# Also sides that four does not divide, fewer rows or columns than parts, and one side unchanged.
SIZES = [
    ((540, 405), (320, 240)),
    ((541, 407), (321, 243)),
    ((100, 300), (60, 150)),
    ((90, 70), (90, 31)),
    ((90, 70), (31, 70)),
    ((5, 300), (3, 150)),
    ((300, 5), (151, 3)),
    ((2, 1), (1, 1)),
]


@pytest.mark.parametrize(("before", "after"), SIZES)
@pytest.mark.parametrize("count", [1, 2])
def test_planes_are_filtered_by_rows_then_by_columns(
    before: tuple[int, int], after: tuple[int, int], count: int
) -> None:
    planes = [Image.effect_noise(before, 90) for _ in range(count)]
    made = resize_planes(planes, after)
    rows = [plane.resize((after[0], before[1]), Image.Resampling.LANCZOS) for plane in planes]
    expected = [plane.resize(after, Image.Resampling.LANCZOS) for plane in rows]
    assert [(plane.mode, plane.size) for plane in made] == [("L", after)] * count
    assert [plane.tobytes() for plane in made] == [plane.tobytes() for plane in expected]


@pytest.mark.parametrize("after", [(100, 50), (690, 50), (100, 299)])
def test_much_smaller_planes_are_reduced_first(after: tuple[int, int]) -> None:
    plane = Image.effect_noise((700, 300), 90)
    (made,) = resize_planes([plane], after)
    expected = plane.resize(after, Image.Resampling.LANCZOS, reducing_gap=REDUCING_GAP)
    assert made.tobytes() == expected.tobytes()
