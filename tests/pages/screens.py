"""Pictures of the pages with the demonstration's world, for the README: `make screens` beside a running `make run`.

Each is what a person sees who came by one click from the first page: on a phone, or at a desk.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.accounts import Role
from tests.pages.support import DESK, PHONE, chromium, visiting

FOLDER = Path(__file__).parents[2] / "docs" / "screens"
SETTLE_MS = 1500
"""Charts move for a moment."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One picture: where somebody of that role goes, and with what in hand."""

    name: str
    path: str
    role: Role | None = None
    phone: bool = False
    language: str = "zh-CN"
    dark: bool = False
    along: Sequence[str] = ()
    """The links that they follow, one after the other: the first that each selector finds."""
    whole: bool = False
    """Down to the end of the page."""


A_FUND = 'main .fund a[href^="/programmes/"]'
A_LOT, A_COUNTY = 'main a[href^="/board/"]', 'main a[href^="/counties/"]'

SCREENS: Sequence[Screen] = (
    Screen("home", "/"),
    Screen("board", "/board"),
    Screen("lot", "/board", phone=True, along=[A_LOT]),
    Screen("county", "/board", phone=True, along=[A_LOT, A_COUNTY]),
    Screen("farm", "/farm", "producer", phone=True),
    Screen("post", "/farm/new", "producer", phone=True, whole=True),
    Screen("why", "/farm", "producer", phone=True, along=['main a[href^="/farm/listings/"]'], whole=True),
    Screen("order", "/orders", "group_leader", phone=True, along=['main a[href^="/orders/"]:not([href$="/new"])']),
    Screen("backlog", "/backlog", "supervisor"),
    Screen("backlog-dark", "/backlog", "supervisor", language="en", dark=True),
    Screen("programmes", "/programmes", "programme_officer"),
    Screen("programme", "/programmes", "programme_officer", along=[A_FUND], whole=True),
    Screen("carrier", "/carrier", "carrier"),
    Screen("route", "/carrier/routes", "carrier", along=['main a[href^="/carrier/routes/"]']),
    Screen("partner", "/partner", "platform"),
    Screen("operator", "/operator", "admin"),
)


def take(url: str, folder: Path, wanted: Sequence[str]) -> None:
    """All of them, or those named."""
    folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for screen in SCREENS:
            if wanted and screen.name not in wanted:
                continue
            kind = {**(PHONE if screen.phone else DESK), "color_scheme": "dark" if screen.dark else "light"}
            with visiting(browser, url, locale=screen.language, **kind) as visitor:
                if screen.role:
                    visitor.be(screen.role)
                visitor.open(screen.path)
                for selector in screen.along:
                    visitor.follow(selector)
                if screen.whole:  # so high that what is fixed to the foot of the screen lies at the foot of the page
                    height = visitor.page.evaluate("document.documentElement.scrollHeight")
                    visitor.page.set_viewport_size({"width": kind["viewport"]["width"], "height": height})
                visitor.page.wait_for_timeout(SETTLE_MS)
                visitor.page.screenshot(path=folder / f"{screen.name}.png")
                print(screen.name, visitor.complaints or "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--url", default="http://127.0.0.1:8000", help="a platform on which the demonstration was played"
    )
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("names", nargs="*", help="these alone")
    arguments = parser.parse_args()
    take(arguments.url, arguments.folder, arguments.names)
