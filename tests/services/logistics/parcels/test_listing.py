"""A carrier's list of its parcels: its own, whole, filtered, and never dearer than a page."""

from typing import Any, get_args

import httpx
import pytest

from chassis.db import Database
from contracts.parcels import ParcelStatus
from services.logistics.parcels import queries
from services.logistics.parcels.states import SEEN_BY_STATUS, Seen, status_of
from tests.support.services import Issuer
from tests.support.subsidies import RATE_FEN, Courier, Office


async def page(courier: Courier, query: str = "") -> dict[str, Any]:
    answer = await courier.client.get(f"/v1/parcels?{query}", headers=courier.headers)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def every(courier: Courier, query: str = "") -> list[str]:
    """The waybills of all pages together."""
    found: list[str] = []
    after = ""
    while True:
        shown = await page(courier, f"{query}{after}")
        found += [item["waybill"] for item in shown["items"]]
        if shown["next"] is None:
            return found
        after = f"&after={shown['next']}"


async def test_an_item_is_the_parcel_as_it_is_now_with_what_was_registered(courier: Courier, office: Office) -> None:
    await office.open()
    match = await courier.claimed()
    sent = courier.parcel(match, waybill="SF 1", order_ref="A-1", weight_g=1500)
    await courier.register(sent)
    await courier.tell(("SF1", "delivered"))
    shown = await page(courier)
    (item,) = shown["items"]
    assert shown["next"] is None
    assert item.pop("registered_at").endswith("Z")
    assert item == await courier.read("SF1") | {
        "reason": None,
        "weight_g": 1500,
        "recipient_adcode": "320102",
        "order_ref": "A-1",
    }
    assert (item["status"], item["subsidy"], item["subsidy_fen"]) == ("delivered", "posted", RATE_FEN)


async def test_the_newest_are_last_page_by_page_and_anothers_are_not_there(
    courier: Courier, issuer: Issuer, db: Database
) -> None:
    match = await courier.claimed()
    for number in range(5):
        await courier.register(courier.parcel(match, waybill=f"SF{number}"))
    rival = Courier(courier.client, issuer, db)
    await rival.register(rival.parcel(await rival.claimed(), waybill="RIVAL"))
    waybills = [f"SF{number}" for number in range(5)]
    assert await every(courier) == await every(courier, "limit=2") == await every(courier, "limit=5") == waybills
    assert await every(rival) == ["RIVAL"]
    rival.headers = issuer.caller("admin")
    assert await every(rival) == [*waybills, "RIVAL"]


async def test_it_is_filtered_by_status_subsidy_and_match(courier: Courier, office: Office) -> None:
    one, other = await courier.claimed(), await courier.claimed()
    await courier.register(courier.parcel(one, waybill="NONE"))
    await office.open(budget_fen=2 * RATE_FEN)
    await courier.register(*(courier.parcel(other, waybill=name) for name in ("POSTED", "VOIDED", "EMPTY")))
    await courier.tell(("POSTED", "delivered"), ("VOIDED", "returned"), ("NONE", "delivered"))
    expected = {
        "status=delivered": ["NONE", "POSTED"],
        "status=returned": ["VOIDED"],
        "status=registered": ["EMPTY"],
        "status=void": [],
        "subsidy=none": ["NONE"],
        "subsidy=posted": ["POSTED"],
        "subsidy=fund_exhausted": ["EMPTY"],
        f"match_id={one.match_id}": ["NONE"],
        f"match_id={other.match_id}&status=delivered": ["POSTED"],
    }
    assert {query: await every(courier, query) for query in expected} == expected


@pytest.mark.parametrize("looked_at", [1, 2, 5, 6])
async def test_a_filter_that_finds_little_looks_at_a_part_at_a_time_and_loses_nothing(
    courier: Courier, monkeypatch: pytest.MonkeyPatch, looked_at: int
) -> None:
    monkeypatch.setattr(queries, "LOOKED_AT", looked_at)
    match = await courier.claimed()
    await courier.register(*(courier.parcel(match, waybill=f"SF{number}") for number in range(6)))
    await courier.tell(("SF2", "lost"), ("SF5", "lost"))
    assert await every(courier, "status=lost") == ["SF2", "SF5"]
    assert await every(courier, "limit=1&status=lost") == ["SF2", "SF5"]
    assert await every(courier) == [f"SF{number}" for number in range(6)]
    first = await page(courier, "status=lost")
    assert (len(first["items"]), first["next"] is None) == {1: (0, False), 2: (0, False), 5: (1, False), 6: (2, True)}[
        looked_at
    ]


async def test_a_matchs_parcels_are_on_one_page_whatever_else_its_carrier_sent(
    courier: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "LOOKED_AT", 2)
    one, other = await courier.claimed(), await courier.claimed()
    for number in range(6):
        await courier.register(courier.parcel(other if number in {2, 5} else one, waybill=f"SF{number}"))
    shown = await page(courier, f"match_id={other.match_id}")
    assert ([item["waybill"] for item in shown["items"]], shown["next"]) == (["SF2", "SF5"], None)
    assert await every(courier, f"match_id={one.match_id}") == ["SF0", "SF1", "SF3", "SF4"]
    assert await every(courier, f"match_id={one.match_id}&status=lost") == []


async def test_what_is_no_filter_is_said(client: httpx.AsyncClient, issuer: Issuer) -> None:
    for query in ("status=eaten", "subsidy=much", "match_id=m", "after=1", "limit=501"):
        answer = await client.get(f"/v1/parcels?{query}", headers=issuer.caller("carrier"))
        name = query.partition("=")[0]
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/query/{name}")


def test_every_state_of_knowledge_has_one_status() -> None:
    assert SEEN_BY_STATUS.keys() == set(get_args(ParcelStatus))
    assert sorted(seen for known in SEEN_BY_STATUS.values() for seen in known) == list(range(64))
    whole = Seen.ACCEPTED | Seen.IN_TRANSIT | Seen.DELIVERED | Seen.RETURNED | Seen.LOST | Seen.EXPIRED
    assert int(whole) in SEEN_BY_STATUS[status_of(whole)]
