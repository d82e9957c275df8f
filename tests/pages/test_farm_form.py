"""The form of a new lot when what it waits for comes late, or in another order than it was asked for."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.pages.farming import fill, post
from tests.pages.support import PHONE, Visitor, visiting
from tests.services.listing.photos.test_api import picture
from tests.system.conftest import Standalone

SLOW = """() => {
  const real = createImageBitmap;
  globalThis.createImageBitmap = async (file) => {
    if (file.name === "slow.jpg") await new Promise((resolve) => { globalThis.letGo = resolve; });
    return real(file);
  };
}"""
SLOW_TO_SHOW = """() => {
  const real = createImageBitmap;
  globalThis.createImageBitmap = async (image) => {
    if (!(image instanceof File) && !globalThis.letGo) await new Promise((resolve) => { globalThis.letGo = resolve; });
    return real(image);
  };
}"""
WHEN_FOUND = "navigator.geolocation.getCurrentPosition = (found) => { globalThis.found = found; };"
FOUND = "found({ coords: { latitude: 33.71, longitude: 118.68 } })"
CAME_BACK = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
SETTLED_MS = 500


@pytest.fixture
def visitor(browser: Browser, platform: Standalone) -> Iterator[Visitor]:
    """At the form of a new lot, on a phone that finds where it is when the test says so."""
    with visiting(browser, platform.url, service_workers="block", **PHONE) as visitor:
        visitor.page.add_init_script(WHEN_FOUND)
        visitor.be("producer")
        visitor.open("/farm/new")
        yield visitor


def choose(visitor: Visitor, name: str, size: tuple[int, int]) -> None:
    file = {"name": name, "mimeType": "image/jpeg", "buffer": picture(size=size)}
    visitor.page.locator("#photo").set_input_files(file)


def test_of_two_photos_the_one_that_was_chosen_last_is_shown_however_long_the_first_takes(visitor: Visitor) -> None:
    visitor.page.evaluate(SLOW)
    choose(visitor, "slow.jpg", (40, 40))
    choose(visitor, "quick.jpg", (40, 20))
    preview = visitor.page.locator("#preview")
    expect(preview).to_have_js_property("height", 160)
    visitor.page.evaluate("letGo()")
    visitor.page.wait_for_timeout(SETTLED_MS)
    expect(preview).to_have_js_property("height", 160)


def test_of_two_photos_the_one_that_was_chosen_last_is_shown_however_long_the_first_takes_to_be_shown(
    visitor: Visitor,
) -> None:
    visitor.page.evaluate(SLOW_TO_SHOW)
    choose(visitor, "first.jpg", (40, 40))
    visitor.page.wait_for_function("Boolean(globalThis.letGo)")
    choose(visitor, "second.jpg", (40, 20))
    preview = visitor.page.locator("#preview")
    expect(preview).to_have_js_property("height", 160)
    visitor.page.evaluate("letGo()")
    visitor.page.wait_for_timeout(SETTLED_MS)
    expect(preview).to_have_js_property("height", 160)


def test_a_place_that_is_typed_while_the_phone_looks_where_it_is_stays(visitor: Visitor) -> None:
    place = visitor.page.locator("#place")
    place.fill("")
    visitor.page.locator("#here button").click()
    place.fill("沛县")
    visitor.page.evaluate(FOUND)
    expect(visitor.page.locator("#here small")).not_to_contain_text("正在定位")
    expect(place).to_have_value("沛县")


def test_a_phone_that_knows_where_it_is_but_not_what_counties_there_are_says_that_it_found_none(
    visitor: Visitor,
) -> None:
    visitor.page.route("**/farm/places.json*", lambda route: route.abort())
    visitor.page.locator("#here button").click()
    visitor.page.evaluate(FOUND)
    expect(visitor.page.locator("#here small")).to_contain_text("没能定位")


def test_counties_are_proposed_for_what_was_typed_last(visitor: Visitor) -> None:
    held: list[Route] = []
    visitor.page.route("**/farm/places.json*", lambda route: held.append(route))  # noqa: PLW0108 (it wants a function)
    for typed in ("泗阳", "沛县"):
        with visitor.page.expect_request("**/farm/places.json*"):
            visitor.page.locator("#place").fill(typed)
    first = visitor.page.locator("#places option").first
    for route in reversed(held):
        with visitor.page.expect_response("**/farm/places.json*"):
            route.continue_()
        visitor.page.wait_for_timeout(SETTLED_MS)
    expect(first).to_have_attribute("value", "江苏省徐州市沛县")


def test_who_comes_back_to_the_form_by_the_browsers_button_finds_a_form_and_no_note_of_what_was_sent(
    visitor: Visitor,
) -> None:
    held: list[Route] = []
    visitor.page.route("**/farm/listings/*", lambda route: route.fulfill(status=204))  # the page stays, as kept
    visitor.page.context.route(
        "**/farm/queue",
        lambda route: held.append(route) if route.request.method == "POST" else route.continue_(),
    )
    fill(visitor.page, "芦笋")
    post(visitor.page)
    expect(visitor.page.locator("#kept")).to_be_visible()
    answer: dict[str, Any] = {"status": 201, "json": {"id": "00000000-0000-0000-0000-000000000007"}}
    with visitor.page.expect_request("**/farm/listings/*"):
        held[0].fulfill(**answer)
    visitor.page.evaluate(CAME_BACK)
    expect(visitor.page.locator("#lot")).to_be_visible()


def test_who_comes_back_to_the_form_finds_no_note_of_what_another_tab_has_sent_meanwhile(visitor: Visitor) -> None:
    visitor.page.context.route("**/farm/queue", lambda route: route.abort())
    fill(visitor.page, "芦笋")
    post(visitor.page)
    expect(visitor.page.locator("#kept-waits")).to_be_visible()
    visitor.page.evaluate(CAME_BACK)
    visitor.page.wait_for_timeout(SETTLED_MS)
    expect(visitor.page.locator("#kept-waits")).to_be_visible()
    visitor.page.evaluate("duijieQueue.all().then(([lot]) => duijieQueue.drop(lot.key))")
    expect(visitor.page.locator("#kept-sent")).to_be_visible()
    visitor.page.evaluate(CAME_BACK)
    expect(visitor.page.locator("#lot")).to_be_visible()
    expect(visitor.page.locator("#kept")).to_be_hidden()
