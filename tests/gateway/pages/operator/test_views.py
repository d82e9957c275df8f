"""What is wrong with the whole, by what it measures: the gravest first."""

from collections.abc import Mapping
from typing import Any

import pytest

from gateway.pages.operator.metrics import Measured, read_metrics
from gateway.pages.operator.views import Round, Service, Whole

WELL = 'duijie_outbox_age_seconds{service="listing"} 0\n'


def whole(text: str = WELL, **changes: Any) -> Whole:
    measured: Measured = read_metrics([text])
    told: Mapping[str, Any] = {"services": [Service("listing", True)], "rounds": [], "next": None, "interval_s": 1.0}
    return Whole(**{**told, **changes}, measured=measured)


def a_round(**changes: Any) -> dict[str, Any]:
    return {
        "id": "01900000-0000-7000-8000-00000000000c",
        "produce": "strawberry",
        "cleared_at": "2026-11-29T12:00:00Z",
        "policy": 1,
        "listings": 28,
        "orders": 2,
        "arcs": 40,
        "matches": 3,
        "skipped": 0,
        "matched_kg": 600.5,
        "value": 1374000.5,
        "greedy_value": 1249091.364,
        "certified_gap": 0.0,
        "whole": True,
        "seconds": 0.07,
        **changes,
    }


def test_all_is_well_when_nothing_is_late() -> None:
    assert whole().troubles == []


@pytest.mark.parametrize(
    ("line", "name", "tone"),
    [
        ('duijie_outbox_age_seconds{service="listing"} 6', "outbox", "soon"),
        ('duijie_outbox_age_seconds{service="listing"} 61', "outbox", "alarm"),
        ('duijie_consumer_lag_records{consumer="matching",topic="a"} 5001', "lag", "alarm"),
        ('duijie_events_dead_total{consumer="matching"} 1', "dead", "alarm"),
        ('duijie_tasks_failed_total{service="listing",task="relay"} 6', "task", "alarm"),
        ("duijie_webhook_lag_seconds 301", "webhooks", "soon"),
        (
            'duijie_database_connections_in_use{service="a"} 10\nduijie_database_connections_max{service="a"} 10',
            "pool",
            "soon",
        ),
    ],
)
def test_what_is_late_or_dead_or_used_up_is_a_trouble(line: str, name: str, tone: str) -> None:
    (trouble,) = whole(f"{WELL}{line}\n").troubles
    assert (trouble.name, trouble.tone) == (name, tone)


def test_the_gravest_comes_first() -> None:
    away = Service("matching", False, ["the service does not answer"])
    troubles = whole(services=[away], interval_s=0.0).troubles
    assert [each.name for each in troubles] == ["not_ready", "paused"]
    assert (troubles[0].told, troubles[0].why) == ({"service": "matching"}, ["the service does not answer"])


def test_gauges_of_workers_that_run_elsewhere_are_not_shown_as_zero() -> None:
    apart = whole("duijie_webhook_lag_seconds 0\nduijie_holds_waiting 0\n")
    assert (apart.outboxes, apart.webhook_lag_s, apart.holds_waiting) == ([], None, None)


def test_a_round_is_worth_more_than_greedy_by_a_share_of_greedy() -> None:
    names = {"strawberry": "草莓"}
    assert Round.of(a_round(), names).gain == pytest.approx(0.1, abs=1e-4)
    assert Round.of(a_round(greedy_value=0.0), names).gain is None
    assert Round.of(a_round(), names).value_yuan == 13740.005


def test_rounds_are_drawn_the_oldest_first() -> None:
    rounds = [Round.of(a_round(produce=each), {}) for each in ("newest", "older")]
    assert [each["name"] for each in whole(rounds=rounds).drawn] == ["older", "newest"]
