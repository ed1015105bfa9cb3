"""Pictures that are refused, and the words of the errors."""

import contextlib
from pathlib import Path

import pytest
from PIL import Image

from server.errors import InvalidInput, TooLarge, Unavailable, UnsupportedMedia
from server.gateways.images.processor import ImageProcessor
from tests.gateways.images.worker_pids import worker_pids
from tests.support.inputs.malicious_files import jpeg_bomb, png_bomb, webp_bomb
from tests.support.inputs.pictures import encoded, marked, srgb_profile


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("BMP", encoded(marked(40, 30), "BMP")),
        ("TIFF", encoded(marked(40, 30), "TIFF")),
        ("SVG", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("HTML", b"<!doctype html><script>alert(1)</script>"),
        ("PDF", b"%PDF-1.7"),
        ("video", b"\0\0\0\x18ftypmp42\0\0\0\0isommp42"),
        ("unknown", b"\xff\xd8"),
        ("unknown", bytes(4096)),
        ("unknown", b"\0\0\0\0ftyp"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_other_content_is_named_and_refused(
    processor: ImageProcessor, tmp_path: Path, name: str, data: bytes
) -> None:
    (tmp_path / "photo.jpg").write_bytes(data)
    expected = (
        "not an image of a known format" if name == "unknown" and b"ftyp" not in data else "files are not"
    )
    with pytest.raises(UnsupportedMedia, match=expected) as raised:
        await processor.process(tmp_path / "photo.jpg")
    assert name in raised.value.detail or name == "unknown"
    assert "Send a JPEG, HEIC, PNG, WebP, AVIF or GIF image." in raised.value.detail


async def test_empty_file_is_rejected(processor: ImageProcessor, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(InvalidInput, match="empty"):
        await processor.process(tmp_path / "empty")


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF"])
async def test_truncated_picture_is_rejected(processor: ImageProcessor, tmp_path: Path, form: str) -> None:
    whole = encoded(Image.effect_noise((300, 200), 60).convert("RGB"), form)
    for kept in (0.3, 0.6, 0.95):
        (tmp_path / "cut").write_bytes(whole[: int(len(whole) * kept)])
        with pytest.raises(InvalidInput):
            await processor.process(tmp_path / "cut")


@pytest.mark.parametrize(
    "data",
    [png_bomb(20_000, 20_000), jpeg_bomb(20_000, 20_000), webp_bomb(16_384, 16_384), png_bomb(5001, 10_000)],
    ids=["png", "jpeg", "webp", "one column over"],
)
async def test_too_many_pixels_are_rejected_from_the_header(
    processor: ImageProcessor, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "bomb").write_bytes(data)
    with pytest.raises(TooLarge, match="megapixels are accepted"):
        await processor.process(tmp_path / "bomb")


async def test_jpeg_with_too_many_scans_is_rejected_undecoded(
    processor: ImageProcessor, tmp_path: Path
) -> None:
    whole = encoded(Image.new("L", (4000, 4000)), progressive=True)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    (tmp_path / "scans").write_bytes(whole[:-2] + 4000 * scan + whole[-2:])
    with pytest.raises(InvalidInput, match="too many scans"):
        await processor.process(tmp_path / "scans")
    assert len(worker_pids()) == 1  # The time limit did not end it.


async def test_corrupt_bytes_give_a_picture_or_an_error(processor: ImageProcessor, tmp_path: Path) -> None:
    for form in ("JPEG", "PNG", "WEBP", "AVIF"):
        whole = encoded(marked(60, 40), form, exif=Image.Exif(), icc_profile=srgb_profile())
        for at in range(0, len(whole), max(1, len(whole) // 60)):
            broken = bytearray(whole)
            broken[at] ^= 0xFF
            (tmp_path / "broken").write_bytes(broken)
            with contextlib.suppress(InvalidInput, TooLarge):
                await processor.process(tmp_path / "broken")
    assert len(worker_pids()) == 1


async def test_missing_source_is_unavailable(processor: ImageProcessor, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await processor.process(tmp_path / "nothing")
