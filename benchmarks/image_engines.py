"""One way of making the renditions of a file, in a separate process: `python -m benchmarks.image_engines NAME FILE`.

Prints the least wall and CPU time of several runs, and the peak of resident memory, as JSON.
"""

import io
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path

RUNS = 3
WIDTHS, SQUARE, QUALITY = (320, 640, 1080, 1440), 400, 85


def photofeed() -> Callable[[bytes], int]:
    """Return the program's own way, without its process and socket."""
    from server.gateways.images.child.reader import load_decoders
    from server.gateways.images.child.renditions import render
    from server.gateways.images.limits import MAX_PIXELS

    load_decoders()
    request = {"widths": list(WIDTHS), "squares": [SQUARE], "max_pixels": dict(MAX_PIXELS)}
    return lambda content: sum(len(each.content) for each in render(content, request).renditions)


def pillow() -> Callable[[bytes], int]:
    """Return Pillow as its documentation shows it: decode, turn, and resize each size from the whole picture."""
    from PIL import Image, ImageOps

    try:
        import pi_heif

        pi_heif.register_heif_opener()
    except ImportError:
        pass
    Image.MAX_IMAGE_PIXELS = None

    def run(content: bytes) -> int:
        with Image.open(io.BytesIO(content)) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        total = 0
        for width in (width for width in WIDTHS if width <= picture.width):
            size = (width, round(picture.height * width / picture.width))
            total += _encoded(picture.resize(size, Image.Resampling.LANCZOS))
        return total + _encoded(ImageOps.fit(picture, (SQUARE, SQUARE), Image.Resampling.LANCZOS))

    def _encoded(picture: Image.Image) -> int:
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
        return buffer.tell()

    return run


def pyvips() -> Callable[[bytes], int]:
    """Return libvips: the largest from the file, the others from it."""
    import pyvips

    options = {"Q": QUALITY, "optimize_coding": True, "keep": "none"}

    def run(content: bytes) -> int:
        largest = pyvips.Image.thumbnail_buffer(
            content, WIDTHS[-1], height=10_000, size="down", export_profile="srgb"
        ).copy_memory()
        made = [largest]
        made += [largest.resize(width / largest.width) for width in WIDTHS if width < largest.width]
        made.append(largest.thumbnail_image(SQUARE, height=SQUARE, crop="centre"))
        return sum(len(each.jpegsave_buffer(**options)) for each in made)

    return run


ENGINES = {"photofeed": photofeed, "pillow": pillow, "pyvips": pyvips}


def main() -> None:
    run = ENGINES[sys.argv[1]]()
    content = Path(sys.argv[2]).read_bytes()
    walls: list[float] = []
    cpus: list[float] = []
    for _ in range(RUNS):
        wall, cpu = time.perf_counter(), time.process_time()
        run(content)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    print(json.dumps({"wall_s": min(walls), "cpu_s": min(cpus), "memory_mb": _peak_mb()}))


def _peak_mb() -> float:
    """Return the peak of resident memory; `getrusage` would include the parent's before the exec."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


if __name__ == "__main__":
    main()
