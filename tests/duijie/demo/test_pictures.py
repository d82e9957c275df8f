"""Photos of the demonstration's lots are drawn, the same each time."""

from io import BytesIO
from random import Random

import pytest
from PIL import Image

from duijie.demo.pictures import HEIGHT_PX, PICTURED, WIDTH_PX, picture
from duijie.demo.world import FLOOR_FEN_PER_KG

MOST_B = 256 * 1024


@pytest.mark.parametrize("produce", PICTURED)
def test_a_picture_is_a_jpeg_and_a_function_of_its_chance(produce: str) -> None:
    drawn = picture(produce, Random("lot 1"))
    assert drawn == picture(produce, Random("lot 1")) != picture(produce, Random("lot 2"))
    with Image.open(BytesIO(drawn)) as image:
        assert (image.format, image.size) == ("JPEG", (WIDTH_PX, HEIGHT_PX))
    assert len(drawn) < MOST_B


def test_what_has_a_picture_is_offered() -> None:
    assert PICTURED.keys() < FLOOR_FEN_PER_KG.keys()
