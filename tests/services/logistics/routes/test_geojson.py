"""When GeoJSON is wanted, and what is drawn."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from fastapi.responses import JSONResponse

from services.logistics.routes.geojson import as_accepted, feature_collection
from services.logistics.routes.schemas import PlanOut


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("application/geo+json", True),
        ("Application/GEO+JSON; charset=utf-8", True),
        ("application/geo+json, application/json;q=0.5", True),
        ("application/geo+json;q=0.5, application/json", False),
        ("application/geo+json;q=0", False),
        ("application/geo+json;q=x", False),
        ("application/json", False),
        ("*/*", False),
        ("", False),
    ],
)
def test_geojson_is_given_where_it_is_named_and_json_not_preferred(accept: str, wanted: bool) -> None:
    assert isinstance(as_accepted(plan(), accept), JSONResponse) is wanted


VEHICLE, LOT = uuid4(), uuid4()
DEPOT, FARM, MARKET = (118.70, 33.73), (118.69, 33.72), (118.80, 32.06)
EIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def plan(**changes: Any) -> PlanOut:
    """One van that fetches one lot and brings it."""
    said = {"produce": "strawberry", "quantity_kg": 300.5, "adcode": "321323", "account_id": None}
    stops = [
        {"shipment_id": LOT, "type": kind, "arrival": EIGHT, "departure": EIGHT, "lon": lon, "lat": lat, **said}
        for kind, (lon, lat) in (("pickup", FARM), ("delivery", MARKET))
    ]
    route = {
        "vehicle_id": VEHICLE,
        "distance_m": 480_000,
        "duration_s": 30_000,
        "load_kg": 300.5,
        "departs_at": EIGHT,
        "returns_at": EIGHT,
        "depot": {"lon": DEPOT[0], "lat": DEPOT[1]},
        "stops": stops,
    }
    standard = {
        "id": uuid4(),
        "status": "planned",
        "depart_at": EIGHT,
        "limit_s": 10,
        "hub": None,
        "previous": None,
        "failure": None,
        "created_at": EIGHT,
        "vehicles": [route],
        "unassigned": [{"shipment_id": uuid4(), "reasons": ["window"], "change": None, "aboard": None, "at": None}],
        "distance_source": "great_circle",
    }
    return PlanOut.model_validate(standard | changes)


def test_a_line_leads_from_the_depot_over_every_stop_and_back() -> None:
    line, pickup, delivery = feature_collection(plan())["features"]
    assert line["geometry"] == {"type": "LineString", "coordinates": [DEPOT, FARM, MARKET, DEPOT]}
    assert pickup["geometry"] == {"type": "Point", "coordinates": FARM}
    assert delivery["geometry"] == {"type": "Point", "coordinates": MARKET}


def test_what_is_no_geometry_of_a_feature_is_among_its_properties() -> None:
    line, pickup, delivery = feature_collection(plan())["features"]
    assert line["properties"] == {
        "vehicle_id": str(VEHICLE),
        "distance_m": 480_000,
        "duration_s": 30_000,
        "load_kg": 300.5,
        "peak_load_kg": None,
        "cost_fen": 0,
        "breaks": [],
        "departs_at": "2026-11-23T00:00:00Z",
        "returns_at": "2026-11-23T00:00:00Z",
    }
    assert pickup["properties"] == {
        "vehicle_id": str(VEHICLE),
        "sequence": 1,
        "shipment_id": str(LOT),
        "type": "pickup",
        "arrival": "2026-11-23T00:00:00Z",
        "departure": "2026-11-23T00:00:00Z",
        "produce": "strawberry",
        "quantity_kg": 300.5,
        "temperature_class": None,
        "load_kg": None,
        "adcode": "321323",
        "account_id": None,
    }
    assert (delivery["properties"]["sequence"], delivery["properties"]["type"]) == (2, "delivery")


def test_the_rest_of_the_plan_stands_beside_the_features() -> None:
    made = plan()
    drawn = feature_collection(made)
    assert drawn.keys() == {"type", "features", "id", "status", "unassigned", "distance_source", "hub", "moved_stops"}
    assert (drawn["id"], drawn["status"]) == (str(made.id), "planned")
    assert drawn["unassigned"] == [
        {
            "shipment_id": str(made.unassigned[0].shipment_id),
            "reasons": ["window"],
            "change": None,
            "aboard": None,
            "at": None,
        }
    ]
    assert json.loads(json.dumps(drawn))["type"] == "FeatureCollection"


@pytest.mark.parametrize("status", ["planning", "failed"])
def test_a_plan_without_routes_is_an_empty_collection_that_says_how_it_stands(status: str) -> None:
    drawn = feature_collection(plan(status=status, vehicles=[], unassigned=[], distance_source=None))
    assert (drawn["features"], drawn["status"], drawn["distance_source"]) == ([], status, None)


def test_it_comes_with_its_media_type_or_as_the_plan_itself() -> None:
    made = plan()
    assert as_accepted(made, "application/json") is made
    drawn = as_accepted(made, "application/geo+json")
    assert isinstance(drawn, JSONResponse)
    assert (drawn.media_type, drawn.headers["vary"]) == ("application/geo+json", "Accept")
