"""The backlog in a browser: its figures are the API's, its plane is drawn, and it leads down to the lots."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import delete

from duijie.datafolder import DataFolder
from duijie.store import database_of
from gateway.pages.shown import about_kg, for_long, kg
from services.listing.backlog.models import Snapshot
from tests.pages.support import ACCOUNTS, DESK, Visitor, visiting
from tests.system.conftest import Standalone, until

PRODUCE = "lychee"
"""Which no other test of the pages has lots of."""
HEZHANG, NAPO, SIYANG, KUNSHAN = "520527", "451026", "321323", "320583"
LOTS = {HEZHANG: (800, 30), NAPO: (100, 20), SIYANG: (4000.5, 40), KUNSHAN: (1200, 60)}
"""Kilograms and hours left by county; the first two are under supervision."""
READ_PIXELS = """
canvas => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const colours = new Set();
  for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] > 0) colours.add(pixels.slice(at, at + 3).join());
  return colours.size;
}
"""


@dataclass
class Backlog:
    """What the API tells a supervisor, of the produce of this module."""

    supervisor: httpx.Client

    def read(self, path: str = "", **query: Any) -> Any:
        answer = self.supervisor.get(f"/v1/backlog{path}", params={"produce": PRODUCE, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def backlog(platform: Standalone) -> Backlog:
    """With lots of four counties."""
    with ThreadPoolExecutor(1) as aside:  # Playwright has an event loop on this thread
        farmer = aside.submit(platform.caller, "producer", ACCOUNTS["producer"]).result()
        supervisor = aside.submit(platform.caller, "supervisor", ACCOUNTS["supervisor"]).result()
        for adcode, (quantity_kg, hours) in LOTS.items():
            lot = {
                "produce": PRODUCE,
                "quantity_kg": quantity_kg,
                "min_price_fen_per_kg": 1600,
                "origin": {"adcode": adcode},
                "best_before": (datetime.now(UTC) + timedelta(hours=hours)).isoformat(),
            }
            posted = farmer.post("/v1/listings", json=lot)
            assert posted.status_code == 201, posted.text
        aside.submit(asyncio.run, forget_snapshots(platform)).result()
    told = Backlog(supervisor)
    until(lambda: len(told.read("/lots")["items"]) == len(LOTS), 20)
    return told


async def forget_snapshots(platform: Standalone) -> None:
    """As a crash of the database does: then the next minute's need not be waited for."""
    async with database_of(DataFolder(platform.folder), "listing") as db, db.transaction() as session:
        await session.execute(delete(Snapshot))


def figures(visitor: Visitor, row: str) -> dict[str, str]:
    """What the reader sees in one row of the table."""
    cells = visitor.page.locator(f'[data-row="{row}"] [data-figure]')
    return {str(each.get_attribute("data-figure")): each.inner_text() for each in cells.all()}


def read_both(visitor: Visitor, backlog: Backlog, level: str) -> list[dict[str, Any]]:
    """The page and the API of one minute: forecasts grow older with the clock."""

    def read() -> Any:
        before = backlog.read(level=level)
        visitor.open(f"/backlog?produce={PRODUCE}&level={level}")
        return backlog.read(level=level)["as_of"] == before["as_of"] and before["items"]

    items: list[dict[str, Any]] = until(read, 30)
    return items


def test_every_figure_of_the_page_is_the_apis(desk: Visitor, backlog: Backlog) -> None:
    desk.be("supervisor")
    items = read_both(desk, backlog, "county")
    assert len(items) == len(LOTS)
    for item in items:
        shown = figures(desk, f"{item['area']['adcode']}:{PRODUCE}")
        assert shown.pop("hours_left_median") == for_long("zh-CN", item["hours_left_median"])
        assert shown == {
            "at_risk_kg": about_kg(item["at_risk_kg"]),
            "open_kg": kg(item["open_kg"]),
            "listings": str(item["listings"]),
        }
    for figure, told in (("open_kg", kg), ("at_risk_kg", about_kg)):
        total = told(sum(round(item[figure] * 1000) for item in items) / 1000)
        expect(desk.page.locator(f'#figures [data-figure="{figure}"]')).to_have_text(total)
        expect(desk.page.locator(f'[data-kind="{PRODUCE}"] [data-figure="{figure}"]')).to_have_text(total)
    watched = sum(round(item["at_risk_kg"] * 1000) for item in items if item["area"]["watch_52"]) / 1000
    expect(desk.page.locator("#watched-risk")).to_have_text(about_kg(watched))


def test_the_supervised_counties_come_first_however_little_is_at_risk_there(desk: Visitor, backlog: Backlog) -> None:
    desk.be("supervisor")
    desk.open(f"/backlog?produce={PRODUCE}")
    rows = [each.get_attribute("data-row") for each in desk.page.locator("[data-row]").all()]
    assert rows == [f"{adcode}:{PRODUCE}" for adcode in (HEZHANG, NAPO, SIYANG, KUNSHAN)]
    expect(desk.page.locator(f'[data-row^="{NAPO}"] .badge').first).to_have_text("督战县")


def test_the_plane_and_the_days_are_drawn(desk: Visitor, backlog: Backlog) -> None:
    desk.be("supervisor")
    desk.open(f"/backlog?produce={PRODUCE}")
    for chart in ("#plane-chart", "#trend-chart"):
        canvas = desk.page.locator(f"{chart} canvas")
        expect(canvas).to_be_visible()
        assert canvas.evaluate(READ_PIXELS) > 5, "it is not blank"
    expect(desk.page.locator("#plane-drawn")).to_have_count(0)


def test_from_a_province_down_to_a_lot(phone: Visitor, backlog: Backlog) -> None:
    phone.be("supervisor")
    phone.open(f"/backlog?produce={PRODUCE}&level=province")
    phone.page.locator('[data-row^="320000"] a').click()
    expect(phone.page.get_by_role("heading", level=1)).to_contain_text("江苏省")
    phone.page.locator('[data-row^="321300"] a').click()
    phone.page.locator(f'[data-row^="{SIYANG}"] a').click()
    expect(phone.page.get_by_role("heading", level=1)).to_contain_text("泗阳县")
    (told,) = backlog.read("/lots", adcode=SIYANG)["items"]
    lot = phone.page.locator(f'[data-lot="{told["id"]}"]')
    expect(lot.locator('[data-figure="remaining_kg"]')).to_have_text("4,000.5")
    assert lot.locator("a").first.get_attribute("href") == f"/board/{told['id']}"


def test_without_javascript_points_and_days_are_on_the_page_and_filters_work(
    browser: Browser, platform: Standalone, backlog: Backlog
) -> None:
    with visiting(browser, platform.url, java_script_enabled=False, **DESK) as visitor:
        visitor.be("supervisor")
        visitor.page.get_by_label("农产品", exact=True).select_option(PRODUCE)
        visitor.page.get_by_role("button", name="查看").click()
        assert visitor.page.locator("#plane-drawn circle").count() == len(LOTS)
        expect(visitor.page.locator("#trend-table table")).to_be_visible()
        with visitor.page.expect_download() as downloading:
            visitor.page.get_by_role("link", name="CSV").click()
        lines = downloading.value.path().read_text(encoding="utf-8-sig").splitlines()
        assert [line.split(",")[0] for line in lines] == ["区划代码", HEZHANG, NAPO, SIYANG, KUNSHAN]


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("path", ["/backlog", f"/backlog/{HEZHANG}", "/backlog/999999"])
def test_axe_finds_nothing_grave(examined: Visitor, backlog: Backlog, path: str, language: str) -> None:
    examined.be("supervisor")
    examined.page.goto(f"{examined.url}{path}?produce={PRODUCE}&lang={language}")
    assert examined.page.locator("html").get_attribute("lang") == language
    assert examined.grave_faults() == []
