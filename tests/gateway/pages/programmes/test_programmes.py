"""The programmes' pages: figures to the fen, forms for officers alone, and what each form asks of the API."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from gateway.accounts.service import account_for
from gateway.pages.programmes.views import Fund
from gateway.tokens import Signer
from tests.gateway.pages.played import Played
from tests.gateway.support import bearer

EN = {"Accept-Language": "en"}
ID, APPROVAL, SETTLEMENT = (f"01900000-0000-7000-8000-00000000000{each}" for each in range(3))
PAGE, OFFICER, OTHER = f"/programmes/{ID}", uuid4(), uuid4()
COUNTS = dict.fromkeys(("reserved", "posted", "voided", "reversed", "refused"), 0)


def a_programme(**changes: Any) -> dict[str, Any]:
    return {
        "id": ID,
        "name": "助农<快递>",
        "funder": "供销社",
        "kind": "courier_parcel",
        "status": "active",
        "starts_at": "2026-11-01T00:00:00Z",
        "ends_at": "2099-12-31T00:00:00Z",
        "rate_fen": 200,
        "rule_version": 1,
        "budget_fen": 100_001,
        "available_fen": 50_001,
        "reserved_fen": 20_000,
        "posted_fen": 20_000,
        "paid_fen": 10_000,
        "parcels": COUNTS,
        "exhausted_at": None,
        "days_left_at_this_rate": 2.5,
        **changes,
    }


def an_approval(asked_by: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "approval_id": APPROVAL,
        "programme_id": ID,
        "kind": "topup",
        "wanted": {"amount_fen": 123_456},
        "status": "pending",
        "asked_by": str(asked_by),
        "asked_at": "2026-11-29T00:00:00Z",
        "decided_by": None,
        "decided_at": None,
        **changes,
    }


def a_settlement() -> dict[str, Any]:
    return {
        "id": SETTLEMENT,
        "programme_id": ID,
        "carrier_id": str(OTHER),
        "producer_id": None,
        "begins_at": "2026-11-01T00:00:00Z",
        "ends_at": "2026-11-30T00:00:00Z",
        "status": "frozen",
        "lines": 1,
        "amount_fen": 200,
        "reference": None,
        "owed_fen": None,
        "recovered_fen": None,
        "paid_fen": None,
        "due": {"owed_fen": 200, "recovered_fen": 0, "paid_fen": 200},
        "paid_at": None,
        "items": [],
        "next": None,
    }


def items(*of: Any) -> dict[str, Any]:
    return {"items": list(of), "next": None}


@pytest.fixture
def logistics() -> Played:
    played, path = Played(), f"/v1{PAGE}"
    rule = {"version": 1, "effective_at": "2026-11-01T00:00:00Z", "rate_fen": 200}
    rule |= {"eligibility": {"poverty_832": True, "watch_52": None, "adcodes": [], "produce": ["strawberry"]}}
    rule |= {"caps": {"per_producer_per_day": None, "per_carrier_per_day": 40}}
    day = {"day": "2026-11-28", "budget_fen": 100_001, "available_fen": 70_001, "committed_fen": 30_000}
    played.say("/v1/programmes", items(a_programme()))
    played.say("/v1/programmes/approvals", items(an_approval(OTHER)))
    played.say(path, a_programme())
    played.say(f"{path}/rules", items(rule))
    played.say(f"{path}/approvals", items(an_approval(OTHER)))
    played.say(f"{path}/burndown", {"days": [day], "rate_fen_per_day": 30_000, "ends_on": "2026-12-01"})
    played.say("/v1/settlements", items(a_settlement()))
    played.say("/v1/settlements/owed", items())
    played.say("/v1/flags", items())
    played.say(f"/v1/settlements/{SETTLEMENT}", a_settlement())
    played.say(f"/v1/settlements/{SETTLEMENT}/corrections", items())
    return played


def test_the_parts_of_a_bar_are_the_whole_budget_in_the_order_in_which_money_goes() -> None:
    parts = Fund.of(a_programme()).parts
    assert [(part.name, part.fen) for part in parts] == [
        ("paid", 10_000),
        ("posted", 20_000),
        ("reserved", 20_000),
        ("available", 50_001),
    ]
    assert sum(part.width for part in parts) == pytest.approx(1000, abs=0.05)
    assert [part.width for part in Fund.of(a_programme(budget_fen=0)).parts] == [0, 0, 0, 0]


async def test_the_list_shows_every_fund_to_the_fen_and_what_waits(
    client: httpx.AsyncClient, officer: dict[str, str]
) -> None:
    page = (await client.get("/programmes", headers=officer)).text
    for shown in ("500.01", "200.00", "100.00", "1,000.01", "+1,234.56", "2 d 12 h", "助农&lt;快递&gt;"):
        assert shown in page
    assert page.count('value="approve"') == 1


async def test_ones_own_proposal_can_only_be_taken_back(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say(f"/v1{PAGE}/approvals", items(an_approval(OFFICER)))
    page = (await client.get(PAGE, headers=officer)).text
    assert "You asked for this yourself" in page
    assert ('value="approve"' in page, 'value="reject"' in page) == (False, True)


async def test_of_what_was_decided_both_officers_are_named(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    decided = {"status": "approved", "decided_by": str(OFFICER), "decided_at": "2026-11-30T00:00:00Z"}
    logistics.say(f"/v1{PAGE}/approvals", items(an_approval(OTHER, **decided)))
    page = (await client.get(PAGE, headers=officer)).text
    for account in (OFFICER, OTHER):
        assert f'title="{account}"' in page


async def test_a_programme_tells_its_rules_and_the_day_on_which_it_ends(
    client: httpx.AsyncClient, officer: dict[str, str]
) -> None:
    page = (await client.get(PAGE, headers=officer)).text
    for shown in ("2026-12-01", "former poverty county", "Produce Strawberry", "Most per carrier per day 40", "700.01"):
        assert shown in page


@pytest.mark.parametrize("path", ["/programmes", PAGE, f"/programmes/settlements/{SETTLEMENT}"])
async def test_an_auditor_reads_the_same_without_any_form(client: httpx.AsyncClient, signer: Signer, path: str) -> None:
    page = await client.get(path, headers=bearer(signer, "auditor") | EN)
    assert page.status_code == 200
    assert page.text.count("<form") == 1, "that of signing out"


@pytest.mark.parametrize("path", [f"{PAGE}/topup", f"{PAGE}/approvals/{APPROVAL}", "/programmes/new"])
async def test_an_auditor_who_sends_a_form_all_the_same_is_refused(
    client: httpx.AsyncClient, signer: Signer, logistics: Played, path: str
) -> None:
    refused = await client.post(path, data={"amount": "1"}, headers=bearer(signer, "auditor") | EN)
    assert (refused.status_code, logistics.asked) == (403, [])


async def test_a_top_up_is_asked_for_in_fen_once_and_leads_back(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say(f"/v1{PAGE}/topup", an_approval(OFFICER), method="POST", status=202)
    answer = await client.post(f"{PAGE}/topup", data={"amount": "1,234.56", "key": "k1"}, headers=officer)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}#changes")
    (asked,) = logistics.requests("POST", f"/v1{PAGE}/topup")
    assert (asked.body, asked.headers["idempotency-key"]) == ({"amount_fen": 123_456}, "k1")


async def test_rules_name_only_what_was_filled_in(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say(f"/v1{PAGE}/rules", an_approval(OFFICER), method="POST", status=202)
    form = {
        "rate": "1.50",
        "watch_52": "true",
        "produce": "strawberry，potato",
        "per_carrier_per_day": "30",
        "adcodes": "",
    }
    await client.post(f"{PAGE}/rules", data=form, headers=officer)
    (asked,) = logistics.requests("POST", f"/v1{PAGE}/rules")
    assert asked.body == {
        "rate_fen": 150,
        "eligibility": {"watch_52": True, "produce": ["strawberry", "potato"]},
        "caps": {"per_carrier_per_day": 30},
    }


async def test_the_last_day_that_is_typed_is_paid_and_shown_as_the_last(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    ends = "2026-12-31T16:00:00Z"
    logistics.say("/v1/programmes", a_programme(ends_at=ends), method="POST", status=201)
    logistics.say(f"/v1{PAGE}", a_programme(ends_at=ends))
    form = {"starts_at": "2026-12-01", "ends_at": "2026-12-31"}
    made = await client.post("/programmes/new", data=form, headers=officer)
    (asked,) = logistics.requests("POST", "/v1/programmes")
    assert asked.body == {"starts_at": "2026-12-01T00:00:00+08:00", "ends_at": "2027-01-01T00:00:00+08:00"}
    page = (await client.get(made.headers["location"], headers=officer)).text
    assert "2026-11-01 – 2026-12-31</p>" in page


async def test_whatever_is_long_goes_on_on_a_next_page(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    owed = {"carrier_id": str(OTHER), "producer_id": None, "amount_fen": 200, "lines": 1}
    owed |= {"since": "2026-11-01T00:00:00Z"}
    lists = {
        "settlements": ("/v1/settlements", a_settlement()),
        "changes": (f"/v1{PAGE}/approvals", an_approval(OTHER)),
        "owed": ("/v1/settlements/owed", owed),
    }
    for path, item in lists.values():
        logistics.say(path, items(item) | {"next": APPROVAL})
    page = (await client.get(PAGE, headers=officer)).text
    for name, (path, _) in lists.items():
        (more,) = re.findall(rf'href="({PAGE}\?{name}=[^"]*)"', page)
        await client.get(more, headers=officer)
        asked = [each.query.get("after") for each in logistics.requests("GET", path)]
        assert asked[-1] == [APPROVAL], name
    logistics.say("/v1/programmes/approvals", items(an_approval(OTHER)) | {"next": APPROVAL})
    assert f'href="/programmes?waiting={APPROVAL}"' in (await client.get("/programmes", headers=officer)).text


async def test_what_the_api_refuses_is_told_beside_its_field_with_the_value_as_typed(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    fault = {"pointer": "#/budget_fen", "detail": "no such amount"}
    logistics.refuse("/v1/programmes", "invalid-request", 422, errors=[fault])
    page = await client.post("/programmes/new", data={"name": "N", "budget": "lots"}, headers=officer)
    assert page.status_code == 422
    assert 'value="lots"' in page.text
    assert 'id="budget-fault">Give an amount in CNY' in page.text
    assert 'aria-invalid="true"' in page.text


async def test_a_programme_shows_its_open_flags_each_with_a_link_to_its_statement(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    flag = {"settlement_id": str(uuid4()), "rule": "impossible_speed", "subject": "SF1", "status": "open"}
    logistics.say("/v1/flags", items(flag))
    page = (await client.get(f"/programmes/{ID}", headers=officer)).text
    (asked,) = logistics.requests("GET", "/v1/flags")
    assert (asked.query["programme_id"], asked.query["status"]) == ([ID], ["open"])
    assert f'href="/programmes/settlements/{flag["settlement_id"]}"' in page, "also of a statement of long ago"


async def test_the_other_language_of_a_refused_form_is_a_page_there_is(
    client: httpx.AsyncClient, officer: dict[str, str]
) -> None:
    statement = f"/programmes/settlements/{SETTLEMENT}"
    for posted, shown in {f"{PAGE}/topup": PAGE, f"{statement}/pay": statement}.items():
        refused = await client.post(posted, data={}, headers=officer)
        assert f'href="{shown}?lang=zh-CN"' in refused.text, posted


async def test_who_asked_and_who_is_paid_go_by_their_names(
    client: httpx.AsyncClient, officer: dict[str, str], db: Database, vault: Vault, logistics: Played
) -> None:
    async with db.transaction() as session:
        carrier = await account_for(session, vault, "carrier", "顺丰<速运>")
        asker = await account_for(session, vault, "programme_officer", "王科长")
    logistics.say(f"/v1{PAGE}/approvals", items(an_approval(asker.id)))
    logistics.say("/v1/programmes/approvals", items(an_approval(asker.id)))
    paid = a_settlement() | {"carrier_id": str(carrier.id)}
    logistics.say("/v1/settlements", items(paid))
    logistics.say(f"/v1/settlements/{SETTLEMENT}", paid)
    owed = {"carrier_id": str(carrier.id), "producer_id": None, "amount_fen": 200, "lines": 1}
    logistics.say("/v1/settlements/owed", items(owed | {"since": "2026-11-01T00:00:00Z"}))
    page = (await client.get(PAGE, headers=officer)).text
    assert page.count("顺丰&lt;速运&gt;") == 2, "in the list of statements, and among who may be paid"
    assert "王科长" in page
    assert "王科长" in (await client.get("/programmes", headers=officer)).text
    assert "顺丰&lt;速运&gt;" in (await client.get(f"/programmes/settlements/{SETTLEMENT}", headers=officer)).text


async def test_what_outlasts_its_programme_is_given_no_other_number_of_days(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    ends_at = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    lasting = a_programme(days_left_at_this_rate=221.5, ends_at=ends_at)
    logistics.say("/v1/programmes", items(lasting))
    logistics.say(f"/v1{PAGE}", lasting)
    logistics.say(f"/v1{PAGE}/burndown", {"days": [], "rate_fen_per_day": 30_000, "ends_on": None})
    for path in ("/programmes", PAGE):
        page = (await client.get(path, headers=officer)).text
        assert "it outlasts the programme" in page
        assert not re.search(r"\b221\b", page)  # but for a part of an id


@pytest.mark.parametrize(
    ("available_fen", "percents"), [(1, (">99.9", "<0.1")), (0, ("100.0", "0.0")), (1_000, ("99.0", "1.0"))]
)
def test_a_little_is_not_shown_as_nothing(available_fen: int, percents: tuple[str, str]) -> None:
    parts = {"paid_fen": 100_000 - available_fen, "posted_fen": 0, "reserved_fen": 0, "available_fen": available_fen}
    paid, *_, available = Fund.of(a_programme(budget_fen=100_000, **parts)).parts
    assert (paid.percent, available.percent) == percents


async def test_rules_are_typed_and_shown_by_the_names_of_counties_and_produce(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say(f"/v1{PAGE}/rules", {"id": ID}, method="POST")
    typed = {"adcodes": "泗阳、61，蓬莱仙岛", "produce": "草莓 potato 仙桃"}
    await client.post(f"{PAGE}/rules", data=typed, headers=officer)
    (asked,) = logistics.requests("POST", f"/v1{PAGE}/rules")
    assert asked.body["eligibility"] == {
        "adcodes": ["321323", "61", "蓬莱仙岛"],
        "produce": ["strawberry", "potato", "仙桃"],
    }, "what nobody knows goes on as it was typed, for the API to refuse"
    wanted = {"eligibility": {"adcodes": ["321323", "61"], "produce": ["strawberry"]}, "caps": {}}
    logistics.say(f"/v1{PAGE}/approvals", items(an_approval(uuid4(), kind="rules", wanted=wanted)))
    page = (await client.get(PAGE, headers=officer | {"Accept-Language": "zh-CN"})).text
    assert "产地 江苏省宿迁市泗阳县、陕西省；农产品 草莓。" in page


@pytest.mark.parametrize(
    ("kind", "rate", "cap"),
    [("courier_parcel", "每件（元）", "100 件"), ("produce_support", "每公斤（元）", "100 公斤")],
)
async def test_rates_and_limits_are_told_in_the_unit_of_what_is_paid_for(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played, kind: str, rate: str, cap: str
) -> None:
    logistics.say(f"/v1{PAGE}", a_programme(kind=kind))
    wanted = {"caps": {"per_producer_per_day": 100}}
    logistics.say(f"/v1{PAGE}/approvals", items(an_approval(uuid4(), kind="rules", wanted=wanted)))
    page = (await client.get(PAGE, headers=officer | {"Accept-Language": "zh-CN"})).text
    assert rate in page
    assert f"每个农户每天至多 {cap}" in page
    assert "每件（或每公斤）" not in page


async def test_conditions_in_a_table_end_without_a_full_stop_and_figures_are_grouped(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    owed = {"carrier_id": str(OTHER), "producer_id": None, "amount_fen": 200, "since": "2026-11-01T00:00:00Z"}
    logistics.say("/v1/settlements/owed", items(owed | {"lines": 2871}, owed | {"lines": 1}))
    logistics.say("/v1/settlements", items(a_settlement() | {"lines": 12_345}))
    page = (await client.get(PAGE, headers=officer)).text
    conditions = "former poverty county; Produce Strawberry; Most per carrier per day 40 parcels"
    assert f"<td>{conditions}</td>" in page
    for shown in ("· 2,871 lines</option>", "· 1 line</option>", ">12,345</td>", "300.00 CNY a day"):
        assert shown in page


@pytest.mark.parametrize(
    ("status", "change", "typed"),
    [
        ("paused", "pause", {"note": "账目有误"}),
        ("active", "resume", {"note": "账目已清"}),
        ("closed", "topup", {"amount": "1,234.56"}),
        ("closed", "rules", {"rate": "1"}),
        ("active", f"approvals/{APPROVAL}", {"decision": "approve"}),
        ("active", "settlements", {"payee": f"carrier:{OTHER}"}),
    ],
)
async def test_a_change_that_another_officer_made_first_is_told_at_the_top(
    client: httpx.AsyncClient,
    officer: dict[str, str],
    logistics: Played,
    status: str,
    change: str,
    typed: dict[str, str],
) -> None:
    logistics.say(f"/v1{PAGE}", a_programme(status=status))
    asked = "/v1/settlements" if change == "settlements" else f"/v1{PAGE}/{change}"
    logistics.refuse(asked, "nothing-to-change", 409)
    page = await client.post(f"{PAGE}/{change}", data=typed, headers=officer)
    assert page.status_code == 409
    told = page.text[page.text.index("<h1>") : page.text.index('<section class="card">')]
    assert ("because nothing-to-change" in told, page.text.count('role="alert"')) == (True, 1)
    for name in ("note", "amount"):
        assert typed.get(name, "") in told
