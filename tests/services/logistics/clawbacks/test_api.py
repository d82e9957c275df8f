"""Clawbacks: notice, objection, a second officer's decision, and every fen that comes back."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from chassis.db import Database
from duijie.postgres import EmbeddedPostgres
from services.logistics.clawbacks.service import notice_days_returned, notice_returned
from tests.services.logistics.settlements.settling import Settling
from tests.support.services import Issuer, untouched_database
from tests.support.subsidies import RATE_FEN, Courier, Office, balances


class Recovery:
    """Paid parcels, and what the office and the carrier do about them."""

    def __init__(self, settling: Settling, issuer: Issuer, db: Database) -> None:
        self.settling, self.db = settling, db
        self.client, self.first = settling.client, settling.office.headers
        self.second = issuer.caller("programme_officer")
        self.carrier = settling.courier.headers

    async def paid(self, count: int, reference: str = "B-1") -> list[str]:
        parcels = await self.settling.delivers(count)
        answer = await self.settling.pays(await self.settling.freezes(), reference)
        assert answer.status_code == 200, answer.text
        return [each["waybill"] for each in parcels]

    async def opens(self, said_of: list[str], **changes: Any) -> httpx.Response:
        body = {
            "programme_id": self.settling.fund,
            "waybills": said_of,
            "cause": "not_delivered",
            "evidence": "a letter",
        }
        body = {name: value for name, value in (body | changes).items() if value is not None}
        return await self.client.post("/v1/clawbacks", json=body, headers=self.first)

    async def says(
        self, clawback: dict[str, Any], under: str, body: dict[str, Any], who: dict[str, str]
    ) -> httpx.Response:
        return await self.client.post(f"/v1/clawbacks/{clawback['id']}/{under}", json=body, headers=who)

    async def upheld(self, waybills: list[str]) -> dict[str, Any]:
        """Opened, objected to and upheld."""
        opened = await self.opens(waybills)
        assert opened.status_code == 201, opened.text
        await self.says(opened.json(), "objection", {"text": "it was brought"}, self.carrier)
        answer = await self.says(opened.json(), "decision", {"decision": "uphold"}, self.second)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def reads(self, clawback: dict[str, Any]) -> dict[str, Any]:
        answer = await self.client.get(f"/v1/clawbacks/{clawback['id']}", headers=self.first)
        shown: dict[str, Any] = answer.json()
        return shown

    async def money(self) -> dict[str, Any]:
        shown = await self.settling.office.read(self.settling.fund)
        assert balances(shown)
        assert (await self.settling.office.read(self.settling.fund, "/verify"))["ok"]
        return shown


@pytest.fixture
async def recovery(office: Office, courier: Courier, issuer: Issuer, db: Database) -> Recovery:
    return Recovery(Settling(office, courier, await office.open(budget_fen=100 * RATE_FEN)), issuer, db)


async def test_what_is_upheld_is_netted_from_the_next_payments_to_the_fen(recovery: Recovery) -> None:
    waybills = await recovery.paid(5)
    clawback = await recovery.upheld(waybills[:3])
    assert (clawback["status"], clawback["amount_fen"], clawback["recovered_fen"]) == ("upheld", 600, 0)
    before = await recovery.money()
    await recovery.settling.delivers(2)
    frozen = await recovery.settling.freezes()
    assert frozen["due"] == {"owed_fen": 400, "recovered_fen": 400, "paid_fen": 0}, "told before it is paid"
    netted = (await recovery.settling.pays(frozen, "B-2")).json()
    assert (netted["owed_fen"], netted["recovered_fen"], netted["paid_fen"]) == (400, 400, 0)
    await recovery.settling.delivers(2)
    frozen = await recovery.settling.freezes()
    assert frozen["due"] == {"owed_fen": 400, "recovered_fen": 200, "paid_fen": 200}
    rest = (await recovery.settling.pays(frozen, "B-3")).json()
    assert (rest["owed_fen"], rest["recovered_fen"], rest["paid_fen"]) == (400, 200, 200)
    shown = await recovery.reads(clawback)
    assert (shown["status"], shown["recovered_fen"]) == ("recovered", 600)
    after = await recovery.money()
    assert after["paid_fen"] == 5 * RATE_FEN + 4 * RATE_FEN - 600
    assert after["available_fen"] == before["available_fen"] - 4 * RATE_FEN + 600
    kinds = await recovery.settling.office.kinds(recovery.settling.fund)
    assert (kinds.count("payout"), kinds.count("clawback")) == (3, 2)


async def test_of_several_the_oldest_is_recovered_first(recovery: Recovery) -> None:
    waybills = await recovery.paid(4)
    one, two = await recovery.upheld(waybills[:1]), await recovery.upheld(waybills[1:3])
    await recovery.settling.delivers(2)
    await recovery.settling.pays(await recovery.settling.freezes(), "B-2")
    assert [(await recovery.reads(each))["recovered_fen"] for each in (one, two)] == [200, 200]


async def test_what_was_paid_back_counts_once_and_only_what_is_left_is_netted(recovery: Recovery) -> None:
    clawback = await recovery.upheld((await recovery.paid(3))[:2])
    paid_back = {"amount_fen": 150, "reference": "R-1"}
    answers = await asyncio.gather(
        *(recovery.says(clawback, "repayments", paid_back, recovery.first) for _ in range(4))
    )
    assert [answer.status_code for answer in answers] == [200] * 4
    assert (await recovery.money())["paid_fen"] == 600 - 150
    other = await recovery.says(clawback, "repayments", paid_back | {"amount_fen": 151}, recovery.first)
    assert (other.status_code, other.json()["type"]) == (409, "/problems/repaid-otherwise")
    much = await recovery.says(clawback, "repayments", {"amount_fen": 251, "reference": "R-2"}, recovery.first)
    assert (much.status_code, much.json()["type"]) == (409, "/problems/not-recoverable")
    await recovery.settling.delivers(2)
    paid = (await recovery.settling.pays(await recovery.settling.freezes(), "B-2")).json()
    assert (paid["recovered_fen"], paid["paid_fen"]) == (250, 150)


async def test_repayments_and_payments_at_once_never_recover_more_than_is_claimed(recovery: Recovery) -> None:
    clawback = await recovery.upheld((await recovery.paid(3))[:2])
    await recovery.settling.delivers(1)
    statement = await recovery.settling.freezes()
    answers = await asyncio.gather(
        recovery.settling.pays(statement, "B-2"),
        *(
            recovery.says(clawback, "repayments", {"amount_fen": 100, "reference": f"R-{each}"}, recovery.first)
            for each in range(5)
        ),
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    shown = await recovery.reads(clawback)
    repaid = sum(100 for answer in answers[1:] if answer.status_code == 200)
    assert shown["recovered_fen"] == repaid + answers[0].json()["recovered_fen"] <= 400
    assert (await recovery.money())["paid_fen"] == 600 + 200 - shown["recovered_fen"]


async def test_who_opened_it_does_not_decide_and_nobody_does_before_the_payee_could_speak(
    recovery: Recovery, db: Database
) -> None:
    opened = (await recovery.opens(await recovery.paid(1), objection_days=3)).json()
    assert datetime.fromisoformat(opened["objection_until"]) - datetime.fromisoformat(
        opened["noticed_at"]
    ) == timedelta(3)
    uphold = {"decision": "uphold"}
    own = await recovery.says(opened, "decision", uphold, recovery.first)
    early = await recovery.says(opened, "decision", uphold, recovery.second)
    assert (own.status_code, own.json()["type"]) == (403, "/problems/second-officer-needed")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/objection-period")
    async with db.transaction() as session:
        await session.execute(text("UPDATE clawbacks SET objection_until = now() - interval '1 second'"))
    late = await recovery.says(opened, "objection", {"text": "but"}, recovery.carrier)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/no-objection")
    assert early.json()["until"] == opened["objection_until"].replace("Z", "+00:00"), "apart from the text"
    assert (await recovery.says(opened, "decision", uphold, recovery.second)).json()["status"] == "upheld"
    again = await recovery.says(opened, "decision", uphold, recovery.second)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/clawback-decided")


async def test_what_is_dismissed_is_not_recovered_and_may_be_claimed_anew(recovery: Recovery) -> None:
    waybills = await recovery.paid(2)
    opened = (await recovery.opens(waybills)).json()
    twice = await recovery.opens(waybills[1:])
    assert (twice.status_code, twice.json()["errors"][0]["pointer"]) == (409, "#/waybills/0")
    said = await recovery.says(opened, "objection", {"text": "here is the receipt"}, recovery.carrier)
    assert (said.json()["status"], said.json()["objection"]) == ("objected", "here is the receipt")
    dismissed = await recovery.says(opened, "decision", {"decision": "dismiss", "note": "true"}, recovery.second)
    assert (dismissed.json()["status"], dismissed.json()["note"]) == ("dismissed", "true")
    nothing = await recovery.says(opened, "repayments", {"amount_fen": 1, "reference": "R"}, recovery.first)
    assert nothing.status_code == 409
    assert (await recovery.opens(waybills[1:])).status_code == 201


async def test_who_opened_it_by_mistake_takes_it_back_at_once(recovery: Recovery, db: Database) -> None:
    (waybill,) = await recovery.paid(1)
    opened = (await recovery.opens([waybill], cause="returned_after_payment")).json()
    back = await recovery.says(opened, "decision", {"decision": "dismiss", "note": "wrong number"}, recovery.first)
    assert (back.status_code, back.json()["status"], back.json()["note"]) == (200, "dismissed", "wrong number")
    assert back.json()["decided_by"] == back.json()["opened_by"]
    late = await recovery.says(opened, "objection", {"text": "it was brought"}, recovery.carrier)
    assert (late.status_code, late.json()["type"]) == (409, "/problems/no-objection")
    again = await recovery.says(opened, "decision", {"decision": "uphold"}, recovery.second)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/clawback-decided")
    await recovery.settling.courier.tell((waybill, "returned"))
    taken_back = (await recovery.opens([waybill], cause="returned_after_payment")).json()
    await recovery.says(taken_back, "decision", {"decision": "dismiss"}, recovery.first)
    assert await notice_returned(db) == 1, "whoever takes one back has not decided that it did not come back"


async def test_of_officers_at_once_one_opens_it(recovery: Recovery) -> None:
    waybills = await recovery.paid(3)
    answers = await asyncio.gather(*(recovery.opens(waybills) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_parcels_that_came_back_after_they_were_paid_open_one_by_themselves(
    recovery: Recovery, db: Database
) -> None:
    waybills = await recovery.paid(3)
    await recovery.settling.courier.tell((waybills[0], "returned"), (waybills[1], "returned"))
    await recovery.settling.courier.tell((waybills[0], "returned"))
    assert sorted(await asyncio.gather(*(notice_returned(db) for _ in range(3)))) == [0, 0, 1]
    assert await notice_returned(db) == 0
    (found,) = (await recovery.client.get("/v1/clawbacks", headers=recovery.carrier)).json()["items"]
    assert (found["cause"], found["opened_by"], found["amount_fen"]) == ("returned_after_payment", None, 400)
    shown = await recovery.reads(found)
    assert {line["waybill"] for line in shown["items"]} == set(waybills[:2])
    assert all(line["came_back_at"] for line in shown["items"])
    await recovery.says(found, "objection", {"text": "no"}, recovery.carrier)
    assert (await recovery.says(found, "decision", {"decision": "uphold"}, recovery.first)).status_code == 200


async def test_days_that_are_over_make_one_clawback_a_payee(recovery: Recovery, db: Database) -> None:
    waybills = await recovery.paid(3)
    await recovery.settling.courier.tell((waybills[0], "returned"), (waybills[1], "returned"))
    assert await notice_days_returned(db) == 0, "the day is not over"
    async with db.transaction() as session:
        await session.execute(text("UPDATE subsidies SET came_back_at = came_back_at - interval '1 day'"))
    await recovery.settling.courier.tell((waybills[2], "returned"))
    assert await notice_days_returned(db) == 1
    (found,) = (await recovery.client.get("/v1/clawbacks", headers=recovery.carrier)).json()["items"]
    assert found["amount_fen"] == 2 * RATE_FEN


async def test_what_came_back_is_claimed_though_another_claim_of_it_was_dismissed(
    recovery: Recovery, db: Database
) -> None:
    (waybill,) = await recovery.paid(1)
    opened = (await recovery.opens([waybill], cause="false_weight")).json()
    await recovery.says(opened, "objection", {"text": "no"}, recovery.carrier)
    await recovery.says(opened, "decision", {"decision": "dismiss"}, recovery.second)
    await recovery.settling.courier.tell((waybill, "returned"))
    assert await notice_returned(db) == 1
    returned = "/v1/clawbacks?status=noticed"
    (found,) = (await recovery.client.get(returned, headers=recovery.first)).json()["items"]
    await recovery.says(found, "objection", {"text": "no"}, recovery.carrier)
    await recovery.says(found, "decision", {"decision": "dismiss"}, recovery.first)
    assert await notice_returned(db) == 0, "it was decided that it did not come back"


async def test_what_comes_back_after_a_claim_that_it_had_was_dismissed_is_claimed_then(
    recovery: Recovery, db: Database
) -> None:
    (waybill,) = await recovery.paid(1)
    early = (await recovery.opens([waybill], cause="returned_after_payment")).json()
    await recovery.says(early, "objection", {"text": "it is with the buyer"}, recovery.carrier)
    await recovery.says(early, "decision", {"decision": "dismiss"}, recovery.second)
    assert await notice_returned(db) == 0
    await recovery.settling.courier.tell((waybill, "returned"))
    assert await notice_returned(db) == 1
    assert await notice_returned(db) == 0


async def test_a_run_looks_for_what_waits_and_not_through_all_that_ever_came_back(
    recovery: Recovery, db: Database
) -> None:
    async def waiting() -> int:
        async with db.reading() as session:
            wanted = "SELECT count(*) FROM subsidies WHERE came_back_at IS NOT NULL AND claimed_back_at IS NULL"
            return (await session.execute(text(wanted))).scalar_one()

    waybills = await recovery.paid(3)
    other = (await recovery.opens(waybills[:1], cause="false_weight")).json()
    await recovery.settling.courier.tell(*((each, "returned") for each in waybills))
    assert await waiting() == 2, "one is being recovered"
    assert await notice_returned(db) == 1
    assert await waiting() == 0
    await recovery.says(other, "objection", {"text": "no"}, recovery.carrier)
    await recovery.says(other, "decision", {"decision": "dismiss"}, recovery.second)
    assert await waiting() == 1, "that its weight was true says nothing of its return"
    assert await notice_returned(db) == 1
    for opened in (await recovery.client.get("/v1/clawbacks?status=noticed", headers=recovery.first)).json()["items"]:
        await recovery.says(opened, "objection", {"text": "no"}, recovery.carrier)
        await recovery.says(opened, "decision", {"decision": "dismiss"}, recovery.first)
    again = (await recovery.opens(waybills, cause="other")).json()
    await recovery.says(again, "objection", {"text": "no"}, recovery.carrier)
    await recovery.says(again, "decision", {"decision": "dismiss"}, recovery.second)
    assert await waiting() == 0, "it was decided before that they did not come back"


async def test_what_came_back_unclaimed_is_found_in_its_index_and_in_its_order(postgres: EmbeddedPostgres) -> None:
    async with untouched_database(postgres, "logistics") as db, db.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        looked = "SELECT FROM subsidies WHERE came_back_at IS NOT NULL AND claimed_back_at IS NULL"
        plan = "\n".join(await session.scalars(text(f"EXPLAIN {looked} ORDER BY came_back_at")))
    assert "ix_subsidies_came_back_unclaimed" in plan
    assert "Sort" not in plan


async def test_a_decision_and_a_new_clawback_of_the_same_at_once_wait_for_each_other_in_one_order(
    recovery: Recovery,
) -> None:
    waybills = await recovery.paid(5)
    for _ in range(5):
        opened = (await recovery.opens(waybills)).json()
        await recovery.says(opened, "objection", {"text": "no"}, recovery.carrier)
        dismissing = recovery.says(opened, "decision", {"decision": "dismiss"}, recovery.second)
        answers = await asyncio.gather(dismissing, *(recovery.opens(waybills[::-1]) for _ in range(3)))
        assert {answer.status_code for answer in answers} <= {200, 201, 409}, [each.text for each in answers]
        live = (await recovery.client.get("/v1/clawbacks?status=noticed", headers=recovery.first)).json()["items"]
        for each in live:
            await recovery.says(each, "objection", {"text": "no"}, recovery.carrier)
            await recovery.says(each, "decision", {"decision": "dismiss"}, recovery.second)


async def test_a_transfer_of_the_bank_repays_once_of_whatever_clawback(recovery: Recovery) -> None:
    waybills = [await recovery.paid(2), await recovery.paid(2, "B-2")]
    first, second = [await recovery.upheld(each) for each in waybills]
    repaid = {"amount_fen": 400, "reference": "BANK-77"}
    answers = await asyncio.gather(
        *(recovery.says(each, "repayments", repaid, recovery.first) for each in (first, second))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (refused,) = (answer.json()["type"] for answer in answers if answer.status_code == 409)
    assert refused == "/problems/repaid-otherwise"
    assert (await recovery.money())["paid_fen"] == 400


async def test_a_repayment_is_never_taken_for_what_was_netted(recovery: Recovery) -> None:
    clawback = await recovery.upheld(await recovery.paid(2))
    await recovery.settling.delivers(1)
    statement = await recovery.settling.freezes()
    odd = {"amount_fen": 1, "reference": statement["id"]}
    assert (await recovery.says(clawback, "repayments", odd, recovery.first)).status_code == 200
    paid = await recovery.settling.pays(statement, "B-2")
    assert (paid.status_code, paid.json()["recovered_fen"]) == (200, 200)
    money = await recovery.money()
    assert (await recovery.reads(clawback))["recovered_fen"] == 201
    assert money["paid_fen"] == 2 * RATE_FEN + RATE_FEN - 201


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"waybills": None}, "#"),
        ({"match_ids": [str(uuid4())]}, "#"),
        ({"waybills": ["unpaid"]}, "#/waybills/0"),
        ({"waybills": None, "match_ids": [str(uuid4())]}, "#/match_ids/0"),
        ({"cause": "spite"}, "#/cause"),
        ({"evidence": " "}, "#/evidence"),
        ({"objection_days": 0}, "#/objection_days"),
        ({"amount_fen": 9}, "#/amount_fen"),
    ],
)
async def test_bad_input_is_named_and_opens_nothing(recovery: Recovery, changes: dict[str, Any], pointer: str) -> None:
    waybills = await recovery.paid(1)
    match = await recovery.settling.courier.claimed()
    await recovery.settling.courier.register(recovery.settling.courier.parcel(match, waybill="unpaid"))
    answer = await recovery.opens(waybills, **changes)
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await recovery.client.get("/v1/clawbacks", headers=recovery.first)).json()["items"] == []


async def test_one_clawback_is_against_one_payee(recovery: Recovery, issuer: Issuer, db: Database) -> None:
    mine = await recovery.paid(1)
    rival = Recovery(
        Settling(recovery.settling.office, Courier(recovery.client, issuer, db), recovery.settling.fund), issuer, db
    )
    answer = await recovery.opens([*mine, *(await rival.paid(1, "B-2"))])
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["#"])


async def test_a_carrier_sees_and_answers_what_is_against_it_alone(recovery: Recovery, issuer: Issuer) -> None:
    opened = (await recovery.opens(await recovery.paid(1))).json()
    stranger = issuer.caller("carrier")
    assert (await recovery.client.get("/v1/clawbacks", headers=stranger)).json()["items"] == []
    assert (await recovery.client.get(f"/v1/clawbacks/{opened['id']}", headers=stranger)).status_code == 404
    assert (await recovery.says(opened, "objection", {"text": "x"}, stranger)).status_code == 404
    spying = f"/v1/clawbacks?payee_id={opened['payee_id']}"
    assert (await recovery.client.get(spying, headers=stranger)).json()["items"] == []
    assert UUID(opened["payee_id"]) == recovery.settling.courier.account_id

    async def found(query: str) -> int:
        answer = await recovery.client.get(f"/v1/clawbacks?{query}", headers=recovery.first)
        return len(answer.json()["items"])

    assert [await found(each) for each in ("status=noticed", "status=upheld", f"programme_id={uuid4()}")] == [1, 0, 0]
