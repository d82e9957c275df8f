"""Photos from outside: read, turned upright, made smaller, and written anew, so that nothing else comes in with them.

What a camera wrote beside the picture (where it was taken, by whose phone) is not in the new file.
"""

import asyncio
import struct
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PIL import Image

PHOTO_LIMIT_B: Final = 8 * 1024 * 1024
FORMATS: Final = ("JPEG", "PNG", "WEBP")
PIXELS_MAX: Final = 50_000_000
"""Beyond that a small file could take gigabytes to open."""
PIXELS_WHOLE_MAX: Final = 13_000_000
"""Of what can't be made smaller while it is decoded: a WebP takes 16 bytes a pixel, 200 MB in all, a PNG 10, a JPEG in
several scans 6, and all of them may come in a few hundred kilobytes. One in one scan takes 40 MB at most."""
LONG_SIDE_PX: Final = 1600
THUMBNAIL_PX: Final = 320
QUALITY: Final = 82
MEDIA_TYPE: Final = "image/jpeg"

SOI: Final = b"\xff\xd8"
SEQUENTIAL: Final = frozenset({0xFFC0, 0xFFC1})
SOS: Final = 0xFFDA
BESIDE: Final = frozenset({0xFFC4, 0xFFDB, 0xFFDD, *range(0xFFE0, 0xFFF0), 0xFFFE})
"""Markers of a JPEG (ITU-T T.81, table B.1): its frame, its first scan, and what may stand before them."""


class NotAPhoto(Exception):
    """It can't be opened as one of `FORMATS`."""


class TooManyPixels(NotAPhoto):
    """It is larger than `PIXELS_MAX`, or `PIXELS_WHOLE_MAX`."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A JPEG."""

    content: bytes
    width_px: int
    height_px: int


POOL: Final = ThreadPoolExecutor(2, thread_name_prefix="photo")
WHOLE_POOL: Final = ThreadPoolExecutor(1, thread_name_prefix="photo-whole")
"""For those of which two would be too much for the memory of an API."""


async def reencoded(content: bytes, long_side_px: int = LONG_SIDE_PX, quality: int = QUALITY) -> Photo:
    """The photo, no longer than that, in a thread: decoding takes some tenths of a second. Raises NotAPhoto."""
    pool, pixels_max = (POOL, PIXELS_MAX) if _comes_by_lines(content) else (WHOLE_POOL, PIXELS_WHOLE_MAX)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(pool, _reencoded, content, pixels_max, long_side_px, quality)


def _reencoded(content: bytes, pixels_max: int, long_side_px: int, quality: int) -> Photo:
    from PIL import Image, UnidentifiedImageError  # only who takes photos needs it

    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > pixels_max:
                raise TooManyPixels
            image.draft("RGB", _within(image, long_side_px))  # a JPEG is decoded no larger than it has to be
            image.thumbnail((long_side_px, long_side_px))
            upright = _upright(image).convert("RGB")
            clean = Image.new("RGB", upright.size)
            clean.paste(upright)  # its pixels alone
            written = BytesIO()
            clean.save(written, "JPEG", quality=quality, optimize=True)
    except Image.DecompressionBombError as error:
        raise TooManyPixels from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise NotAPhoto(type(error).__name__) from error
    return Photo(written.getvalue(), clean.width, clean.height)


def _comes_by_lines(content: bytes) -> bool:
    """Whether it is a JPEG whose first scan has all its components, as cameras write it: of any other the decoder keeps
    every coefficient until the last scan. Where that can't be told, it is none."""
    at, components = len(SOI), 0
    while content.startswith(SOI) and at + 10 <= len(content):
        marker, length_b = struct.unpack_from(">HH", content, at)
        if marker == SOS:
            return components == content[at + 4]
        if marker in SEQUENTIAL:
            components = content[at + 9]
        elif marker not in BESIDE:
            return False
        at += 2 + length_b
    return False


def _within(image: "Image.Image", long_side_px: int) -> tuple[int, int]:
    """Its size in its proportions, no longer than that."""
    times = min(1.0, long_side_px / max(1, *image.size))
    return max(1, round(image.width * times)), max(1, round(image.height * times))


def _upright(image: "Image.Image") -> "Image.Image":
    """As it is to be looked at; as it is, where what the camera wrote of that can't be read."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except (struct.error, KeyError, TypeError, ValueError, ZeroDivisionError, OSError, SyntaxError):
        return image
