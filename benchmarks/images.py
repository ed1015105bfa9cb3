"""Image benchmark: all renditions of one file, beside bare Pillow and libvips doing the same."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pyvips
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.image_engines import ENGINES

# Each file and its width, height and quality.
FILES = {
    "12 MP JPEG": ("jpg", 4032, 3024, 90),
    "12 MP HEIC": ("heic", 4032, 3024, 50),
    "48 MP JPEG": ("jpg", 8064, 6048, 90),
    "200 MP JPEG": ("jpg", 16_320, 12_240, 80),
    "24 MP PNG": ("png", 5656, 4242, 0),
    "small JPEG": ("jpg", 1080, 810, 62),
}
TIMEOUT_S = 300.0


async def measure(console: Console) -> None:
    """Print the time and memory of each engine for each file."""
    table = Table(
        "all renditions of a file", *ENGINES, title="wall and CPU time, peak memory", title_justify="left"
    )
    with tempfile.TemporaryDirectory() as folder:
        for what in track(FILES, "making renditions", console=console, transient=True):
            file = await asyncio.to_thread(_make, Path(folder), what)
            if file is None:
                console.print(f"{what}: skipped, heif-enc is missing")
                continue
            cells = [_cell(await asyncio.to_thread(_run, engine, file)) for engine in ENGINES]
            table.add_row(f"{what}, {file.stat().st_size / 1000:.0f} KB", *cells)
            file.unlink()
    console.print(table)


def _make(folder: Path, what: str) -> Path | None:
    """Write a file with texture like a photograph's; None if its encoder is missing."""
    form, width, height, quality = FILES[what]
    smooth = pyvips.Image.gaussnoise(512, 384, sigma=40, mean=128).gaussblur(2).cast("uchar")
    tile = smooth.bandjoin([smooth.rot180(), smooth.fliphor()]).copy(interpretation="srgb")
    picture = tile.replicate(width // 512 + 1, height // 384 + 1).crop(0, 0, width, height)
    if form == "png":
        picture.pngsave(str(folder / "file.png"), compression=1)
        return folder / "file.png"
    picture.jpegsave(str(folder / "file.jpg"), Q=quality)
    if form == "jpg":
        return folder / "file.jpg"
    encoder = shutil.which("heif-enc")
    if encoder is None:
        return None
    subprocess.run(
        [encoder, "-q", str(quality), str(folder / "file.jpg"), "-o", str(folder / "file.heic")],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "file.heic"


def _run(engine: str, file: Path) -> dict[str, Any] | None:
    command = [sys.executable, "-m", "benchmarks.image_engines", engine, str(file)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=TIMEOUT_S)
    return json.loads(done.stdout) if done.returncode == 0 else None


def _cell(found: dict[str, Any] | None) -> str:
    if found is None:
        return "cannot read it"
    return f"{found['wall_s'] * 1000:.0f} / {found['cpu_s'] * 1000:.0f} ms, {found['memory_mb']:.0f} MB"
