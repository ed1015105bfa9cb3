"""Program of the child process that decodes users' pictures: the only place where C decoders read untrusted bytes.

`worker_process` runs this file as an isolated script, so it imports nothing of `server`. It reads length-prefixed JSON
requests on standard input, one at a time, and answers on standard output. It exits at the end of standard input and
with its parent. Pictures are passed as paths, not through the pipe.
"""

import contextlib
import ctypes
import errno
import io
import json
import os
import signal
import struct
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from blurhash_rs import blurhash_encode
from PIL import Image, ImageCms, UnidentifiedImageError

if sys.platform != "win32":
    import resource

ACCEPTED_FORMATS = ("JPEG", "PNG", "WEBP")
QUALITY = 85
MAX_OUTPUT_BYTES = 16 * 1024 * 1024
JPEG_START, JPEG_SCAN = b"\xff\xd8", b"\xff\xda"
# Every scan of a progressive JPEG covers all pixels but can have ten bytes: 300 KB kept a decoder busy for more than
# 20 s. Encoders write about 10 scans.
MAX_SCANS = 50
EXIF_ORIENTATION = 0x0112
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Refused(Exception):
    """The picture is refused; `processor` maps the reason in the argument to an error."""


def write_renditions(request: dict[str, Any]) -> dict[str, Any]:
    """Write a progressive JPEG per size; return their dimensions, smallest first, and a BlurHash.

    A size limits the longer side; with `square` the centre is cropped and the size limits its side. Pictures are not
    enlarged, and only the first frame of an animation is used. Orientation is applied, transparent areas become white,
    colours are converted to sRGB, and no metadata is copied.
    """
    folder = Path(request["destination"])
    sizes: dict[str, int] = request["sizes"]
    content = Path(request["source"]).read_bytes()
    picture = _read(content, request["max_pixels"], max(sizes.values()), request["square"])
    folder.mkdir(parents=True, exist_ok=True)
    renditions: list[dict[str, Any]] = []
    encoded: dict[tuple[int, int], bytes] = {}
    for name, side in sorted(sizes.items(), key=lambda item: item[1], reverse=True):
        picture = _shrink(picture, side)
        if picture.size not in encoded:
            encoded[picture.size] = _encode(picture)
        (folder / f"{name}.jpg").write_bytes(encoded[picture.size])
        renditions.append({"name": name, "width": picture.width, "height": picture.height})
    return {"renditions": renditions[::-1], "blurhash": _blurhash(picture)}


def _read(content: bytes, max_pixels: int, side: int, square: bool) -> Image.Image:
    """Return the picture in `content`, at most `side` large, upright, opaque, in sRGB."""
    # Some decoders (WebP) allocate the canvas while opening. Pillow checks the size before that, but raises only above
    # twice the limit.
    Image.MAX_IMAGE_PIXELS = max_pixels // 2
    if not content:
        raise Refused("empty")
    if content.startswith(JPEG_START) and content.count(JPEG_SCAN) > MAX_SCANS:
        raise Refused("too_many_scans")
    with _decoding(), Image.open(io.BytesIO(content), formats=ACCEPTED_FORMATS) as picture:
        width, height = picture.size
        if width * height > max_pixels:
            raise Refused("too_many_pixels")
        if (min(width, height) if square else max(width, height)) > side:
            # A JPEG decoder scales by 1/2, 1/4 or 1/8 at a fraction of the cost of decoding in full.
            picture.draft(None, (side, side) if square else _within(width, height, side))
        picture.load()
        profile: bytes | None = picture.info.get("icc_profile")
        orientation = _orientation(picture)
        # Shrink first, because the other steps are cheap on a small picture.
        small = _shrink(_centre(_resizable(picture)) if square else _resizable(picture), side)
        upright = UPRIGHT.get(orientation)
        return _in_srgb(_on_white(small.transpose(upright) if upright is not None else small), profile)


@contextlib.contextmanager
def _decoding() -> Iterator[None]:
    """Translate errors of decoders, which raise nearly anything: unknown ones mean a damaged picture."""
    try:
        yield
    except (Refused, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise Refused("too_many_pixels") from error
    except UnidentifiedImageError as error:
        raise Refused("unsupported") from error
    except Exception as error:
        raise Refused("damaged") from error


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(EXIF_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - broken EXIF of cameras does not spoil the picture
        return 1


def _resizable(picture: Image.Image) -> Image.Image:
    """Return the picture in a mode that can be resampled, unlike palettes and bitmaps; 16 bits become 8."""
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if picture.mode == "PA" or (picture.mode != "CMYK" and picture.has_transparency_data):
        return picture if picture.mode in ("RGBA", "LA") else picture.convert("RGBA")
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def _centre(picture: Image.Image) -> Image.Image:
    """Return the largest centred square."""
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _shrink(picture: Image.Image, side: int) -> Image.Image:
    if max(picture.size) <= side:
        return picture
    size = _within(picture.width, picture.height, side)
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _within(width: int, height: int, side: int) -> tuple[int, int]:
    """Return dimensions with the same ratio and a longer side of `side`."""
    longer = max(width, height)
    return max(1, round(width * side / longer)), max(1, round(height * side / longer))


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode not in ("RGBA", "LA"):
        return picture
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture.convert("RGB"), mask=picture.getchannel("A"))
    return white


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        # Invalid profiles and those of another colour model are ignored, as in browsers.
        with contextlib.suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
            if converted := ImageCms.profileToProfile(picture, source, srgb, outputMode="RGB"):
                return converted
    return picture.convert("RGB")


def _encode(picture: Image.Image) -> bytes:
    picture.info.clear()
    # Pillow's own writing hides the error number of a full disk.
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY, progressive=True)
    return buffer.getvalue()


def _blurhash(picture: Image.Image) -> str:
    across, down = (4, 3) if picture.width >= picture.height else (3, 4)
    return blurhash_encode(_shrink(picture, 32), across, down)


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Return `{"done": ...}`, or `{"refused": reason, "cause": ...}` for errors of the picture or the disk."""
    try:
        return {"done": write_renditions(request)}
    except Refused as refused:
        return {"refused": str(refused), "cause": type(refused.__cause__).__name__}
    except MemoryError:
        return {"refused": "memory", "cause": "MemoryError"}
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return {"refused": "storage_full" if full else "storage", "cause": repr(error)[:200]}


def confine(memory_bytes: int, parent_pid: int) -> None:
    """Drop privileges and limit resources; exit with the parent on Linux."""
    # A signal to the process group must not interrupt an image during the drain.
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        pr_set_pdeathsig, pr_set_no_new_privs = 1, 38  # <linux/prctl.h>
        libc.prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        libc.prctl(pr_set_no_new_privs, 1, 0, 0, 0)
        if os.getppid() != parent_pid:
            sys.exit("the parent has exited")
    if sys.platform != "win32":
        for kind, limit in (
            (resource.RLIMIT_AS, memory_bytes),
            (resource.RLIMIT_FSIZE, MAX_OUTPUT_BYTES),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, 64),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (limit, limit))


def limit_cpu(seconds: float) -> None:
    """Limit the CPU time of the next request to `seconds`, in case the parent cannot enforce its timeout."""
    if sys.platform != "win32":
        used = resource.getrusage(resource.RUSAGE_SELF)
        allowed = int(used.ru_utime + used.ru_stime + seconds) + 1
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_CPU, (allowed, resource.RLIM_INFINITY))


def send(channel: BinaryIO, message: dict[str, Any]) -> None:
    """Write one frame: the length in four bytes, big-endian, then JSON."""
    body = json.dumps(message).encode()
    channel.write(struct.pack(">I", len(body)) + body)
    channel.flush()


def main(memory_bytes: int, parent_pid: int) -> None:
    """Report readiness, then answer requests until the end of standard input."""
    warnings.simplefilter("ignore")
    confine(memory_bytes, parent_pid)
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of a library must not break a frame
    send(channel, {"ready": True})
    while len(header := sys.stdin.buffer.read(4)) == 4:
        request = json.loads(sys.stdin.buffer.read(struct.unpack(">I", header)[0]))
        limit_cpu(request["cpu_s"])
        send(channel, answer(request))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
