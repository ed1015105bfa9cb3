"""The structure of a JPEG file: its scans, counted without decoding."""

import re
from dataclasses import dataclass

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
MARKERS_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
# In entropy-coded data 0xFF is followed by 0 (stuffing) or by a restart marker.
NEXT_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]")


@dataclass(frozen=True, slots=True)
class JpegStructure:
    """`scans` up to the first end-of-image marker; not `complete` if the file ends before that marker."""

    scans: int
    complete: bool
    all_coefficients: bool

    @property
    def buffered(self) -> bool:
        """True if a decoder must keep the coefficients of the whole picture: a progressive JPEG, for example."""
        return self.scans > 1


def read_structure(content: bytes, max_scans: int) -> JpegStructure:
    """Walk the segments to the first end of image; stop after `max_scans` + 1 scans.

    Bytes that look like a scan are ignored in metadata and after the end, where maker notes, colour profiles and the
    video of a motion photo have them.
    """
    at, scans, last_spectral = 2, 0, {}
    while at + 1 < len(content) and scans <= max_scans:
        found = NEXT_MARKER.search(content, at)
        if found is None:
            break
        marker, at = content[found.end() - 1], found.end()
        if marker == END_OF_IMAGE:
            return JpegStructure(scans, True, True)
        if marker in MARKERS_WITHOUT_LENGTH:
            continue
        length = int.from_bytes(content[at : at + 2], "big")
        if marker == START_OF_SCAN:
            scans += 1
            _note_scan(content[at + 2 : at + length], last_spectral)
        at += max(length, 2)
    return JpegStructure(scans, False, _all_started(last_spectral))


def _note_scan(header: bytes, coded: dict[int, int]) -> None:
    """Note for each component of a scan up to which coefficient final bits were sent."""
    if len(header) < 4 or len(header) < 4 + 2 * header[0]:
        return
    last, low_bit = header[-2], header[-1] & 0x0F
    for number in range(header[0]):
        component = header[1 + 2 * number]
        coded.setdefault(component, 0)
        if low_bit == 0:
            coded[component] = max(coded[component], last)


def _all_started(coded: dict[int, int]) -> bool:
    """Return whether the final bits of every coefficient were at least begun."""
    return bool(coded) and all(last == 63 for last in coded.values())
