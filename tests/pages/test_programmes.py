"""The burn-down of a fund in a browser: drawn from what its page tells, in yuan, until the day on which it ends."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from chassis.problems import Language
from gateway.pages.assets import STATIC, VENDORED
from gateway.pages.programmes.texts import TEXTS
from gateway.pages.render import templates

ADDRESS = "http://pages.test/"
DAYS = (("2026-11-27", 500_000), ("2026-11-28", 312_345), ("2026-11-29", 123_450))
ENDS_ON = "2026-12-04"
LANGUAGES: Sequence[Language] = ("zh-CN", "en")
CHART = "echarts.getInstanceByDom(document.getElementById('burndown'))"
READ_TEXTS = f"""
() => {CHART}.getZr().storage.getDisplayList(true)
  .filter((each) => each.type === "tspan" && !each.ignore && !each.invisible).map((each) => each.style.text)
"""
READ_LAST_DAY = f"""
() => {{
  const drawn = {CHART}.getModel().getComponent("xAxis").axis.scale.getExtent()[1];
  return new Intl.DateTimeFormat("sv-SE").format(drawn);
}}
"""
COUNT_COLOURS = """
(canvas) => {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const colours = new Set();
  for (let at = 0; at < pixels.length; at += 4) if (pixels[at + 3] > 0) colours.add(pixels.slice(at, at + 3).join());
  return colours.size;
}
"""


def page_of(language: Language, ends_on: str | None) -> str:
    """What the page of a programme has of it, and no more."""
    days = [{"day": day, "available_fen": fen} for day, fen in DAYS]
    parts: Any = templates().get_template("programmes/parts.html").module
    drawn = parts.drawn({"days": days, "ends_on": ends_on}, lambda name: TEXTS[name].in_language(language))
    scripts = parts.scripts(lambda name: f"/static/{name}")
    style = '<link rel="stylesheet" href="/static/duijie.css">'
    return f"<!doctype html><html lang={language}><head>{style}</head><body><main>{drawn}</main>{scripts}</body></html>"


def answer(route: Route, html: str) -> None:
    name = route.request.url.removeprefix(f"{ADDRESS}static/")
    if name == ADDRESS:
        route.fulfill(body=html, content_type="text/html; charset=utf-8")
    elif name == f"{ADDRESS}favicon.ico":
        route.fulfill(status=204)
    else:
        route.fulfill(path=VENDORED.get(name, STATIC / name))


Shown = Callable[..., Page]


@pytest.fixture
def shown(browser: Browser) -> Iterator[Shown]:
    """Opens it; what the browser complains of fails the test."""
    complaints: list[str] = []
    context = browser.new_context(locale="zh-CN", timezone_id="Asia/Shanghai")
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def open_page(language: Language, ends_on: str | None = ENDS_ON) -> Page:
        html = page_of(language, ends_on)
        page.route("**/*", lambda route: answer(route, html))
        page.goto(ADDRESS)
        page.locator("#burndown canvas").wait_for()
        return page

    yield open_page
    assert complaints == []
    context.close()


def test_the_chart_is_drawn(shown: Shown) -> None:
    assert shown("en").locator("#burndown canvas").evaluate(COUNT_COLOURS) > 5, "it is not blank"


def test_it_reaches_to_the_day_on_which_the_money_ends(shown: Shown) -> None:
    assert shown("en").evaluate(READ_LAST_DAY) == ENDS_ON


def test_what_does_not_end_is_drawn_to_its_last_day(shown: Shown) -> None:
    assert shown("en", None).evaluate(READ_LAST_DAY) == DAYS[-1][0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_axis_is_in_yuan_and_days_of_no_language(shown: Shown, language: Language) -> None:
    drawn = shown(language).evaluate(READ_TEXTS)
    assert {"¥0", "¥5,000", "2026-11-27"} <= set(drawn)
    assert all(each.startswith(("¥", "2026-")) for each in drawn), drawn


@pytest.mark.parametrize(("language", "left"), [("zh-CN", "可用"), ("en", "Available")])
def test_a_day_that_is_pointed_at_tells_its_money_to_the_fen_with_its_unit(
    shown: Shown, language: Language, left: str
) -> None:
    page = shown(language)
    before = page.evaluate(READ_TEXTS)
    page.evaluate(f"() => {{ {CHART}.dispatchAction({{ type: 'showTip', seriesIndex: 0, dataIndex: 2 }}); }}")
    page.wait_for_function(f"(before) => ({READ_TEXTS})().length > before", arg=len(before))
    assert [each for each in page.evaluate(READ_TEXTS) if each not in before or left in each] == [f"{left} ¥1,234.50"]
    assert "2026-11-29" in page.evaluate(READ_TEXTS)
