"""Programmes, carriers and partners in the browser: the whole scenes, end to end."""

import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, expect

from contracts.accounts import Role
from tests.pages.support import DESK, PHONE, Visitor, visiting
from tests.pages.world import agreed, by, delivered, plan_of, programme, shipment_of, tomorrow_at_six, vehicle
from tests.system.conftest import Standalone, until

ORDINARY: dict[Role, tuple[str, ...]] = {
    "programme_officer": ("/programmes", "/programmes/new"),
    "carrier": ("/carrier", "/carrier/routes", "/carrier/vehicles", "/carrier/parcels", "/carrier/settlements"),
    "platform": ("/partner",),
}


class Sink(BaseHTTPRequestHandler):
    """A partner's server that takes all that comes."""

    came: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.came.append(self.headers["webhook-id"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def sink() -> Iterator[tuple[str, list[str]]]:
    came: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneSink", (Sink,), {"came": came}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", came
    finally:
        server.shutdown()
        server.server_close()


def test_an_officer_tops_up_another_approves_and_the_gauge_moves(phone: Visitor, platform: Standalone) -> None:
    fund = programme(platform, "江苏助农快递")
    phone.be("programme_officer")
    phone.open(f"/programmes/{fund['id']}")
    expect(phone.page.locator(".sum")).to_have_text("1,000.00")
    phone.page.locator("summary", has_text="追加预算").click()
    phone.page.get_by_label("追加", exact=True).fill("2500.50")
    phone.page.locator("form[action$='/topup'] button").click()
    expect(phone.page.get_by_text("这是您自己提出的")).to_be_visible()
    expect(phone.page.get_by_role("button", name="批准")).to_have_count(0)
    with by(platform, "programme_officer", "Another officer") as other:
        (asked,) = other.get(f"/v1/programmes/{fund['id']}/approvals").json()["items"]
        path = f"/v1/programmes/{fund['id']}/approvals/{asked['approval_id']}"
        assert other.post(path, json={"decision": "approve"}).status_code == 200
    phone.page.reload()
    expect(phone.page.locator(".sum")).to_have_text("3,500.50")


def test_another_officers_proposal_is_approved_with_one_tap(phone: Visitor, platform: Standalone) -> None:
    fund = programme(platform, "安徽助农快递")
    with by(platform, "programme_officer", "Another officer") as other:
        assert other.post(f"/v1/programmes/{fund['id']}/pause", json={}).status_code == 202
    phone.be("programme_officer")
    waiting = phone.page.locator("li.card", has_text="安徽助农快递")
    waiting.get_by_role("button", name="批准").click()
    expect(phone.page.get_by_text("已暂停")).to_be_visible()


def test_an_amount_that_is_none_is_refused_beside_its_field_and_stays_as_it_was_typed(
    desk: Visitor, platform: Standalone
) -> None:
    fund = programme(platform, "Typing")
    desk.be("programme_officer")
    desk.open(f"/programmes/{fund['id']}?lang=en")
    desk.page.locator("summary", has_text="Top-up").click()
    desk.page.get_by_label("How much more").fill("much")
    desk.page.locator("form[action$='/topup'] button").click()
    amount = desk.page.get_by_label("How much more")
    expect(amount).to_have_value("much")
    expect(amount).to_have_attribute("aria-invalid", "true")
    desk.complaints.clear()  # the browser tells a 422 on its console


def test_a_statement_is_made_downloaded_and_paid_and_the_carrier_reads_it(
    desk: Visitor, platform: Standalone, browser: Browser
) -> None:
    programme(platform, "结算演示")
    match = agreed(platform, "beet")
    with by(platform, "carrier") as carrier:
        assert carrier.post(f"/v1/shipments/{shipment_of(platform, match)}/claim").status_code == 200
    delivered(platform, match, 3)
    with by(platform, "programme_officer") as officer:
        everyone = officer.get("/v1/programmes").json()["items"]
        fund = next(each for each in everyone if each["posted_fen"] >= 600)  # the one that ends first pays
    desk.be("programme_officer")
    desk.open(f"/programmes/{fund['id']}")
    desk.page.get_by_role("button", name="冻结结算单").click()
    desk.page.wait_for_url("**/programmes/settlements/*")
    with desk.page.expect_download() as saved:
        desk.page.get_by_role("link", name="XLSX").click()
    with zipfile.ZipFile(saved.value.path()) as book:
        assert "xl/workbook.xml" in book.namelist()
    desk.page.get_by_label("银行凭证号").fill("20261130-0001")
    desk.page.get_by_role("button", name="拨付").click()
    expect(desk.page.locator(".badge.good")).to_have_text("已拨付")
    desk.open(f"/programmes/{fund['id']}/verified")
    expect(desk.page.locator(".note.good")).to_contain_text("完好")
    with visiting(browser, platform.url, **PHONE) as carrier_at:
        carrier_at.be("carrier")
        carrier_at.open("/carrier/settlements")
        expect(carrier_at.page.locator("tbody")).to_contain_text("已拨付")


def test_a_carrier_claims_a_shipment_plans_a_route_and_sees_it_drawn(phone: Visitor, platform: Standalone) -> None:
    shipment_id = shipment_of(platform, agreed(platform, "turnip"))
    vehicle(platform)
    phone.be("carrier")
    phone.page.locator(f"form[action='/carrier/shipments/{shipment_id}/claim'] button").click()
    expect(phone.page.get_by_role("button", name="退回")).to_be_visible()
    phone.open("/carrier/routes")
    phone.page.locator("input[name='shipment']:checked").first.wait_for()
    phone.page.locator("input[name='depart_at']").fill(tomorrow_at_six().strftime("%Y-%m-%dT%H:%M"))
    phone.page.get_by_role("button", name="规划", exact=True).click()
    expect(phone.page.locator("svg.plane polyline").first).to_be_attached(timeout=20_000)
    expect(phone.page.get_by_text("取货").first).to_be_visible()
    phone.page.get_by_role("link", name="司机单").click()
    expect(phone.page.locator("section.sheet").first).to_be_visible()
    expect(phone.page.get_by_role("button", name="打印")).to_be_visible()
    wide_px = phone.page.evaluate("document.querySelector('.sheet .scroll').scrollWidth")
    assert wide_px <= PHONE["viewport"]["width"], "a driver at a phone sees each stop whole"
    phone.page.get_by_role("link", name="← 路线").click()
    expect(phone.page.locator("svg.plane")).to_be_visible()


def test_a_sheet_is_printed_without_what_is_around_it(desk: Visitor, platform: Standalone) -> None:
    plan = plan_of(platform, shipment_of(platform, agreed(platform, "turnip")))
    desk.be("carrier")
    desk.open(f"/carrier/routes/{plan}/sheet?lang=en")
    asked = "window.print = () => { document.body.dataset.printed = 'yes'; }"
    desk.page.evaluate(asked)
    desk.page.get_by_role("button", name="Print").click()
    expect(desk.page.locator("body")).to_have_attribute("data-printed", "yes")
    desk.page.emulate_media(media="print")
    for around in (".top", "footer", ".crumb", ".printing"):
        expect(desk.page.locator(around)).to_be_hidden()
    expect(desk.page.locator("section.sheet table")).to_be_visible()


def test_what_a_plan_left_behind_is_planned_again_without_javascript(browser: Browser, platform: Standalone) -> None:
    shipment_id = shipment_of(platform, agreed(platform, "turnip", quantity_kg=4000))
    small = vehicle(platform, name="small", capacity_kg=100)["id"]
    with visiting(browser, platform.url, java_script_enabled=False, **PHONE) as carrier:
        carrier.be("carrier")
        asked = {"vehicle": small, "shipment": shipment_id, "depart_at": tomorrow_at_six().strftime("%Y-%m-%dT%H:%M")}
        plan = carrier.page.request.post(f"{platform.url}/carrier/routes", form=asked).url

        def is_planned() -> bool:
            carrier.page.goto(f"{plan}?lang=en")
            return carrier.page.get_by_text("None of these shipments could be carried").count() == 1

        until(is_planned, 30)
        expect(carrier.page.get_by_text("Why: too heavy")).to_be_visible()
        carrier.page.get_by_role("link", name="Plan these again").click()
        expect(carrier.page.locator("input[name=shipment]:checked")).to_have_count(1)
        expect(carrier.page.locator("input[name=shipment]:checked")).to_have_value(shipment_id)
        assert carrier.complaints == []


def test_a_failure_without_a_reason_is_asked_for_it(phone: Visitor, platform: Standalone) -> None:
    shipment_id = shipment_of(platform, agreed(platform, "turnip"))
    phone.be("carrier")
    here = f"/carrier/shipments/{shipment_id}"
    assert phone.page.request.post(f"{platform.url}{here}/claim", form={"key": "claimed to fail"}).ok
    phone.open(f"{here}?lang=en")
    phone.page.locator("summary", has_text="Did it fail?").click()
    phone.page.get_by_role("button", name="Report: failed").click()
    expect(phone.page.locator("#reason:invalid")).to_be_focused()
    phone.page.get_by_label("Reason").fill("road closed")
    phone.page.get_by_role("button", name="Report: failed").click()
    expect(phone.page.locator("table")).to_contain_text("road closed")


def test_a_report_that_is_sent_twice_is_recorded_once_and_no_refusal(phone: Visitor, platform: Standalone) -> None:
    shipment_id = shipment_of(platform, agreed(platform, "turnip"))
    phone.be("carrier")
    here = f"{platform.url}/carrier/shipments/{shipment_id}"
    assert phone.page.request.post(f"{here}/claim", form={"key": "claim"}).ok
    form = {"type": "picked_up", "key": "report"}
    answers = [phone.page.request.post(f"{here}/events", form=form) for _ in range(2)]
    assert [each.status for each in answers] == [200, 200]
    with by(platform, "carrier") as carrier:
        reports = carrier.get(f"/v1/shipments/{shipment_id}/events").json()["items"]
    assert [each["type"] for each in reports] == ["picked_up"]


def until_delivered(desk: Visitor, badge: str) -> None:
    """The sink has it a moment before the platform has its answer."""

    def is_delivered() -> bool:
        desk.page.reload()
        return desk.page.locator(badge).first.all_inner_texts() == ["delivered"]

    until(is_delivered, 10)


def test_a_platform_makes_a_key_that_works_at_once_and_a_webhook_that_is_delivered_again(
    desk: Visitor, platform: Standalone, sink: tuple[str, list[str]]
) -> None:
    url, came = sink
    desk.be("platform")
    desk.open("/partner?lang=en")
    desk.page.get_by_role("button", name="Make a key").click()
    client_id, secret = (desk.page.locator(f"#{each}").inner_text() for each in ("client-id", "secret"))
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    assert httpx.post(f"{platform.url}/v1/auth/token", data=form, trust_env=False).status_code == 200
    desk.page.get_by_role("link", name="I have kept it").click()
    expect(desk.page.get_by_text(client_id)).to_be_visible()
    assert secret not in desk.page.content()
    desk.page.locator("summary", has_text="Register a webhook").click()
    desk.page.get_by_label("URL").fill(url)
    desk.page.locator("form[action='/partner/webhooks'] button").click()
    expect(desk.page.locator("#secret")).to_have_text(re.compile("^whsec_"))
    agreed(platform, "leek")
    until(lambda: came, 10)
    desk.page.get_by_role("link", name="I have kept it").click()
    desk.page.get_by_role("link", name=url).click()
    until_delivered(desk, "tbody .badge.good")
    resent = len(came)
    desk.page.get_by_role("button", name="Resend").first.click()
    until(lambda: len(came) > resent and came[-1] in came[:resent], 10)
    desk.page.get_by_role("button", name="Send a ping").click()
    until(lambda: "_ping_" in came[-1], 10)
    until_delivered(desk, "#ping ~ p .badge")
    first = len(came)
    desk.page.get_by_role("button", name="Send again").click()
    until(lambda: len(came) > first and came[0] in came[first:], 10)
    desk.open("/partner?lang=en")
    expect(desk.page.locator("#feed ~ table tbody tr").first).to_contain_text("Leek")


@pytest.mark.parametrize("javascript", [True, False])
def test_what_is_refused_far_down_a_page_is_in_sight(browser: Browser, platform: Standalone, javascript: bool) -> None:
    with visiting(browser, platform.url, java_script_enabled=javascript, **PHONE) as visitor:
        visitor.be("carrier")
        for _ in range(4):  # so many that the form is below what a phone shows
            vehicle(platform)
        visitor.open("/carrier/vehicles?lang=en")
        for label, told in (("Plate or name", "苏N·1"), ("Capacity", "much"), ("Depot", "泗阳")):
            visitor.page.get_by_label(label).fill(told)
        visitor.page.get_by_role("button", name="Add a vehicle").click()
        expect(visitor.page.get_by_role("alert")).to_be_in_viewport()
        expect(visitor.page.get_by_label("Capacity")).to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("javascript", [True, False])
def test_an_auditor_sees_all_and_changes_nothing(browser: Browser, platform: Standalone, javascript: bool) -> None:
    fund = programme(platform, "审计")
    with visiting(browser, platform.url, java_script_enabled=javascript, **PHONE) as auditor:
        auditor.be("auditor")
        for path in ("/programmes", f"/programmes/{fund['id']}", f"/programmes/{fund['id']}/ledger"):
            auditor.open(path)
            expect(auditor.page.locator("main form")).to_have_count(0)
        assert auditor.complaints == []


def test_a_carrier_without_javascript_adds_a_vehicle_and_retires_it(browser: Browser, platform: Standalone) -> None:
    with visiting(browser, platform.url, java_script_enabled=False, **PHONE) as carrier:
        carrier.be("carrier")
        carrier.open("/carrier/vehicles?lang=en")
        for label, told in (("Plate or name", "皖A·77777"), ("Capacity", "1800"), ("Depot", "泗阳")):
            carrier.page.get_by_label(label).fill(told)
        carrier.page.get_by_role("button", name="Add a vehicle").click()
        added = carrier.page.locator("li.card", has_text="皖A·77777")
        added.get_by_role("button", name="Retire").click()
        expect(carrier.page.locator("li.card", has_text="皖A·77777").get_by_text("retired")).to_be_visible()
        assert carrier.complaints == []


@pytest.mark.parametrize("role", ORDINARY)
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_axe_finds_nothing_grave(examined: Visitor, role: Role, language: str) -> None:
    examined.be(role)
    for path in ORDINARY[role]:
        examined.open(f"{path}?lang={language}")
        assert examined.grave_faults() == [], path


@pytest.mark.parametrize("kind", [PHONE, DESK | {"color_scheme": "dark"}], ids=["phone", "dark"])
def test_axe_finds_nothing_grave_on_what_they_open(
    browser: Browser, platform: Standalone, things: dict[Role, tuple[str, ...]], kind: dict[str, Any]
) -> None:
    for role, paths in things.items():
        with visiting(browser, platform.url, bypass_csp=True, **kind) as visitor:
            visitor.be(role)
            for path in paths:
                visitor.open(path)
                assert visitor.grave_faults() == [], path


@pytest.fixture(scope="module")
def things(platform: Standalone) -> dict[Role, tuple[str, ...]]:
    """One of each, by who opens it."""
    fund = programme(platform, "无障碍")
    shipment_id = shipment_of(platform, agreed(platform, "radish"))
    plan = plan_of(platform, shipment_id)
    with by(platform, "platform") as partner:
        hook = partner.post("/v1/webhooks", json={"url": "https://partner.example/"}).json()["id"]
    return {
        "programme_officer": (f"/programmes/{fund['id']}", f"/programmes/{fund['id']}/verified"),
        "carrier": (f"/carrier/shipments/{shipment_id}", f"/carrier/routes/{plan}", f"/carrier/routes/{plan}/sheet"),
        "platform": (f"/partner/webhooks/{hook}",),
    }
