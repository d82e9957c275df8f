"""What bad input gets: a problem that names the field in the caller's language, and nothing changed."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.db import Database
from chassis.validation import SAID
from tests.services.listing.listings.test_api import strawberries
from tests.services.listing.listings.test_service import posted
from tests.support.hypotheses import ON_FIXTURES
from tests.support.services import Issuer, told

LATER = "2099-01-02T00:00:00Z"
ORIGIN = {"adcode": "321323"}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"produce": "草莓"}, "#/produce"),
        ({"produce": 5}, "#/produce"),
        ({"produce": None}, "#/produce"),
        ({"quantity_kg": 0}, "#/quantity_kg"),
        ({"quantity_kg": None}, "#/quantity_kg"),
        ({"quantity_kg": True}, "#/quantity_kg"),
        ({"quantity_kg": 10_000_000.001}, "#/quantity_kg"),
        ({"quantity_kg": 1.2345}, "#/quantity_kg"),
        ({"min_price_fen_per_kg": -1}, "#/min_price_fen_per_kg"),
        ({"min_price_fen_per_kg": "1600"}, "#/min_price_fen_per_kg"),
        ({"min_price_fen_per_kg": None}, "#/min_price_fen_per_kg"),
        ({"grade": "D"}, "#/grade"),
        ({"temperature_class": "warm"}, "#/temperature_class"),
        ({"divisible": 1}, "#/divisible"),
        ({"auto_agree": "yes"}, "#/auto_agree"),
        ({"households": 0}, "#/households"),
        ({"households": "x"}, "#/households"),
        ({"households": 1_000_001}, "#/households"),
        ({"story": "x" * 4001}, "#/story"),
        ({"story": 5}, "#/story"),
        ({"variety": "x" * 201}, "#/variety"),
        ({"best_before": "tomorrow"}, "#/best_before"),
        ({"harvested_at": "2026-11-22"}, "#/harvested_at"),
        ({"harvested_at": "2026-11-22T00:00:00"}, "#/harvested_at"),
        ({"available_from": 1_700_000_000}, "#/available_from"),
        ({"available_until": "2101-01-01T00:00:00Z"}, "#/available_until"),
        ({"producer_id": "x"}, "#/producer_id"),
        ({"producer_id": 5}, "#/producer_id"),
        ({"origin": None}, "#/origin"),
        ({"origin": 5}, "#/origin"),
        ({"origin": {}}, "#/origin/adcode"),
        ({"origin": {"adcode": 321323}}, "#/origin/adcode"),
        ({"origin": {"adcode": "320000"}}, "#/origin/adcode"),
        ({"origin": {"adcode": "321300"}}, "#/origin/adcode"),
        ({"origin": {**ORIGIN, "lon": "x", "lat": 33}}, "#/origin/lon"),
        ({"origin": {**ORIGIN, "lon": 180.1, "lat": 33}}, "#/origin/lon"),
        ({"origin": {**ORIGIN, "lon": 118, "lat": -90.1}}, "#/origin/lat"),
        ({"origin": {**ORIGIN, "lon": 118, "lat": 33, "crs": "bd09"}}, "#/origin/crs"),
        ({"origin": {**ORIGIN, "lon": 116.41, "lat": 39.93}}, "#/origin"),
        ({"origin": {**ORIGIN, "village": "x" * 201}}, "#/origin/village"),
        ({"origin": {**ORIGIN, "house": "1"}}, "#/origin/house"),
        ({"best_before": LATER, "available_from": LATER, "harvested_at": "2099-01-01T00:00:00Z"}, "#/best_before"),
    ],
)
async def test_the_field_is_named_in_both_languages_and_nothing_is_changed(
    client: httpx.AsyncClient, issuer: Issuer, db: Database, changes: dict[str, Any], pointer: str
) -> None:
    details = {}
    for language in ("zh-CN", "en"):
        headers = issuer.caller("producer") | {"Accept-Language": language}
        answer = await client.post("/v1/listings", json=strawberries(**changes), headers=headers)
        assert (answer.status_code, answer.headers["content-language"]) == (422, language), answer.text
        (error,) = answer.json()["errors"]
        assert error["pointer"] == pointer
        details[language] = error["detail"]
    assert details["zh-CN"] != "此值无效。", "a sentence of its own"
    assert not details["zh-CN"].isascii()
    assert details["en"].isascii()
    assert await told(db) == []


async def test_every_wrong_field_is_named_at_once(client: httpx.AsyncClient, issuer: Issuer) -> None:
    body = {"produce": "x", "quantity_kg": -1, "origin": {"adcode": "1"}, "more": 1}
    answer = await client.post("/v1/listings", json=body, headers=issuer.caller("producer"))
    assert {error["pointer"] for error in answer.json()["errors"]} == {
        *("#/produce", "#/quantity_kg", "#/origin/adcode", "#/more", "#/min_price_fen_per_kg"),
    }


@pytest.mark.parametrize("name", ["produce", "quantity_kg", "min_price_fen_per_kg", "origin"])
async def test_what_is_required_is_missed(client: httpx.AsyncClient, issuer: Issuer, name: str) -> None:
    body = {other: value for other, value in strawberries().items() if other != name}
    answer = await client.post("/v1/listings", json=body, headers=issuer.caller("producer") | {"Accept-Language": "zh"})
    assert answer.json()["errors"] == [{"pointer": f"#/{name}", "detail": "缺少此项。"}]


@pytest.mark.parametrize("body", ["[1]", '"x"', "5", "null", ""])
async def test_a_body_that_is_no_object_is_refused(client: httpx.AsyncClient, issuer: Issuer, body: str) -> None:
    headers = issuer.caller("producer") | {"Content-Type": "application/json"}
    answer = await client.post("/v1/listings", content=body, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#")


@pytest.mark.parametrize("media_type", ["application/merge-patch+json", "Application/JSON", "application/json;x=y"])
async def test_json_under_any_of_its_names_is_read_strictly(
    client: httpx.AsyncClient, issuer: Issuer, media_type: str
) -> None:
    headers = issuer.caller("producer") | {"Content-Type": media_type}
    for body in (b'{"a": NaN}', b"{", b"\xff"):
        answer = await client.post("/v1/listings", content=body, headers=headers)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/malformed-json"), body
    taken = await client.post("/v1/listings", content=json.dumps(strawberries()), headers=headers)
    assert taken.status_code == 201


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=x", "limit"),
        ("after=x", "after"),
        ("status=gone", "status"),
        ("produce=%00", "produce"),
        ("produce=xyz", "produce"),
        ("produce=", "produce"),
        ("adcode=32%00", "adcode"),
        ("adcode=_1", "adcode"),
        ("adcode=3", "adcode"),
        ("adcode=99", "adcode"),
        ("adcode=329999", "adcode"),
    ],
)
async def test_a_wrong_query_names_its_parameter(
    client: httpx.AsyncClient, issuer: Issuer, query: str, pointer: str
) -> None:
    answer = await client.get(f"/v1/listings?{query}", headers=issuer.caller("producer") | {"Accept-Language": "zh"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"#/query/{pointer}")
    assert not answer.json()["errors"][0]["detail"].isascii()


@pytest.mark.parametrize("quantity_kg", [0.001, 1, 999.999, 10_000_000])
@pytest.mark.parametrize("price", [0, 1_000_000])
async def test_the_boundaries_themselves_are_taken(
    client: httpx.AsyncClient, issuer: Issuer, quantity_kg: float, price: int
) -> None:
    lot = await posted(client, issuer.caller("producer"), quantity_kg=quantity_kg, min_price_fen_per_kg=price)
    assert (lot["quantity_kg"], lot["remaining_kg"], lot["min_price_fen_per_kg"]) == (quantity_kg, quantity_kg, price)


async def test_everything_that_was_posted_comes_back(client: httpx.AsyncClient, issuer: Issuer) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    body = strawberries(
        variety="红颜",
        grade="A",
        quantity_kg=1200.125,
        origin={"adcode": "321323", "village": "来安村", "lon": 118.69, "lat": 33.72, "crs": "wgs84"},
        harvested_at=(now - timedelta(hours=2)).isoformat(),
        best_before=(now + timedelta(days=3)).isoformat(),
        available_from=(now + timedelta(hours=2)).isoformat(),
        available_until=(now + timedelta(days=2)).isoformat(),
        temperature_class="ambient",
        households=12,
        story="十二户人家的草莓。🍓",
        divisible=False,
        auto_agree=False,
    )
    lot = await posted(client, issuer.caller("producer"), **body)
    for name, value in body.items():
        if name.endswith(("_at", "_before", "_from", "_until")):
            assert datetime.fromisoformat(lot[name]) == datetime.fromisoformat(value)
        else:
            assert lot[name] == value, name
    assert (lot["shelf_life_source"], lot["spoils_at"]) == ("declared", lot["best_before"])
    assert (lot["held_kg"], lot["agreed_kg"], lot["version"], lot["on_market"]) == (0, 0, 1, False)


async def test_map_coordinates_are_converted_and_said_to_be_wgs84(client: httpx.AsyncClient, issuer: Issuer) -> None:
    mapped = {"adcode": "321323", "lon": 118.69, "lat": 33.72, "crs": "gcj02"}
    origin = (await posted(client, issuer.caller("producer"), origin=mapped))["origin"]
    assert origin["crs"] == "wgs84"
    assert 0.001 < abs(origin["lon"] - 118.69) < 0.02
    assert 0.0005 < abs(origin["lat"] - 33.72) < 0.02


@pytest.mark.parametrize("lon", ["1E+999", "-1E+999", "1E+99999999999"])
async def test_a_coordinate_without_end_is_refused(client: httpx.AsyncClient, issuer: Issuer, lon: str) -> None:
    body = json.dumps(strawberries()).replace("118.69", lon)
    headers = issuer.caller("producer") | {"Content-Type": "application/json"}
    assert (await client.post("/v1/listings", content=body, headers=headers)).status_code == 422


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=ON_FIXTURES)
@given(st.dictionaries(st.sampled_from(sorted(strawberries() | {"story": 1, "grade": 1, "best_before": 1})), JSON))
async def test_no_json_whatever_is_a_failure_of_ours(
    client: httpx.AsyncClient, issuer: Issuer, changes: dict[str, Any]
) -> None:
    content = json.dumps(strawberries(**changes)).encode()
    headers = issuer.caller("producer") | {"Content-Type": "application/json"}
    assert (await client.post("/v1/listings", content=content, headers=headers)).status_code in {201, 422}


def test_what_pydantic_says_has_a_chinese_sentence_each() -> None:
    for kind, said in SAID.items():
        assert not said.zh.isascii(), kind
        assert (said.zh[-1], said.en[-1]) == ("。", "."), kind
