"""Tables of roads from servers as they really are: in blocks, with holes, slow, wrong, or gone."""

import asyncio
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from services.logistics import roads
from services.logistics.roads import NO_ROAD_S, Roads, Source
from services.logistics.routing.problem import Point
from tests.support.http import served

POINTS = [Point(118 + number / 100, 33.5) for number in range(130)]
ISLAND = Point(122.5, 30.0)


class Server:
    """OSRM and Valhalla in one: east is twice as far as west, and no road leads to the island."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []
        self.at_once = self.most_at_once = 0
        self.answers: Any = None
        self.slow_s = 0.0
        self.app = FastAPI()
        self.app.get("/table/v1/driving/{path}")(self.osrm)
        self.app.post("/sources_to_targets")(self.valhalla)

    async def cells(self, origins: Sequence[Point], destinations: Sequence[Point]) -> tuple[Any, Any]:
        self.asked.append((len(origins), len(destinations)))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(self.slow_s)
        self.at_once -= 1
        metres = [[metres_of(a, b) for b in destinations] for a in origins]
        return metres, [[None if cell is None else cell / 10 for cell in line] for line in metres]

    async def osrm(self, path: str, sources: str, destinations: str, annotations: str) -> Response:
        assert annotations == "duration,distance"
        points = [Point(*map(float, each.split(","))) for each in path.split(";")]
        asked = [[points[int(row)] for row in rows.split(";")] for rows in (sources, destinations)]
        metres, seconds = await self.cells(*asked)
        return JSONResponse(self.answers or {"code": "Ok", "distances": metres, "durations": seconds})

    async def valhalla(self, request: Request) -> Response:
        body = await request.json()
        assert (body["costing"], body["units"]) == ("truck", "kilometers")
        sides = [[Point(each["lon"], each["lat"]) for each in body[side]] for side in ("sources", "targets")]
        metres, seconds = await self.cells(*sides)
        kilometres = [[None if cell is None else cell / 1000 for cell in line] for line in metres]
        return JSONResponse(self.answers or {"sources_to_targets": {"distances": kilometres, "durations": seconds}})


def metres_of(here: Point, there: Point) -> float | None:
    if (here == ISLAND) != (there == ISLAND):
        return None
    away = there.lon - here.lon
    return round(abs(away) * 100_000 * (2 if away > 0 else 1), 1)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.mark.parametrize("source", ["osrm", "valhalla"])
async def test_a_table_comes_in_blocks_that_such_servers_take_and_every_cell_is_where_it_belongs(
    server: Server, source: Source
) -> None:
    async with served(server.app) as url:
        matrix = await matrix_of(source, url, POINTS)
    assert matrix is not None
    assert matrix.source == source
    assert sum(rows * columns for rows, columns in server.asked) == len(POINTS) ** 2
    assert max(rows * columns for rows, columns in server.asked) <= 2500
    assert 1 < server.most_at_once <= roads.AT_ONCE
    for here, there in ((0, 129), (129, 0), (60, 40), (7, 8)):
        metres = metres_of(POINTS[here], POINTS[there])
        assert metres is not None
        assert matrix.distance_m[here, there] == round(metres)
        assert matrix.duration_s[here, there] == math.ceil(metres / 10)
    assert not matrix.distance_m.diagonal().any()


async def matrix_of(source: Source, url: str, points: Sequence[Point], within_s: float = 5.0) -> Any:
    made = Roads(source, url, within_s=within_s)
    try:
        return await made.matrix(points)
    finally:
        await made.aclose()


@pytest.mark.parametrize("source", ["osrm", "valhalla"])
async def test_where_no_road_leads_it_takes_longer_than_any_plan(server: Server, source: Source) -> None:
    async with served(server.app) as url:
        matrix = await matrix_of(source, url, [*POINTS[:2], ISLAND])
    assert matrix.duration_s.tolist() == [[0, 200, NO_ROAD_S], [100, 0, NO_ROAD_S], [NO_ROAD_S, NO_ROAD_S, 0]]
    assert matrix.distance_m.max() == matrix.distance_m[0, 2] == 2000


async def test_only_what_is_new_is_asked_for_again(server: Server) -> None:
    async with served(server.app) as url:
        made = Roads("osrm", url)
        first = await made.matrix(POINTS[:40])
        server.asked.clear()
        again = await made.matrix(POINTS[:40])
        assert server.asked == []
        more = await made.matrix([*POINTS[20:40], *POINTS[50:53]])
        assert sorted(server.asked) == [(3, 43), (40, 3)]
        await made.aclose()
    assert first is not None
    assert again is not None
    assert more is not None
    assert np.array_equal(first.distance_m, again.distance_m)
    assert np.array_equal(more.distance_m[:20, :20], first.distance_m[20:, 20:])
    assert more.distance_m[0, 20] == 2 * more.distance_m[20, 0]


async def test_what_was_kept_for_a_day_or_grows_too_large_is_asked_for_anew(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(server.app) as url:
        made = Roads("osrm", url)
        await made.matrix(POINTS[:3])
        monkeypatch.setattr(roads, "KEPT_POINTS", 4)
        await made.matrix(POINTS[2:5])
        assert server.asked == [(3, 3), (3, 3)]
        monkeypatch.setattr(roads, "KEPT_S", -1.0)
        await made.matrix(POINTS[2:5])
        assert server.asked == [(3, 3)] * 3
        await made.aclose()


WRONG: dict[str, Any] = {
    "no such service": {"code": "NoSegment", "message": "…"},
    "a table of another size": {"code": "Ok", "distances": [[0]], "durations": [[0]]},
    "rows of different lengths": {"code": "Ok", "distances": [[0, 1], [0]], "durations": [[0, 1], [1, 0]]},
    "words for numbers": {"code": "Ok", "distances": [["far", 1], [1, 0]], "durations": [[0, 1], [1, 0]]},
    "less than nothing": {"code": "Ok", "distances": [[0, -1], [1, 0]], "durations": [[0, 1], [1, 0]]},
    "something else": {"hello": "world"},
    "a list": [1, 2],
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_wrong_answer_costs_a_plan_its_roads_and_nothing_else(server: Server, wrong: str) -> None:
    server.answers = WRONG[wrong]
    async with served(server.app) as url:
        assert await matrix_of("osrm", url, POINTS[:2]) is None
        assert await matrix_of("valhalla", url, POINTS[:2]) is None


async def test_a_server_that_is_slow_or_gone_is_waited_for_no_longer_than_was_said(server: Server) -> None:
    server.slow_s = 30
    async with served(server.app) as url:
        async with asyncio.timeout(2):
            assert await matrix_of("osrm", url, POINTS[:60], within_s=0.2) is None
        server.slow_s = 0
    assert await matrix_of("valhalla", url, POINTS[:2]) is None


async def test_after_a_failure_the_next_plan_asks_again(server: Server) -> None:
    server.answers = WRONG["a list"]
    async with served(server.app) as url:
        made = Roads("osrm", url)
        assert await made.matrix(POINTS[:2]) is None
        server.answers = None
        matrix = await made.matrix(POINTS[:2])
        await made.aclose()
    assert matrix is not None
    assert matrix.distance_m.tolist() == [[0, 2000], [1000, 0]]


async def test_older_valhallas_tell_a_cell_at_a_time(server: Server) -> None:
    cells = [[{"distance": 0, "time": 0}, {"distance": None, "time": None}], [{"distance": 1.5, "time": 99.2}] * 2]
    server.answers = {"sources_to_targets": cells}
    async with served(server.app) as url:
        matrix = await matrix_of("valhalla", url, POINTS[:2])
    assert (matrix.distance_m[1, 0], matrix.duration_s.tolist()) == (1500, [[0, NO_ROAD_S], [100, 0]])
