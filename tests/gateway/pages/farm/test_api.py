"""A farmer's pages before an API that the test plays: what they ask it, and what they show of its answers."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from gateway.accounts.service import account_for
from gateway.tokens import Signer
from tests.gateway.pages.farm.played import (
    INVALID,
    LOT_PATH,
    MATCH,
    PAGE,
    PlayedApi,
    hours,
    lot,
    match,
    why,
)
from tests.gateway.support import bearer


async def test_my_lots_show_what_is_sold_held_and_left_and_what_to_do_next(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    api.answers["GET /v1/listings"] = (200, {"items": [lot(), lot(id=str(uuid4()), status="expired")], "next": "c"})
    api.answers["GET /v1/matches"] = (200, {"items": [match()], "next": None})
    page = (await farmer.get("/farm")).text
    for shown in ("Strawberry", "399.5", "700.5", "16.05", "20 h", "1,700.00", "江苏省南京市玄武区"):
        assert shown in page, shown
    assert "Answer the buyer" in page
    assert "&lt;红颜&gt;" in page
    assert 'href="/farm?after=c"' in page
    assert page.index("New buyers") < page.index("For sale") < page.index("Closed")
    assert page.count("card lot urgent") == 1, "what is closed is not urgent"


@pytest.mark.parametrize(
    ("left", "step"), [(0, "Waiting for the buyer"), (700.5, "See what would move it")], ids=["all held", "some left"]
)
async def test_no_farmer_is_told_to_answer_while_it_is_the_buyers_turn(
    farmer: httpx.AsyncClient, api: PlayedApi, left: float, step: str
) -> None:
    api.answers["GET /v1/listings"] = (200, {"items": [lot(remaining_kg=left)], "next": None})
    api.answers["GET /v1/matches"] = (
        200,
        {"items": [match(consents={"producer": True, "buyer": False})], "next": None},
    )
    page = (await farmer.get("/farm")).text
    assert f'<span class="next">{step} →</span>' in page
    assert "Answer the buyer" not in page


async def test_while_matching_does_not_answer_the_lots_are_shown_and_no_buyer_is_denied(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    api.answers["GET /v1/listings"] = (200, {"items": [lot()], "next": None})
    api.answers["GET /v1/matches"] = (503, {"title": "away"})
    api.answers[f"GET {LOT_PATH}/explanation"] = (503, {"title": "away"})
    for path in ("/farm", PAGE):
        answer = await farmer.get(path)
        assert answer.status_code == 200
        assert "Strawberry" in answer.text
        assert "Buyers can&#39;t be read just now" in answer.text
    assert "No buyers yet" not in answer.text
    assert "The reasons can&#39;t be read just now" in answer.text
    assert "Just posted" not in answer.text
    assert "every 20s" in answer.text


async def test_a_lot_that_matching_has_not_heard_of_is_being_matched(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    api.answers[f"GET {LOT_PATH}"] = (200, lot(created_at=hours(0)))
    api.answers[f"GET {LOT_PATH}/explanation"] = (404, {"title": "T"})
    page = (await farmer.get(PAGE)).text
    assert "Just posted" in page
    assert "every 2s" in page


async def test_while_rounds_are_stopped_no_answer_within_seconds_is_promised(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    waits = lot(on_market=False, created_at=hours(-20 / 3600))
    api.answers["GET /v1/listings"] = (200, {"items": [waits, lot(on_market=False, created_at=hours(0))], "next": None})
    listed = (await farmer.get("/farm")).text
    assert (listed.count("Not its turn yet"), listed.count("within seconds")) == (1, 1)
    api.answers[f"GET {LOT_PATH}"] = (200, waits)
    api.answers[f"GET {LOT_PATH}/explanation"] = (200, why(state="pending", reasons=[], cheapest_fix=None))
    page = (await farmer.get(PAGE)).text
    assert "matching is paused or busy" in page
    assert "within seconds" not in page
    assert "every 20s" in page


async def test_a_floor_that_was_lowered_is_late_when_the_page_has_waited_for_it(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    api.answers[f"GET {LOT_PATH}"] = (200, lot(min_price_fen_per_kg=1520))
    now = int(datetime.now(UTC).timestamp())
    assert "every 2s" in (await farmer.get(f"{PAGE}/live?since={now}")).text
    waited = (await farmer.get(f"{PAGE}/live?since={now - 20}")).text
    assert "matching is paused or busy" in waited
    assert "every 20s" in waited
    assert f"since={now - 20}" in waited


async def test_a_buyer_who_waits_is_found_behind_any_number_who_do_not(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    theirs = match(consents={"producer": True, "buyer": False})
    api.answers["GET /v1/matches"] = (200, {"items": [theirs] * 20, "next": "c"})
    api.answers["GET /v1/matches?after=c"] = (200, {"items": [match()], "next": None})
    page = (await farmer.get("/farm")).text
    assert page.count("1,700.00") == 1
    assert "There are more" not in page


async def test_who_is_not_shown_all_buyers_is_told_so(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    released = match(status="released")
    api.answers["GET /v1/matches"] = (200, {"items": [released] * 300 + [match()] * 200, "next": "c"})
    api.answers["GET /v1/matches?after=c"] = (200, {"items": [], "next": None})
    page = (await farmer.get(PAGE)).text
    assert page.count("1,700.00") == 100
    assert "there are older ones" in page
    api.answers["GET /v1/matches"] = (200, {"items": [match()] * 21, "next": None})
    page = (await farmer.get("/farm")).text
    assert page.count("1,700.00") == 20
    assert "There are more" in page


async def test_what_changes_by_itself_is_sent_when_it_did(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    listed = lot(spoils_at=hours(100))
    api.answers[f"GET {LOT_PATH}"] = (200, listed)
    found = re.search(r'hx-get="([^"]*)"', (await farmer.get(PAGE)).text)
    assert found is not None
    assert (await farmer.get(found[1])).status_code == 204
    api.answers["GET /v1/matches"] = (200, {"items": [match()], "next": None})
    changed = await farmer.get(found[1])
    assert (changed.status_code, "1,700.00" in changed.text, "<h1>" in changed.text) == (200, True, False)
    again = re.search(r'hx-get="([^"]*)"', changed.text)
    assert again is not None
    assert (await farmer.get(again[1])).status_code == 204


async def test_who_has_posted_nothing_is_told_how(farmer: httpx.AsyncClient) -> None:
    assert "You haven&#39;t posted anything yet" in (await farmer.get("/farm")).text


@pytest.mark.parametrize("path", ["/farm", "/farm/new", PAGE])
async def test_a_farmers_pages_are_theirs(client: httpx.AsyncClient, signer: Signer, path: str) -> None:
    nobody = await client.get(path)
    assert (nobody.status_code, nobody.headers["location"].startswith("/sign-in?next=")) == (303, True)
    assert (await client.get(path, headers=bearer(signer, "citizen"))).status_code == 403
    theirs = await client.get(path, headers=bearer(signer, "producer"))
    assert theirs.headers["cache-control"] == "private, no-store"


async def test_a_lot_says_why_it_is_not_moving_and_one_button_would_move_it(farmer: httpx.AsyncClient) -> None:
    page = (await farmer.get(PAGE)).text
    assert "&lt;300 kg&gt; too dear" in page
    assert re.search(r"Lower the floor price to 15\.20 CNY/kg\s+and sell 300 kg", re.sub(r"</?span[^>]*>", "", page))
    assert 'name="version" value="3"' in page


async def test_the_button_sends_the_floor_with_the_version_that_was_shown(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    answer = await farmer.post(PAGE, data={"version": "3", "price": "15.20", "done": "fix"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done=fix")
    ((asked, body, headers),) = api.sent
    assert (asked, json.loads(body), headers["if-match"]) == (
        f"PATCH {LOT_PATH}",
        {"min_price_fen_per_kg": 1520},
        "3",
    )


async def test_a_change_that_came_too_late_shows_the_lot_as_it_is_now_and_says_so(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    stale = {"type": "/problems/stale-version", "title": "The version is stale", "status": 412, "detail": "D"}
    api.answers[f"PATCH {LOT_PATH}"] = (412, stale)
    answer = await farmer.post(PAGE, data={"version": "2", "price": "15.20", "done": "fix"})
    assert answer.status_code == 412
    assert "The version is stale" in answer.text
    assert 'name="version" value="3"' in answer.text


async def test_a_floor_that_is_lowered_already_is_not_offered_again(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    api.answers[f"GET {LOT_PATH}"] = (200, lot(min_price_fen_per_kg=1520))
    page = (await farmer.get(PAGE)).text
    assert "Lower the floor" not in page
    assert "every 2s" in page


async def test_edits_that_are_refused_stand_as_they_were_typed_with_the_fault_beside_them(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    api.answers[f"PATCH {LOT_PATH}"] = (422, INVALID)
    answer = await farmer.post(PAGE, data={"version": "3", "quantity": "1e9", "price": "16", "decides": "1"})
    assert answer.status_code == 422
    assert 'value="1e9"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "too much" in answer.text
    assert re.findall(r'<input id="(\w+)"[^>]* autofocus', answer.text) == ["quantity"], "one goes on where it is wrong"


@pytest.mark.parametrize(("agrees_by_itself", "asks"), [(True, False), (False, True)])
async def test_a_fix_that_is_refused_leaves_the_form_of_the_lot_as_the_lot_is(
    farmer: httpx.AsyncClient, api: PlayedApi, agrees_by_itself: bool, asks: bool
) -> None:
    api.answers[f"GET {LOT_PATH}"] = (200, lot(auto_agree=agrees_by_itself))
    api.answers[f"PATCH {LOT_PATH}"] = (412, {"title": "The version is stale", "status": 412, "detail": "D"})
    page = (await farmer.post(PAGE, data={"version": "2", "price": "15.20", "done": "fix"})).text
    assert ('name="ask_me" checked' in page) is asks, "saving it next changes nothing that nobody asked for"
    assert re.search(r'id="price"[^>]*value="16.05"', page)
    assert "<details open>" not in page


@pytest.mark.parametrize(("verb", "body"), [("agree", None), ("decline", {"reason": "no"})])
async def test_a_match_is_answered_under_the_forms_key(
    farmer: httpx.AsyncClient, api: PlayedApi, verb: str, body: Any
) -> None:
    answer = await farmer.post(f"{PAGE}/matches/{MATCH}/{verb}", data={"key": "k", "reason": "no"})
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert api.posted == (f"POST /v1/matches/{MATCH}/{verb}", body, "k")


async def test_a_lot_is_shown_by_its_first_photo_and_by_a_leaf_without_one_and_no_more_is_asked(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    photos = [f"{LOT_PATH}/photos/{number}" for number in (8, 9)]
    api.answers["GET /v1/listings"] = (200, {"items": [lot(photos=photos), lot()], "next": None})
    page = (await farmer.get("/farm")).text
    first, leaf = re.findall(r'<img class="thumb" src="([^"]*)"', page)
    assert first == f"{PAGE}/photos/8?size=thumbnail"
    kept = await farmer.get(leaf)
    assert (kept.headers["content-type"].startswith("image/svg+xml"), "immutable" in kept.headers["cache-control"]) == (
        True,
        True,
    )


@pytest.mark.parametrize(("status", "shown"), [(404, 404), (503, 503), (429, 503)])
async def test_what_is_no_photo_is_none_and_is_kept_by_no_browser(
    farmer: httpx.AsyncClient, api: PlayedApi, status: int, shown: int
) -> None:
    api.answers[f"GET {LOT_PATH}/photos/{MATCH}"] = (status, {"title": "T"})
    answer = await farmer.get(f"{PAGE}/photos/{MATCH}?size=thumbnail")
    assert (answer.status_code, answer.headers["cache-control"]) == (shown, "private, no-store")


async def test_an_agent_sees_whose_lots_they_are_and_a_producer_needs_no_name(
    client: httpx.AsyncClient, signer: Signer, api: PlayedApi, db: Database, vault: Vault
) -> None:
    async with db.transaction() as session:
        theirs = (await account_for(session, vault, "producer", "王家 <果园>")).id
    api.answers["GET /v1/listings"] = (200, {"items": [lot(producer_id=str(theirs))], "next": None})
    api.answers["GET /v1/matches"] = (200, {"items": [match(producer_id=str(theirs))], "next": None})
    api.answers[f"GET {LOT_PATH}"] = (200, lot(producer_id=str(theirs)))
    for path, times in (("/farm", 2), (PAGE, 1)):
        page = (await client.get(path, headers=bearer(signer, "agent") | {"Accept-Language": "en"})).text
        assert page.count("Producer 王家 &lt;果园&gt;") == times
        assert "王家" not in (await client.get(path, headers=bearer(signer, "producer", theirs))).text


async def test_a_lot_that_is_over_keeps_for_nothing_any_more(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    api.answers["GET /v1/listings"] = (200, {"items": [lot(spoils_at=hours(-1))], "next": None})
    api.answers[f"GET {LOT_PATH}"] = (200, lot(spoils_at=hours(-1)))
    for path in ("/farm", PAGE):
        page = (await farmer.get(path)).text
        assert ">over<" in page
        assert "Keeps for" not in page


@pytest.mark.parametrize("heard_kg", [1200, 650])
async def test_no_more_is_left_of_a_lot_than_there_is_though_matching_has_not_heard_that_it_is_less(
    farmer: httpx.AsyncClient, api: PlayedApi, heard_kg: float
) -> None:
    api.answers[f"GET {LOT_PATH}"] = (200, lot(quantity_kg=1000, held_kg=100, agreed_kg=250.1, remaining_kg=heard_kg))
    left = re.findall(r"Left <b>([\d,.]+)</b>", (await farmer.get(PAGE)).text)
    assert left == ["649.9"]


@pytest.mark.parametrize("status", ["withdrawn", "expired"])
async def test_a_lot_that_is_closed_is_told_nothing_of_buyers_to_come_though_matching_has_not_heard(
    farmer: httpx.AsyncClient, api: PlayedApi, status: str
) -> None:
    api.answers[f"GET {LOT_PATH}"] = (200, lot(status=status))
    api.answers["GET /v1/matches"] = (200, {"items": [], "next": None})
    page = (await farmer.get(PAGE)).text
    assert "no more buyers are looked for" in page
    assert "It had no buyers." in page
    for untrue in ("too dear", "what would move it", "will appear here"):
        assert untrue not in page


@pytest.mark.parametrize(("held_kg", "label"), [(100, "Sold and held"), (0, "Sold")])
async def test_a_meter_is_called_what_it_measures(
    farmer: httpx.AsyncClient, api: PlayedApi, held_kg: int, label: str
) -> None:
    api.answers[f"GET {LOT_PATH}"] = (200, lot(held_kg=held_kg))
    page = (await farmer.get(PAGE)).text
    assert re.search(rf'value="{399.5 + held_kg}" aria-label="{label}"', page)


async def test_a_producer_finds_what_is_claimed_back_and_an_agent_is_paid_nothing(
    client: httpx.AsyncClient, signer: Signer, api: PlayedApi
) -> None:
    api.answers["GET /v1/listings"] = (200, {"items": [lot()], "next": None})
    for role, is_led in (("producer", True), ("agent", False)):
        page = await client.get("/farm", headers=bearer(signer, role))
        assert (page.status_code, 'href="/farm/clawbacks"' in page.text) == (200, is_led), role
