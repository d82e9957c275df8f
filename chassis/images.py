"""Photos from outside: read, turned upright, made smaller, and written anew, so that nothing else comes in with them.

What a camera wrote beside the picture (where it was taken, by whose phone) is not in the new file.
"""

import asyncio
from dataclasses import dataclass
from io import BytesIO
from typing import Final

PHOTO_LIMIT_B: Final = 8 * 1024 * 1024
FORMATS: Final = ("JPEG", "PNG", "WEBP")
PIXELS_MAX: Final = 50_000_000
"""Beyond that a small file could take gigabytes to open."""
LONG_SIDE_PX: Final = 1600
QUALITY: Final = 82
MEDIA_TYPE: Final = "image/jpeg"


class NotAPhoto(Exception):
    """It can't be opened as one of `FORMATS`, or is larger than `PIXELS_MAX`."""


@dataclass(frozen=True, slots=True)
class Photo:
    """A JPEG."""

    content: bytes
    width_px: int
    height_px: int


async def reencoded(content: bytes) -> Photo:
    """The photo, in a thread: decoding takes some tenths of a second. Raises NotAPhoto."""
    return await asyncio.to_thread(_reencoded, content)


def _reencoded(content: bytes) -> Photo:
    from PIL import Image, ImageOps, UnidentifiedImageError  # only who takes photos needs it

    try:
        with Image.open(BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > PIXELS_MAX:
                raise NotAPhoto("too many pixels")
            upright = ImageOps.exif_transpose(image).convert("RGB")
            upright.thumbnail((LONG_SIDE_PX, LONG_SIDE_PX))
            clean = Image.new("RGB", upright.size)
            clean.paste(upright)  # its pixels alone
            written = BytesIO()
            clean.save(written, "JPEG", quality=QUALITY, optimize=True)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NotAPhoto(type(error).__name__) from error
    return Photo(written.getvalue(), clean.width, clean.height)
