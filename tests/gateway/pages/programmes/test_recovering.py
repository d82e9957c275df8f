"""Clawbacks on their page: each way out is offered to whoever may take it, and to nobody else."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from gateway.accounts.service import account_for
from gateway.tokens import Signer
from tests.gateway.pages.played import Played
from tests.gateway.pages.programmes.test_programmes import EN, ID, OFFICER, OTHER, PAGE, a_programme, items
from tests.gateway.support import bearer

HERE, CLAWBACK = f"{PAGE}/clawbacks", str(uuid4())
SOON, PAST = (datetime.now(UTC) + timedelta(days=each) for each in (3, -3))


def a_clawback(opened_by: UUID | None = OTHER, **changes: Any) -> dict[str, Any]:
    return {
        "id": CLAWBACK,
        "programme_id": ID,
        "payee_id": str(uuid4()),
        "cause": "not_delivered",
        "evidence": "地址不存在",
        "amount_fen": 123_456,
        "recovered_fen": 0,
        "status": "noticed",
        "opened_by": str(opened_by) if opened_by else None,
        "noticed_at": "2026-11-29T00:00:00Z",
        "objection_until": SOON.isoformat(),
        "objection": None,
        "objected_at": None,
        "decided_by": None,
        "decided_at": None,
        "note": None,
        **changes,
    }


WAITS = "The payee may object until"
OWN = "You opened this yourself: another officer decides. You may take it back."
OBJECTED = {"status": "objected", "objection": "送到了", "objected_at": "2026-11-30T00:00:00Z"}
UPHELD = {"status": "upheld", "decided_by": str(OTHER), "decided_at": "2026-11-30T00:00:00Z", "recovered_fen": 456}


@pytest.fixture
def logistics() -> Played:
    played = Played()
    played.say(f"/v1{PAGE}", a_programme())
    played.say("/v1/clawbacks", items())
    return played


@pytest.mark.parametrize(
    ("said", "offered", "told"),
    [
        (a_clawback(), set(), WAITS),
        (a_clawback(OFFICER), {"dismiss"}, OWN),
        (a_clawback(objection_until=PAST.isoformat()), {"uphold", "dismiss"}, "notice given"),
        (a_clawback(**OBJECTED), {"uphold", "dismiss"}, "送到了"),
        (a_clawback(OFFICER, **OBJECTED), {"dismiss"}, OWN),
        (a_clawback(None, **OBJECTED), {"uphold", "dismiss"}, "opened by the platform"),
        (a_clawback(**UPHELD), set(), "left 1,230.00 CNY"),
    ],
)
async def test_a_decision_is_offered_to_who_may_make_it_and_others_are_told_why_not(
    client: httpx.AsyncClient,
    officer: dict[str, str],
    logistics: Played,
    said: dict[str, Any],
    offered: set[str],
    told: str,
) -> None:
    logistics.say("/v1/clawbacks", items(said))
    page = (await client.get(HERE, headers=officer)).text
    assert set(re.findall(r'name="decision" value="(\w+)"', page)) == offered
    assert told in page
    assert [why for why in (WAITS, OWN) if why in page] == [why for why in (WAITS, OWN) if why == told]
    assert (f"{CLAWBACK}/repayments" in page) == (said["status"] == "upheld")


async def test_an_auditor_reads_clawbacks_without_any_form(
    client: httpx.AsyncClient, signer: Signer, logistics: Played
) -> None:
    logistics.say("/v1/clawbacks", items(a_clawback(**OBJECTED), a_clawback(**UPHELD)))
    auditor = bearer(signer, "auditor") | EN
    page = await client.get(HERE, headers=auditor)
    assert (page.status_code, page.text.count("<form")) == (200, 1), "that of signing out"
    assert (await client.post(HERE, data={"wrong": "SF1"}, headers=auditor)).status_code == 403


async def test_a_notice_names_paid_lines_and_what_is_wrong_with_one_names_it(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    form = {"of": "waybills", "wrong": "SF1，SF2", "cause": "duplicate", "evidence": "两次", "objection_days": "10"}
    errors = [{"pointer": "#/waybills/1", "detail": "It was not paid."}]
    logistics.refuse("/v1/clawbacks", "invalid-input", 422, errors=errors)
    refused = await client.post(HERE, data=form, headers=officer)
    assert 'id="wrong-fault">SF2: It was not paid.<' in refused.text
    assert '<option value="duplicate" selected>' in refused.text
    logistics.say("/v1/clawbacks", a_clawback(OFFICER), method="POST", status=201)
    done = await client.post(HERE, data=form | {"key": "k1"}, headers=officer)
    assert (done.status_code, done.headers["location"]) == (303, HERE)
    asked = logistics.requests("POST", "/v1/clawbacks")[-1]
    assert asked.headers["idempotency-key"] == "k1"
    assert asked.body == {
        "programme_id": ID,
        "waybills": ["SF1", "SF2"],
        "cause": "duplicate",
        "evidence": "两次",
        "objection_days": 10,
    }


async def test_a_decision_and_a_repayment_are_told_to_the_fen(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    path = f"/v1/clawbacks/{CLAWBACK}"
    for verb in ("decision", "repayments"):
        logistics.say(f"{path}/{verb}", a_clawback(), method="POST")
    told = {
        "decision": {"decision": "uphold", "note": "查实"},
        "repayments": {"amount": "1,230.05", "reference": "B-9"},
    }
    for verb, form in told.items():
        assert (await client.post(f"{HERE}/{CLAWBACK}/{verb}", data=form, headers=officer)).status_code == 303
    assert logistics.requests("POST", f"{path}/decision")[0].body == {"decision": "uphold", "note": "查实"}
    assert logistics.requests("POST", f"{path}/repayments")[0].body == {"amount_fen": 123_005, "reference": "B-9"}


async def test_a_repayment_that_is_refused_says_so_in_its_own_card(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say("/v1/clawbacks", items(a_clawback(**UPHELD)))
    errors = [{"pointer": "#/amount_fen", "detail": "too much"}]
    logistics.refuse(f"/v1/clawbacks/{CLAWBACK}/repayments", "invalid-input", 422, errors=errors)
    page = await client.post(f"{HERE}/{CLAWBACK}/repayments", data={"amount": "lots"}, headers=officer)
    assert page.status_code == 422
    assert 'id="amount-1-fault">Give an amount in CNY' in page.text
    assert 'value="lots"' in page.text
    (wrong,) = re.findall(r'<input id="amount-1"[^>]*>', page.text)
    assert ("autofocus" in wrong, 'aria-describedby="amount-1-fault"' in wrong) == (True, True)


async def test_fields_of_several_cards_have_ids_of_their_own(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    cards = [a_clawback(**changes, id=str(uuid4())) for changes in (UPHELD, OBJECTED, UPHELD, OBJECTED)]
    logistics.say("/v1/clawbacks", items(*cards))
    page = (await client.get(HERE, headers=officer)).text
    ids = re.findall(r' id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'<label for="([^"]*)"', page)) <= set(ids)
    assert re.findall(r'<input id="([^"]*)" name="note"', page) == ["note-2", "note-4"]


async def test_the_payee_goes_by_name_and_the_list_goes_on(
    client: httpx.AsyncClient, officer: dict[str, str], db: Database, vault: Vault, logistics: Played
) -> None:
    async with db.transaction() as session:
        carrier = await account_for(session, vault, "carrier", "极兔")
    logistics.say("/v1/clawbacks", items(a_clawback(payee_id=str(carrier.id))) | {"next": CLAWBACK})
    page = (await client.get(HERE, headers=officer)).text
    assert "极兔" in page
    assert f'href="{HERE}?after={CLAWBACK}"' in page
    await client.get(f"{HERE}?after={CLAWBACK}", headers=officer)
    assert logistics.requests("GET", "/v1/clawbacks")[-1].query["after"] == [CLAWBACK]
    assert logistics.requests("GET", "/v1/clawbacks")[-1].query["programme_id"] == [ID]


async def test_who_decides_second_is_told_at_the_top_and_keeps_the_note(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say("/v1/clawbacks", items(a_clawback(**UPHELD)))
    logistics.refuse(f"/v1/clawbacks/{CLAWBACK}/decision", "clawback-decided", 409)
    form = {"decision": "dismiss", "note": "收件人已确认"}
    page = (await client.post(f"{HERE}/{CLAWBACK}/decision", data=form, headers=officer)).text
    told = page[page.index("<h1>") : page.index("<article")]
    assert ("because clawback-decided" in told, "收件人已确认" in told) == (True, True)
    assert page.count("because clawback-decided") == 1
    assert "<details open" not in page, "a repayment is not what was tried"


async def test_a_refused_repayment_comes_back_to_the_page_of_the_list_on_which_its_card_is(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    card = a_clawback(**UPHELD)
    logistics.say("/v1/clawbacks", lambda asked: items(*([card] if asked.query.get("after") == [ID] else [])))
    page = (await client.get(f"{HERE}?after={ID}", headers=officer)).text
    (action,) = re.findall(r'action="([^"]*/repayments[^"]*)"', page)
    logistics.refuse(f"/v1/clawbacks/{CLAWBACK}/repayments", "invalid-input", 422)
    page = (await client.post(action, data={"amount": "lots"}, headers=officer)).text
    assert ('value="lots"' in page, f'action="{action}"' in page) == (True, True)


async def test_as_many_lines_as_are_pasted_are_claimed_back(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say("/v1/clawbacks", a_clawback(OFFICER), method="POST", status=201)
    pasted = [f"SF{10**12 + number}" for number in range(1000)]
    form = {"of": "waybills", "wrong": "\r\n".join(pasted), "cause": "duplicate", "evidence": "两次"}
    assert (await client.post(HERE, data=form, headers=officer)).status_code == 303
    assert logistics.requests("POST", "/v1/clawbacks")[0].body["waybills"] == pasted


async def test_the_second_officer_sees_the_lines_that_a_clawback_is_about(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    said = a_clawback(**OBJECTED)
    line = {"waybill": "SF-WRONG", "subject_id": str(uuid4()), "amount_fen": 12_345}
    logistics.say("/v1/clawbacks", items(said))
    logistics.say(f"/v1/clawbacks/{CLAWBACK}", said | {"items": [line | {"came_back_at": "2026-11-30T01:00:00Z"}]})
    page = (await client.get(f"{HERE}?after={ID}", headers=officer)).text
    assert "SF-WRONG" not in page
    (there,) = re.findall(r'href="([^"]*)">See the lines that it is about</a>', page)
    assert there == f"{HERE}?after={ID}&amp;of={CLAWBACK}#{CLAWBACK}", "on the page where it stands"
    page = (await client.get(there.replace("&amp;", "&"), headers=officer)).text
    card = page[page.index("<article") : page.index("</article>")]
    for shown in ("SF-WRONG", "123.45", "11-30 09:00", 'value="uphold"'):
        assert shown in card
