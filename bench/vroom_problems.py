"""Published instances as VROOM's problem JSON, as its own benchmarks put them: distance, time and cost are one.

Coordinates, windows and service times are in thousandths, so that the rounding of the matrix does not count.
"""

import json
from dataclasses import dataclass
from math import hypot
from pathlib import Path
from typing import Any

INSTANCES = Path(__file__).parent / "instances"
SCALE = 1000
Row = list[int]


@dataclass(frozen=True, slots=True)
class Published:
    """A problem, and the best that is known of it: its cost (`cost / SCALE`) and its vehicles."""

    name: str
    problem: dict[str, Any]
    best_cost: float
    best_vehicles: int

    def gap_percent(self, solution: dict[str, Any]) -> float:
        """How much more than the best known this solution costs; below 0 with more vehicles than that has."""
        return float(100 * (solution["summary"]["cost"] / SCALE / self.best_cost - 1))


def published(family: str) -> list[Published]:
    """All of `solomon` or `li_lim`."""
    folder = INSTANCES / family
    best = json.loads((folder / "best_known.json").read_text(encoding="utf-8"))
    read = {"solomon": _solomon, "li_lim": _li_lim}[family]
    return [
        Published(
            name,
            read([line.split() for line in (folder / f"{name}.txt").read_text(encoding="ascii").splitlines()]),
            known["best_known_cost"],
            known["solved_with_vehicles"],
        )
        for name, known in best.items()
    ]


def _solomon(lines: list[list[str]]) -> dict[str, Any]:
    """Customers: number, x, y, demand, ready, due, service; the first is the depot."""
    tables = [list(map(int, line)) for line in lines if line and all(each.isdigit() for each in line)]
    (vehicles, capacity), *rows = tables
    jobs = [{"id": row[0], **_stop(row, row[6]), "delivery": [row[3]]} for row in rows[1:]]
    return {**_fleet(vehicles, capacity, rows), "jobs": jobs}


def _li_lim(lines: list[list[str]]) -> dict[str, Any]:
    """Tasks: number, x, y, demand, ready, due, service, the pickup of this delivery, the delivery of this pickup."""
    (vehicles, capacity, _), *rows = [list(map(int, line)) for line in lines if line]
    pairs = [(row, rows[row[8]]) for row in rows[1:] if row[8]]
    shipments = [
        {
            "amount": [pickup[3]],
            "pickup": {"id": pickup[0], **_stop(pickup, pickup[6])},
            "delivery": {"id": delivery[0], **_stop(delivery, delivery[6])},
        }
        for pickup, delivery in pairs
    ]
    return {**_fleet(vehicles, capacity, rows), "shipments": shipments}


def _stop(row: Row, service: int) -> dict[str, Any]:
    return {
        "location_index": row[0],
        "time_windows": [[SCALE * row[4], SCALE * row[5]]],
        "service": SCALE * service,
    }


def _fleet(vehicles: int, capacity: int, rows: list[Row]) -> dict[str, Any]:
    window = [SCALE * rows[0][4], SCALE * rows[0][5]]
    matrix = [[round(SCALE * hypot(a[1] - b[1], a[2] - b[2])) for b in rows] for a in rows]
    return {
        "vehicles": [
            {"id": each, "start_index": 0, "end_index": 0, "capacity": [capacity], "time_window": window}
            for each in range(vehicles)
        ],
        "matrices": {"car": {"durations": matrix, "distances": matrix}},
    }
