"""What is claimed back from a payee is told to it on a page, with a form to object while it may."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from gateway.tokens import Signer
from tests.gateway.pages.played import Played
from tests.gateway.support import bearer

CLAWBACK, PAYEE = str(uuid4()), uuid4()
API = f"/v1/clawbacks/{CLAWBACK}"
HOMES = {"carrier": "/carrier/settlements/clawbacks", "producer": "/farm/clawbacks"}
EN = {"Accept-Language": "en"}
SOON, PAST = ((datetime.now(UTC) + timedelta(days=each)).isoformat() for each in (3, -3))


def a_clawback(**changes: Any) -> dict[str, Any]:
    line = {"waybill": "SF1", "subject_id": str(uuid4()), "amount_fen": 200, "came_back_at": None}
    return {
        "id": CLAWBACK,
        "programme_id": str(uuid4()),
        "payee_id": str(PAYEE),
        "cause": "not_delivered",
        "evidence": "地址不存在",
        "amount_fen": 123_456,
        "recovered_fen": 0,
        "status": "noticed",
        "opened_by": None,
        "noticed_at": "2026-11-29T00:00:00Z",
        "objection_until": SOON,
        "objection": None,
        "objected_at": None,
        "decided_by": None,
        "decided_at": None,
        "note": None,
        "items": [line, line | {"waybill": "SF2", "came_back_at": "2026-11-29T00:05:00Z"}],
        **changes,
    }


@pytest.fixture
def logistics() -> Played:
    played = Played()
    played.say("/v1/clawbacks", {"items": [a_clawback()], "next": None})
    played.say(API, a_clawback())
    return played


@pytest.fixture
def upstreams(logistics: Played) -> dict[str, Any]:
    return {"logistics": logistics.upstream}


@pytest.mark.parametrize("role", HOMES)
async def test_a_payee_reads_what_is_claimed_back_why_and_of_which_lines_and_objects_once(
    client: httpx.AsyncClient, signer: Signer, logistics: Played, role: str
) -> None:
    headers, home = bearer(signer, role, PAYEE) | EN, HOMES[role]
    listed = (await client.get(home, headers=headers)).text
    assert f'href="{home}/{CLAWBACK}"' in listed
    assert "1,234.56" in listed
    page = (await client.get(f"{home}/{CLAWBACK}", headers=headers)).text
    for shown in ("1,234.56", "地址不存在", "Not delivered", "SF1", "SF2", "11-29 08:05"):
        assert shown in page
    logistics.say(f"{API}/objection", a_clawback(status="objected"), method="POST")
    sent = await client.post(f"{home}/{CLAWBACK}", data={"text": "送到了", "key": "k1"}, headers=headers)
    assert (sent.status_code, sent.headers["location"]) == (303, f"{home}/{CLAWBACK}")
    (asked,) = logistics.requests("POST", f"{API}/objection")
    assert (asked.body, asked.headers["idempotency-key"]) == ({"text": "送到了"}, "k1")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"objection_until": PAST}, "to be decided"),
        ({"status": "objected", "objection": "送到了", "objected_at": PAST}, "送到了"),
        ({"status": "dismissed", "decided_at": PAST, "note": "查实已签收"}, "查实已签收"),
        ({"status": "upheld", "decided_at": PAST, "recovered_fen": 456}, "Left 1,230.00 CNY"),
    ],
)
async def test_who_may_object_no_more_has_no_form_and_is_told_how_it_stands(
    client: httpx.AsyncClient, signer: Signer, logistics: Played, changes: dict[str, Any], told: str
) -> None:
    headers, here = bearer(signer, "carrier", PAYEE) | EN, f"{HOMES['carrier']}/{CLAWBACK}"
    assert f'action="{here}"' in (await client.get(here, headers=headers)).text
    logistics.say(API, a_clawback(**changes))
    page = (await client.get(here, headers=headers)).text
    assert told in page
    assert f'action="{here}"' not in page


async def test_a_refusal_is_told_also_where_the_form_is_no_more(
    client: httpx.AsyncClient, signer: Signer, logistics: Played
) -> None:
    headers, here = bearer(signer, "producer", PAYEE) | EN, f"{HOMES['producer']}/{CLAWBACK}"
    logistics.refuse(f"{API}/objection", "no-objection", 409)
    logistics.say(API, a_clawback(status="upheld", decided_at=PAST))
    page = await client.post(here, data={"text": "送到了"}, headers=headers)
    assert page.status_code == 409
    assert "There is an objection or a decision already" in page.text
    logistics.say(API, a_clawback())
    errors = [{"pointer": "#/text", "detail": "It is missing."}]
    logistics.refuse(f"{API}/objection", "invalid-input", 422, errors=errors)
    page = await client.post(here, data={}, headers=headers)
    assert re.findall(r'id="text-fault">([^<]*)<', page.text) == ["It is missing."]


async def test_a_page_of_clawbacks_is_of_its_own_role_and_goes_on(
    client: httpx.AsyncClient, signer: Signer, logistics: Played
) -> None:
    cursor = str(uuid4())
    logistics.say("/v1/clawbacks", {"items": [a_clawback()], "next": cursor})
    for role, home in HOMES.items():
        assert f'href="{home}?after={cursor}"' in (await client.get(home, headers=bearer(signer, role, PAYEE))).text
        for other in {*HOMES, "programme_officer"} - {role}:
            assert (await client.get(home, headers=bearer(signer, other))).status_code == 403


async def test_a_carrier_is_told_beside_its_statements_that_it_may_object(
    client: httpx.AsyncClient, signer: Signer, logistics: Played
) -> None:
    headers, told = bearer(signer, "carrier", PAYEE) | EN, "you may still object"
    logistics.say("/v1/settlements", {"items": [], "next": None})

    for until, is_told in ((SOON, True), (PAST, False)):
        logistics.say("/v1/clawbacks", {"items": [a_clawback(objection_until=until)], "next": None})
        page = (await client.get("/carrier/settlements", headers=headers)).text
        assert (told in page, f'href="{HOMES["carrier"]}"' in page) == (is_told, True)
    assert {tuple(each.query["status"]) for each in logistics.requests("GET", "/v1/clawbacks")} == {("noticed",)}


async def test_a_carrier_reads_what_was_held_to_be_wrong_in_its_statement(
    client: httpx.AsyncClient, signer: Signer, logistics: Played
) -> None:
    path = f"/v1/settlements/{uuid4()}"
    asked = {"id": str(uuid4()), "reason": "查无此人", "lines": 1, "amount_fen": 250, "status": "approved"}
    asked |= {"asked_by": str(uuid4()), "asked_at": PAST, "decided_by": str(uuid4()), "decided_at": PAST}
    logistics.say(f"{path}/corrections", {"items": [asked], "next": None})
    said = {"id": path[-36:], "carrier_id": str(PAYEE), "producer_id": None, "status": "frozen", "amount_fen": 600}
    said |= {"begins_at": "2026-11-01T00:00:00Z", "ends_at": "2026-11-30T00:00:00Z", "lines": 3, "reference": None}
    said |= {"due": {"owed_fen": 350, "recovered_fen": 0, "paid_fen": 350}, "items": [], "next": None}
    logistics.say(path, said)
    page = (await client.get(f"/carrier/settlements/{path[-36:]}", headers=bearer(signer, "carrier", PAYEE) | EN)).text
    for shown in ("查无此人", "2.50 CNY", "approved"):
        assert shown in page
