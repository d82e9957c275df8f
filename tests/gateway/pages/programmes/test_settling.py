"""Statements on their pages: frozen, flagged, corrected, paid; and who may not is told before they try."""

import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from gateway.tokens import Signer
from tests.gateway.pages.played import Asked, Played
from tests.gateway.pages.programmes.test_programmes import (
    EN,
    ID,
    OFFICER,
    OTHER,
    PAGE,
    SETTLEMENT,
    a_settlement,
    items,
    logistics,
)
from tests.gateway.support import bearer

HERE, API = f"/programmes/settlements/{SETTLEMENT}", f"/v1/settlements/{SETTLEMENT}"
CORRECTION, CURSOR = str(uuid4()), str(uuid4())
__all__ = ["logistics"]


def a_flag(status: str = "open", reviewed_by: UUID | None = None, **changes: Any) -> dict[str, Any]:
    flag = {"id": str(uuid4()), "settlement_id": SETTLEMENT, "rule": "impossible_speed", "subject": "SF1"}
    flag |= {"evidence": {}, "status": status, "note": None, "reviewed_at": None, "reviewed_by": None}
    if reviewed_by is not None:
        flag |= {"reviewed_by": str(reviewed_by), "reviewed_at": "2026-11-30T00:00:00Z"}
    return flag | changes


def a_correction(asked_by: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "id": CORRECTION,
        "settlement_id": SETTLEMENT,
        "reason": "查无此人",
        "lines": 1,
        "amount_fen": 200,
        "status": "pending",
        "asked_by": str(asked_by),
        "asked_at": "2026-11-30T00:00:00Z",
        "decided_by": None,
        "decided_at": None,
        **changes,
    }


def flagged(played: Played, *flags: dict[str, Any]) -> None:
    """Told as the API does: of the status and the reviewer that are asked for, or all."""

    def told(asked: Asked) -> dict[str, Any]:
        wanted = {name: asked.query[name] for name in ("status", "reviewed_by") if name in asked.query}
        (most,) = asked.query.get("limit", ["50"])
        found = [flag for flag in flags if all([flag.get(name)] == value for name, value in wanted.items())]
        return items(*found[: int(most)]) | {"next": None if len(found) <= int(most) else CURSOR}

    played.say("/v1/flags", told)


async def test_a_statement_is_frozen_for_its_payee_and_paid_with_its_reference(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say("/v1/settlements", a_settlement(), method="POST", status=201)
    logistics.say(f"/v1/settlements/{SETTLEMENT}/pay", a_settlement(), method="POST")
    form = {"payee": f"carrier:{OTHER}", "from": "2026-11-01", "to": "2026-11-29"}
    made = await client.post(f"{PAGE}/settlements", data=form, headers=officer)
    assert made.headers["location"] == f"/programmes/settlements/{SETTLEMENT}"
    paid = await client.post(f"{made.headers['location']}/pay", data={"reference": "B-1"}, headers=officer)
    assert paid.status_code == 303
    (frozen,) = logistics.requests("POST", "/v1/settlements")
    assert frozen.body == {"programme_id": ID, "carrier_id": str(OTHER), "from": "2026-11-01", "to": "2026-11-29"}
    assert logistics.requests("POST", f"/v1/settlements/{SETTLEMENT}/pay")[0].body == {"reference": "B-1"}


@pytest.mark.parametrize(
    ("due", "told"),
    [
        ((400, 150), "Transfer 2.50 CNY: 4.00 CNY are owed, of which 1.50 CNY are kept for clawbacks."),
        ((400, 400), "Transfer nothing: all 4.00 CNY owed are kept for clawbacks."),
        ((0, 0), "All its lines are reversed: nothing is owed."),
    ],
)
async def test_what_to_transfer_is_told_above_the_form_that_asks_for_the_transfers_reference(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played, due: tuple[int, int], told: str
) -> None:
    owed, recovered = due
    due_now = {"owed_fen": owed, "recovered_fen": recovered, "paid_fen": owed - recovered}
    logistics.say(API, a_settlement() | {"amount_fen": 600, "due": due_now})
    page = (await client.get(HERE, headers=officer)).text
    assert told in page
    assert (f'action="{HERE}/pay"' in page) == bool(owed)
    figures = dict(re.findall(r"<div><dt>([^<]*)</dt><dd>([^<]*)</dd></div>", page))
    assert figures["Reversed, not paid (CNY)"] == f"{(600 - owed) / 100:.2f}"
    assert figures["To transfer (CNY)"] == f"{(owed - recovered) / 100:.2f}"


async def test_what_was_reversed_is_told_of_a_paid_statement_too(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    paid = {"status": "paid", "due": None, "owed_fen": 400, "recovered_fen": 150, "paid_fen": 250}
    logistics.say(API, a_settlement() | paid | {"amount_fen": 600, "paid_at": "2026-11-30T00:00:00Z"})
    page = (await client.get(HERE, headers=officer)).text
    figures = dict(re.findall(r"<div><dt>([^<]*)</dt><dd>([^<]*)</dd></div>", page))
    told = ("Reversed, not paid (CNY)", "Owed when paid (CNY)", "Kept for clawbacks (CNY)", "Transferred (CNY)")
    assert [figures[name] for name in told] == ["2.00", "4.00", "1.50", "2.50"]


async def test_flags_say_what_they_mean_and_hold_the_payout(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    flag = {"id": str(uuid4()), "settlement_id": SETTLEMENT, "rule": "impossible_speed", "subject": "SF1"}
    flag |= {
        "evidence": {"phase_of_the_moon": 1, "km_h": 900, "left_at": "2026-11-29T00:05:07+00:00"},
        "status": "open",
        "note": None,
    }
    flagged(logistics, flag)
    page = (await client.get(f"/programmes/settlements/{SETTLEMENT}", headers=officer)).text
    for shown in ("Impossible speed", "faster than any lorry", "<dd>900</dd>", "it can&#39;t be paid now"):
        assert shown in page
    chinese = officer | {"Accept-Language": "zh-CN"}
    page = (await client.get(f"/programmes/settlements/{SETTLEMENT}", headers=chinese)).text
    told = [page.index(shown) for shown in ("2026-11-29 08:05:07", "公里/小时", "phase_of_the_moon")]
    assert told == sorted(told)
    assert "km" not in page


async def test_what_was_typed_on_a_flag_outlasts_a_refusal(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    flag = {"id": str(uuid4()), "settlement_id": SETTLEMENT, "rule": "impossible_speed", "subject": "SF1"}
    flagged(logistics, flag | {"evidence": {"from": "321323"}, "status": "open", "note": None})
    logistics.refuse(f"/v1/flags/{flag['id']}/review", "stale-version", 409)
    review = f"/programmes/settlements/{SETTLEMENT}/flags/{flag['id']}"
    page = await client.post(review, data={"verdict": "clear", "note": "司机换了手机"}, headers=officer)
    assert page.status_code == 409
    assert 'value="司机换了手机"' in page.text
    assert "<dd>江苏省宿迁市泗阳县</dd>" in page.text


@pytest.mark.parametrize(
    ("begins", "ends", "shown"),
    [
        ("2026-11-30T16:00:00Z", "2026-12-01T16:00:00Z", "2026-12-01 · "),
        ("2026-11-30T16:00:00Z", "2026-12-31T16:00:00Z", "2026-12-01 – 2026-12-31 · "),
        ("2026-11-30T16:00:00Z", "2026-12-01T04:30:00Z", "2026-12-01 00:00 – 2026-12-01 12:30 · "),
    ],
)
async def test_a_statement_is_headed_by_its_days_the_last_one_too(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played, begins: str, ends: str, shown: str
) -> None:
    told = a_settlement() | {"begins_at": begins, "ends_at": ends}
    logistics.say(f"/v1/settlements/{SETTLEMENT}", told)
    logistics.say("/v1/settlements", items(told))
    page = (await client.get(f"/programmes/settlements/{SETTLEMENT}", headers=officer)).text
    assert f'<p class="lead">{shown}' in page
    assert shown.removesuffix(" · ") + "</a></td>" in (await client.get(PAGE, headers=officer)).text


async def test_the_officer_who_reviewed_a_flag_is_told_that_another_pays_before_trying(
    client: httpx.AsyncClient, officer: dict[str, str], signer: Signer, logistics: Played
) -> None:
    flagged(logistics, a_flag("cleared", OFFICER, note="司机换了手机"))
    page = (await client.get(HERE, headers=officer)).text
    assert "You reviewed a flag of this statement: another officer pays it." in page
    assert f'action="{HERE}/pay"' not in page
    assert "司机换了手机" in page
    other = (await client.get(HERE, headers=bearer(signer, "programme_officer", OTHER) | EN)).text
    assert f'action="{HERE}/pay"' in other


async def test_open_flags_and_a_correction_that_waits_hold_the_payout(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    flagged(logistics, a_flag(), a_flag("confirmed", OTHER))
    page = (await client.get(HERE, headers=officer)).text
    assert f'action="{HERE}/pay"' not in page
    assert (page.count('value="confirm"'), page.count(">confirmed</span>")) == (1, 1)
    flagged(logistics)
    logistics.say(f"{API}/corrections", items(a_correction(OTHER)))
    page = (await client.get(HERE, headers=officer)).text
    assert "A correction waits for another officer: it can&#39;t be paid now." in page
    assert f'action="{HERE}/pay"' not in page


async def test_flags_that_wait_go_on_on_a_next_page_of_the_statement_and_of_the_programme(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    cursor = str(uuid4())
    logistics.say(
        "/v1/flags",
        lambda asked: items(a_flag()) | {"next": cursor} if asked.query.get("status") == ["open"] else items(),
    )
    for here in (HERE, PAGE):
        page = (await client.get(here, headers=officer)).text
        assert f'href="{here}?flags={cursor}#flags"' in page
        await client.get(f"{here}?flags={cursor}", headers=officer)
        asked = [each.query.get("after") for each in logistics.requests("GET", "/v1/flags")]
        assert [cursor] in asked, here


async def test_a_correction_names_its_lines_and_is_asked_for_once(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say(f"{API}/corrections", a_correction(OFFICER), method="POST", status=201)
    form = {"of": "waybills", "wrong": "SF1\nSF2，SF1", "reason": "查无此人", "key": "k1"}
    answer = await client.post(f"{HERE}/corrections", data=form, headers=officer)
    assert (answer.status_code, answer.headers["location"]) == (303, HERE)
    (asked,) = logistics.requests("POST", f"{API}/corrections")
    assert (asked.body, asked.headers["idempotency-key"]) == (
        {"waybills": ["SF1", "SF2"], "reason": "查无此人"},
        "k1",
    )


async def test_what_is_wrong_with_a_line_of_a_correction_names_the_line(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    errors = [{"pointer": f"#/waybills/{at}", "detail": "It is not in this statement."} for at in (1, 2)]
    logistics.refuse(f"{API}/corrections", "invalid-input", 422, errors=errors)
    form = {"of": "waybills", "wrong": "SF1\nSF2\nSF3", "reason": "r"}
    page = (await client.post(f"{HERE}/corrections", data=form, headers=officer)).text
    (fault,) = re.findall(r'id="wrong-fault">([^<]*)<', page)
    assert fault == "SF2: It is not in this statement. SF3: It is not in this statement."
    assert page.count("It is not in this statement.") == 2, "not above the form as well"
    assert ">SF1\nSF2\nSF3</textarea>" in page


async def test_ones_own_correction_can_only_be_taken_back_and_anothers_decided(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    for asked_by, offers in ((OFFICER, {"reject"}), (OTHER, {"approve", "reject"})):
        logistics.say(f"{API}/corrections", items(a_correction(asked_by)))
        page = (await client.get(HERE, headers=officer)).text
        assert set(re.findall(r'name="decision" value="(\w+)"', page)) == offers
    path = f"{API}/corrections/{CORRECTION}/decision"
    logistics.say(path, a_correction(OTHER, status="approved"), method="POST")
    await client.post(f"{HERE}/corrections/{CORRECTION}", data={"decision": "approve"}, headers=officer)
    assert logistics.requests("POST", path)[0].body == {"decision": "approve"}


async def test_a_statement_of_a_producer_is_corrected_by_its_matches(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say(API, a_settlement() | {"carrier_id": None, "producer_id": str(OTHER)})
    page = (await client.get(HERE, headers=officer)).text
    assert '<input type="hidden" name="of" value="match_ids">' in page
    assert "Matches that are wrong" in page


@pytest.mark.parametrize(
    ("form", "typed", "now"),
    [
        ("pay", {"reference": "B-2"}, {"status": "paid", "reference": "B-1"}),
        ("corrections", {"of": "waybills", "wrong": "SF1", "reason": "查无此人"}, {"status": "paid"}),
        (f"corrections/{CORRECTION}", {"decision": "approve"}, {}),
        (f"flags/{uuid4()}", {"verdict": "clear", "note": "司机换了手机"}, {}),
    ],
    ids=["pay", "correct", "decide", "review"],
)
async def test_who_comes_second_is_told_at_the_top_also_of_a_form_that_is_gone(
    client: httpx.AsyncClient,
    officer: dict[str, str],
    logistics: Played,
    form: str,
    typed: dict[str, str],
    now: dict[str, Any],
) -> None:
    paid = dict.fromkeys(("owed_fen", "recovered_fen", "paid_fen"), 200) | {"paid_at": "2026-11-30T00:00:00Z"}
    logistics.say(API, a_settlement() | (paid | now if now else {}))
    path = f"/v1/{form}/review" if form.startswith("flags") else f"{API}/{form}"
    logistics.refuse(path + "/decision" * form.startswith("corrections/"), "already-paid", 409)
    page = await client.post(f"{HERE}/{form}", data=typed, headers=officer)
    assert page.status_code == 409
    told = page.text[page.text.index("<h1>") : page.text.index('<dl class="stats card">')]
    assert ("because already-paid" in told, page.text.count('role="alert"')) == (True, 1)
    for name in ("reference", "reason", "note"):
        assert typed.get(name, "") in told, "nor is what they wrote lost"


async def test_a_form_that_is_still_there_tells_its_refusal_itself_and_once(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.refuse(f"{API}/pay", "reference-taken", 409)
    page = (await client.post(f"{HERE}/pay", data={"reference": "B-2"}, headers=officer)).text
    assert page.count("because reference-taken") == 1
    assert page.index("because reference-taken") > page.index('<dl class="stats card">')
    assert 'value="B-2"' in page


async def test_a_refused_review_comes_back_to_the_page_of_the_list_on_which_its_flag_is(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    second, cursor = a_flag(), str(uuid4())
    logistics.say("/v1/flags", lambda asked: items(*([second] if asked.query.get("after") == [cursor] else [])))
    page = (await client.get(f"{HERE}?flags={cursor}", headers=officer)).text
    (action,) = re.findall(rf'action="({HERE}/flags/{second["id"]}[^"]*)"', page)
    logistics.refuse(f"/v1/flags/{second['id']}/review", "invalid-input", 422)
    page = (await client.post(action, data={"note": "司机换了手机"}, headers=officer)).text
    assert f'action="{action}"' in page
    assert 'value="司机换了手机"' in page


async def test_as_many_lines_as_are_pasted_are_asked_for_each_whole_with_the_blanks_inside(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    logistics.say(f"{API}/corrections", a_correction(OFFICER), method="POST", status=201)
    pasted = [f"SF{10**12 + number}" for number in range(1000)] + ["SF 1000 0001"]
    form = {"of": "waybills", "wrong": "\r\n".join(pasted), "reason": "查无此人"}
    assert (await client.post(f"{HERE}/corrections", data=form, headers=officer)).status_code == 303
    (asked,) = logistics.requests("POST", f"{API}/corrections")
    assert asked.body == {"waybills": pasted, "reason": "查无此人"}


async def test_too_many_lines_are_refused_beside_their_field_and_all_of_them_are_there_still(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    errors = [{"pointer": "#/waybills", "detail": "At most 1,000."}]
    logistics.refuse(f"{API}/corrections", "invalid-input", 422, errors=errors)
    pasted = "\n".join(f"SF{10**12 + number}" for number in range(1001))
    form = {"of": "waybills", "wrong": pasted, "reason": "r"}
    page = (await client.post(f"{HERE}/corrections", data=form, headers=officer)).text
    assert 'id="wrong-fault">At most 1,000.<' in page
    assert f">{pasted}</textarea>" in page


async def test_the_second_officer_sees_the_lines_that_a_correction_is_about(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    asked_for = a_correction(OTHER)
    line = {"waybill": "SF-WRONG", "match_id": str(uuid4()), "posted_at": "2026-11-29T00:00:00Z"}
    line |= {"amount_fen": 12_345, "rule_version": 1, "state": "owed"}
    logistics.say(f"{API}/corrections", items(asked_for))
    logistics.say(f"{API}/corrections/{CORRECTION}", asked_for | {"items": [line]})
    page = (await client.get(f"{HERE}?corrections={ID}", headers=officer)).text
    assert "SF-WRONG" not in page
    (there,) = re.findall(r'href="([^"]*)">See the lines that it is about</a>', page)
    assert there == f"{HERE}?corrections={ID}&amp;of={CORRECTION}#{CORRECTION}", "on the page where it stands"
    page = (await client.get(there.replace("&amp;", "&"), headers=officer)).text
    card = page[page.index(f'id="{CORRECTION}"') : page.index("Ask for a correction")]
    for shown in ("SF-WRONG", "123.45", 'value="approve"'):
        assert shown in card


async def test_who_reviewed_one_of_very_many_does_not_pay(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    flagged(logistics, *(a_flag("cleared", OTHER) for _ in range(600)), a_flag("cleared", OFFICER))
    page = (await client.get(HERE, headers=officer)).text
    assert "You reviewed a flag of this statement: another officer pays it." in page
    assert f'action="{HERE}/pay"' not in page
    assert "These are the latest; there are more." in page


async def test_what_was_reviewed_is_shown_behind_any_number_that_wait_and_asked_for_once(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    flagged(logistics, *(a_flag() for _ in range(30)), a_flag("confirmed", OTHER, note="司机换了手机"))
    page = (await client.get(HERE, headers=officer)).text
    assert "司机换了手机" in page
    asked = [each.query for each in logistics.requests("GET", "/v1/flags")]
    assert all("status" in each or "reviewed_by" in each for each in asked), "none reads through those that wait"


async def test_a_correction_that_waits_on_another_page_of_the_list_holds_the_payout(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    decided = a_correction(OTHER, status="approved")

    def told(asked: Asked) -> dict[str, Any]:
        return items(a_correction(OTHER) if asked.query.get("status") == ["pending"] else decided)

    logistics.say(f"{API}/corrections", told)
    page = (await client.get(f"{HERE}?corrections={CURSOR}", headers=officer)).text
    assert "A correction waits for another officer: it can&#39;t be paid now." in page
    assert f'action="{HERE}/pay"' not in page


async def test_the_end_of_a_list_of_flags_that_others_have_reviewed_meanwhile_holds_nothing(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    page = (await client.get(f"{HERE}?flags={CURSOR}", headers=officer)).text
    assert f'action="{HERE}/pay?flags={CURSOR}"' in page
