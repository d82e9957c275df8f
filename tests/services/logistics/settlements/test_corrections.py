"""Lines of a statement that are wrong: named by one officer, decided on by another, reversed and not paid."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from catalogue.days import local_day
from chassis.db import Database
from contracts.matches import MatchFulfilled
from contracts.parcels import ParcelSettled
from services.logistics.audit.service import replay_day
from services.logistics.programmes.handlers import on_matches
from tests.services.logistics.settlements.settling import Settling
from tests.support.logistics import agreed, hear, later
from tests.support.services import Issuer, told
from tests.support.subsidies import RATE_FEN, Courier, Office, balances


class Correcting(Settling):
    """Two officers, and a carrier's statement of three parcels."""

    def __init__(self, office: Office, courier: Courier, fund: str, second: dict[str, str]) -> None:
        super().__init__(office, courier, fund)
        self.second = second

    async def frozen(self) -> "Correcting":
        self.parcels = await self.delivers(3)
        self.statement = await self.freezes()
        self.path = f"/v1/settlements/{self.statement['id']}/corrections"
        return self

    async def names(self, *waybills: str, **more: Any) -> httpx.Response:
        body = {"waybills": list(waybills), "reason": "同一收件人"} | more
        return await self.client.post(self.path, json=body, headers=self.office.headers)

    async def decides(self, correction: dict[str, Any], decision: str = "approve", **headers: str) -> httpx.Response:
        path = f"{self.path}/{correction['id']}/decision"
        return await self.client.post(path, json={"decision": decision}, headers=headers or self.second)

    async def states(self) -> dict[str, str]:
        return {line["waybill"]: line["state"] for line in (await self.reads(self.statement)).json()["items"]}


@pytest.fixture
async def correcting(office: Office, courier: Courier, issuer: Issuer) -> Correcting:
    fund = await office.open(budget_fen=10 * RATE_FEN)
    return await Correcting(office, courier, fund, issuer.caller("programme_officer")).frozen()


async def test_what_another_officer_approves_is_reversed_and_not_paid(correcting: Correcting, db: Database) -> None:
    wrong, *right = [each["waybill"] for each in correcting.parcels]
    asked = (await correcting.names(wrong.lower(), wrong)).json()
    assert (asked["status"], asked["lines"], asked["amount_fen"]) == ("pending", 1, RATE_FEN)
    held = await correcting.pays(correcting.statement)
    assert (held.status_code, held.json()["type"]) == (409, "/problems/correction-pending")
    decided = (await correcting.decides(asked)).json()
    assert (decided["status"], decided["lines"], decided["amount_fen"]) == ("approved", 1, RATE_FEN)
    assert await correcting.states() == {wrong: "reversed", **dict.fromkeys(right, "owed")}
    owed_fen = 2 * RATE_FEN
    due = (await correcting.reads(correcting.statement)).json()["due"]
    assert due == {"owed_fen": owed_fen, "recovered_fen": 0, "paid_fen": owed_fen}, "told before it is paid"
    paid = (await correcting.pays(correcting.statement)).json()
    assert (await correcting.reads(correcting.statement)).json()["due"] is None
    assert (paid["amount_fen"], paid["paid_fen"]) == (3 * RATE_FEN, 2 * RATE_FEN)
    shown = await correcting.office.read(correcting.fund)
    assert balances(shown)
    assert (shown["available_fen"], shown["paid_fen"], shown["posted_fen"]) == (8 * RATE_FEN, 2 * RATE_FEN, 0)
    assert shown["parcels"] == {"reserved": 0, "posted": 2, "voided": 0, "reversed": 1, "refused": 0}
    assert (await correcting.courier.read(wrong))["subsidy"] == "reversed"
    settled = [event for event in await told(db) if isinstance(event, ParcelSettled)]
    assert settled[-1].subsidy == "reversed"
    assert (await replay_day(db, local_day(datetime.now(UTC)))).exact


async def test_a_correction_is_read_with_its_lines_as_they_are_now(correcting: Correcting, issuer: Issuer) -> None:
    wrong, also, _ = [each["waybill"] for each in correcting.parcels]
    asked = (await correcting.names(wrong, also)).json()
    path = f"{correcting.path}/{asked['id']}"

    async def read(headers: dict[str, str]) -> dict[str, Any]:
        answer = await correcting.client.get(path, headers=headers)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    shown = await read(correcting.second)
    lines = (await correcting.reads(correcting.statement)).json()["items"]
    assert shown.pop("items") == [line for line in lines if line["waybill"] in {wrong, also}]
    assert shown == asked
    await correcting.decides(asked)
    shown = await read(correcting.courier.headers)
    assert {line["waybill"]: line["state"] for line in shown["items"]} == {wrong: "reversed", also: "reversed"}
    assert (await correcting.client.get(path, headers=issuer.caller("carrier"))).status_code == 404
    elsewhere = f"{correcting.path}/{uuid4()}"
    assert (await correcting.client.get(elsewhere, headers=correcting.second)).status_code == 404


async def test_what_was_corrected_stays_so_whatever_is_scanned_later(correcting: Correcting) -> None:
    wrong = correcting.parcels[0]["waybill"]
    await correcting.decides((await correcting.names(wrong)).json())
    await correcting.courier.tell((wrong, "delivered"), (wrong, "returned"))
    assert (await correcting.courier.read(wrong))["subsidy"] == "reversed"
    kinds = await correcting.office.kinds(correcting.fund)
    assert kinds.count("reverse") == 1
    assert (await correcting.names(wrong)).status_code == 422, "it is owed no longer"


async def test_what_is_rejected_is_paid(correcting: Correcting) -> None:
    asked = (await correcting.names(correcting.parcels[0]["waybill"])).json()
    assert (await correcting.decides(asked, "reject")).json()["status"] == "rejected"
    again = await correcting.decides(asked)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-decided")
    assert (await correcting.pays(correcting.statement)).json()["paid_fen"] == 3 * RATE_FEN


async def test_who_asked_does_not_decide(correcting: Correcting) -> None:
    asked = (await correcting.names(correcting.parcels[0]["waybill"])).json()
    refused = await correcting.decides(asked, **correcting.office.headers)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/second-officer-needed")
    assert set((await correcting.states()).values()) == {"owed"}


async def test_what_is_not_in_the_statement_is_named_and_nothing_is_kept(correcting: Correcting) -> None:
    other = (await correcting.delivers(1))[0]["waybill"]
    refused = await correcting.names(correcting.parcels[0]["waybill"], other, "SF404")
    assert refused.status_code == 422
    assert [each["pointer"] for each in refused.json()["errors"]] == ["#/waybills/1", "#/waybills/2"]
    assert (await correcting.names()).status_code == 422
    assert (await correcting.names("SF1", match_ids=[str(uuid4())])).status_code == 422
    listed = await correcting.client.get(correcting.path, headers=correcting.office.headers)
    assert listed.json()["items"] == []


async def test_a_paid_statement_is_corrected_no_more(correcting: Correcting) -> None:
    waybill = correcting.parcels[0]["waybill"]
    asked = (await correcting.names(waybill)).json()
    await correcting.decides(asked, "reject")
    await correcting.pays(correcting.statement)
    late = await correcting.names(waybill)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/already-paid")


async def test_its_payee_sees_what_was_corrected_and_others_do_not(correcting: Correcting, issuer: Issuer) -> None:
    asked = (await correcting.names(correcting.parcels[0]["waybill"])).json()
    for headers in (correcting.courier.headers, issuer.caller("auditor")):
        listed = await correcting.client.get(correcting.path, headers=headers)
        assert [each["id"] for each in listed.json()["items"]] == [asked["id"]]
    assert (await correcting.client.get(correcting.path, headers=issuer.caller("carrier"))).status_code == 404
    unknown = await correcting.decides({"id": str(uuid4())})
    assert unknown.status_code == 404


async def test_a_decision_a_return_and_a_payment_at_once_reverse_each_line_once(correcting: Correcting) -> None:
    first, second, _ = [each["waybill"] for each in correcting.parcels]
    one, two = (await correcting.names(first)).json(), (await correcting.names(first, second)).json()
    await asyncio.gather(
        correcting.decides(one),
        correcting.decides(two),
        correcting.courier.tell((second, "returned"), (first, "returned")),
        correcting.pays(correcting.statement),
    )
    kinds = await correcting.office.kinds(correcting.fund)
    assert kinds.count("reverse") == 2
    shown = await correcting.office.read(correcting.fund)
    assert balances(shown)
    assert (shown["available_fen"], shown["posted_fen"] + shown["paid_fen"]) == (9 * RATE_FEN, RATE_FEN)
    assert (await correcting.office.read(correcting.fund, "/verify"))["ok"]


async def test_support_of_a_match_is_corrected_by_its_match(office: Office, db: Database, issuer: Issuer) -> None:
    fund = await office.open(kind="produce_support", rate_fen=10, budget_fen=10_000)
    matches = [agreed(quantity_g=100_000, producer_id=uuid4()) for _ in range(1)]
    await hear(db, *matches)
    async with db.transaction() as session:
        await on_matches(session, [later(each, MatchFulfilled, status="fulfilled") for each in matches])
    day = local_day(datetime.now(UTC)).isoformat()
    body = {"programme_id": fund, "producer_id": str(matches[0].producer_id), "from": day, "to": day}
    statement = (await office.client.post("/v1/settlements", json=body, headers=office.headers)).json()
    path = f"/v1/settlements/{statement['id']}/corrections"
    wrong = {"match_ids": [str(matches[0].match_id)], "reason": "未送达"}
    asked = (await office.client.post(path, json=wrong, headers=office.headers)).json()
    approve = {"decision": "approve"}
    second = issuer.caller("programme_officer")
    decided = await office.client.post(f"{path}/{asked['id']}/decision", json=approve, headers=second)
    assert (decided.json()["lines"], decided.json()["amount_fen"]) == (1, 1000)
    assert await office.money(fund) == (10_000, 0, 0)
    assert await office.kinds(fund) == ["fund", "reserve", "post", "reverse"]
    paid = await office.client.post(
        f"/v1/settlements/{statement['id']}/pay", json={"reference": "B-9"}, headers=office.headers
    )
    assert paid.json()["type"] == "/problems/nothing-to-pay"
    assert (await replay_day(db, local_day(datetime.now(UTC)))).exact
