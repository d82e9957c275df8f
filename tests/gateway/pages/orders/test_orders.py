"""A buyer's pages: their orders and matches as the API tells them, and what they do to them, once."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gateway.pages.orders import views
from gateway.tokens import Signer
from tests.gateway.pages.played import Played
from tests.gateway.support import bearer

ORDER = "01900000-0000-7000-8000-00000000000a"
MATCH = "01900000-0000-7000-8000-00000000000b"
PAGE = f"/orders/{ORDER}"
EN = {"Accept-Language": "en"}


def an_order(**changes: Any) -> dict[str, Any]:
    return {
        "id": ORDER,
        "version": 3,
        "status": "open",
        "produce": "strawberry",
        "min_grade": "B",
        "quantity_kg": 500,
        "held_kg": 120.5,
        "agreed_kg": 79.5,
        "max_price_fen_per_kg": 2600,
        "price_basis": "delivered",
        "destination": {"adcode": "320102", "lon": None, "lat": None},
        "deliver_by": "2026-12-06T12:00:00Z",
        "min_remaining_life_h": 24,
        "listing_id": None,
        "created_at": "2026-11-29T12:00:00Z",
        **changes,
    }


def a_match(**changes: Any) -> dict[str, Any]:
    return {
        "id": MATCH,
        "order_id": ORDER,
        "listing_id": ORDER,
        "version": 1,
        "produce": "strawberry",
        "status": "proposed",
        "reason": None,
        "words": None,
        "quantity_kg": 120.5,
        "price_fen_per_kg": 2030,
        "freight_fen_per_kg": 52,
        "delivered_price_fen_per_kg": 2082,
        "amount_fen": 244_615,
        "origin": {"adcode": "321323", "lon": None, "lat": None},
        "arrives_at": "2026-11-30T00:30:00Z",
        "remaining_life_h": 60.25,
        "agree_by": "2026-11-29T12:30:00Z",
        "consents": {"producer": True, "buyer": False},
        **changes,
    }


def why(state: str = "partly", **changes: Any) -> dict[str, Any]:
    said = {"state": state, "reasons": [], "cheapest_fix": None, "round_id": None, "certified_gap": None}
    return said | changes


@pytest.fixture
def matching() -> Played:
    played = Played()
    show(played, an_order(), a_match())
    played.say(f"/v1{PAGE}/explanation", why())
    return played


@pytest.fixture
def upstreams(matching: Played) -> dict[str, Any]:
    return {"matching": matching.upstream}


@pytest.fixture
def buyer(signer: Signer) -> dict[str, str]:
    return bearer(signer, "citizen") | EN


def show(matching: Played, order: dict[str, Any], *matches: dict[str, Any]) -> None:
    matching.say("/v1/orders", {"items": [order], "next": None})
    matching.say(f"/v1{PAGE}", order)
    matching.say("/v1/matches", {"items": matches, "next": None})


async def test_orders_are_listed_with_what_waits_for_a_word_before_them(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    settled = a_match(id=ORDER, consents={"producer": False, "buyer": True})
    show(matching, an_order(), a_match(), settled)
    page = (await client.get("/orders?status=open", headers=buyer)).text
    for shown in ("Strawberry", "500", "26.00", "79.5", "120.5", "江苏省南京市玄武区"):
        assert shown in page, shown
    assert page.count('value="agree"') == 1, "of the other the farmer has to say something"
    assert matching.requests("GET", "/v1/orders")[0].query == {"status": ["open"], "limit": ["20"]}
    assert matching.requests("GET", "/v1/matches")[0].query == {"status": ["proposed"], "limit": ["500"]}


async def test_who_has_no_orders_is_led_to_the_board(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    matching.say("/v1/orders", {"items": [], "next": None})
    page = (await client.get("/orders", headers=buyer)).text
    assert 'class="empty"' in page
    assert 'href="/board"' in page


async def test_others_are_led_to_sign_in_or_told_that_they_may_not(client: httpx.AsyncClient, signer: Signer) -> None:
    for path in ("/orders", "/orders/new", PAGE):
        assert (await client.get(path)).headers["location"] == f"/sign-in?next={path.replace('/', '%2F')}"
        assert (await client.get(path, headers=bearer(signer, "producer"))).status_code == 403


async def test_an_order_tells_how_it_stands_and_why(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    reason = {"code": "price_gap", "quantity_kg": 300, "count": 2, "text": "300 kg: too <dear>"}
    fix = {"change": "max_price_fen_per_kg", "to": 2815, "would_match_kg": 300.5}
    matching.say(f"/v1{PAGE}/explanation", why(reasons=[reason], cheapest_fix=fix))
    page = (await client.get(PAGE, headers=buyer)).text
    for shown in ("300", "20.82", "2,446.15", "11-30 08:30", "300 kg: too &lt;dear&gt;", "28.15", "300.5"):
        assert shown in page, shown
    assert f'hx-get="{PAGE}/state?seen=' in page
    (order,) = matching.requests("GET", "/v1/matches")
    assert order.query["order_id"] == [ORDER]


@pytest.mark.parametrize(("life_h", "told"), [(24, "at least 24 h"), (0, "any")])
async def test_an_order_tells_how_long_what_comes_must_keep(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str], life_h: int, told: str
) -> None:
    matching.say(f"/v1{PAGE}", an_order(min_remaining_life_h=life_h))
    page = (await client.get(PAGE, headers=buyer)).text
    assert f"<dt>Keeps on arrival</dt><dd>{told}</dd>" in page


async def test_an_order_is_shown_though_nobody_can_say_why(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    matching.refuse(f"/v1{PAGE}/explanation", "solver-unavailable", 503, method="GET")
    assert (await client.get(PAGE, headers=buyer)).status_code == 200


def looks(monkeypatch: pytest.MonkeyPatch, *, asking_why: bool) -> None:
    """Let the page's next looks be among those that ask for the reasons, or not."""
    monkeypatch.setattr(views, "LOOK_EVERY_S", views.WHY_EVERY_S if asking_why else 0)


async def test_what_stands_as_it_was_seen_is_not_sent_again_nor_reckoned(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks(monkeypatch, asking_why=False)
    page = (await client.get(PAGE, headers=buyer)).text
    (address,) = re.findall(r'hx-get="([^"]*)"', page)
    assert (await client.get(address, headers=buyer)).status_code == 204
    assert len(matching.requests("GET", f"/v1{PAGE}/explanation")) == 1
    show(matching, an_order(held_kg=0, agreed_kg=200, version=3), a_match(status="agreed", version=2))
    changed = await client.get(address, headers=buyer)
    assert changed.status_code == 200
    assert "<html" not in changed.text
    assert 'value="agree"' not in changed.text


async def test_other_reasons_are_seen_though_nothing_else_has_changed(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = {"code": "price_gap", "quantity_kg": 300, "count": 2, "text": "too dear"}
    matching.refuse(f"/v1{PAGE}/explanation", "solver-unavailable", 503, method="GET")
    (while_busy,) = re.findall(r'hx-get="([^"]*)"', (await client.get(PAGE, headers=buyer)).text)
    looks(monkeypatch, asking_why=True)
    assert (await client.get(while_busy, headers=buyer)).status_code == 204, "they are busy still"
    matching.say(f"/v1{PAGE}/explanation", why(reasons=[reason]))
    told = await client.get(while_busy, headers=buyer)
    assert (told.status_code, "too dear" in told.text) == (200, True)
    (seen,) = re.findall(r'hx-get="([^"]*)"', told.text)
    assert (await client.get(seen, headers=buyer)).status_code == 204
    matching.say(f"/v1{PAGE}/explanation", why(reasons=[reason | {"text": "too far"}]))
    looks(monkeypatch, asking_why=False)
    assert (await client.get(seen, headers=buyer)).status_code == 204
    looks(monkeypatch, asking_why=True)
    assert "too far" in (await client.get(seen, headers=buyer)).text
    matching.refuse(f"/v1{PAGE}/explanation", "solver-unavailable", 503, method="GET")
    assert (await client.get(seen, headers=buyer)).status_code == 204, "what was told stays"


async def test_what_waits_for_the_buyer_is_found_behind_however_many_that_wait_for_farmers(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    theirs = [a_match(id=f"{at:036}", consents={"producer": False, "buyer": True}) for at in range(600)]
    pages = {None: {"items": theirs[:500], "next": "x"}, "x": {"items": [*theirs[500:], a_match()], "next": None}}
    matching.say("/v1/matches", lambda asked: pages[asked.query.get("after", [None])[0]])
    for path in ("/orders", PAGE):
        page = (await client.get(path, headers=buyer)).text
        assert f'id="agree-{MATCH}"' in page, path
    assert "older ones are not listed" in page
    assert "These are the newest" not in (await client.get("/orders", headers=buyer)).text


async def test_where_more_waits_than_is_shown_it_is_said(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    show(matching, an_order(), *(a_match(id=f"{at:036}") for at in range(60)))
    page = (await client.get("/orders", headers=buyer)).text
    assert page.count('value="agree"') == 50
    assert "the others appear once these are answered" in page


async def test_while_it_waits_for_its_first_round_it_is_asked_for_again(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    show(matching, an_order(held_kg=0, agreed_kg=0, created_at=datetime.now(UTC).isoformat()))
    matching.say(f"/v1{PAGE}/explanation", why("pending"))
    page = (await client.get(PAGE, headers=buyer)).text
    assert f'hx-get="{PAGE}/state?seen=" hx-trigger="every 1s"' in page
    assert "It is being matched" in page


async def test_while_rounds_are_stopped_it_says_so_and_asks_seldom(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    a_while_ago = (datetime.now(UTC) - timedelta(seconds=20)).isoformat()
    show(matching, an_order(held_kg=0, agreed_kg=0, created_at=a_while_ago))
    matching.say(f"/v1{PAGE}/explanation", why("pending"))
    page = (await client.get(PAGE, headers=buyer)).text
    assert 'hx-trigger="every 20s"' in page
    assert "matching is paused or busy" in page
    assert "It is being matched" not in page


async def test_an_order_that_is_over_asks_for_nothing(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    show(matching, an_order(status="cancelled", held_kg=0), a_match(status="released", reason="order_cancelled"))
    page = (await client.get(PAGE, headers=buyer)).text
    assert "hx-get" not in page
    assert 'name="action"' not in page
    assert "the order was cancelled" in page


async def test_an_order_that_was_cancelled_promises_no_match_to_come(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    show(matching, an_order(status="cancelled", held_kg=0))
    page = (await client.get(PAGE, headers=buyer)).text
    assert "Nothing was matched." in page
    assert "appears here" not in page


async def test_a_new_order_is_placed_as_it_was_typed_under_the_forms_own_key(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    matching.say("/v1/orders", an_order(), method="POST", status=201)
    form = {"what": "strawberry", "quantity": "12.5", "ceiling": "26", "to": "南京玄武", "by": "2026-12-06", "key": "k"}
    placed = await client.post("/orders/new", data=form | {"basis": "farm_gate", "grade": "A"}, headers=buyer)
    assert (placed.status_code, placed.headers["location"]) == (303, PAGE)
    (order,) = matching.requests("POST", "/v1/orders")
    assert order.headers["idempotency-key"].startswith("k-")
    assert order.body == {
        "produce": "strawberry",
        "quantity_kg": 12.5,
        "max_price_fen_per_kg": 2600,
        "price_basis": "farm_gate",
        "min_grade": "A",
        "destination": {"adcode": "320102"},
        "deliver_by": "2026-12-06T23:59:59+08:00",
    }


@pytest.mark.parametrize("what", ["草莓", "Strawberry", "strawberry", "草莓 "])
async def test_produce_goes_by_any_of_its_names(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str], what: str
) -> None:
    matching.say("/v1/orders", an_order(), method="POST", status=201)
    form = {"what": what, "quantity": "1", "ceiling": "26", "to": "南京玄武", "by": "2026-12-06"}
    await client.post("/orders/new", data=form, headers=buyer)
    assert matching.requests("POST", "/v1/orders")[0].body["produce"] == "strawberry"


async def test_all_that_is_wrong_with_a_new_order_is_said_at_once(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    form = {"what": "gold", "quantity": "-1", "ceiling": "1.234", "to": "鼓楼", "by": "soon"}
    refused = await client.post("/orders/new", data=form, headers=buyer)
    assert refused.status_code == 422
    assert sorted(re.findall(r'id="(\w+)-fault"', refused.text)) == ["by", "ceiling", "quantity", "to", "what"]
    for shown in ('value="gold"', 'value="-1"', 'value="1.234"', "河南省开封市鼓楼区"):
        assert shown in refused.text
    assert matching.asked == []


async def test_a_place_that_is_spelt_wrong_is_offered_as_what_it_may_be_and_one_tap_mends_it(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    matching.say("/v1/orders", {"id": ORDER, "version": 1}, method="POST", status=201)
    form = {"what": "草莓", "quantity": "5", "ceiling": "30", "to": "玄五区", "by": "2030-01-01", "key": "k"}
    refused = await client.post("/orders/new", data=form, headers=buyer)
    assert "is it one of these?" in refused.text
    assert re.findall(r'name="adcode" value="(\d+)"', refused.text) == ["320102"]
    await client.post("/orders/new", data=form | {"adcode": "320102"}, headers=buyer)
    assert matching.requests("POST", "/v1/orders")[0].body["destination"] == {"adcode": "320102"}


async def test_a_change_comes_from_the_version_that_was_shown(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    matching.say(f"/v1{PAGE}", an_order(version=4), method="PATCH")
    form = {"action": "change", "quantity": "450", "ceiling": "28.15", "version": '"3"'}
    changed = await client.post(PAGE, data=form, headers=buyer)
    assert (changed.status_code, changed.headers["location"]) == (303, PAGE)
    (sent,) = matching.requests("PATCH", f"/v1{PAGE}")
    assert sent.headers["if-match"] == '"3"'
    assert sent.body == {"quantity_kg": 450, "max_price_fen_per_kg": 2815}


@pytest.mark.parametrize(("slug", "status"), [("stale-version", 412), ("quantity-promised", 409)])
async def test_a_change_that_is_refused_is_said_and_what_was_typed_stays(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str], slug: str, status: int
) -> None:
    matching.refuse(f"/v1{PAGE}", slug, status, method="PATCH")
    form = {"action": "change", "quantity": "1", "ceiling": "28.15", "version": '"1"'}
    refused = await client.post(PAGE, data=form, headers=buyer)
    assert refused.status_code == status
    assert f"because {slug}" in refused.text
    assert 'value="28.15"' in refused.text
    assert 'name="version" value="&#34;3&#34;"' in refused.text, "who tries again does so from what is shown now"


async def test_a_change_to_nothing_is_not_sent(
    client: httpx.AsyncClient, matching: Played, buyer: dict[str, str]
) -> None:
    form = {"action": "change", "quantity": "", "ceiling": "0", "version": '"3"'}
    refused = await client.post(PAGE, data=form, headers=buyer)
    assert refused.status_code == 422
    assert matching.requests("PATCH", f"/v1{PAGE}") == []


async def test_anothers_order_is_no_page(client: httpx.AsyncClient, buyer: dict[str, str]) -> None:
    assert (await client.get("/orders/01900000-0000-7000-8000-0000000000ff", headers=buyer)).status_code == 404
    assert (await client.get("/orders/x", headers=buyer)).status_code == 404


async def test_no_form_of_who_is_signed_in_is_sent_twice_by_two_taps(
    client: httpx.AsyncClient, buyer: dict[str, str]
) -> None:
    for path in ("/orders", PAGE, "/orders/new"):
        assert (await client.get(path, headers=buyer)).text.count("/static/once.js") == 1, path
