"""Table of files that real encoders write, and what becomes of them: `python -m tools.image_matrix`.

Encodes one scene with the programs heif-enc, avifenc, cwebp, convert and ffmpeg, adds metadata with exiftool, processes
each file as an upload, and prints status, sizes, the colour difference from the scene, and metadata that is left.
Missing programs are named. Exits with 1 if a file is not treated as its row says.
"""

import asyncio
import io
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw
from rich.console import Console
from rich.table import Table

from server.errors import AppError
from server.gateways.images.processor import ImageProcessor, ProcessedImage
from tools.harness.colours import delta_e

SIZE = (480, 360)
MARK = "canary-of-a-camera"
TAGS = ["-overwrite_original", f"-Artist={MARK}", f"-Comment={MARK}", "-GPSLatitude=52.5", "-GPSLatitudeRef=N",
        f"-XMP:Creator={MARK}"]  # fmt: skip
MARKS = (MARK.encode(), b"Exif\0", b"http://ns.adobe.com", b"ICC_PROFILE", b"Photoshop")
MAX_DIFFERENCE = 4.0


@dataclass(frozen=True, slots=True)
class Row:
    """A command that writes `{out}` from `{png}` or `{jpg}`; `accepted` says what must become of the file."""

    name: str
    command: str
    suffix: str
    accepted: bool = True
    tagged: bool = False
    compared: bool = True


def rows() -> Iterator[Row]:
    for quality in (50, 90):
        yield Row(f"heif-enc q{quality}", f"heif-enc -q {quality} {{jpg}} -o {{out}}", "heic", tagged=True)
    yield Row(
        "heif-enc lossless 4:4:4", "heif-enc -L -p chroma=444 --matrix_coefficients=0 {png} -o {out}", "heic"
    )
    yield Row("heif-enc thumbnail", "heif-enc -t 160 {png} -o {out}", "heic")
    yield Row("heif-enc --avif", "heif-enc -A -q 60 {png} -o {out}", "avif")
    for options in ("", "-y 444", "-y 400", "-l", "-d 10", "--irot 1", "--imir 0",
                    "--cicp 12/13/6"):  # fmt: skip
        turned = any(word in options for word in ("irot", "imir", "400", "cicp"))
        command = f"avifenc -s 9 --min 20 --max 40 {options} {{png}} {{out}}"
        yield Row(f"avifenc {options}", command, "avif", compared=not turned)
    for options in (
        "-q 80",
        "-q 20",
        "-lossless",
        "-q 80 -m 0",
        "-near_lossless 60",
        "-q 80 -sharp_yuv",
        "-q 80 -alpha_q 50",
    ):
        yield Row(
            f"cwebp {options}",
            f"cwebp -quiet {options} {{png}} -o {{out}}",
            "webp",
            tagged=options == "-q 80",
        )
    for options, suffix in (
        ("-quality 85", "jpg"), ("-quality 85 -interlace JPEG", "jpg"), ("-quality 85 -sampling-factor 1x1", "jpg"),
        ("-quality 85 -sampling-factor 4x1", "jpg"), ("-quality 85 -colorspace CMYK", "jpg"), ("-quality 40", "jpg"),
        ("-quality 85 -define jpeg:optimize-coding=false", "jpg"), ("-quality 85 -orient RightTop", "jpg"),
        ("-depth 16", "png"), ("-depth 8 -interlace PNG", "png"), ("-type Palette", "png"), ("-alpha set", "png"),
        ("-define png:color-type=2 -strip", "png"), ("-colors 64", "gif"),
    ):  # fmt: skip
        compared = "CMYK" not in options and "Right" not in options
        yield Row(f"convert {options} {suffix}", f"convert {{png}} {options} {{out}}", suffix, compared=compared,
                  tagged=suffix == "jpg")  # fmt: skip
    yield Row("convert grey jpg", "convert {png} -colorspace Gray {out}", "jpg", compared=False)
    yield Row("convert grey png", "convert {png} -colorspace Gray {out}", "png", compared=False)
    yield Row("convert 1 bit png", "convert {png} -monochrome {out}", "png", compared=False)
    yield Row("convert gamma 1.0 png", "convert {png} -set gamma 1.0 {out}", "png", compared=False)
    for suffix, options in (("jpg", "-q:v 3"), ("png", ""), ("webp", ""), ("gif", "")):
        yield Row(
            f"ffmpeg {suffix}", f"ffmpeg -loglevel error -y -i {{png}} {options} -update 1 {{out}}", suffix
        )
    for suffix in ("bmp", "tiff", "jp2", "ico", "psd", "pdf"):
        name = "convert {png} -resize 64x48! {out}" if suffix == "ico" else "convert {png} {out}"
        yield Row(f"convert {suffix}", name, suffix, accepted=False)
    video = "ffmpeg -loglevel error -y -loop 1 -t 1 -i {png} -pix_fmt yuv420p {out}"
    yield Row("ffmpeg mp4", video, "mp4", accepted=False)


async def main() -> int:
    console, table = (
        Console(width=110),
        Table("file", "status", "bytes", "largest", "delta E", "metadata left", box=None),
    )
    processor, failures, seen = ImageProcessor(), 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scene = _scene()
        scene.save(folder / "scene.png")
        scene.save(folder / "scene.jpg", quality=95)
        for row in rows():
            file = await asyncio.to_thread(_encode, row, folder)
            if file is None:
                console.print(
                    f"[yellow]skipped:[/yellow] {row.name}: the encoder is missing or cannot write it"
                )
                continue
            seen += 1
            cells, ok = await _process(processor, row, file, scene)
            failures += not ok
            table.add_row(row.name, *cells, style="" if ok else "bold red")
    await processor.stop()
    console.print(table)
    console.print(f"{seen} files, {failures} not as expected")
    return 1 if failures else 0


def _scene() -> Image.Image:
    picture = Image.radial_gradient("L").resize(SIZE).convert("RGB")
    overlay = Image.merge(
        "RGB", [Image.linear_gradient("L").resize(SIZE).rotate(90 * turn) for turn in range(3)]
    )
    picture = Image.blend(picture, overlay, 0.6)
    ImageDraw.Draw(picture).ellipse((300, 40, 420, 160), fill=(220, 60, 50))
    return picture


def _encode(row: Row, folder: Path) -> Path | None:
    out = folder / f"file.{row.suffix}"
    out.unlink(missing_ok=True)
    words = [
        word.format(png=folder / "scene.png", jpg=folder / "scene.jpg", out=out)
        for word in row.command.split()
    ]
    if shutil.which(words[0]) is None:
        return None
    subprocess.run(words, capture_output=True, check=False, timeout=120)
    if row.tagged and out.exists() and shutil.which("exiftool"):
        subprocess.run(["exiftool", *TAGS, str(out)], capture_output=True, check=False, timeout=60)
    return out if out.exists() and out.stat().st_size else None


async def _process(
    processor: ImageProcessor, row: Row, file: Path, scene: Image.Image
) -> tuple[tuple[str, ...], bool]:
    size = str(file.stat().st_size)  # noqa: ASYNC240 - of a file that was just written
    try:
        made = await processor.process(file)
    except AppError as error:
        return (error.code, size, "", "", error.detail.split(". ")[0]), not row.accepted
    left = sorted({mark.decode() for mark in MARKS for each in made.renditions if mark in each.content})
    difference = _difference(made, scene) if row.compared else None
    shown = "" if difference is None else f"{difference:.1f}"
    ok = row.accepted and not left and (difference is None or difference < MAX_DIFFERENCE)
    return ("ok", size, f"{made.width}x{made.height}", shown, ", ".join(left) or "nothing"), ok


def _difference(made: ProcessedImage, scene: Image.Image) -> float:
    """Return the mean difference from the scene in CIELAB."""
    content = next(each.content for each in made.renditions if each.name == "large")
    picture = Image.open(io.BytesIO(content)).convert("RGB")
    return delta_e(picture, scene) if picture.size == scene.size else math.inf


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
