"""Photographs that nobody took: painted with Pillow, each unlike the others, the same again for the same seed."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image

from seeds.photographs.closer import bokeh, city, colours, still_life
from seeds.photographs.image_ops import developed
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
    """A picture, and what it shows in words."""

    image: Image.Image
    alt_text: str

    def save(self, file: Path) -> None:
        """Write it as a JPEG."""
        self.image.save(file, "JPEG", quality=QUALITY)


def paint(seed: str, scene: str = "") -> Painted:
    """The picture of `seed`, of one of SCENES or of any."""
    chance = Random(seed)
    chosen = scene or chance.choice(list(SCENES))
    image, alt_text = SCENES[chosen](chance.choice(SIZES), chance)
    return Painted(developed(image, chance), alt_text)
