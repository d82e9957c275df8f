"""The app's icon in pixels, for phones that take no SVG: `python -m tests.pages.icons` draws them anew from the SVG."""

from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser

from gateway.pages.assets import STATIC
from tests.pages.support import chromium

SIZES_PX = (180, 192, 512)
COLOURS = 32
"""Two, and what lies between them at the edges: a few KB."""


def path_of(size_px: int) -> Path:
    return STATIC / f"farm/icon-{size_px}.png"


def drawn(browser: Browser, size_px: int) -> Image.Image:
    """The SVG as the browser draws it, square."""
    svg = (STATIC / "farm/icon.svg").read_text(encoding="utf-8")
    style = f"html, body {{ margin: 0 }} svg {{ display: block; width: {size_px}px; height: {size_px}px }}"
    page = browser.new_page(viewport={"width": size_px, "height": size_px})
    page.set_content(f"<style>{style}</style>{svg}")
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    page.close()
    return picture


def main() -> None:
    with chromium() as browser:
        for size_px in SIZES_PX:
            few = drawn(browser, size_px).quantize(COLOURS, dither=Image.Dither.NONE)
            few.save(path_of(size_px), "PNG", optimize=True)


if __name__ == "__main__":
    main()
