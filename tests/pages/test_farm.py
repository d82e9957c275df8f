"""A farmer with a phone: posting, what became of it, no signal and back, without JavaScript, in both languages."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Browser, Route, expect

from tests.pages.farming import (
    WHERE_A_LOT_IS,
    buyer,
    farmer,
    fill,
    forget_the_signal,
    lots_of,
    offered,
    post,
    ready_for_no_signal,
    waiting,
    wanted,
)
from tests.pages.support import PHONE, Visitor, visiting
from tests.services.listing.photos.test_api import picture
from tests.system.conftest import Standalone, until

__all__ = ["buyer", "farmer"]


def test_strawberries_are_posted_with_a_photo_in_four_fields_and_seen_matched_by_both_sides(
    phone: Visitor, farmer: httpx.Client, buyer: httpx.Client
) -> None:
    order = wanted(buyer, "strawberry")
    phone.be("producer")
    phone.page.get_by_role("link", name="发布一批货").first.click()
    form = phone.page.locator("#lot")
    assert form.locator("[required]").count() == 4
    fill(phone.page, "草莓")
    expect(phone.page.locator("#life")).to_contain_text("冷藏")
    phone.page.locator("#photo").set_input_files(
        {"name": "strawberries.jpg", "mimeType": "image/jpeg", "buffer": picture()}
    )
    expect(phone.page.locator("#preview")).to_be_visible()
    post(phone.page)
    phone.page.wait_for_url(WHERE_A_LOT_IS)
    expect(phone.page.locator("#live")).to_contain_text("已成交", timeout=20_000)
    (lot,) = lots_of(farmer, "strawberry")
    assert len(farmer.get(f"/v1/listings/{lot['id']}/photos").json()["items"]) == 1
    feed = buyer.get("/v1/feed/matches", params={"limit": 500}).json()["items"]
    assert [each["match"]["listing_id"] for each in feed if each["match"]["order_id"] == order["id"]] == [lot["id"]]
    phone.open("/farm")
    expect(phone.page.locator("a.lot", has_text="草莓")).to_contain_text("已售 300")


def test_a_post_without_a_signal_waits_on_the_phone_and_is_sent_once_when_it_is_back(
    phone: Visitor, farmer: httpx.Client
) -> None:
    ready_for_no_signal(phone)
    phone.page.context.set_offline(True)
    phone.open("/farm/new")
    fill(phone.page, "生姜", kg="500", yuan="9")
    phone.page.locator("#photo").set_input_files({"name": "ginger.jpg", "mimeType": "image/jpeg", "buffer": picture()})
    post(phone.page)
    expect(phone.page.locator("#kept")).to_be_visible()
    phone.page.get_by_role("link", name="看我的供应").click()
    expect(waiting(phone)).to_have_count(1)
    expect(waiting(phone)).to_contain_text("等信号")
    assert lots_of(farmer, "ginger") == []
    phone.page.context.set_offline(False)
    expect(phone.page.locator("a.lot", has_text="生姜")).to_be_visible()
    expect(waiting(phone)).to_have_count(0)
    (lot,) = lots_of(farmer, "ginger")
    assert (lot["quantity_kg"], lot["min_price_fen_per_kg"]) == (500, 900)
    assert lot["available_from"] < lot["created_at"], "it is there from when it was filled in"
    assert len(farmer.get(f"/v1/listings/{lot['id']}/photos").json()["items"]) == 1
    forget_the_signal(phone)


def test_an_answer_that_is_lost_on_the_way_doubles_nothing(
    browser: Browser, platform: Standalone, farmer: httpx.Client
) -> None:
    arrived: list[int] = []

    def lose_the_answer(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        arrived.append(route.fetch().status)
        return route.abort() if len(arrived) == 1 else route.continue_()

    # without the service worker, whose own tries no route sees
    with visiting(browser, platform.url, service_workers="block", **PHONE) as visitor:
        visitor.be("producer")
        visitor.open("/farm/new")
        visitor.page.context.route("**/farm/queue", lose_the_answer)
        fill(visitor.page, "石榴")
        post(visitor.page)
        expect(visitor.page.locator("#kept")).to_be_visible()
        (first,) = lots_of(farmer, "pomegranate")
        visitor.open("/farm")  # opening a page tries again
        expect(visitor.page.locator("a.lot", has_text="石榴")).to_have_count(1)
        expect(waiting(visitor)).to_have_count(0)
    assert arrived == [201, 201], "it was sent again"
    assert [each["id"] for each in lots_of(farmer, "pomegranate")] == [first["id"]]


def test_a_tab_that_is_killed_in_the_midst_loses_nothing_and_two_tabs_double_nothing(
    phone: Visitor, farmer: httpx.Client
) -> None:
    ready_for_no_signal(phone)
    context = phone.page.context
    context.set_offline(True)
    phone.open("/farm/new")
    fill(phone.page, "桃子")
    post(phone.page)
    expect(phone.page.locator("#kept")).to_be_visible()
    phone.page.close()
    phone.page, other = context.new_page(), context.new_page()
    for tab in (phone.page, other):
        tab.goto(phone.url + "/farm")
        expect(tab.locator("#waiting-lots > li")).to_have_count(1)
    context.set_offline(False)
    for tab in (phone.page, other):
        expect(tab.locator("#waiting-lots > li")).to_have_count(0)
    assert len(lots_of(farmer, "peach")) == 1
    forget_the_signal(phone)


def test_what_is_refused_is_kept_with_its_faults_and_mended(phone: Visitor, farmer: httpx.Client) -> None:
    phone.be("producer")
    phone.open("/farm/new")
    fill(phone.page, "梨", place="鼓楼区")
    post(phone.page)
    expect(phone.page.locator("#place")).to_have_attribute("aria-invalid", "true")
    expect(phone.page.locator("#place")).to_have_attribute("aria-describedby", "place-hint place-fault")
    assert lots_of(farmer, "pear") == []
    phone.open("/farm")
    expect(waiting(phone)).to_contain_text("需要修改")
    phone.page.get_by_role("link", name="修改").click()
    expect(phone.page.locator("#quantity")).to_have_value("1200")
    phone.page.get_by_role("button", name="江苏省南京市鼓楼区").click()
    expect(phone.page.locator("#place")).to_have_attribute("aria-describedby", "place-hint")
    post(phone.page)
    phone.page.wait_for_url(WHERE_A_LOT_IS)
    assert [each["origin"]["adcode"] for each in lots_of(farmer, "pear")] == ["320106"]
    phone.open("/farm")
    expect(waiting(phone)).to_have_count(0)
    forget_the_signal(phone)


def test_signing_out_asks_while_lots_wait_and_another_account_never_sends_them(
    phone: Visitor, farmer: httpx.Client
) -> None:
    ready_for_no_signal(phone)
    phone.page.context.set_offline(True)
    phone.open("/farm/new")
    fill(phone.page, "李子")
    post(phone.page)
    expect(phone.page.locator("#kept")).to_be_visible()
    phone.page.get_by_role("button", name="退出").click()
    expect(phone.page.locator("#leave")).to_contain_text("1")
    phone.page.get_by_role("button", name="先不退出").click()
    # the session ends without a word to the phone, and somebody else signs in on it
    phone.page.context.clear_cookies()
    phone.page.context.set_offline(False)
    phone.be("agent")
    phone.open("/farm")
    expect(phone.page.locator("#waiting-others")).to_contain_text("1")
    expect(phone.page.locator("#try-now")).to_be_hidden()
    phone.page.evaluate("duijieQueue.send()")
    expect(waiting(phone)).to_have_count(0)
    assert lots_of(farmer, "plum") == []
    phone.be("producer")
    expect(phone.page.locator("a.lot", has_text="李子")).to_be_visible()  # sent by itself where signing in leads
    assert len(lots_of(farmer, "plum")) == 1
    phone.open("/farm/new")
    fill(phone.page, "李子", place="不存在的县")
    post(phone.page)
    expect(phone.page.locator("#place")).to_have_attribute("aria-invalid", "true")
    phone.page.get_by_role("button", name="退出").click()
    phone.page.get_by_role("button", name="删除并退出").click()
    expect(phone.page.get_by_role("link", name="登录").first).to_be_visible()
    assert phone.page.evaluate("caches.match('/farm').then(Boolean)") is False
    phone.be("producer")
    expect(phone.page.get_by_role("link", name="发布一批货").first).to_be_visible()
    assert phone.page.evaluate("duijieQueue.all()") == []
    forget_the_signal(phone)


def test_signing_out_without_a_signal_deletes_nothing_and_says_so(phone: Visitor, farmer: httpx.Client) -> None:
    ready_for_no_signal(phone)
    phone.page.context.set_offline(True)
    phone.open("/farm/new")
    fill(phone.page, "茄子")
    post(phone.page)
    expect(phone.page.locator("#kept")).to_be_visible()
    phone.page.get_by_role("button", name="退出").click()
    phone.page.get_by_role("button", name="删除并退出").click()
    expect(phone.page.locator("#not-left")).to_contain_text("什么都没有删除")
    phone.page.get_by_role("button", name="知道了").click()
    assert phone.page.evaluate("caches.match('/farm').then(Boolean)") is True
    phone.page.context.set_offline(False)
    phone.open("/farm")
    expect(phone.page.locator("a.lot", has_text="茄子")).to_be_visible()
    assert len(lots_of(farmer, "eggplant")) == 1
    phone.page.context.set_offline(True)
    phone.page.get_by_role("button", name="退出").click()  # nothing waits any more, and still one hears of it
    expect(phone.page.locator("#not-left")).to_be_visible()
    phone.page.get_by_role("button", name="知道了").click()
    phone.page.context.set_offline(False)
    phone.page.get_by_role("button", name="退出").click()
    expect(phone.page.get_by_role("link", name="登录").first).to_be_visible()
    assert phone.page.evaluate("caches.match('/farm').then(Boolean)") is False
    forget_the_signal(phone)


def test_my_lots_that_were_read_before_one_arrived_are_read_again_and_once(
    browser: Browser, platform: Standalone, farmer: httpx.Client
) -> None:
    asked: list[str] = []

    def answer_late(route: Route) -> None:
        asked.append(route.request.url)
        return route.fulfill(body=before, content_type="text/html") if len(asked) == 1 else route.continue_()

    # without the service worker, whose own tries no route sees
    with visiting(browser, platform.url, service_workers="block", **PHONE) as visitor:
        visitor.be("producer")
        visitor.open("/farm/new")
        context = visitor.page.context
        context.route("**/farm/queue", lambda route: route.abort())
        fill(visitor.page, "山药")
        post(visitor.page)
        expect(visitor.page.locator("#kept")).to_be_visible()
        before = context.request.get(f"{platform.url}/farm").text()
        context.unroute("**/farm/queue")
        assert visitor.page.evaluate("duijieQueue.send()")["state"] == "sent"
        assert len(lots_of(farmer, "yam")) == 1
        context.route("**/farm", answer_late)
        visitor.open("/farm")
        expect(visitor.page.locator("a.lot", has_text="山药")).to_be_visible()
        visitor.open("/board")
        asked[:] = []
        visitor.open("/farm")  # as old as before, such as a copy that was kept
        visitor.page.wait_for_timeout(1000)
    assert len(asked) == 1


def test_a_wrong_clock_and_a_photo_that_is_none_keep_no_lot_from_the_market(
    phone: Visitor, farmer: httpx.Client
) -> None:
    phone.be("producer")
    phone.page.clock.set_fixed_time(datetime.now(UTC) + timedelta(days=1))
    phone.open("/farm/new")
    fill(phone.page, "黄瓜")
    phone.page.locator("#photo").set_input_files({"name": "a.jpg", "mimeType": "image/jpeg", "buffer": b"no photo"})
    post(phone.page)
    phone.page.wait_for_url("**/farm/listings/*?photo=refused")
    expect(phone.page.get_by_role("status").first).to_contain_text("照片没能收下")
    (lot,) = lots_of(farmer, "cucumber")
    assert lot["available_from"] <= lot["created_at"]
    phone.open("/farm")
    expect(waiting(phone)).to_have_count(0)
    forget_the_signal(phone)


def test_what_would_move_a_lot_is_one_tap_and_changes_its_price(
    phone: Visitor, farmer: httpx.Client, buyer: httpx.Client
) -> None:
    listing_id = offered(farmer, "grape", min_price_fen_per_kg=2000)
    wanted(buyer, "grape", max_price_fen_per_kg=1500)
    explanation = f"/v1/listings/{listing_id}/explanation"
    until(lambda: farmer.get(explanation).json()["cheapest_fix"] is not None, 30)
    phone.be("producer")
    phone.open(f"/farm/listings/{listing_id}")
    phone.page.get_by_role("button", name="底价降到").click()
    expect(phone.page.locator("#live")).to_contain_text("已成交", timeout=20_000)
    lot = farmer.get(f"/v1/listings/{listing_id}").json()
    assert lot["min_price_fen_per_kg"] < 1500
    assert lot["version"] == 2


@pytest.mark.parametrize(("answer", "status"), [("同意", "agreed"), ("谢绝", "released")])
def test_a_match_is_agreed_to_or_declined_without_javascript(
    browser: Browser, platform: Standalone, farmer: httpx.Client, buyer: httpx.Client, answer: str, status: str
) -> None:
    produce = {"agreed": "kiwifruit", "released": "mango"}[status]
    listing_id = offered(farmer, produce, auto_agree=False)
    wanted(buyer, produce)
    until(lambda: farmer.get("/v1/matches", params={"listing_id": listing_id}).json()["items"], 30)
    with visiting(browser, platform.url, java_script_enabled=False, **PHONE) as visitor:
        visitor.be("producer")
        card = visitor.page.locator(f'li.card:has(a[href^="/farm/listings/{listing_id}"]):has(form)')
        if answer == "谢绝":
            card.locator("summary").click()
        card.get_by_role("button", name=answer).click()
        visitor.page.wait_for_url(WHERE_A_LOT_IS)
    (match,) = farmer.get("/v1/matches", params={"listing_id": listing_id}).json()["items"]
    assert match["status"] == status


def test_a_lot_is_posted_without_javascript_after_choosing_which_county_was_meant(
    browser: Browser, platform: Standalone, farmer: httpx.Client
) -> None:
    with visiting(browser, platform.url, java_script_enabled=False, **PHONE) as visitor:
        visitor.be("producer")
        visitor.open("/farm/new")
        fill(visitor.page, "柠檬", place="鼓楼区")
        post(visitor.page)
        visitor.page.get_by_label("江苏省南京市鼓楼区").check()
        post(visitor.page)
        visitor.page.wait_for_url(WHERE_A_LOT_IS)
    (lot,) = lots_of(farmer, "lemon")
    assert lot["origin"]["adcode"] == "320106"


def test_the_phone_finds_the_nearest_county_by_itself(browser: Browser, platform: Standalone) -> None:
    here = {"latitude": 33.71, "longitude": 118.68}
    with visiting(browser, platform.url, geolocation=here, permissions=["geolocation"], **PHONE) as visitor:
        asked: list[str] = []
        visitor.page.on("request", lambda request: asked.append(request.url + (request.post_data or "")))
        visitor.be("producer")
        visitor.open("/farm/new")
        visitor.page.locator("#place").fill("")
        visitor.page.get_by_role("button", name="用我现在的位置").click()
        expect(visitor.page.locator("#place")).to_have_value("江苏省宿迁市泗阳县")
        assert not any("33.7" in each or "118.6" in each for each in asked), "where one is does not leave the phone"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_axe_finds_nothing_grave_on_a_farmers_pages(examined: Visitor, farmer: httpx.Client, language: str) -> None:
    listing_id = offered(farmer, "papaya", story="…")
    examined.be("producer")
    for path in ("/farm", "/farm/new", f"/farm/listings/{listing_id}"):
        examined.open(f"{path}?lang={language}")
        assert examined.page.locator("html").get_attribute("lang") == language
        assert examined.grave_faults() == [], path


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_axe_finds_nothing_grave_on_a_form_that_was_refused(examined: Visitor, language: str) -> None:
    examined.be("producer")
    examined.open(f"/farm/new?lang={language}")
    fill(examined.page, "papaya", place="鼓楼区")
    examined.page.locator("form#lot button.primary").click()
    expect(examined.page.locator("#place-fault")).to_be_visible()
    assert examined.grave_faults() == []
