"""An API that the test plays: one farmer's lots, what was made of them, and what was asked."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

LISTING, MATCH, ME = (str(UUID(int=number)) for number in (1, 2, 3))
LOT_PATH = f"/v1/listings/{LISTING}"
PAGE = f"/farm/listings/{LISTING}"
FOUR = {"produce": "草莓", "place": "泗阳县", "quantity": "1200", "price": "16.05", "key": "k"}
INVALID = {
    "type": "/problems/invalid-input",
    "title": "T",
    "status": 422,
    "detail": "D",
    "errors": [{"pointer": "#/quantity_kg", "detail": "too much"}],
}


def hours(of: float) -> str:
    return (datetime.now(UTC) + timedelta(hours=of)).isoformat()


def lot(**changes: Any) -> dict[str, Any]:
    return {
        "id": LISTING,
        "producer_id": ME,
        "status": "open",
        "on_market": True,
        "version": 3,
        "produce": "strawberry",
        "variety": "<红颜>",
        "grade": "A",
        "quantity_kg": 1200,
        "remaining_kg": 700.5,
        "held_kg": 100,
        "agreed_kg": 399.5,
        "min_price_fen_per_kg": 1605,
        "origin": {"adcode": "321323", "village": "穿城", "lon": None, "lat": None, "crs": "wgs84"},
        "harvested_at": hours(-1),
        "best_before": None,
        "available_from": hours(-1),
        "available_until": None,
        "temperature_class": "chilled",
        "spoils_at": hours(20.5),
        "shelf_life_source": "catalogue",
        "households": None,
        "story": None,
        "divisible": True,
        "auto_agree": True,
        "created_at": hours(-1),
        "photos": [],
        **changes,
    }


def match(**changes: Any) -> dict[str, Any]:
    return {
        "id": MATCH,
        "listing_id": LISTING,
        "producer_id": ME,
        "produce": "strawberry",
        "quantity_kg": 100,
        "price_fen_per_kg": 1700,
        "amount_fen": 170_000,
        "distance_km": 242.4,
        "arrives_at": hours(10),
        "agree_by": hours(0.5),
        "status": "proposed",
        "consents": {"producer": False, "buyer": True},
        "destination": {"adcode": "320102"},
        "words": None,
        **changes,
    }


def why(**changes: Any) -> dict[str, Any]:
    reasons = [{"code": "price_gap", "quantity_kg": 300, "count": 1, "text": "<300 kg> too dear"}]
    fix = {"change": "min_price_fen_per_kg", "to": 1520, "would_match_kg": 300}
    return {"state": "partly", "reasons": reasons, "cheapest_fix": fix, **changes}


class PlayedApi:
    """Answers by method and path; whatever else is asked for is an empty list. Remembers what was sent."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {
            f"GET {LOT_PATH}": (200, lot()),
            f"GET {LOT_PATH}/explanation": (200, why()),
        }
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        asked = f"{scope['method']} {scope['path']}"
        after = parse_qs(scope["query_string"].decode()).get("after")
        asked += f"?after={after[0]}" if after else ""
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if scope["method"] != "GET":
            self.sent.append((asked, body, headers))
        status, answer = self.answers.get(asked, (200, {"items": [], "next": None}))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    @property
    def posted(self) -> tuple[str, Any, str]:
        """The one thing that was sent: what, its JSON, its key."""
        ((asked, body, headers),) = self.sent
        return asked, json.loads(body) if body else None, headers.get("idempotency-key", "")
