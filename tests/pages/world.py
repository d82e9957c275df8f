"""What the scenes of the office, of carriers and of partners begin with: made by the API, as others would make it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from catalogue.days import CHINA
from tests.pages.support import ACCOUNTS
from tests.support.logistics import van
from tests.system.conftest import Standalone, until

SOON = timedelta(days=2)


def by(platform: Standalone, role: Any, name: str = "") -> httpx.Client:
    """A caller's client; made in another thread, for in this one the browser's loop runs."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(platform.caller, role, name or ACCOUNTS[role]).result()


def agreed(platform: Standalone, produce: str, quantity_kg: int = 500) -> dict[str, Any]:
    """A match that was agreed, of produce that no other test has."""
    now = datetime.now(UTC)
    lot = {
        "produce": produce,
        "quantity_kg": quantity_kg,
        "min_price_fen_per_kg": 300,
        "origin": {"adcode": "321323"},
        "harvested_at": now.isoformat(),
    }
    order = {
        "produce": produce,
        "quantity_kg": quantity_kg,
        "max_price_fen_per_kg": 2000,
        "destination": {"adcode": "320102"},
        "deliver_by": (now + SOON).isoformat(),
    }
    with by(platform, "producer") as seller, by(platform, "platform") as buyer:
        _done(seller.post("/v1/listings", json=lot))
        order_id = _done(buyer.post("/v1/orders", json=order))["id"]

        def found() -> Any:
            items = buyer.get("/v1/matches", params={"limit": 200}).json()["items"]
            return [each for each in items if each["order_id"] == order_id]

        (match,) = until(found, 15)
        return dict(match)


def shipment_of(platform: Standalone, match: dict[str, Any]) -> str:
    """The id of its shipment, once logistics has heard of it."""
    with by(platform, "carrier") as carrier:

        def found() -> Any:
            items = carrier.get("/v1/shipments", params={"limit": 200}).json()["items"]
            return [each["id"] for each in items if each["match_id"] == match["id"]]

        (shipment_id,) = until(found, 15)
        return str(shipment_id)


def vehicle(platform: Standalone, **changes: Any) -> dict[str, Any]:
    body = van(shift={"start": "00:00", "end": "00:00"}, **changes)
    with by(platform, "carrier") as carrier:
        return _done(carrier.post("/v1/vehicles", json=body))


def tomorrow_at_six() -> datetime:
    """When a vehicle leaves that is to be back the same day, at whatever hour the tests run."""
    return (datetime.now(CHINA) + timedelta(days=1)).replace(hour=6, minute=0, second=0, microsecond=0)


def plan_of(platform: Standalone, shipment_id: str) -> str:
    """The id of a plan that takes it by a vehicle made for it; nothing is left behind."""
    van_id = vehicle(platform)["id"]
    asked = {"shipment_ids": [shipment_id], "vehicle_ids": [van_id], "depart_at": tomorrow_at_six().isoformat()}
    with by(platform, "carrier") as carrier:
        path = f"/v1/routes/{_done(carrier.post('/v1/routes', json=asked | {'limit_s': 1}))['id']}"
        plan = until(lambda: (told := carrier.get(path).json())["status"] == "planned" and told, 30)
    assert plan["unassigned"] == []
    return str(plan["id"])


def programme(platform: Standalone, name: str, **changes: Any) -> dict[str, Any]:
    """CNY 2 a parcel, 1,000 in all, active since yesterday."""
    now = datetime.now(UTC)
    body = {
        "name": name,
        "funder": "江苏省供销社",
        "kind": "courier_parcel",
        "budget_fen": 100_000,
        "rate_fen": 200,
        "starts_at": (now - timedelta(days=1)).isoformat(),
        "ends_at": (now + timedelta(days=20)).isoformat(),
        **changes,
    }
    with by(platform, "programme_officer") as officer:
        return _done(officer.post("/v1/programmes", json=body))


def delivered(platform: Standalone, match: dict[str, Any], parcels: int) -> list[str]:
    """Parcels of a match that was claimed, registered and delivered; their waybills."""
    waybills = [f"SF{uuid4().int % 10**10:010d}" for _ in range(parcels)]
    now = datetime.now(UTC)
    with by(platform, "carrier") as carrier:
        new = [
            {
                "waybill": each,
                "match_id": match["id"],
                "weight_g": 5000,
                "recipient_adcode": "320102",
                "order_ref": f"PO-{each}",
            }
            for each in waybills
        ]
        _done(carrier.post("/v1/parcels", json=new))
        scans = [{"waybill": each, "type": "delivered", "at": now.isoformat(), "adcode": "320102"} for each in waybills]
        _done(carrier.post("/v1/parcels/scans", json=scans))
    return waybills


def _done(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, answer.text
    return dict(answer.json())
