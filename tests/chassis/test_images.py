"""Photos as they come from phones: upright, small, and with nothing beside the picture."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from chassis import images
from chassis.images import LONG_SIDE_PX, NotAPhoto, reencoded

ORIENTATION, GPS, MAKER = 0x0112, 0x8825, 0x010F


def picture(kind: str = "JPEG", size: tuple[int, int] = (40, 20), **saved: Any) -> bytes:
    """Red on its left half, blue on its right."""
    image = Image.new("RGBA" if kind in {"PNG", "WEBP"} else "RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    written = BytesIO()
    image.save(written, kind, **saved)
    return written.getvalue()


def opened(content: bytes) -> Image.Image:
    return Image.open(BytesIO(content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_each_kind_becomes_a_jpeg_of_the_same_picture(kind: str) -> None:
    photo = await reencoded(picture(kind))
    image = opened(photo.content)
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (40, 20))
    assert (photo.width_px, photo.height_px) == (40, 20)
    red, blue = image.getpixel((5, 10)), image.getpixel((35, 10))
    assert isinstance(red, tuple)
    assert isinstance(blue, tuple)
    assert red[0] - red[2] > 150
    assert blue[2] - blue[0] > 150


async def test_where_and_by_what_it_was_taken_is_not_in_it_and_it_is_upright() -> None:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = 6, "a phone"
    exif.get_ifd(GPS)[1] = "N"
    taken = picture(exif=exif, comment=b"at the farm")
    assert opened(taken).getexif().get_ifd(GPS)
    photo = await reencoded(taken)
    image = opened(photo.content)
    assert image.size == (20, 40), "turned by a quarter, as its viewer would have"
    assert dict(image.getexif()) == {}
    assert "comment" not in image.info
    assert b"phone" not in photo.content


async def test_a_large_one_is_made_smaller_in_its_proportions() -> None:
    photo = await reencoded(picture(size=(4000, 1000)))
    assert (photo.width_px, photo.height_px) == (LONG_SIDE_PX, LONG_SIDE_PX // 4)


@pytest.mark.parametrize(
    "content", [b"", b"no picture", picture()[:200], picture("BMP"), picture("GIF"), b"\xff\xd8" * 9]
)
async def test_what_is_no_photo_is_refused(content: bytes) -> None:
    with pytest.raises(NotAPhoto):
        await reencoded(content)


async def test_a_small_file_of_too_many_pixels_is_not_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "PIXELS_MAX", 799)
    with pytest.raises(NotAPhoto):
        await reencoded(picture("PNG"))
