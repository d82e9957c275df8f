"""The public board in a browser, and whoever orders from it: found, ordered by phone, matched, seen by everyone."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import segno
from playwright.sync_api import Browser, Page, Route, expect

from contracts.accounts import Role
from tests.pages.farming import forget_the_signal
from tests.pages.support import ACCOUNTS, PHONE, Visitor, visiting
from tests.system.conftest import Standalone, until

TO = "南京玄武"


@dataclass
class Market:
    """A farmer and a buyer who work through the API."""

    farmer: httpx.Client
    buyer: httpx.Client

    def post(self, produce: str, **more: Any) -> str:
        """The id of a new lot of Siyang, once the market knows it."""
        lot = {
            "produce": produce,
            "quantity_kg": 1000,
            "min_price_fen_per_kg": 1600,
            "origin": {"adcode": "321323"},
            "best_before": (datetime.now(UTC) + timedelta(hours=90)).isoformat(),
            **more,
        }
        posted = self.farmer.post("/v1/listings", json=lot)
        assert posted.status_code == 201, posted.text
        listing_id: str = posted.json()["id"]
        until(lambda: self.farmer.get(f"/v1/listings/{listing_id}/explanation").json()["state"] != "pending", 20)
        return listing_id

    def order(self, produce: str, **more: Any) -> str:
        order = {
            "produce": produce,
            "quantity_kg": 40,
            "max_price_fen_per_kg": 2600,
            "destination": {"adcode": "320102"},
            **more,
        }
        placed = self.buyer.post("/v1/orders", json=order)
        assert placed.status_code == 201, placed.text
        order_id: str = placed.json()["id"]
        return order_id


@pytest.fixture(scope="module")
def market(platform: Standalone) -> Iterator[Market]:
    def caller(role: Role) -> httpx.Client:
        with ThreadPoolExecutor(1) as elsewhere:  # this thread has Playwright's event loop
            return elsewhere.submit(platform.caller, role, ACCOUNTS[role]).result()

    with caller("producer") as farmer, caller("citizen") as buyer:
        yield Market(farmer, buyer)


def order_by_phone(page: Page, platform: Standalone, quantity: str) -> str:
    """From a lot's page on, as somebody new; the phone that it was."""
    phone = f"139{uuid4().int % 10**8:08}"
    page.get_by_label("要多少").fill(quantity)
    page.get_by_label("送到哪里").fill(TO)
    page.get_by_label("手机号").fill(phone)
    page.get_by_role("button", name="下一步").click()
    if page.locator("input[name=code]").count() == 0:  # without a script the price is worked out by this
        expect(page.get_by_label("最高价（含运费）")).not_to_have_value("")
        page.get_by_role("button", name="下一步").click()
    page.get_by_label("六位验证码").fill(platform.next_code(phone))
    assert phone not in page.url
    page.get_by_role("button", name="确认下单").click()
    page.wait_for_url("**/orders/*")
    return phone


def streams_asked(page: Page) -> list[str]:
    """The streams that the page asks for from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/stream") else None)
    return asked


def test_somebody_new_finds_a_lot_orders_by_phone_and_sees_it_matched(
    phone: Visitor, platform: Standalone, market: Market
) -> None:
    lot = market.post("blueberry", variety="红颜", story="今早采的")
    phone.open("/board")
    phone.page.get_by_label("查找").fill("蓝莓")
    phone.page.get_by_role("button", name="查找").click()
    phone.page.locator(f'a[href*="{lot}"]').click()
    expect(phone.page.get_by_text("今早采的")).to_be_visible()
    phone.page.get_by_label("送到哪里").fill(TO)
    phone.page.get_by_label("要多少").click()
    expect(phone.page.get_by_label("最高价（含运费）")).to_have_value(re.compile(r"16\.[678]0"))
    order_by_phone(phone.page, platform, "20.5")
    expect(phone.page.get_by_text("已满足")).to_be_visible(timeout=20_000)
    expect(phone.page.get_by_text("20.5 公斤").first).to_be_visible()
    assert market.farmer.get(f"/v1/listings/{lot}").json()["agreed_kg"] == 20.5
    phone.page.get_by_role("link", name="我的求购").first.click()
    expect(phone.page.locator("a.order")).to_have_count(1)


def test_the_price_to_a_place_that_was_typed_before_the_scripts_came_is_worked_out(
    phone: Visitor, market: Market
) -> None:
    lot = market.post("pumpkin")
    held: list[Route] = []
    phone.page.route("**/vendor/htmx*", lambda route: held.append(route))  # noqa: PLW0108 (it wants a function)
    phone.page.goto(f"{phone.url}/board/{lot}?lang=zh-CN", wait_until="commit")
    phone.page.get_by_label("送到哪里").fill(TO)
    phone.page.get_by_label("要多少").click()
    expect(phone.page.get_by_label("最高价（含运费）")).to_have_value("")
    assert len(held) == 1
    held[0].continue_()
    expect(phone.page.get_by_label("最高价（含运费）")).to_have_value(re.compile(r"16\.[678]0"))


def test_the_price_to_a_place_that_was_chosen_before_the_scripts_came_is_worked_out(
    phone: Visitor, market: Market
) -> None:
    lot = market.post("okra")
    phone.open(f"/board/{lot}?lang=zh-CN")
    held: list[Route] = []
    phone.page.route("**/vendor/htmx*", lambda route: held.append(route))  # noqa: PLW0108 (it wants a function)
    for label, typed in (("要多少", "5"), ("送到哪里", "鼓楼"), ("手机号", "13700000001")):
        phone.page.get_by_label(label).fill(typed)
    phone.page.locator("#order form").evaluate("form => form.requestSubmit()")
    phone.page.get_by_label("江苏省南京市鼓楼区").check()
    assert len(held) == 1
    expect(phone.page.get_by_label("最高价（含运费）")).to_have_value("")
    held[0].continue_()
    expect(phone.page.get_by_label("最高价（含运费）")).to_have_value(re.compile(r"16\.[678]0"))
    forget_the_signal(phone)  # the form that was refused


def test_the_counter_goes_on_for_who_comes_back_by_the_browsers_button_and_after_it_was_refused(
    desk: Visitor, market: Market
) -> None:
    lot = market.post("persimmon")
    desk.page.clock.install(time=datetime.now(UTC))
    desk.page.route("**/stream", lambda route: route.fulfill(status=503), times=1)
    desk.open(f"/board/{lot}?lang=zh-CN")
    live = desk.page.locator("#live")
    expect(live).to_be_hidden()
    until(lambda: _is_live_a_minute_later(desk.page), 20)
    desk.page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    expect(live).to_be_hidden()
    desk.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(live).to_be_visible()
    forget_the_signal(desk)  # the refusal


def _is_live_a_minute_later(page: Page) -> bool:
    """The page may have begun to wait only after a minute was gone: so it is asked again."""
    page.clock.fast_forward(61_000)
    page.wait_for_timeout(1000)
    return page.locator("#live").is_visible()


def test_a_counter_whose_lot_was_closed_while_it_was_away_says_so_and_asks_no_more(
    desk: Visitor, market: Market
) -> None:
    lot = market.post("fennel")
    desk.page.clock.install(time=datetime.now(UTC))
    desk.page.route("**/stream", lambda route: route.fulfill(status=503), times=1)
    with desk.page.expect_response(f"**/v1/board/{lot}"):
        desk.open(f"/board/{lot}?lang=zh-CN")
    expect(desk.page.locator("#closed")).to_be_hidden()
    assert market.farmer.post(f"/v1/listings/{lot}/withdraw").is_success
    until(lambda: market.farmer.get(f"/v1/board/{lot}").status_code == 404, 20)
    asked = streams_asked(desk.page)
    desk.page.clock.fast_forward(61_000)
    expect(desk.page.locator("#closed")).to_be_visible()
    desk.page.clock.fast_forward(86_400_000)
    desk.page.wait_for_timeout(200)
    assert len(asked) == 1
    forget_the_signal(desk)  # the refusals


def test_a_counter_that_is_refused_again_and_again_asks_ever_less_and_ends_until_somebody_comes_back(
    desk: Visitor, market: Market
) -> None:
    lot = market.post("parsnip")
    desk.page.clock.install(time=datetime.now(UTC))
    desk.page.route("**/stream", lambda route: route.fulfill(status=503))
    asked = streams_asked(desk.page)
    with desk.page.expect_response(f"**/v1/board/{lot}"):
        desk.open(f"/board/{lot}?lang=zh-CN")
    for minutes in (1, 2, 4, 8, 16, 32):
        before = len(asked)
        desk.page.clock.fast_forward(minutes * 60_000 - 20_000)
        desk.page.wait_for_timeout(200)
        assert len(asked) == before
        with desk.page.expect_response(f"**/v1/board/{lot}"):
            desk.page.clock.fast_forward(20_000)
        desk.page.wait_for_timeout(200)
    desk.page.clock.fast_forward(86_400_000)
    desk.page.wait_for_timeout(200)
    assert len(asked) == 7
    expect(desk.page.locator("#closed")).to_be_hidden()
    with desk.page.expect_request("**/stream"):
        desk.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    forget_the_signal(desk)  # the refusals


@pytest.mark.parametrize(("language", "keeps"), [("zh-CN", "还能放 3 天 18 小时"), ("en", "Keeps 3 d 18 h")])
def test_the_counter_moves_when_somebody_buys_and_nobody_reloads(
    desk: Visitor, market: Market, language: str, keeps: str
) -> None:
    lot = market.post("garlic")
    desk.open(f"/board/{lot}?lang={language}")
    expect(desk.page.locator("#live")).to_be_visible()
    expect(desk.page.locator("#remaining")).to_have_text("1,000")
    desk.page.evaluate("window.stayed = true; document.querySelector('#keeps .badge').textContent = ''")
    market.order("garlic", quantity_kg=40.5, listing_id=lot)
    expect(desk.page.locator("#remaining")).to_have_text("959.5", timeout=20_000)
    expect(desk.page.locator("#sold")).to_have_text("40.5")
    expect(desk.page.locator("#keeps .badge.good")).to_have_text(keeps)
    assert desk.page.evaluate("window.stayed && document.getElementById('meter').value") == 40.5


def test_all_of_it_works_without_javascript(browser: Browser, platform: Standalone, market: Market) -> None:
    lot = market.post("apple")
    with visiting(browser, platform.url, java_script_enabled=False, **PHONE) as visitor:
        visitor.open("/board?q=苹果&province=32&adcode=321323")
        visitor.page.locator(f'a[href*="{lot}"]').click()
        order_by_phone(visitor.page, platform, "20")
        for _ in range(20):
            if visitor.page.get_by_text("已满足").count():
                break
            visitor.page.wait_for_timeout(500)
            visitor.page.reload()
        expect(visitor.page.get_by_text("已满足")).to_be_visible()


def test_a_buyer_reads_why_it_is_not_met_mends_it_with_one_tap_and_agrees(phone: Visitor, market: Market) -> None:
    lot = market.post("orange")
    order = market.order("orange", max_price_fen_per_kg=900, auto_agree=False, listing_id=lot)
    phone.be("citizen")
    phone.open(f"/orders/{order}")
    fix = phone.page.get_by_role("button", name=re.compile("最高价改为"))
    expect(fix).to_be_visible(timeout=20_000)
    fix.click()
    agree = phone.page.get_by_role("button", name="同意")
    expect(agree).to_be_visible(timeout=20_000)
    agree.click()
    expect(phone.page.get_by_text("已满足")).to_be_visible(timeout=20_000)
    expect(agree).to_have_count(0)


def test_a_buyer_places_changes_and_cancels_an_order(desk: Visitor, market: Market) -> None:
    desk.be("citizen")
    desk.open("/orders/new?lang=en")
    desk.page.get_by_label("What").fill("Broccoli")
    desk.page.get_by_label("How much").fill("30")
    desk.page.get_by_label("Highest price").fill("5.50")
    desk.page.get_by_label("Where to").fill("鼓楼")
    desk.page.get_by_role("button", name="Place the order").click()
    desk.page.get_by_label("江苏省南京市鼓楼区").check()
    desk.page.get_by_role("button", name="Place the order").click()
    desk.page.get_by_text("Change quantity or price").click()
    desk.page.get_by_label("How much").fill("25")
    desk.page.get_by_role("button", name="Save").click()
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("Broccoli · 25 kg")
    desk.page.get_by_text("Cancel the order").click()
    desk.page.get_by_role("button", name="Yes, cancel it").click()
    expect(desk.page.get_by_text("cancelled").first).to_be_visible()
    assert market.buyer.get("/v1/orders?produce=broccoli").json()["items"][0]["status"] == "cancelled"
    assert [each for each in desk.complaints if "422" not in each] == []
    desk.complaints.clear()  # the browser tells a 422 on its console


def test_a_county_is_shared_by_a_code_of_its_address(desk: Visitor, market: Market) -> None:
    market.post("cabbage")
    desk.open("/counties/321323")
    expect(desk.page.get_by_role("heading", level=1)).to_have_text("泗阳县")
    address = f"{desk.url}/counties/321323"
    expect(desk.page.get_by_label("地址")).to_have_value(address)
    (drawn,) = re.findall(r'<path class="qrline"[^>]* d="([^"]*)"', desk.page.locator(".qr").inner_html())
    assert f'd="{drawn}"' in segno.make(address, micro=False).svg_inline(omitsize=True, border=2)

    def shown_is_told() -> bool:
        """Figures are at most two seconds old, on the page as well."""
        desk.page.reload()
        told = httpx.get(f"{desk.url}/v1/board/summary?adcode=321323", trust_env=False).json()
        return desk.page.locator("dl.stats dd").first.inner_text() == f"{told['lots']}"

    until(shown_is_told, within_s=10)


def test_a_board_of_fifty_photos_loads_for_who_has_no_account(
    browser: Browser, platform: Standalone, market: Market
) -> None:
    dot = bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc00000030101"
        "00c9fe92ef0000000049454e44ae426082"
    )
    lot = market.post("tomato")
    photo = market.farmer.post(f"/v1/listings/{lot}/photos", files={"photo": ("a.png", dot)})
    assert photo.status_code == 201
    with visiting(browser, platform.url, **PHONE) as visitor:
        visitor.open(f"/board/{lot}")
        expect(visitor.page.locator(".photos img")).to_have_js_property("naturalWidth", 1)
        loaded = visitor.page.evaluate(
            """async (address) => {
                const asked = [...Array(50)].map(() => fetch(`${address}?size=thumbnail`, { cache: "no-store" }));
                return (await Promise.all(asked)).map((answer) => answer.status);
            }""",
            f"/v1/board/{lot}/photos/{photo.json()['id']}",
        )
        assert loaded == [200] * 50
        visitor.open("/board")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_axe_finds_nothing_grave(examined: Visitor, market: Market, language: str) -> None:
    lot = market.post("potato")
    waiting = market.order("potato", auto_agree=False, listing_id=lot)
    until(lambda: market.buyer.get(f"/v1/orders/{waiting}").json()["held_kg"], 20)
    for path in ("/board", f"/board/{lot}?to=鼓楼&quantity=2", f"/board/{lot}?to={TO}", "/counties/321323"):
        examined.open(f"{path}{'&' if '?' in path else '?'}lang={language}")
        assert examined.grave_faults() == [], path
    examined.be("citizen")
    for path in ("/orders", "/orders/new", f"/orders/{waiting}", "/account"):
        examined.open(f"{path}?lang={language}")
        assert examined.grave_faults() == [], path
