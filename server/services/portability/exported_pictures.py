"""Pictures of an export: the original file where it is kept, else the largest rendition."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from server.errors import NotFound
from server.gateways.media import MediaEntry, MediaStore
from server.models.content.media import MediaPicture
from server.models.content.post_images import PostImageRow
from server.services.content.pictures import ORIGINAL_PREFIX
from server.services.portability.archive_writer import ArchiveWriter

LARGEST = "large"
UNKNOWN = "bin"
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})

# The uploaded file is deleted when its AVIFs are made, maybe after it was listed.
ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class ExportedPicture:
    """A picture in the archive; `file` is its name there. `original`: it is the file that the user uploaded."""

    file: str
    original: bool


class ExportedPictures:
    def __init__(self, media: MediaStore) -> None:
        self._media = media

    async def add(self, archive: ArchiveWriter, media_key: str, name: str) -> ExportedPicture | None:
        """Copy the best file of a picture to the archive, as `name` with an extension.

        Return None if there is none, because the picture was deleted since then.
        """
        for _ in range(ATTEMPTS):
            entry = best_of([entry async for entry in self._media.list(media_key)])
            if entry is None:
                return None
            try:
                stored = await self._media.get(entry.key)
            except NotFound:
                continue
            first = await anext(stored.chunks, b"")
            file = f"{name}.{extension_of(first)}"
            await archive.add_file(file, _chain(first, stored.chunks))
            return ExportedPicture(file, _is_original(entry))
        return None


def best_of(entries: Sequence[MediaEntry]) -> MediaEntry | None:
    """Return the original among the files of a picture, else its largest rendition, else its largest file."""
    return max(
        entries,
        key=lambda entry: (
            _is_original(entry),
            _stem(entry) == LARGEST,
            entry.key.endswith(".jpg"),
            entry.size,
        ),
        default=None,
    )


def describe_picture(
    picture: PostImageRow | MediaPicture, exported: ExportedPicture | None, alt_text: str
) -> dict[str, object]:
    """Return the object of a picture in posts.json and unused_media.json."""
    return {
        "file": exported.file if exported else None,
        "original": exported.original if exported else False,
        "altText": alt_text,
        "width": picture.width,
        "height": picture.height,
        "blurhash": picture.blurhash,
    }


def extension_of(first: bytes) -> str:
    """Return the usual extension of a picture that begins with these bytes; UNKNOWN for another file."""
    if first.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if first.startswith(b"\x89PNG"):
        return "png"
    if first.startswith(b"GIF8"):
        return "gif"
    if first[:4] == b"RIFF" and first[8:12] == b"WEBP":
        return "webp"
    if first[4:8] == b"ftyp" and first[8:12] in (b"avif", b"avis"):
        return "avif"
    if first[4:8] == b"ftyp" and first[8:12] in HEIC_BRANDS:
        return "heic"
    return UNKNOWN


def _stem(entry: MediaEntry) -> str:
    return entry.key.rpartition("/")[2].partition(".")[0]


def _is_original(entry: MediaEntry) -> bool:
    return _stem(entry).startswith(ORIGINAL_PREFIX)


async def _chain(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for chunk in rest:
        yield chunk
