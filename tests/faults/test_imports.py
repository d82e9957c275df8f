"""A file of 50,000 lots through the whole house: killed in the middle, and sent again, it makes 50,000 listings."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.postgres import temporary_folder
from tests.system.conftest import Standalone

COUNT = 50_000
FILE = (
    "produce,quantity_kg,min_price_fen_per_kg,origin.adcode,story\n"
    + "".join(f"cabbage,1200,1600,321323,lot {number}\n" for number in range(1, COUNT + 1))
).encode()
HEADERS = {"Content-Type": "text/csv", "Idempotency-Key": "harvest"}
WITHIN_S = 300


@pytest.fixture
def standalone() -> Iterator[Standalone]:
    """A platform of this test's own: its 50,000 events would keep others waiting."""
    with temporary_folder() as folder:
        platform = Standalone(folder / "data")
        try:
            platform.start()
            yield platform
        finally:
            platform.stop()


@pytest.mark.timeout(600)  # it took 340 s on two cores that twelve processes wanted
def test_fifty_thousand_rows_sent_thrice_and_once_cut_off_are_fifty_thousand_listings(standalone: Standalone) -> None:
    farmer = standalone.caller("producer", "cooperative")
    begun = cut_off(standalone, farmer, after=5_000)
    standalone.start()
    first, second = imported(farmer), imported(farmer)
    assert first == second
    assert first[: len(begun)] == begun, "what was answered before the kill stands"
    assert [row["row"] for row in first] == list(range(1, COUNT + 1))
    listings = all_of(farmer)
    assert len(listings) == COUNT
    assert {each["id"]: each["story"] for each in listings} == {row["id"]: f"lot {row['row']}" for row in first}


def cut_off(standalone: Standalone, farmer: httpx.Client, after: int) -> list[Any]:
    """The lines that came before the house was killed."""
    lines = []
    with farmer.stream("POST", "/v1/listings/import", content=FILE, headers=HEADERS, timeout=WITHIN_S) as answer:
        for line in answer.iter_lines():
            lines.append(json.loads(line))
            if len(lines) == after:
                break
        standalone.kill()
    return lines


def imported(farmer: httpx.Client) -> list[Any]:
    answer = farmer.post("/v1/listings/import", content=FILE, headers=HEADERS, timeout=WITHIN_S)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def all_of(farmer: httpx.Client) -> list[Any]:
    found: list[Any] = []
    after: str | None = None
    while after is not None or not found:
        asked = {"limit": "500"} | ({} if after is None else {"after": after})
        page = farmer.get("/v1/listings", params=asked, timeout=30).json()
        found += page["items"]
        after = page["next"]
    return found
