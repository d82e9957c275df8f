"""Every page, one by one: nobody is kept from it, and it is light enough for a poor line."""

from collections.abc import Mapping
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from contracts.accounts import Role
from tests.pages.support import PHONE, Visitor, visiting
from tests.pages.tour import LANGUAGES, NO_PAGE, PAGES, World, routes, world_of
from tests.system.conftest import Standalone

MOST_B = 100_000
ROLES = sorted({page.role for page in PAGES.values()}, key=str)


@pytest.fixture(scope="module")
def world(platform: Standalone) -> World:
    return world_of(platform)


@pytest.fixture(scope="module")
def cookies(browser: Browser, platform: Standalone) -> Mapping[Role | None, dict[str, Any]]:
    """With which each role comes who has signed in elsewhere, by what Playwright calls them."""
    kept: dict[Role | None, dict[str, Any]] = {None: {}}
    for role in ROLES:
        if role:
            with visiting(browser, platform.url, **PHONE) as visitor:
                visitor.be(role)
                kept[role] = {"storage_state": {"cookies": visitor.page.context.cookies(), "origins": []}}
    return kept


def test_every_page_is_on_the_tour() -> None:
    assert set(routes()) == PAGES.keys() | NO_PAGE.keys()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", ROLES)
def test_axe_finds_nothing_grave(examined: Visitor, world: World, role: Role | None, language: str) -> None:
    found: dict[str, list[str]] = {}
    if role:
        examined.be(role)
    for page in PAGES.values():
        if page.role == role:
            path = page.path(world)
            examined.open(f"{path}?lang={language}")
            assert examined.page.locator("html").get_attribute("lang") == language
            found[path] = examined.grave_faults()
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_is_wider_than_a_phone(
    browser: Browser, platform: Standalone, cookies: Mapping[Role | None, dict[str, Any]], world: World, language: str
) -> None:
    """What is wider by its nature, such as a driver's sheet, scrolls by itself."""
    wide: dict[str, int] = {}
    for role in ROLES:
        with visiting(browser, platform.url, **cookies[role], **PHONE) as visitor:
            for page in PAGES.values():
                if page.role == role:
                    path = page.path(world)
                    visitor.open(f"{path}?lang={language}")
                    wide[path] = visitor.page.evaluate("document.documentElement.scrollWidth")
    assert {path: width_px for path, width_px in wide.items() if width_px > PHONE["viewport"]["width"]} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_grave_on_what_is_shown_once_or_refused(
    examined: Visitor, platform: Standalone, language: str
) -> None:
    """Pages that only a form leads to, or a mistake."""
    examined.open(f"/sign-in?lang={language}")
    examined.page.locator("input[name=phone]").fill("13900001111" if language == "en" else "13900002222")
    examined.page.locator("form[action='/sign-in'] button").click()
    expect(examined.page.locator("input[name=code]")).to_be_visible()
    assert examined.grave_faults() == [], "the code"
    examined.page.goto(f"{examined.url}/nowhere?lang={language}")
    assert examined.grave_faults() == [], "no such page"
    examined.be("platform")
    examined.page.goto(f"{examined.url}/farm?lang={language}")
    assert examined.grave_faults() == [], "another role's"
    examined.open(f"/partner?lang={language}")
    examined.page.locator("form[action='/partner/keys'] button").click()
    expect(examined.page.locator("#client-id")).to_be_visible()
    assert examined.grave_faults() == [], "a secret"
    examined.open(f"/orders/new?lang={language}")
    for name, value in (("what", "?"), ("quantity", "x"), ("ceiling", "x"), ("to", "鼓楼")):
        examined.page.locator(f"input[name={name}]").fill(value)
    examined.page.locator("main form button").click()
    expect(examined.page.locator("[aria-invalid]").first).to_be_visible()
    assert examined.grave_faults() == [], "a form that was refused"


@pytest.mark.parametrize("route", [route for route, page in PAGES.items() if not page.has_charts])
def test_a_page_without_charts_is_under_100_kb_with_all_that_it_loads(
    browser: Browser, platform: Standalone, cookies: Mapping[Role | None, dict[str, Any]], world: World, route: str
) -> None:
    """By somebody who was never here: nothing is kept yet. What the app on a phone keeps beside it for when there is
    no signal is fetched behind it."""
    page = PAGES[route]
    with visiting(browser, platform.url, service_workers="block", **cookies[page.role], **PHONE) as visitor:
        took_b = counted(visitor)
        visitor.open(page.path(world))
        visitor.page.wait_for_load_state("networkidle" if "/board/" not in route else "load")
        visitor.page.wait_for_timeout(300)
        assert 0 < sum(took_b.values()) < MOST_B, took_b


def counted(visitor: Visitor) -> dict[str, int]:
    """Bytes as they travel, heads included, by address; it fills itself while pages load."""
    session, addresses = visitor.page.context.new_cdp_session(visitor.page), {}
    took_b: dict[str, int] = {}

    def began(told: dict[str, Any]) -> None:
        addresses[told["requestId"]] = told["request"]["url"]

    def came(told: dict[str, Any]) -> None:
        address = addresses[told["requestId"]]
        took_b[address] = took_b.get(address, 0) + int(told["encodedDataLength"])

    session.on("Network.requestWillBeSent", began)
    session.on("Network.loadingFinished", came)
    session.send("Network.enable")
    return took_b
