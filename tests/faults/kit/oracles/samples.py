"""Rows made up for the tests of more than one oracle."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.faults.kit.findings import Findings
from tests.faults.kit.spy import Told


def told(number: int, key: str, event_id: str, value: bytes = b"{}", topic: str = "t") -> Told:
    return Told(number, topic, key, event_id, "x", hashlib.md5(value).hexdigest(), value)


def evidence(findings: Findings) -> str:
    return "\n".join(findings.violations)


NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def match(**other: Any) -> dict[str, Any]:
    """Sixty kilometres: five hours with the handling."""
    arrives_at = NOON + timedelta(hours=5)
    dates = {"spoils_at": NOON + timedelta(hours=11), "deliver_by": arrives_at, "min_remaining_life_h": 6}
    sides = {"lot_spoils_at": dates["spoils_at"], "wanted_by": arrives_at, "wanted_life_h": 6}
    moments = {"created_at": NOON, "cleared_at": NOON, "now": NOON + timedelta(minutes=1), "arrives_at": arrives_at}
    parties = {"producer_id": "p", "buyer_id": "b", "listing_id": "l", "order_id": "o"}
    answers = {"producer_consents": True, "buyer_consents": True, "status": "agreed", "reason": None}
    return {"distance_m": 60_000, **dates, **sides, **moments, **parties, **answers, **other}
