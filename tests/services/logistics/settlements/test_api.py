"""Statements: frozen once, paid once, and never more than is owed; whatever comes back meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from chassis.db import Database
from chassis.problems import NotFound
from contracts.matches import MatchFulfilled
from services.logistics.programmes.handlers import on_matches
from services.logistics.settlements import service
from services.logistics.settlements.bank import Row
from services.logistics.settlements.schemas import RECONCILED_MAX
from tests.services.logistics.settlements.settling import Settling, today
from tests.support.logistics import agreed, later
from tests.support.services import Issuer
from tests.support.subsidies import RATE_FEN, Courier, Office, balances


async def test_a_statement_has_what_was_posted_and_is_paid_to_the_fen(settling: Settling) -> None:
    parcels = await settling.delivers(3)
    match = await settling.courier.claimed()
    await settling.courier.register(settling.courier.parcel(match))  # reserved, and not brought yet
    made = await settling.freezes()
    assert (made["status"], made["lines"], made["amount_fen"]) == ("frozen", 3, 3 * RATE_FEN)
    assert (made["carrier_id"], made["producer_id"]) == (str(settling.courier.account_id), None)
    shown = (await settling.reads(made)).json()
    assert {line["waybill"] for line in shown["items"]} == {each["waybill"] for each in parcels}
    assert {(line["amount_fen"], line["rule_version"], line["state"]) for line in shown["items"]} == {(200, 1, "owed")}
    paid = (await settling.pays(made)).json()
    assert (paid["status"], paid["paid_fen"], paid["reference"]) == ("paid", 3 * RATE_FEN, "B-1")
    money = await settling.office.read(settling.fund)
    assert balances(money)
    assert (money["posted_fen"], money["paid_fen"], money["reserved_fen"]) == (0, 600, 200)
    assert (await settling.office.kinds(settling.fund))[-1] == "payout"
    assert (await settling.office.read(settling.fund, "/verify"))["ok"]


async def test_nothing_is_in_two_statements_and_what_is_posted_later_is_in_the_next(settling: Settling) -> None:
    await settling.delivers(2)
    answers = await asyncio.gather(*(settling.asks() for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {answer.json().get("type") for answer in answers} == {None, "/problems/nothing-to-settle"}
    (first,) = (answer.json() for answer in answers if answer.status_code == 201)
    await settling.delivers(1)
    assert (await settling.freezes())["lines"] == 1
    assert (await settling.reads(first)).json()["lines"] == 2
    listed = await settling.client.get("/v1/settlements", headers=settling.office.headers)
    assert len(listed.json()["items"]) == 2


async def test_a_statement_of_which_all_came_back_is_not_paid(settling: Settling) -> None:
    (parcel,) = await settling.delivers(1)
    made = await settling.freezes()
    await settling.courier.tell((parcel["waybill"], "returned"))
    refused = await settling.pays(made)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/nothing-to-pay")


async def test_a_statement_is_paid_once_with_one_reference(settling: Settling) -> None:
    await settling.delivers(2)
    one = await settling.freezes()
    await settling.delivers(1)
    other = await settling.freezes()
    answers = await asyncio.gather(*(settling.pays(one, f"B-{number % 3}") for number in range(6)))
    assert {answer.status_code for answer in answers} <= {200, 409}
    (paid,) = {answer.json()["reference"] for answer in answers if answer.status_code == 200}
    again = await settling.pays(one, paid)
    assert (again.status_code, again.json()["paid_fen"]) == (200, 2 * RATE_FEN)
    second = await settling.pays(one, "B-9")
    assert (second.status_code, second.json()["type"]) == (409, "/problems/already-paid")
    taken = await settling.pays(other, paid)
    assert (taken.status_code, taken.json()["type"]) == (409, "/problems/reference-taken")
    assert (await settling.office.kinds(settling.fund)).count("payout") == 1
    assert (await settling.office.read(settling.fund))["paid_fen"] == 2 * RATE_FEN


async def test_what_came_back_before_it_was_paid_is_not_paid_and_stays_in_the_statement(settling: Settling) -> None:
    parcels = await settling.delivers(3)
    made = await settling.freezes()
    await settling.courier.tell((parcels[0]["waybill"], "returned"))
    shown = (await settling.reads(made)).json()
    assert (shown["lines"], shown["amount_fen"]) == (3, 600), "as it was frozen"
    assert {line["waybill"]: line["state"] for line in shown["items"]}[parcels[0]["waybill"]] == "reversed"
    assert (await settling.pays(made)).json()["paid_fen"] == 2 * RATE_FEN
    money = await settling.office.read(settling.fund)
    assert (money["paid_fen"], money["posted_fen"]) == (400, 0)
    assert money["parcels"]["reversed"] == 1


async def test_what_comes_back_after_it_was_paid_moves_no_money_by_itself(settling: Settling) -> None:
    """It is in the carrier's account, not in the fund: to have it back takes a clawback."""
    parcels = await settling.delivers(2)
    made = await settling.freezes()
    await settling.pays(made)
    await settling.delivers(1)  # so that there would be money to take
    await settling.courier.tell((parcels[0]["waybill"], "returned"))
    parcel = await settling.courier.read(parcels[0]["waybill"])
    assert (parcel["status"], parcel["subsidy"]) == ("returned", "posted")
    money = await settling.office.read(settling.fund)
    assert balances(money)
    assert (money["paid_fen"], money["posted_fen"], money["parcels"]["reversed"]) == (400, 200, 0)
    states = {line["waybill"]: line["state"] for line in (await settling.reads(made)).json()["items"]}
    assert states == {parcels[0]["waybill"]: "came_back", parcels[1]["waybill"]: "paid"}


async def test_returns_and_payments_at_once_end_with_each_fen_in_one_place(settling: Settling) -> None:
    parcels = await settling.delivers(40, fetched=True)
    made = await settling.freezes()
    back = [settling.courier.tell((each["waybill"], "returned")) for each in parcels[::2]]
    paying = [settling.pays(made, "B-1") for _ in range(3)]
    results = await asyncio.gather(*back[:10], *paying, *back[10:])
    paid_fen = {each.json()["paid_fen"] for each in results if isinstance(each, httpx.Response)}
    assert len(paid_fen) == 1
    money = await settling.office.read(settling.fund)
    assert balances(money)
    assert money["paid_fen"] == paid_fen.pop()
    assert money["posted_fen"] == 0
    assert money["paid_fen"] + money["parcels"]["reversed"] * RATE_FEN == 40 * RATE_FEN
    assert (await settling.office.read(settling.fund, "/verify"))["ok"]


async def test_days_are_those_of_china_and_instants_end_before_their_last_moment(
    settling: Settling, db: Database
) -> None:
    await settling.delivers(4)
    async with db.transaction() as session:
        rows = (await session.execute(text("SELECT subject_id FROM subsidies ORDER BY subject_id"))).scalars().all()
        for row, at in zip(rows, ("01T15:59:59", "01T16:00:00", "02T15:59:59", "02T16:00:00"), strict=True):
            when = datetime.fromisoformat(f"2026-11-{at}+00:00")
            await session.execute(
                text("UPDATE subsidies SET posted_at = :at WHERE subject_id = :id"), {"at": when, "id": row}
            )
    second = await settling.freezes(**{"from": "2026-11-02", "to": "2026-11-02"})
    assert (second["lines"], second["begins_at"]) == (2, "2026-11-01T16:00:00Z")
    until = await settling.freezes(**{"from": "2026-11-01T00:00:00Z", "to": "2026-11-02T16:00:00Z"})
    assert until["lines"] == 1
    assert (await settling.freezes(**{"from": "2026-11-01T00:00:00+08:00", "to": "2026-11-03"}))["lines"] == 1


async def test_a_period_that_ends_too_soon_is_told_beside_what_else_is_wrong(settling: Settling) -> None:
    answer = await settling.asks(**{"from": "2026-11-02", "to": "2026-11-01", "programme_id": "x"})
    assert {error["pointer"] for error in answer.json()["errors"]} == {"#/to", "#/programme_id"}


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"from": "2026-11-02", "to": "2026-11-01"}, 422, "#/to"),
        ({"from": "2026-11-02T00:00:00Z", "to": "2026-11-02T00:00:00Z"}, 422, "#/to"),
        ({"from": "2026-11-02T00:00:00"}, 422, "#/from"),
        ({"from": "2026-02-30"}, 422, "#/from"),
        ({"from": "1999-01-01"}, 422, "#/from"),
        ({"from": 20261101}, 422, "#/from"),
        ({"to": None}, 422, "#/to"),
        ({"carrier_id": None}, 422, "#"),
        ({"producer_id": str(uuid4())}, 422, "#"),
        ({"carrier_id": None, "producer_id": str(uuid4())}, 422, "#/producer_id"),
        ({"amount_fen": 5}, 422, "#/amount_fen"),
    ],
)
async def test_bad_input_is_named_and_freezes_nothing(
    settling: Settling, changes: dict[str, Any], status: int, pointer: str
) -> None:
    answer = await settling.asks(**changes)
    assert answer.status_code == status, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await settling.client.get("/v1/settlements", headers=settling.office.headers)).json()["items"] == []


async def test_of_no_programme_there_is_no_statement(settling: Settling) -> None:
    assert (await settling.asks(programme_id=str(uuid4()))).status_code == 404
    missing = {"id": str(uuid4())}
    assert ((await settling.pays(missing)).status_code, (await settling.reads(missing)).status_code) == (404, 404)


async def test_a_producers_support_is_settled_with_the_producer(office: Office, courier: Courier, db: Database) -> None:
    fund = await office.open(kind="produce_support", rate_fen=20, budget_fen=100_000)
    match = agreed(quantity_g=10_500)
    async with db.transaction() as session:
        await on_matches(session, [later(match, MatchFulfilled, status="fulfilled")])
    settling = Settling(office, courier, fund)
    refused = await settling.asks()
    assert [error["pointer"] for error in refused.json()["errors"]] == ["#/carrier_id"]
    made = await settling.freezes(carrier_id=None, producer_id=str(match.producer_id))
    assert (made["lines"], made["amount_fen"], made["producer_id"]) == (1, 210, str(match.producer_id))
    (line,) = (await settling.reads(made)).json()["items"]
    assert (line["waybill"], line["match_id"]) == (None, str(match.match_id))
    assert (await settling.pays(made)).json()["paid_fen"] == 210


async def test_a_carrier_sees_its_own_and_nobody_elses(settling: Settling, issuer: Issuer) -> None:
    await settling.delivers(1)
    made = await settling.freezes()
    own, stranger = settling.courier.headers, issuer.caller("carrier")
    assert [each["id"] for each in (await settling.client.get("/v1/settlements", headers=own)).json()["items"]] == [
        made["id"]
    ]
    assert (await settling.client.get("/v1/settlements", headers=stranger)).json()["items"] == []
    spying = f"/v1/settlements?payee_id={settling.courier.account_id}"
    assert (await settling.client.get(spying, headers=stranger)).json()["items"] == []
    url = f"/v1/settlements/{made['id']}"
    assert (await settling.client.get(url, headers=own)).status_code == 200
    for form in ("application/json", "text/csv"):
        theirs = await settling.client.get(url, headers=stranger | {"Accept": form})
        missing = await settling.client.get(f"/v1/settlements/{uuid4()}", headers=stranger | {"Accept": form})
        assert (theirs.status_code, theirs.json()) == (404, missing.json())


async def test_settlements_are_listed_by_programme_payee_and_status(settling: Settling, office: Office) -> None:
    await settling.delivers(1)
    paid = await settling.freezes()
    await settling.pays(paid)
    await settling.delivers(1)
    frozen = await settling.freezes()

    async def found(query: str) -> list[str]:
        items = (await settling.client.get(f"/v1/settlements?{query}", headers=office.headers)).json()["items"]
        return [each["id"] for each in items]

    assert await found("limit=10") == [frozen["id"], paid["id"]]
    assert (await found("status=paid"), await found("status=frozen")) == ([paid["id"]], [frozen["id"]])
    assert await found(f"programme_id={uuid4()}") == []
    assert await found(f"payee_id={settling.courier.account_id}&limit=1") == [frozen["id"]]
    assert await found(f"after={frozen['id']}") == [paid["id"]]


async def test_the_banks_list_is_held_against_what_was_paid(settling: Settling) -> None:
    for reference in ("B-1", "B-2", "B-3", "B-4"):
        await settling.delivers(1)
        await settling.pays(await settling.freezes(), reference)
    url = f"/v1/settlements/reconcile?from={today()}&to={today()}"
    file = "reference,amount\n B-1 ,2.00\nB-2,1.99\nB-3,2\nB-3,2\nX-9,7.5\n"
    for body in (file.encode(), file.encode("utf-8-sig"), file.replace("reference", "摘要").encode("gb18030")):
        answer = await settling.client.post(
            url, content=body, headers=settling.office.headers | {"Content-Type": "text/csv"}
        )
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert found == {
            "is_clean": False,
            "counts": {"matched": 1, "off": 1, "doubled": 2, "missing": 1, "unknown": 1},
            "matched_fen": 200,
            "matched": [{"reference": "B-1", "amount_fen": 200}],
            "off": [{"reference": "B-2", "expected_fen": 200, "bank_fen": 199, "off_by_fen": -1, "line": 3}],
            "doubled": [{"reference": "B-3", "amount_fen": 200, "line": each} for each in (4, 5)],
            "missing": [{"reference": "B-4", "amount_fen": 200}],
            "unknown": [{"reference": "X-9", "amount_fen": 750, "line": 6}],
        }
    for body, line in ((b"a,b\n1,2\n", 1), (b"reference,amount_fen\nB-1,1.5\n", 2), (b"\n", 1)):
        bad = await settling.client.post(
            url, content=body, headers=settling.office.headers | {"Content-Type": "text/csv"}
        )
        assert (bad.status_code, [each["pointer"] for each in bad.json()["errors"]]) == (422, [f"#/{line}"]), bad.text


async def test_as_much_of_a_long_comparison_is_told_as_was_asked_for_and_all_of_it_counted(settling: Settling) -> None:
    await settling.delivers(1)
    await settling.pays(await settling.freezes(), "B-1")
    lines = [f"X-{at},1.00\n" for at in range(RECONCILED_MAX + 3)] + ["B-1,2.00\n", "Y" * 100_000 + ",1\n"]
    url = f"/v1/settlements/reconcile?from={today()}&to={today()}"

    async def found(query: str) -> dict[str, Any]:
        sent = {"content": "".join(["reference,amount\n", *reversed(lines)]).encode()}
        answer = await settling.client.post(
            url + query, **sent, headers=settling.office.headers | {"Content-Type": "text/csv"}
        )
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    whole, few = await found(""), await found("&limit=2")
    counts = {"matched": 1, "off": 0, "doubled": 0, "missing": 0, "unknown": RECONCILED_MAX + 4}
    assert whole["counts"] == few["counts"] == counts
    assert (whole["matched_fen"], whole["matched"]) == (200, [{"reference": "B-1", "amount_fen": 200}])
    assert len(whole["unknown"]) == RECONCILED_MAX
    assert few["unknown"] == whole["unknown"][:2]
    assert few["unknown"][0] == {"reference": "Y" * 200, "amount_fen": 100, "line": 2}, "no reference of ours is longer"


async def test_of_two_programmes_one_pays_with_a_reference(
    settling: Settling, office: Office, issuer: Issuer, db: Database
) -> None:
    """At once, under the locks of different funds."""
    await settling.delivers(1)
    mine = await settling.freezes()
    await office.client.post(f"/v1/programmes/{settling.fund}/pause", json={}, headers=office.headers)
    other = Settling(office, Courier(settling.client, issuer, db), await office.open(name="other"))
    async with db.transaction() as session:
        await session.execute(text("UPDATE programmes SET ends_at = now() WHERE id = :id"), {"id": settling.fund})
    await other.delivers(1)
    theirs = await other.freezes()
    assert (mine["lines"], theirs["lines"]) == (1, 1)
    answers = await asyncio.gather(settling.pays(mine, "B-1"), other.pays(theirs, "B-1"))
    assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_a_period_that_is_over_is_frozen_while_its_fund_is_at_work(settling: Settling, db: Database) -> None:
    await settling.delivers(3)
    async with db.transaction() as session:
        await session.execute(text("UPDATE subsidies SET posted_at = posted_at - interval '40 days'"))
    async with db.transaction() as working:
        await working.execute(text("SELECT 1 FROM ledger_heads FOR UPDATE"))
        async with asyncio.timeout(10):
            month = await settling.freezes(**{"from": "2026-01-01T00:00:00Z", "to": ago(30)})
    assert month["lines"] == 3


def ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


async def test_whom_a_programme_owes_is_listed_until_it_is_in_a_statement(settling: Settling, issuer: Issuer) -> None:
    async def owed(query: str = "") -> list[dict[str, Any]]:
        path = f"/v1/settlements/owed?programme_id={settling.fund}{query}"
        answer = await settling.client.get(path, headers=issuer.caller("auditor"))
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    assert await owed() == []
    await settling.delivers(3)
    rival = Settling(settling.office, Courier(settling.client, issuer, settling.courier.db), settling.fund)
    await rival.delivers(1)
    found = {each["carrier_id"]: (each["lines"], each["amount_fen"], each["producer_id"]) for each in await owed()}
    assert found == {
        str(settling.courier.account_id): (3, 3 * RATE_FEN, None),
        str(rival.courier.account_id): (1, RATE_FEN, None),
    }
    first = (await owed("&limit=1"))[0]["carrier_id"]
    assert [each["carrier_id"] for each in await owed(f"&after={first}")] == [max(found)]
    await settling.freezes()
    assert [each["carrier_id"] for each in await owed()] == [str(rival.courier.account_id)]
    unknown = await settling.client.get(f"/v1/settlements/owed?programme_id={uuid4()}", headers=settling.office.headers)
    assert unknown.status_code == 404


async def test_days_that_run_backwards_and_an_unknown_programme_are_not_reconciled(settling: Settling) -> None:
    async def reconcile(query: str) -> httpx.Response:
        headers = settling.office.headers | {"Content-Type": "text/csv"}
        url = f"/v1/settlements/reconcile?{query}"
        return await settling.client.post(url, content=b"reference,amount", headers=headers)

    backwards = await reconcile("from=2026-11-30&to=2026-11-29")
    assert (backwards.status_code, backwards.json()["errors"][0]["pointer"]) == (422, "#/query/to")
    assert (await reconcile(f"from=2026-11-29&to=2026-11-30&programme_id={uuid4()}")).status_code == 404


async def test_a_banks_list_is_read_in_no_transaction(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    open_meanwhile = []

    def rows_of(_: str) -> list[Row]:
        open_meanwhile.append(session.in_transaction())
        return []

    monkeypatch.setattr(service, "rows_of", rows_of)
    day = datetime.now(UTC).date()
    async with db.reading() as session:
        with pytest.raises(NotFound):
            await service.compare(session, b"", uuid4(), day, day)
    assert open_meanwhile == [False]
