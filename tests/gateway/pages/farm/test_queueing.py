"""What a phone's queue is told, and that a lot and its photo come once however often they are tried."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import httpx

from gateway.tokens import Signer
from tests.gateway.pages.farm.played import FOUR, INVALID, LISTING, LOT_PATH, ME, PlayedApi, hours, lot
from tests.gateway.support import bearer
from tests.services.listing.photos.test_api import picture


async def test_the_queue_is_told_who_is_signed_in_and_when_it_is(client: httpx.AsyncClient, signer: Signer) -> None:
    assert (await client.get("/farm/queue")).json()["account"] == ""
    said = (await client.get("/farm/queue", headers=bearer(signer, "producer", UUID(ME)))).json()
    assert said["account"] == ME
    assert abs(datetime.fromisoformat(said["now"]) - datetime.now(UTC)) < timedelta(minutes=1)


async def test_the_queue_posts_with_the_moment_of_filling_in_and_reads_faults_by_field(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    filled = FOUR | {"account": ME, "filled_at": "2026-11-29T01:02:03.456Z", "tried_at": hours(0)}
    api.answers["POST /v1/listings"] = (201, {"id": LISTING})
    answer = await farmer.post("/farm/queue", data=filled)
    assert (answer.status_code, answer.json()) == (201, {"id": LISTING})
    assert api.posted[1]["available_from"] == "2026-11-29T01:02:03.456Z"
    assert "harvested_at" not in api.posted[1], "by default it is available_from"
    api.answers["POST /v1/listings"] = (422, INVALID)
    refused = await farmer.post("/farm/queue", data=filled)
    assert (refused.status_code, refused.json()["faults"]) == (422, {"quantity": "too much"})


async def test_the_queue_is_told_what_may_have_been_meant(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    api.answers["POST /v1/listings"] = (422, INVALID)
    refused = await farmer.post("/farm/queue", data=FOUR | {"place": "鼓楼区"})
    choices = refused.json()["choices"]
    assert choices.keys() == {"place"}
    assert "江苏省南京市鼓楼区" in choices["place"]


async def test_the_queue_reads_that_one_must_sign_in(client: httpx.AsyncClient) -> None:
    answer = await client.post("/farm/queue", data=FOUR)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


async def test_a_try_whose_key_is_forgotten_finds_the_lot_that_the_first_one_made(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    filled_at = hours(-60)
    made = lot(available_from=filled_at, created_at=hours(-50))
    api.answers["GET /v1/listings"] = (200, {"items": [lot(id=str(uuid4())), made], "next": None})
    late = FOUR | {"account": ME, "filled_at": filled_at, "tried_at": hours(-50)}
    answer = await farmer.post("/farm/queue", data=late)
    assert (answer.status_code, answer.json(), api.sent) == (201, {"id": LISTING}, [])


async def test_a_photo_whose_key_is_forgotten_is_not_shown_twice(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    path, photo = f"/farm/queue/{LISTING}/photos", {"photo": ("a.jpg", picture(), "image/jpeg")}
    api.answers[f"GET {LOT_PATH}/photos"] = (200, {"items": [{"id": str(uuid4())}]})
    api.answers[f"POST {LOT_PATH}/photos"] = (201, {"id": str(uuid4())})
    late, soon = ({"key": "k-photo", "account": ME, "tried_at": hours(of)} for of in (-50, -1))
    answer = await farmer.post(path, data=late, files=photo)
    assert (answer.status_code, answer.json(), api.sent) == (201, {"id": LISTING}, [])
    await farmer.post(path, data=soon, files=photo)
    assert api.sent[0][2]["idempotency-key"] == "k-photo"


async def test_a_photo_of_another_accounts_lot_is_kept_for_them(farmer: httpx.AsyncClient, api: PlayedApi) -> None:
    photo = {"photo": ("a.jpg", picture(), "image/jpeg")}
    answer = await farmer.post(f"/farm/queue/{LISTING}/photos", data={"account": str(uuid4())}, files=photo)
    assert (answer.status_code, answer.json()["type"], api.sent) == (409, "/problems/filled-by-another-account", [])


async def test_what_can_not_be_looked_up_is_told_to_the_queue_as_the_api_says_it(
    farmer: httpx.AsyncClient, api: PlayedApi
) -> None:
    api.answers["GET /v1/listings"] = (429, {"title": "Too many", "status": 429})
    late = FOUR | {"account": ME, "filled_at": hours(-60), "tried_at": hours(-50)}
    answer = await farmer.post("/farm/queue", data=late)
    assert (answer.status_code, answer.json()["title"], api.sent) == (429, "Too many", [])
