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
AT_ONCE: Final = 2
PIXELS_MAX: Final = 50_000_000
"""Beyond that a small file could take gigabytes to open."""
LONG_SIDE_PX: Final = 1600
THUMBNAIL_PX: Final = 320
QUALITY: Final = 82
MEDIA_TYPE: Final = "image/jpeg"


class NotAPhoto(Exception):
    """It can't be opened as one of `FORMATS`."""


class TooManyPixels(NotAPhoto):
    """It is larger than `PIXELS_MAX`."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A JPEG."""

    content: bytes
    width_px: int
    height_px: int


POOL: Final = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="photo")


async def reencoded(content: bytes, long_side_px: int = LONG_SIDE_PX, quality: int = QUALITY) -> Photo:
    """The photo, no longer than that, in a thread: decoding takes some tenths of a second, and tens of megabytes.

    Raises NotAPhoto.
    """
    return await asyncio.get_running_loop().run_in_executor(POOL, _reencoded, content, long_side_px, quality)


def _reencoded(content: bytes, long_side_px: int, quality: int) -> Photo:
    from PIL import Image, UnidentifiedImageError  # only who takes photos needs it

    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > PIXELS_MAX:
                raise TooManyPixels
            image.draft("RGB", (long_side_px, long_side_px))  # a JPEG is decoded no larger than it has to be
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


def _upright(image: "Image.Image") -> "Image.Image":
    """As it is to be looked at; as it is, where what the camera wrote of that can't be read."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except (struct.error, KeyError, TypeError, ValueError, ZeroDivisionError, OSError, SyntaxError):
        return image
