"""Photos as they come from phones: upright, small, and with nothing beside the picture."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from chassis import images
from chassis.images import LONG_SIDE_PX, PIXELS_WHOLE_MAX, NotAPhoto, TooManyPixels, reencoded

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


def in_scans(jpeg: bytes) -> bytes:
    """The same as if its first scan held one component of three."""
    at = jpeg.index(b"\xff\xda") + 4
    return jpeg[:at] + b"\x01" + jpeg[at + 1 :]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
async def test_a_small_file_of_too_many_pixels_is_not_opened(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "PIXELS_MAX" if kind == "JPEG" else "PIXELS_WHOLE_MAX", 799)
    with pytest.raises(TooManyPixels):
        await reencoded(picture(kind))


async def test_what_is_decoded_whole_has_fewer_pixels() -> None:
    size = (4001, PIXELS_WHOLE_MAX // 4000)
    assert (await reencoded(picture(size=size))).width_px == LONG_SIDE_PX
    for whole in (picture(size=size, progressive=True), in_scans(picture(size=size)), picture("PNG", size)):
        with pytest.raises(TooManyPixels):
            await reencoded(whole)


async def test_a_progressive_jpeg_of_usual_size_is_taken() -> None:
    photo = await reencoded(picture(size=(2000, 1000), progressive=True))
    assert (photo.width_px, photo.height_px) == (LONG_SIDE_PX, LONG_SIDE_PX // 2)


def test_a_jpeg_of_any_proportions_is_decoded_no_larger_than_it_has_to_be() -> None:
    for size in ((8000, 6000), (6390, 100), (30_000, 1599), (1599, 30_000)):
        with opened(picture(size=size)) as image:
            image.draft("RGB", images._within(image, LONG_SIDE_PX))
            assert max(image.size) <= max(2 * LONG_SIDE_PX, max(size) // 8)
