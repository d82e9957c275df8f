"""`GET /v1/policy`: the numbers in force, in the shape that clients rely on."""

import math
from dataclasses import replace

from services.matching.optimiser.policy import POLICY_1
from services.matching.policies import service
from tests.services.matching.scene import Scene

PUBLISHED = {
    "version": 1,
    "detour": 1.3,
    "speed_km_h": 60,
    "handling_h": 4,
    "freight": {
        "base_fen_per_kg": 20,
        "fen_per_kg_per_km": 0.06,
        "factor": {"ambient": 1, "chilled": 1.5, "frozen": 2},
    },
    "k": 0.5,
    "rescue": {"fen_per_kg": 200, "window_h": 72},
    "priority_fen_per_kg": {"watch_52": 100, "poverty_832": 50, "unknown": 0},
    "spread_fen_per_kg": [40, 25, 10, 0],
}


async def test_the_policy_shows_its_numbers(scene: Scene) -> None:
    assert (await scene.client.get("/v1/policy", headers=scene.buyer)).json() == PUBLISHED


async def test_it_shows_the_one_that_was_activated_last_and_none_that_is_only_proposed(scene: Scene) -> None:
    async with scene.db.transaction() as session:
        version = await service.propose(session, replace(POLICY_1, rescue_fen_per_kg=300), why="w", by="b")
    assert (await scene.client.get("/v1/policy", headers=scene.buyer)).json() == PUBLISHED
    async with scene.db.transaction() as session:
        await service.activate(session, version, starts_at=None, by="b")
    shown = (await scene.client.get("/v1/policy", headers=scene.buyer)).json()
    assert shown == PUBLISHED | {"version": 2, "rescue": {"fen_per_kg": 300, "window_h": 72}}


async def test_everyone_may_ask_what_a_way_costs_by_the_policy_in_force(scene: Scene) -> None:
    way = {"origin": "321323", "destination": "320102"}
    told = (await scene.client.get("/v1/policy/freight", params=way | {"temperature_class": "chilled"})).json()
    km = told["distance_km"]
    assert 230 < km < 280, "Siyang to Nanjing by the detour of policy 1"
    assert told["freight_fen_per_kg"] == math.ceil((20 + 0.06 * km) * 1.5)
    assert told["takes_h"] == round(4 + km / 60, 1)
    assert told["policy"] == 1
    ambient = (await scene.client.get("/v1/policy/freight", params=way)).json()
    assert ambient["freight_fen_per_kg"] < told["freight_fen_per_kg"]
    unknown = await scene.client.get("/v1/policy/freight", params=way | {"origin": "999999"})
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "#/query/origin")
