"""Lots and figures of the board as the listing service gives them."""

from datetime import UTC, datetime, timedelta
from typing import Any

LOT = "01900000-0000-7000-8000-000000000000"


def lot(**changes: Any) -> dict[str, Any]:
    """A line of `/v1/board`."""
    origin = {
        "adcode": "321323",
        "name": "泗阳县",
        "prefecture": "宿迁市",
        "province": "江苏省",
        "lon": 118.7,
        "lat": 33.7,
    }
    now = datetime.now(UTC)
    hours_left = changes.get("hours_left", 5.5)
    return {
        "id": LOT,
        "produce": "strawberry",
        "name_zh": "草莓",
        "name_en": "Strawberry",
        "variety": "红颜",
        "grade": "A",
        "temperature_class": "chilled",
        "min_price_fen_per_kg": 1605,
        "quantity_kg": 1200,
        "remaining_kg": 700.5,
        "sold_kg": 499.5,
        "origin": {**origin, "poverty_832": None, "watch_52": False},
        "available_from": now.isoformat(),
        "spoils_at": (now + timedelta(hours=hours_left)).isoformat(),
        "hours_left": hours_left,
        "households": None,
        "story": None,
        "photos": [],
        **changes,
    }


def summary() -> dict[str, Any]:
    """An answer of `/v1/board/summary`."""
    figures = {"remaining_kg": 1250.25, "sold_kg": 0}
    jiangsu = {"adcode": "321323", "name": "泗阳县", "province": "江苏省"}
    shandong = {"adcode": "371721", "name": "曹县", "province": "山东省"}
    return {
        "lots": 3,
        "remaining_kg": 2500.5,
        "sold_kg": 499.5,
        "counties": [{"county": jiangsu, "lots": 2, **figures}, {"county": shandong, "lots": 1, **figures}],
        "kinds": [{"produce": "strawberry", "name_zh": "草莓", "name_en": "Strawberry", "lots": 3, **figures}],
    }
