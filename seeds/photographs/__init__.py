"""Photographs painted with Pillow: varied, and identical for identical seeds."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image

from seeds.photographs.closer import bokeh, city, colours, still_life
from seeds.photographs.image_ops import develop
from seeds.photographs.landscapes import dunes, forest, mountains, sea
from seeds.photographs.nights import night

__all__ = ["SCENES", "Painted", "paint"]

QUALITY = 90
SIZES = ((1200, 800), (960, 1200), (1080, 1080), (1280, 720), (960, 1280))
SCENES = {
    "mountains": mountains, "sea": sea, "city": city, "forest": forest, "dunes": dunes, "night": night, "bokeh": bokeh,
    "still life": still_life, "colours": colours,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Painted:
    """A picture and its description."""

    image: Image.Image
    alt_text: str

    def save(self, file: Path) -> None:
        """Write the picture as a JPEG."""
        self.image.save(file, "JPEG", quality=QUALITY)


def paint(seed: str, scene: str = "") -> Painted:
    """Return the picture for `seed`, of the given scene or of a random one."""
    rng = Random(seed)
    chosen = scene or rng.choice(list(SCENES))
    image, alt_text = SCENES[chosen](rng.choice(SIZES), rng)
    return Painted(develop(image, rng), alt_text)
