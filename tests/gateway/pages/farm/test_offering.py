"""A lot is posted by its form: once under its key, with its photo, and as it was typed where it is refused."""

import json
import re
from uuid import UUID, uuid4

import httpx
import pytest

from chassis.db import Database
from chassis.vault import Vault
from gateway.accounts.service import account_for
from gateway.tokens import Signer
from tests.gateway.pages.farm.played import (
    FOUR,
    INVALID,
    LISTING,
    LOT_PATH,
    ME,
    PAGE,
    PlayedApi,
    hours,
    lot,
)
from tests.gateway.support import bearer
from tests.services.listing.photos.test_api import picture


async def test_a_post_is_sent_under_the_forms_key_and_leads_to_the_lot(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    api.answers["POST /v1/listings"] = (201, {"id": LISTING})
    answer = await farmer.post("/farm/new", data=FOUR)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}?done=posted")
    asked, body, key = api.posted
    assert (asked, body["produce"], body["min_price_fen_per_kg"]) == ("POST /v1/listings", "strawberry", 1605)
    assert key.startswith("k-")


async def test_a_form_that_is_sent_twice_is_one_request_and_edited_after_going_back_another(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    api.answers["POST /v1/listings"] = (201, {"id": LISTING})
    for data in (FOUR, FOUR, FOUR | {"quantity": "900"}):
        await farmer.post("/farm/new", data=data)
    first, again, other = [headers["idempotency-key"] for _, _, headers in api.sent]
    assert first == again
    assert first != other
    keyless = {name: value for name, value in FOUR.items() if name != "key"}
    for _ in range(2):
        await farmer.post("/farm/new", data=keyless)
    one, another = [headers["idempotency-key"] for _, _, headers in api.sent[3:]]
    assert one != another, "who sends no key asks twice"


@pytest.mark.parametrize("name", ["quantity", "price", "households"])
async def test_a_number_without_end_is_for_the_api_to_refuse(
    farmer: httpx.AsyncClient, api: PlayedApi, name: str
) -> None:
    api.answers["POST /v1/listings"] = (422, INVALID)
    answer = await farmer.post("/farm/new", data=FOUR | {name: "1e1000000"})
    assert answer.status_code == 422
    assert '"1e1000000"' in json.dumps(api.posted[1])


async def test_the_photo_follows_under_a_key_of_its_own_and_its_refusal_leaves_the_lot(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    api.answers["POST /v1/listings"] = (201, {"id": LISTING})
    api.answers[f"POST {LOT_PATH}/photos"] = (422, INVALID)
    jpeg = picture()
    answer = await farmer.post("/farm/new", data=FOUR, files={"photo": ("a.jpg", jpeg, "image/jpeg")})
    assert answer.headers["location"] == f"{PAGE}?photo=refused"
    asked, body, headers = api.sent[1]
    assert asked == f"POST {LOT_PATH}/photos"
    assert headers["idempotency-key"].startswith(f"{api.sent[0][2]['idempotency-key']}-")
    assert jpeg in body


async def test_a_post_that_is_refused_stands_as_it_was_typed(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    api.answers["POST /v1/listings"] = (422, INVALID)
    answer = await farmer.post("/farm/new", data=FOUR | {"story": "<ours>"})
    assert answer.status_code == 422
    assert 'value="k"' in answer.text, "its key stays"
    assert "&lt;ours&gt;" in answer.text
    assert re.search(r'id="quantity"[^>]*aria-invalid="true"', answer.text)


async def test_what_another_account_filled_in_is_not_posted(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    for path in ("/farm/new", "/farm/queue"):
        answer = await farmer.post(path, data=FOUR | {"account": str(uuid4())})
        assert answer.status_code == 409
    assert api.sent == []


async def test_the_form_offers_what_this_farmer_posted_last_and_the_going_price(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    price = {"produce": "strawberry", "lower_fen_per_kg": 1500, "median_fen_per_kg": 1650, "upper_fen_per_kg": 1800}
    unknown = {"produce": "garlic", "lower_fen_per_kg": None, "median_fen_per_kg": None, "upper_fen_per_kg": None}
    api.answers["GET /v1/prices"] = (200, {"items": [price, unknown]})
    api.answers["GET /v1/listings"] = (200, {"items": [lot()], "next": None})
    page = (await farmer.get("/farm/new")).text
    assert re.search(r'id="produce"[^>]*value="Strawberry"', page)
    assert re.search(r'id="place"[^>]*value="江苏省宿迁市泗阳县"', page)
    assert "16.50" in page
    assert "15.00–18.00" in page
    assert page.count("data-price=") == 1
    assert len(page.encode()) < 60_000


async def test_the_form_is_there_while_no_service_answers(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    api.answers["GET /v1/listings"] = (503, {"title": "away"})
    api.answers["GET /v1/prices"] = (503, {"title": "away"})
    answer = await farmer.get("/farm/new")
    assert (answer.status_code, 'id="quantity"' in answer.text) == (200, True)


async def test_an_agent_posts_for_whom_they_may(
    client: httpx.AsyncClient, signer: Signer, api: PlayedApi, db: Database, vault: Vault
) -> None:
    page = await client.get("/farm/new", headers=bearer(signer, "agent", UUID(ME)))
    assert ME in page.text, "who has nobody is told their number"
    async with db.transaction() as session:
        producer = str((await account_for(session, vault, "producer", "张家果园")).id)
    given = {"producer_id": producer, "agent_id": ME, "given_at": hours(-1)}
    api.answers["GET /v1/consents"] = (200, {"items": [given], "next": None})
    page = await client.get("/farm/new", headers=bearer(signer, "agent", UUID(ME)))
    assert f'<option value="{producer}">张家果园</option>' in page.text
    api.answers["POST /v1/listings"] = (201, {"id": LISTING})
    await client.post("/farm/new", data=FOUR | {"producer": producer}, headers=bearer(signer, "agent"))
    assert api.posted[1]["producer_id"] == producer


async def test_what_may_be_left_out_is_folded_away_and_an_album_is_as_good_as_a_camera(
    farmer: httpx.AsyncClient,
) -> None:
    page = (await farmer.get("/farm/new")).text
    assert page.index("<details") < page.index('name="harvested"') < page.index('name="story"')
    assert page.index('name="photo"') < page.index("<details")
    assert "capture" not in page
    names = re.findall(r'<option value="([^"]+)" label', (await farmer.get("/farm/new?lang=zh-CN")).text)
    assert names
    assert [name for name in names if name.isascii()] == []


TYPED_INTO = re.compile(r"<(?:input|select|textarea|fieldset) [^>]*>")
SAID_OF_FIELDS = re.compile(r'<p class="(?:fault|hint)" id="([^"]+)"')


def described_by_id(page: str) -> dict[str, list[str]]:
    """What is said of each field that one fills in, by the field's id."""
    fields = [dict(re.findall(r'([\w-]+)="([^"]*)"', each)) for each in TYPED_INTO.findall(page)]
    return {each["id"]: each.get("aria-describedby", "").split() for each in fields if "id" in each}


async def test_every_hint_and_every_fault_is_tied_to_its_field(
    client: httpx.AsyncClient, signer: Signer, api: PlayedApi, db: Database, vault: Vault
) -> None:
    agent = bearer(signer, "agent", UUID(ME)) | {"Accept-Language": "en"}
    async with db.transaction() as session:
        producer = str((await account_for(session, vault, "producer", "李家果园")).id)
    given = {"producer_id": producer, "agent_id": ME, "given_at": hours(-1)}
    api.answers["GET /v1/consents"] = (200, {"items": [given], "next": None})
    wrong = ("producer_id", "produce", "origin", "quantity_kg", "story", "temperature_class", "best_before", "grade")
    errors = [{"pointer": f"#/{name}", "detail": "not so"} for name in wrong]
    api.answers["POST /v1/listings"] = (422, INVALID | {"errors": errors})
    page = (await client.post("/farm/new", data=FOUR, headers=agent)).text
    described, said = described_by_id(page), SAID_OF_FIELDS.findall(page)
    for field in ("producer", "produce", "place", "quantity", "story", "temperature_class", "best_before", "grade"):
        assert f"{field}-fault" in described[field], field
    assert described["story"] == ["story-hint", "story-fault"]
    assert described["quantity"] == ["quantity-unit", "quantity-fault"], "of 600 it matters whether they are kg"
    assert {"photo-hint", "produce-hint"} <= set(said)
    assert all(name in described[name.rpartition("-")[0]] for name in said)
    assert page.count('aria-invalid="true"') == len(wrong)


async def test_a_fault_that_no_field_shows_is_said_above_the_form(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    errors = [{"pointer": "#/producer_id", "detail": "nobody let you"}, {"pointer": "#/divisible", "detail": "no"}]
    api.answers["POST /v1/listings"] = (422, INVALID | {"errors": errors})
    page = (await farmer.post("/farm/new", data=FOUR)).text
    assert re.search(r'id="refused" role="alert">nobody let you no</p>', page)
    api.answers["POST /v1/listings"] = (422, INVALID | {"errors": [*errors, *INVALID["errors"]]})
    page = (await farmer.post("/farm/new", data=FOUR)).text
    assert "nobody let you no Almost there: please look at what is marked." in page
    api.answers["POST /v1/listings"] = (503, {"title": "T", "status": 503, "detail": "busy"})
    assert re.search(r'id="refused" role="alert">busy</p>', (await farmer.post("/farm/new", data=FOUR)).text)


async def test_a_fault_in_what_is_folded_away_unfolds_it(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    assert "<details open>" not in (await farmer.get("/farm/new")).text
    errors = [{"pointer": "#/origin/village", "detail": "too long"}]
    api.answers["POST /v1/listings"] = (422, INVALID | {"errors": errors})
    page = (await farmer.post("/farm/new", data=FOUR)).text
    assert "<details open>" in page
    assert 'id="village-fault">too long' in page


async def test_what_is_told_of_the_price_and_of_its_life_is_tied_to_the_fields(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    price = {"produce": "strawberry", "lower_fen_per_kg": 1500, "median_fen_per_kg": 1650, "upper_fen_per_kg": 1800}
    api.answers["GET /v1/prices"] = (200, {"items": [price], "next": None})
    assert described_by_id((await farmer.get("/farm/new")).text)["price"] == ["price-unit"], "of nothing yet"
    api.answers["GET /v1/listings"] = (200, {"items": [lot()], "next": None})
    described = described_by_id((await farmer.get("/farm/new")).text)
    assert (described["price"], described["produce"]) == (["price-unit", "going"], ["produce-hint", "life"])
