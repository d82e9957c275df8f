"""What changes by itself on the page of a lot or of an order: not under somebody's hands, and not without a session."""

from datetime import UTC, datetime

import httpx
from playwright.sync_api import expect

from tests.pages.farming import buyer, farmer, forget_the_signal, offered, wanted
from tests.pages.support import Visitor
from tests.system.conftest import until

__all__ = ["buyer", "farmer"]

AGREE = "document.querySelector('#live form[action$=agree]')"
SUBMIT = "new Event('submit', { bubbles: true })"


def test_what_is_being_typed_on_a_lots_page_stays_though_the_page_asks_anew(
    phone: Visitor, farmer: httpx.Client, buyer: httpx.Client
) -> None:
    listing_id = offered(farmer, "nectarine", auto_agree=False)
    wanted(buyer, "nectarine")
    until(lambda: farmer.get("/v1/matches", params={"listing_id": listing_id}).json()["items"], 30)
    phone.be("producer")
    phone.open(f"/farm/listings/{listing_id}?done=edit")  # asks every two seconds
    phone.page.locator("#live summary").click()
    reason = phone.page.locator('input[name="reason"]')
    reason.fill("太便宜")
    for _ in range(2):
        with phone.page.expect_response("**/live?*") as answer:
            pass
        assert answer.value.status == 200
    phone.page.locator("h1").click()  # elsewhere: what was typed is there all the same
    with phone.page.expect_response("**/live?*"):
        pass
    expect(reason).to_have_value("太便宜")
    reason.fill("")
    phone.page.locator("h1").click()
    expect(phone.page.locator("#live details")).not_to_have_attribute("open", "")


def test_an_answer_that_is_on_its_way_is_not_sent_again_though_the_page_asks_anew(
    phone: Visitor, farmer: httpx.Client, buyer: httpx.Client
) -> None:
    listing_id = offered(farmer, "cherry", auto_agree=False)
    wanted(buyer, "cherry")
    until(lambda: farmer.get("/v1/matches", params={"listing_id": listing_id}).json()["items"], 30)
    phone.be("producer")
    phone.page.clock.install(time=datetime.now(UTC))
    phone.open(f"/farm/listings/{listing_id}?done=edit")  # asks every two seconds
    assert phone.page.evaluate(f"{AGREE}.isTheOld = {AGREE}.dispatchEvent({SUBMIT})"), "nothing of it goes anywhere"
    for later_ms in (0, 11_000):  # so long that it may be tried again, which must be the same request
        with phone.page.expect_response("**/live?*") as answer:
            phone.page.clock.fast_forward(later_ms)
        assert answer.value.status == 200
        phone.page.wait_for_timeout(500)
        assert phone.page.evaluate(f"{AGREE}.isTheOld")


def test_a_page_whose_session_has_ended_leads_to_signing_in(
    phone: Visitor, farmer: httpx.Client, buyer: httpx.Client
) -> None:
    listing_id, order = offered(farmer, "apricot"), wanted(buyer, "blackberry")
    scenes = (("producer", f"/farm/listings/{listing_id}?done=edit"), ("platform", f"/orders/{order['id']}"))
    for role, path in scenes:
        phone.be(role)
        phone.open(path)
        phone.page.context.clear_cookies()
        phone.page.wait_for_url("**/sign-in?next=*")
        expect(phone.page.locator("h1")).to_be_visible()
    forget_the_signal(phone)
