"""Received files: their limits, and how errors call them."""

from pathlib import Path

import pytest

from server.errors import TooLarge
from server.handlers.http.bodies.spooling import SpooledFile, clean_file_name, megabytes, spool


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (None, ""),
        ("IMG_2929.HEIC", "IMG_2929.HEIC"),
        ("C:\\Users\\ana\\sun.jpg", "sun.jpg"),
        ("../../etc/passwd", "passwd"),
        ('a"b\r\nSet-Cookie: x\u202e<b>.jpg', "abSet-Cookie: xb.jpg"),
        ("x" * 61, "x" * 59 + "…"),
    ],
)
def test_client_names_become_short_single_lines(sent: str | None, shown: str) -> None:
    assert clean_file_name(sent) == shown


async def test_large_file_is_named_with_its_limit(tmp_path: Path) -> None:
    async def chunk() -> bytes:
        return bytes(1000)

    with pytest.raises(TooLarge) as raised:
        await spool(chunk, SpooledFile(tmp_path / "file", "images", 3, "sun.jpg"), 52_428_800 // 1000)
    assert raised.value.detail == 'File 3 ("sun.jpg") is larger than 52.4 KB. Send a smaller one.'
    assert raised.value.fields == {"images": [raised.value.detail]}


def test_sizes_have_readable_units() -> None:
    assert [megabytes(size) for size in (1024, 52_428_800, 209_715_200)] == ["1.02 KB", "52.4 MB", "210 MB"]
