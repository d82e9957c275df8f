"""Photos for lots of the demonstration, drawn: nothing was photographed, and nothing is anybody's.

Pillow is imported where it draws, so that a demonstration starts light.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from io import BytesIO
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

WIDTH_PX, HEIGHT_PX = 960, 720
FINER = 2
"""Drawn so many times as large, which smooths the edges."""
QUALITY = 85
WOOD, JOINT, LEAF = "#b98f5d", "#8d6a40", "#4f8f43"

Draw = Callable[["ImageDraw", Random, float, float, float], None]


def picture(produce: str, chance: Random) -> bytes:
    """A JPEG of a crate of that produce, of those in PICTURED: the same for the same chance."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (WIDTH_PX * FINER, HEIGHT_PX * FINER), WOOD)
    draw = ImageDraw.Draw(image)
    for board in range(0, image.height, image.height // 5):
        draw.line((0, board, image.width, board), fill=JOINT, width=10)
    one, size_px, rows = PICTURED[produce]
    step_px = image.height / rows
    for row in range(rows):
        for column in range(-1, math.ceil(image.width / step_px) + 1):
            x_px = (column + row % 2 / 2 + chance.uniform(-0.15, 0.15)) * step_px
            y_px = (row + 0.5 + chance.uniform(-0.15, 0.15)) * step_px
            one(draw, chance, x_px, y_px, size_px * FINER * chance.uniform(0.9, 1.1))
    written = BytesIO()
    image.resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS).save(written, "JPEG", quality=QUALITY)
    return written.getvalue()


def _strawberry(draw: ImageDraw, chance: Random, x_px: float, y_px: float, size_px: float) -> None:
    """Round above and pointed below, with seeds and a cap of leaves."""
    red = chance.choice(("#c8202f", "#d92b3a", "#b81a2b"))
    outline = []
    for step in range(60):
        angle = math.tau * step / 60
        narrow = 1 - 0.45 * max(0.0, math.sin(angle)) ** 2
        outline.append((x_px + size_px * math.cos(angle) * narrow, y_px + 1.2 * size_px * math.sin(angle)))
    draw.polygon(outline, fill=red, outline="#7d0f1c", width=4)
    for row in range(4):
        wide = 0.62 - 0.14 * row
        for seed in range(5 - row):
            at_x = x_px + size_px * wide * (2 * seed / max(4 - row, 1) - 1)
            at_y = y_px + size_px * (0.28 * row - 0.3)
            draw.ellipse((at_x - 5, at_y - 8, at_x + 5, at_y + 8), fill="#f4d37a")
    for leaf in range(-2, 3):
        tip = (x_px + leaf * 0.42 * size_px, y_px - size_px * (1.35 - 0.12 * abs(leaf)))
        foot_x, foot_y = x_px + leaf * 0.2 * size_px, y_px - 0.75 * size_px
        draw.polygon([(foot_x - 0.2 * size_px, foot_y), tip, (foot_x + 0.2 * size_px, foot_y)], fill=LEAF)


def _cabbage(draw: ImageDraw, chance: Random, x_px: float, y_px: float, size_px: float) -> None:
    """Leaves around a pale heart."""
    for ring, green in enumerate(("#5f9e4c", "#86bb66", "#b5d88c", "#dcebb4")):
        reach_px = size_px * (1 - 0.23 * ring)
        turned = chance.uniform(0, math.tau)
        for leaf in range(7 - ring):
            angle = turned + math.tau * leaf / (7 - ring)
            at_x, at_y = x_px + 0.45 * reach_px * math.cos(angle), y_px + 0.45 * reach_px * math.sin(angle)
            half_px = 0.55 * reach_px
            box = (at_x - half_px, at_y - half_px, at_x + half_px, at_y + half_px)
            draw.ellipse(box, fill=green, outline="#4b7f3b", width=3)


PICTURED: Mapping[str, tuple[Draw, float, int]] = {
    "strawberry": (_strawberry, 82, 4),
    "chinese-cabbage": (_cabbage, 150, 3),
}
"""How one of them is drawn, its size in pixels, and how many rows lie in the crate. The two that spoil first, and so
stand first on the board."""
