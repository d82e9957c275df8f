"""The app's icon in pixels shows what its SVG shows."""

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser

from tests.pages.icons import SIZES_PX, drawn, path_of


@pytest.mark.parametrize("size_px", SIZES_PX)
def test_an_icon_is_its_svg_drawn(browser: Browser, size_px: int) -> None:
    with Image.open(path_of(size_px)) as icon:
        assert icon.size == (size_px, size_px)
        differs = ImageChops.difference(icon.convert("RGB"), drawn(browser, size_px))
    assert max(ImageStat.Stat(differs).mean) < 1
