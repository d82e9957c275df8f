"""Places that a carrier names: taken where the name says which, asked back where several go by it."""

import re
from typing import Any

import httpx
import pytest

from catalogue import places
from gateway.pages.carrier.depots import Depot, depot_at
from gateway.pages.ordering import NO_PLACE, WHICH_PLACE
from tests.gateway.pages.carrier.test_carrier import PLAN, VAN, a_van
from tests.gateway.pages.played import Asked, Played

GULOU = {"320106": "江苏省南京市鼓楼区", "320302": "江苏省徐州市鼓楼区"}
CHENGGUAN = {"540102": "西藏自治区拉萨市城关区", "620102": "甘肃省兰州市城关区"}


@pytest.fixture
def logistics() -> Played:
    played = Played()

    def refused(asked: Asked) -> dict[str, Any]:
        """A vehicle without a depot, a plan of what is no code."""
        pointer = "#/depot" if asked.path == "/v1/vehicles" else "#/adcode"
        errors = [{"pointer": pointer, "detail": "none given"}]
        return {"type": "/problems/invalid-input", "title": "no", "detail": "not so", "status": 422, "errors": errors}

    for path in ("/v1/shipments", "/v1/routes"):
        played.say(path, {"items": [], "next": None})
    played.say("/v1/vehicles", {"items": [a_van()], "next": None})
    played.say("/v1/vehicles", refused, method="POST", status=422)
    played.say("/v1/routes", refused, method="POST", status=422)
    return played


def test_a_depot_is_told_by_its_county() -> None:
    located = places.point_of("321323")
    assert located is not None
    assert depot_at(located.point.lon, located.point.lat) == Depot("江苏省宿迁市泗阳县", True)
    assert not depot_at(located.point.lon + 0.05, located.point.lat).is_there


async def test_a_depot_that_may_be_several_is_asked_for_and_one_tap_answers(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    form = {"name": "A", "place": "城关区"}
    asked = await client.post("/carrier/vehicles", data=form, headers=carrier)
    assert asked.status_code == 422
    assert f'id="place-fault">{WHICH_PLACE.in_language("en")}' in asked.text
    offered = re.findall(r'name="adcode" value="(\d+)">([^<]+)<', asked.text)
    assert CHENGGUAN.items() <= dict(offered).items()
    assert "none given" not in asked.text, "for a place was given"
    await client.post("/carrier/vehicles", data=form | {"adcode": "620102"}, headers=carrier)
    (vague, certain) = (each.body for each in logistics.requests("POST", "/v1/vehicles"))
    lanzhou = places.point_of("620102")
    assert lanzhou is not None
    assert "depot" not in vague
    assert certain["depot"] == {"lon": lanzhou.point.lon, "lat": lanzhou.point.lat}


async def test_a_depot_nobody_knows_is_refused_beside_its_field(
    client: httpx.AsyncClient, carrier: dict[str, str]
) -> None:
    page = await client.post("/carrier/vehicles", data={"name": "A", "place": "Atlantis"}, headers=carrier)
    assert page.status_code == 422
    assert f'id="place-fault">{NO_PLACE.in_language("en")}' in page.text
    assert 'value="Atlantis"' in page.text
    none = await client.post("/carrier/vehicles", data={"name": "A"}, headers=carrier)
    assert 'id="place-fault">none given' in none.text


async def test_a_plan_of_a_place_that_may_be_several_is_asked_for(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    form = {"vehicle": VAN, "place": "鼓楼区"}
    asked = await client.post("/carrier/routes", data=form, headers=carrier)
    assert f'id="place-fault">{WHICH_PLACE.in_language("en")}' in asked.text
    for code, name in GULOU.items():
        assert f'value="{code}">{name}' in asked.text
    logistics.say("/v1/routes", {"id": PLAN, "status": "planning"}, method="POST", status=202)
    await client.post("/carrier/routes", data=form | {"adcode": "320302"}, headers=carrier)
    await client.post("/carrier/routes", data=form | {"place": "南京"}, headers=carrier)
    vague, xuzhou, nanjing = (each.body["adcode"] for each in logistics.requests("POST", "/v1/routes"))
    assert (vague, xuzhou, nanjing) == ("鼓楼区", "320302", "320100")


async def test_who_looks_for_a_name_that_several_go_by_is_asked_which_and_shown_none_of_another(
    client: httpx.AsyncClient, carrier: dict[str, str], logistics: Played
) -> None:
    page = (await client.get("/carrier", params={"place": "鼓楼区"}, headers=carrier)).text
    assert WHICH_PLACE.in_language("en") in page
    assert [each for each in logistics.requests("GET", "/v1/shipments") if each.query["status"] == ["open"]] == []
    (link,) = re.findall(r'<a href="([^"]*)">江苏省徐州市鼓楼区</a>', page)
    await client.get(link, headers=carrier)
    await client.get("/carrier", params={"place": "南京"}, headers=carrier)
    asked = [each.query["adcode"] for each in logistics.requests("GET", "/v1/shipments") if "adcode" in each.query]
    assert asked == [["320302"], ["320302"], ["320100"], ["320100"]], "open and failed ones"
    nowhere = await client.get("/carrier", params={"place": "Atlantis"}, headers=carrier)
    assert (nowhere.status_code, NO_PLACE.in_language("en") in nowhere.text) == (200, True)


async def test_a_vehicle_tells_the_county_of_its_depot(client: httpx.AsyncClient, carrier: dict[str, str]) -> None:
    page = (await client.get("/carrier/vehicles", headers=carrier)).text
    assert "Depot near 江苏省宿迁市泗阳县" in page
