"""The operator's page in a browser: it sees a round, says that all is well, and stops and starts the timer."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Browser, expect

from contracts.accounts import Role
from tests.pages.support import ACCOUNTS, DESK, Visitor, visiting
from tests.system.conftest import Standalone, until

PRODUCE, NAME = "passionfruit", "百香果"
"""Which no other test of the pages has a market of."""


@pytest.fixture
def admin(platform: Standalone) -> Iterator[httpx.Client]:
    """Who leaves the timer as it was: other tests wait for rounds."""
    caller = caller_of(platform, "admin")
    set_s = caller.get("/v1/rounds/interval").json()["seconds"]
    yield caller
    assert caller.put("/v1/rounds/interval", json={"seconds": set_s}).status_code == 200


def caller_of(platform: Standalone, role: Role) -> httpx.Client:
    with ThreadPoolExecutor(1) as aside:  # Playwright has an event loop on this thread
        return aside.submit(platform.caller, role, ACCOUNTS[role]).result()


def clear_a_market(platform: Standalone, admin: httpx.Client) -> str:
    """A lot and an order of it, cleared by the API; the id of the round."""
    lot = {"produce": PRODUCE, "quantity_kg": 100, "min_price_fen_per_kg": 1600, "origin": {"adcode": "321323"}}
    keeps = {"best_before": (datetime.now(UTC) + timedelta(hours=90)).isoformat()}
    order = {
        "produce": PRODUCE,
        "quantity_kg": 100,
        "max_price_fen_per_kg": 2600,
        "destination": {"adcode": "320102"},
    }
    assert caller_of(platform, "producer").post("/v1/listings", json=lot | keeps).status_code == 201
    assert caller_of(platform, "platform").post("/v1/orders", json=order).status_code == 201
    wanted = {"produce": PRODUCE}

    def cleared() -> str | None:
        admin.post("/v1/rounds", json=wanted)  # none until the market has heard of both
        rounds = admin.get("/v1/rounds", params=wanted).json()["items"]
        return next((each["id"] for each in rounds if each["matches"]), None)

    round_id: str = until(cleared, 20)
    return round_id


def test_the_operator_sees_a_round_without_asking_again_and_that_all_is_well(
    desk: Visitor, platform: Standalone, admin: httpx.Client
) -> None:
    desk.be("admin")
    expect(desk.page.get_by_text("一切正常")).to_be_visible()
    expect(desk.page.locator("#refreshes")).to_be_visible()
    round_id = clear_a_market(platform, admin)
    row = desk.page.locator(f'[data-round="{round_id}"]')
    expect(row).to_contain_text(NAME)  # within the five seconds in which it refreshes itself
    told = admin.get(f"/v1/rounds/{round_id}").json()
    expect(row).to_contain_text(f"{told['value'] / 100:,.2f}")
    expect(row).to_contain_text(f"{told['greedy_value'] / 100:,.2f}")
    expect(desk.page.locator("#rounds-chart canvas")).to_be_visible()
    expect(desk.page.locator("#live .badge.good").first).to_be_visible()


def test_rounds_are_paused_and_resumed_without_javascript(
    browser: Browser, platform: Standalone, admin: httpx.Client
) -> None:
    with visiting(browser, platform.url, java_script_enabled=False, **DESK) as visitor:
        visitor.be("admin")
        visitor.page.get_by_role("button", name="暂停").click()
        expect(visitor.page.get_by_text("自动撮合已暂停")).to_be_visible()
        assert admin.get("/v1/rounds/interval").json() == {"seconds": 0}
        visitor.page.get_by_label("间隔").fill("2.5")
        visitor.page.get_by_role("button", name="恢复").click()
        expect(visitor.page.get_by_text("每 2.5 秒撮合一次")).to_be_visible()
        assert admin.get("/v1/rounds/interval").json() == {"seconds": 2.5}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_axe_finds_nothing_grave(examined: Visitor, language: str) -> None:
    examined.be("admin")
    examined.open(f"/operator?lang={language}")
    assert examined.page.locator("html").get_attribute("lang") == language
    assert examined.grave_faults() == []
