"""A lot's own page, and ordering from it: the price worked out, the code to the phone, the order, once."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import segno

from gateway.pages.cookies import SESSION
from gateway.pages.texts import TEXTS
from gateway.tokens import Signer
from tests.gateway.pages.board.lots import LOT
from tests.gateway.pages.board.lots import lot as a_lot
from tests.gateway.pages.played import Played
from tests.gateway.support import Phones, bearer

PHONE = "13812345678"
ORDER = "01900000-0000-7000-8000-00000000000a"
PAGE = f"/board/{LOT}"
EN = {"Accept-Language": "en"}


@pytest.fixture
def listing() -> Played:
    played = Played()
    played.say(f"/v1/board/{LOT}", a_lot(hours_left=30.0, story="From <us>", photos=[f"/v1/board/{LOT}/photos/1"]))
    return played


@pytest.fixture
def matching() -> Played:
    played = Played()
    played.say("/v1/policy/freight", {"distance_km": 242.0, "freight_fen_per_kg": 52, "takes_h": 8.0})
    played.say("/v1/orders", {"id": ORDER, "version": 1}, method="POST", status=201)
    played.say("/v1/orders", {"items": [], "next": None})
    return played


@pytest.fixture
def upstreams(listing: Played, matching: Played) -> dict[str, Any]:
    return {"listing": listing.upstream, "matching": matching.upstream}


def typed(**changes: str) -> dict[str, str]:
    return {"quantity": "20", "to": "南京市玄武区", "ceiling": "17.00", "key": "a-key", "phone": PHONE, **changes}


def value_of(page: str, name: str) -> str:
    """What that field of the page's form holds."""
    (field,) = re.findall(rf'<input[^>]*\bname="{name}"[^>]*>', page)
    return re.findall(r'value="([^"]*)"', field)[0]


async def test_a_lot_tells_its_story_and_others_how_to_show_it(client: httpx.AsyncClient) -> None:
    page = (await client.get(f"{PAGE}?lang=zh")).text
    for shown in ("草莓", "From &lt;us&gt;", "江苏省泗阳县", "16.05", f'"/v1/board/{LOT}/stream"'):
        assert shown in page, shown
    assert f'<meta property="og:image" content="http://duijie.test/v1/board/{LOT}/photos/1?size=medium">' in page
    assert f'<a href="/v1/board/{LOT}/photos/1"><img src="/v1/board/{LOT}/photos/1?size=thumbnail"' in page
    assert f'<meta property="og:url" content="http://duijie.test{PAGE}">' in page
    assert "style=" not in page
    assert not re.search(r"\son[a-z]+=", page)


async def test_the_qr_code_is_that_of_the_address(client: httpx.AsyncClient) -> None:
    page = (await client.get(PAGE)).text
    (drawn,) = re.findall(r'<svg [^>]*class="segno".*?</svg>', page)
    assert drawn == segno.make(f"http://duijie.test{PAGE}", micro=False).svg_inline(omitsize=True, border=2)


async def test_a_lot_that_is_gone_is_said_to_be(client: httpx.AsyncClient) -> None:
    assert (await client.get("/board/01900000-0000-7000-8000-0000000000ff")).status_code == 404
    assert (await client.get("/board/x")).status_code == 404


async def test_a_buyer_sees_a_lot_though_their_orders_cannot_be_read(
    client: httpx.AsyncClient, signer: Signer, matching: Played
) -> None:
    matching.away = True
    page = await client.get(PAGE, headers=bearer(signer, "citizen") | EN)
    assert (page.status_code, value_of(page.text, "to")) == (200, "")


async def test_a_price_is_worked_out_once_the_place_is_known(client: httpx.AsyncClient, matching: Played) -> None:
    page = (await client.get(PAGE, params={"to": "南京玄武", "quantity": "20"}, headers=EN)).text
    assert value_of(page, "ceiling") == "16.70", "floor 16.05, freight 0.52, a margin of 0.10, up to a round price"
    assert "242 km" in page
    assert matching.asked[0].query == {
        "origin": ["321323"],
        "destination": ["320102"],
        "temperature_class": ["chilled"],
    }
    part = (await client.get(f"{PAGE}/price", params={"to": "南京玄武", "ceiling": "18", "priced": "16.70"})).text
    assert value_of(part, "ceiling") == "18", "what the reader wrote stays"
    part = (await client.get(f"{PAGE}/price", params={"to": "南京玄武", "ceiling": "9.90", "priced": "9.90"})).text
    assert value_of(part, "ceiling") == "16.70", "what was worked out for another place does not"


async def test_of_several_places_of_a_name_one_is_chosen(client: httpx.AsyncClient, sms: Phones) -> None:
    asked = await client.post(PAGE, data=typed(to="鼓楼"), headers=EN)
    assert (asked.status_code, sms.sent) == (422, [])
    assert "福建省福州市鼓楼区" in asked.text
    chosen = await client.post(PAGE, data=typed(to="鼓楼", adcode="350102"), headers=EN)
    assert 'name="code"' in chosen.text
    assert value_of(chosen.text, "to") == "福建省福州市鼓楼区"


async def test_a_citizen_orders_by_phone_and_is_signed_in(
    client: httpx.AsyncClient, matching: Played, sms: Phones
) -> None:
    asked = await client.post(PAGE, data=typed())
    assert asked.status_code == 200
    assert matching.requests("POST", "/v1/orders") == []
    hidden = {name: value_of(asked.text, name) for name in ("quantity", "ceiling", "to", "adcode", "key", "phone")}
    placed = await client.post(PAGE, data=hidden | {"code": sms.last_code()})
    assert (placed.status_code, placed.headers["location"]) == (303, f"/orders/{ORDER}")
    (order,) = matching.requests("POST", "/v1/orders")
    assert order.headers["idempotency-key"].startswith("a-key-")
    assert order.body == {
        "produce": "strawberry",
        "quantity_kg": 20,
        "max_price_fen_per_kg": 1700,
        "destination": {"adcode": "320102"},
        "min_remaining_life_h": order.body["min_remaining_life_h"],
        "listing_id": LOT,
    }
    assert 20 <= order.body["min_remaining_life_h"] <= 21, "of 30 hours 8 go on the way; it may be no more than is left"
    assert SESSION in client.cookies
    assert (await client.get("/v1/me", headers={"Authorization": order.headers["authorization"]})).json()["role"] == (
        "citizen"
    )


async def test_a_wrong_code_is_said_and_what_was_typed_stays(
    client: httpx.AsyncClient, matching: Played, sms: Phones
) -> None:
    await client.post(PAGE, data=typed())
    wrong = f"{(int(sms.last_code()) + 1) % 1_000_000:06}"
    refused = await client.post(PAGE, data=typed(code=wrong), headers=EN)
    assert refused.status_code == 400
    assert 'role="alert"' in refused.text
    assert value_of(refused.text, "quantity") == "20"
    assert matching.requests("POST", "/v1/orders") == []


async def test_no_code_goes_out_before_the_price_was_seen(client: httpx.AsyncClient, sms: Phones) -> None:
    shown = await client.post(PAGE, data=typed(ceiling=""))
    assert (shown.status_code, sms.sent) == (200, [])
    assert value_of(shown.text, "ceiling") == "16.70"
    assert value_of(shown.text, "phone") == PHONE


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("quantity", "0"),
        ("quantity", "x"),
        ("quantity", "701"),
        ("ceiling", "free"),
        ("to", "无此地"),
        ("phone", "12"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(
    client: httpx.AsyncClient, sms: Phones, field: str, wrong: str
) -> None:
    refused = await client.post(PAGE, data=typed(**{field: wrong}), headers=EN)
    assert (refused.status_code, sms.sent) == (422, [])
    assert re.findall(r'id="(\w+)-fault"', refused.text) == [field]
    assert 'role="alert"' not in refused.text
    assert {name: value_of(refused.text, name) for name in ("phone", field)} == {"phone": PHONE, field: wrong}


async def test_a_lot_that_would_spoil_on_the_way_is_not_ordered(
    client: httpx.AsyncClient, listing: Played, sms: Phones
) -> None:
    listing.say(f"/v1/board/{LOT}", a_lot(hours_left=7.0))
    refused = await client.post(PAGE, data=typed(), headers=EN)
    assert "would spoil before" in refused.text
    assert sms.sent == []


async def test_who_is_signed_in_orders_at_once(client: httpx.AsyncClient, matching: Played, signer: Signer) -> None:
    buyer = bearer(signer, "group_leader")
    page = (await client.get(PAGE, headers=buyer)).text
    assert 'name="phone"' not in page
    placed = await client.post(PAGE, data=typed(), headers=buyer)
    assert (placed.status_code, placed.headers["location"]) == (303, f"/orders/{ORDER}")
    (order,) = matching.requests("POST", "/v1/orders")
    assert order.headers["authorization"] == buyer["Authorization"]


async def test_what_is_sent_twice_has_one_key_and_what_else_is_ordered_by_that_form_another(
    client: httpx.AsyncClient, matching: Played, signer: Signer
) -> None:
    for quantity in ("20", "20", "30"):
        await client.post(PAGE, data=typed(quantity=quantity), headers=bearer(signer))
    first, again, other = (each.headers["idempotency-key"] for each in matching.requests("POST", "/v1/orders"))
    assert first == again != other


async def test_the_form_begins_with_where_the_last_order_went(
    client: httpx.AsyncClient, matching: Played, signer: Signer
) -> None:
    matching.say("/v1/orders", {"items": [{"destination": {"adcode": "320102"}}], "next": None})
    page = (await client.get(PAGE, headers=bearer(signer))).text
    assert value_of(page, "to") == "江苏省南京市玄武区"


async def test_a_farmer_is_told_who_orders(client: httpx.AsyncClient, signer: Signer) -> None:
    page = (await client.get(PAGE, headers=bearer(signer, "producer") | EN)).text
    assert TEXTS["board.order.others"].en in page
    assert 'name="quantity"' not in page


async def test_what_the_api_refuses_is_said_on_the_form(
    client: httpx.AsyncClient, matching: Played, signer: Signer
) -> None:
    pointed = [{"pointer": "#/quantity_kg", "detail": "too much of it"}]
    matching.refuse("/v1/orders", "invalid-input", 422, errors=pointed)
    refused = await client.post(PAGE, data=typed(), headers=bearer(signer))
    assert refused.status_code == 422
    assert 'id="quantity-fault">too much of it' in refused.text
    assert 'role="alert"' not in refused.text
    matching.refuse("/v1/orders", "order-refused", 409)
    refused = await client.post(PAGE, data=typed(), headers=bearer(signer))
    assert (refused.status_code, "because order-refused" in refused.text) == (409, True)


async def test_the_phone_is_in_no_address(client: httpx.AsyncClient, sms: Phones) -> None:
    asked = await client.post(PAGE, data=typed())
    addresses = re.findall(r'(?:href|action|src|hx-get)="([^"]*)"', asked.text)
    assert addresses
    assert not [each for each in addresses if PHONE in each]


@pytest.mark.parametrize(
    ("drawn_ago_h", "asked_h"), [(0.0, 18), (0.5, 19), (10.0, 18), (None, 18)], ids=["now", "before", "long ago", "no"]
)
async def test_what_is_asked_of_its_life_is_settled_when_the_form_is_drawn(
    client: httpx.AsyncClient,
    listing: Played,
    matching: Played,
    signer: Signer,
    drawn_ago_h: float | None,
    asked_h: int,
) -> None:
    """The same form that is sent again past the full hour is the same request; one that is too old asks for no more
    than there is."""
    since = (datetime.now(UTC) - timedelta(hours=11)).isoformat()
    listing.say(f"/v1/board/{LOT}", a_lot(hours_left=27.7, available_from=since))  # 8 hours go on the way
    drawn = "" if drawn_ago_h is None else f"{time.time() - drawn_ago_h * 3600:.0f}"
    await client.post(PAGE, data=typed(drawn=drawn), headers=bearer(signer))
    (order,) = matching.requests("POST", "/v1/orders")
    assert order.body["min_remaining_life_h"] == asked_h


async def test_the_moment_at_which_a_form_was_drawn_goes_along_to_its_last_step(
    client: httpx.AsyncClient, sms: Phones
) -> None:
    drawn = value_of((await client.get(PAGE)).text, "drawn")
    assert abs(time.time() - int(drawn)) < 60
    asked = await client.post(PAGE, data=typed(drawn="1796000000"))
    assert sms.last_code()
    assert value_of(asked.text, "drawn") == "1796000000"


@pytest.mark.parametrize("drawn", ["x", "-1", "9" * 200, "²", "NaN"])
async def test_a_moment_that_is_none_is_now(
    client: httpx.AsyncClient, matching: Played, signer: Signer, drawn: str
) -> None:
    placed = await client.post(PAGE, data=typed(drawn=drawn), headers=bearer(signer))
    assert placed.status_code == 303


async def test_a_lot_that_would_spoil_on_the_way_is_said_to_where_its_price_is_told(
    client: httpx.AsyncClient, listing: Played
) -> None:
    listing.say(f"/v1/board/{LOT}", a_lot(hours_left=7.0))
    part = (await client.get(f"{PAGE}/price", params={"to": "南京玄武"}, headers=EN)).text
    assert TEXTS["board.order.spoils"].en in part
    assert TEXTS["board.order.life"].en not in part


@pytest.mark.parametrize("path", [PAGE, "/sign-in"])
async def test_two_taps_are_guarded_where_a_code_is_spent_by_who_is_not_signed_in_yet(
    client: httpx.AsyncClient, path: str
) -> None:
    assert "/static/once.js" in (await client.get(path)).text


async def test_grades_are_explained(client: httpx.AsyncClient) -> None:
    assert f"A<br><small>{TEXTS['board.grade.about'].en}</small>" in (await client.get(PAGE, headers=EN)).text


@pytest.mark.parametrize(("takes_h", "is_told"), [(2.0, False), (8.0, True)])
async def test_who_orders_what_keeps_for_less_than_a_day_there_is_told_before(
    client: httpx.AsyncClient, matching: Played, takes_h: float, is_told: bool
) -> None:
    matching.say("/v1/policy/freight", {"distance_km": 242.0, "freight_fen_per_kg": 52, "takes_h": takes_h})
    page = (await client.get(f"{PAGE}/price", params={"to": "南京市玄武区"}, headers=EN)).text
    assert ("keeps for less than a day" in page) is is_told


async def test_before_the_last_step_it_says_what_all_of_it_costs_at_most(client: httpx.AsyncClient) -> None:
    page = (await client.post(PAGE, data=typed(quantity="20.333", ceiling="16.61"), headers=EN)).text
    assert '<dt>In all at most</dt><dd class="number">337.74 CNY</dd>' in page, "337.73113, rounded up"
