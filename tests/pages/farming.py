"""What the scenes of the farmer's pages begin with, and do again and again."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from tests.pages.support import Visitor
from tests.pages.world import by
from tests.system.conftest import Standalone, until

SIYANG, NANJING = "321323", "320102"
WHERE_A_LOT_IS = "**/farm/listings/*"
IS_KEPT = "async (paths) => (await Promise.all(paths.map((path) => caches.match(path)))).every(Boolean)"
OF_THE_SIGNAL = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED", "Failed to load resource")


@pytest.fixture
def farmer(platform: Standalone) -> Iterator[httpx.Client]:
    """The API in the name of whom the visitor signs in as."""
    with by(platform, "producer") as client:
        yield client


@pytest.fixture
def buyer(platform: Standalone) -> Iterator[httpx.Client]:
    with by(platform, "platform") as client:
        yield client


def lots_of(farmer: httpx.Client, produce: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = farmer.get("/v1/listings", params={"produce": produce}).json()["items"]
    return items


def wanted(buyer: httpx.Client, produce: str, **changes: Any) -> dict[str, Any]:
    order = {"produce": produce, "quantity_kg": 300, "max_price_fen_per_kg": 2600, "destination": {"adcode": NANJING}}
    answer = buyer.post("/v1/orders", json=order | changes)
    assert answer.status_code == 201, answer.text
    placed: dict[str, Any] = answer.json()
    return placed


def offered(farmer: httpx.Client, produce: str, **changes: Any) -> str:
    lot = {"produce": produce, "quantity_kg": 1000, "min_price_fen_per_kg": 1600, "origin": {"adcode": SIYANG}}
    answer = farmer.post("/v1/listings", json=lot | changes)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def fill(page: Page, produce: str, kg: str = "1200", yuan: str = "16", place: str = "泗阳县") -> None:
    """All that a post needs: four fields."""
    for name, value in (("produce", produce), ("place", place), ("quantity", kg), ("price", yuan)):
        page.locator(f"#{name}").fill(value)


def post(page: Page) -> None:
    page.get_by_role("button", name="发布", exact=True).click()


def ready_for_no_signal(visitor: Visitor) -> None:
    """Both pages of the shell are kept, as after the first visit."""
    visitor.be("producer")
    visitor.open("/farm/new")
    until(lambda: is_kept(visitor, "/farm", "/farm/new"), 10)


def is_kept(visitor: Visitor, *paths: str) -> bool:
    return bool(visitor.page.evaluate(IS_KEPT, list(paths)))


def waiting(visitor: Visitor) -> Any:
    return visitor.page.locator("#waiting-lots > li")


def forget_the_signal(visitor: Visitor) -> None:
    """What the browser says on its console of the signal that the test took away."""
    visitor.complaints[:] = [each for each in visitor.complaints if not any(one in each for one in OF_THE_SIGNAL)]
