"""Flags hold a payout until an officer has looked, and refuse nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import httpx
import pytest
from sqlalchemy import text

from chassis.db import Database
from services.logistics.flags import service
from services.logistics.flags.rules import Rule
from tests.services.logistics.settlements.settling import Settling
from tests.support.services import Issuer
from tests.support.subsidies import RATE_FEN, Courier, Office

CHENGDU = "510104"


@pytest.fixture
async def settling(office: Office, courier: Courier) -> Settling:
    return Settling(office, courier, await office.open(budget_fen=1000 * RATE_FEN))


async def flags(settling: Settling, query: str = "") -> list[dict[str, Any]]:
    answer = await settling.client.get(f"/v1/flags?{query}", headers=settling.office.headers)
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def review(settling: Settling, flag: dict[str, Any], verdict: str) -> httpx.Response:
    url = f"/v1/flags/{flag['id']}/review"
    return await settling.client.post(url, json={"verdict": verdict, "note": "seen"}, headers=settling.office.headers)


async def scans(courier: Courier, waybill: str, *told: tuple[str, timedelta, str]) -> None:
    now = datetime.now(UTC) - timedelta(hours=10)
    body = [
        {"waybill": waybill, "type": kind, "at": (now + after).isoformat(), "adcode": adcode}
        for kind, after, adcode in told
    ]
    answer = await courier.client.post("/v1/parcels/scans", json=body, headers=courier.headers)
    assert answer.status_code == 200, answer.text


async def test_an_honest_statement_has_none_and_is_paid_at_once(settling: Settling) -> None:
    match = await settling.courier.claimed()
    await settling.courier.fetches(match)
    parcels = [settling.courier.parcel(match, order_ref=f"PO-{each}") for each in range(30)]
    await settling.courier.register(*parcels)
    ways = [("accepted", timedelta(0), "321323"), ("delivered", timedelta(hours=10), "320102")]
    for each in parcels:
        await scans(settling.courier, each["waybill"], *ways)
    made = await settling.freezes()
    assert await flags(settling) == []
    assert (await settling.pays(made)).status_code == 200


async def test_each_kind_is_found_with_its_evidence(settling: Settling, issuer: Issuer, db: Database) -> None:
    rival = Courier(settling.client, issuer, db)  # whose parcels are refused for their weight, so that not all is paid
    theirs = await rival.claimed(quantity_g=1000)
    await rival.register(*(rival.parcel(theirs, weight_g=5000) for _ in range(40)))
    courier = settling.courier
    match = await courier.claimed(quantity_g=200_000)
    parcels = [courier.parcel(match) for _ in range(120)]
    await courier.register(*parcels)
    fetched_at = datetime.now(UTC)
    await courier.fetches(match, fetched_at, weight_kg=100)
    unfetched = await settling.delivers(20)
    fast = parcels[0]["waybill"]
    await scans(courier, fast, ("accepted", timedelta(0), CHENGDU), ("in_transit", timedelta(hours=1), "321323"))
    await courier.tell(*((each["waybill"], "delivered") for each in parcels))
    made = await settling.freezes()
    found = {each["rule"]: each for each in await flags(settling, f"settlement_id={made['id']}")}
    assert found.keys() == set(get_args(Rule))
    never = found["never_picked_up"]
    assert never["subject"] == unfetched[0]["match_id"]
    assert never["evidence"] == {"first_delivered_at": "2026-11-22T04:00:00+00:00", "parcels": 20}
    assert found["delivered_before_pickup"]["subject"] == str(match.match_id)
    early = found["delivered_before_pickup"]["evidence"]
    assert (early["parcels"], early["fetched_at"]) == (120, fetched_at.isoformat())
    assert early["first_delivered_at"] == "2026-11-22T04:00:00+00:00"
    assert found["subsidised_share"]["subject"] == str(courier.account_id)
    assert found["subsidised_share"]["evidence"] == {
        "registered": 140, "subsidised": 140, "others_asked": 40, "others_subsidised": 0,
    }  # fmt: skip
    assert found["declared_weight"]["evidence"] == {"declared_g": 120_000, "weighed_g": 100_000}
    assert (found["impossible_speed"]["subject"], found["impossible_speed"]["evidence"]["from"]) == (fast, CHENGDU)
    assert found["repeated_recipient"]["evidence"]["parcels"] == 120
    assert made["lines"] == 140, "nothing is refused by a flag"


async def test_goods_that_nobody_ever_fetched_hold_the_payout(settling: Settling) -> None:
    await settling.delivers(12)
    await settling.delivers(8)
    made = await settling.freezes()
    found = await flags(settling, "rule=never_picked_up")
    assert sorted(each["evidence"]["parcels"] for each in found) == [8, 12]
    held = await settling.pays(made)
    assert (held.status_code, held.json()["type"]) == (409, "/problems/payout-held")


async def test_what_another_carrier_fetched_is_not_fetched_by_this_one(
    settling: Settling, issuer: Issuer, db: Database
) -> None:
    match = await settling.courier.claimed()
    await settling.courier.fetches(match)
    url = await settling.courier.shipment_of(match)
    failed = {"type": "failed", "at": datetime.now(UTC).isoformat(), "reason": "broken down"}
    assert (await settling.client.post(f"{url}/events", json=failed, headers=settling.courier.headers)).is_success
    rival = Settling(settling.office, Courier(settling.client, issuer, db), settling.fund)
    assert (await settling.client.post(f"{url}/claim", headers=rival.courier.headers)).is_success
    parcels = [rival.courier.parcel(match, order_ref=f"PO-{each}") for each in range(20)]
    await rival.courier.register(*parcels)
    await rival.courier.tell(*((each["waybill"], "delivered") for each in parcels))
    await rival.freezes()
    assert [each["rule"] for each in await flags(settling)] == ["never_picked_up"]


async def test_a_driver_who_forgot_to_tell_of_a_few_is_left_alone(settling: Settling) -> None:
    await settling.delivers(19)
    made = await settling.freezes()
    assert await flags(settling) == []
    assert (await settling.pays(made)).status_code == 200


async def test_no_rule_hides_what_another_found(settling: Settling, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "FLAGS_MAX", 1)
    courier = settling.courier
    match = await courier.claimed()
    parcels = [courier.parcel(match) for _ in range(20)]
    await courier.register(*parcels)
    for each in parcels:
        fast = [("accepted", timedelta(0), CHENGDU), ("delivered", timedelta(hours=1), "321323")]
        await scans(courier, each["waybill"], *fast)
    await settling.freezes()
    rules = sorted(each["rule"] for each in await flags(settling))
    assert rules == ["impossible_speed", "never_picked_up", "repeated_recipient"]


async def test_a_delivery_less_than_an_hour_before_the_goods_were_fetched_may_be_a_clock(settling: Settling) -> None:
    courier = settling.courier
    match = await courier.claimed()
    parcels = [courier.parcel(match, order_ref=f"PO-{each}") for each in range(3)]
    await courier.register(*parcels)
    await courier.fetches(match)
    for parcel, early_min in zip(parcels, (59, 30, 0), strict=True):
        after = timedelta(hours=10, minutes=-early_min)  # of what `scans` counts from
        await scans(courier, parcel["waybill"], ("delivered", after, "320102"))
    await settling.freezes()
    assert await flags(settling) == []


async def test_a_payout_waits_for_every_flag_and_for_another_officer_than_its_reviewer(
    settling: Settling, issuer: Issuer
) -> None:
    await settling.delivers(25, fetched=True, order_ref=None)
    made = await settling.freezes()
    (flag,) = await flags(settling, "status=open")
    held = await settling.pays(made)
    assert (held.status_code, held.json()["type"]) == (409, "/problems/payout-held")
    confirmed = await review(settling, flag, "confirm")
    assert (confirmed.json()["status"], confirmed.json()["note"]) == ("confirmed", "seen")
    again = await review(settling, flag, "clear")
    assert (again.status_code, again.json()["type"]) == (409, "/problems/reviewed-already")
    assert await flags(settling, "status=open") == []
    assert [each["id"] for each in await flags(settling, "rule=repeated_recipient&status=confirmed")] == [flag["id"]]
    for reviewer, found in ((confirmed.json()["reviewed_by"], [flag["id"]]), (flag["settlement_id"], [])):
        assert [each["id"] for each in await flags(settling, f"reviewed_by={reviewer}")] == found
    own = await settling.pays(made)
    assert (own.status_code, own.json()["type"]) == (403, "/problems/second-officer-needed")
    url, reference = f"/v1/settlements/{made['id']}/pay", {"reference": "B-1"}
    paid = await settling.client.post(url, json=reference, headers=issuer.caller("programme_officer"))
    assert paid.json()["paid_fen"] == 25 * RATE_FEN


async def test_what_a_payee_had_before_is_not_taken_for_others(settling: Settling, db: Database) -> None:
    await settling.delivers(120, fetched=True)
    await settling.freezes()
    async with db.transaction() as session:  # and of others 40 asked, who got nothing
        await session.execute(text("UPDATE ledger_heads SET refused = 40"))
        await session.execute(text("UPDATE parcels SET registered_at = registered_at - interval '40 days'"))
    assert [each["rule"] for each in await flags(settling)] == []
    await settling.delivers(120, fetched=True)
    made = await settling.freezes()
    (flag,) = await flags(settling, f"settlement_id={made['id']}&rule=subsidised_share")
    assert (flag["evidence"]["others_asked"], flag["evidence"]["others_subsidised"]) == (40, 0)


async def test_flags_are_listed_by_the_programme_of_their_statement(settling: Settling) -> None:
    await settling.delivers(25, fetched=True, order_ref=None)
    made = await settling.freezes()
    ends_first = (datetime.now(UTC) + timedelta(days=1)).isoformat()  # so it pays for what comes from now on
    fund = await settling.office.open(ends_at=ends_first, budget_fen=1000 * RATE_FEN)
    second = Settling(settling.office, settling.courier, fund)
    assert await flags(settling, f"programme_id={second.fund}") == []
    await second.delivers(25, fetched=True, order_ref=None)
    statements = {settling.fund: made["id"], second.fund: (await second.freezes())["id"]}
    for fund, statement in statements.items():
        assert [each["settlement_id"] for each in await flags(settling, f"programme_id={fund}")] == [statement]
        assert len(await flags(settling, f"programme_id={fund}&status=open&settlement_id={statement}")) == 1
        assert await flags(settling, f"programme_id={fund}&status=cleared") == []
    assert await flags(settling, f"programme_id={made['id']}") == [], "none is of a programme that there is not"
    assert len(await flags(settling)) == 2


async def test_flags_are_the_offices_alone(settling: Settling, issuer: Issuer) -> None:
    await settling.delivers(25, fetched=True, order_ref=None)
    await settling.freezes()
    (flag,) = await flags(settling)
    auditor = issuer.caller("auditor")
    assert (await settling.client.get("/v1/flags", headers=auditor)).status_code == 200
    for who in (auditor, settling.courier.headers):
        answer = await settling.client.post(f"/v1/flags/{flag['id']}/review", json={"verdict": "clear"}, headers=who)
        assert answer.status_code == 403
