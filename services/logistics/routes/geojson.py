"""A route plan as GeoJSON (RFC 7946): a LineString for each vehicle, depot to depot, and a Point for each stop."""

from typing import Any

from fastapi.responses import JSONResponse

from chassis.accepts import wanted
from services.logistics.routes.schemas import PlanOut, StopOut, VehicleRouteOut

MEDIA_TYPE = "application/geo+json"
BESIDE = {"id", "status", "unassigned", "distance_source", "hub", "moved_stops"}


def as_accepted(plan: PlanOut, accept: str) -> PlanOut | JSONResponse:
    """The plan itself, or as GeoJSON where that is wanted."""
    if wanted(accept, ("application/json", MEDIA_TYPE)) != MEDIA_TYPE:
        return plan
    return JSONResponse(feature_collection(plan), headers={"Vary": "Accept"}, media_type=MEDIA_TYPE)


def feature_collection(plan: PlanOut) -> dict[str, Any]:
    """The routes as features; what is no geometry stands beside them, as foreign members (section 6.1)."""
    features = [feature for route in plan.vehicles for feature in (_line(route), *_points(route))]
    beside = plan.model_dump(mode="json", include=BESIDE)
    return {"type": "FeatureCollection", "features": features, **beside}


def _line(route: VehicleRouteOut) -> dict[str, Any]:
    begins = route.start or route.depot
    stops = [(stop.lon, stop.lat) for stop in route.stops]
    path = [(begins.lon, begins.lat), *stops, (route.depot.lon, route.depot.lat)]
    properties = route.model_dump(mode="json", exclude={"stops", "depot", "start"})
    return _feature("LineString", path, properties)


def _points(route: VehicleRouteOut) -> list[dict[str, Any]]:
    return [_point(route, number, stop) for number, stop in enumerate(route.stops, 1)]


def _point(route: VehicleRouteOut, number: int, stop: StopOut) -> dict[str, Any]:
    properties = stop.model_dump(mode="json", exclude={"lon", "lat"})
    return _feature(
        "Point", (stop.lon, stop.lat), {"vehicle_id": str(route.vehicle_id), "sequence": number, **properties}
    )


def _feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }
