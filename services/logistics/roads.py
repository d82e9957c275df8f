"""How far and how long by road, from an OSRM or a Valhalla server where one is told of.

Tables are asked for in blocks that such servers answer as they come, a few at a time, and kept: of the same farms and
depots is asked again and again. Where no road leads the way takes longer than any plan lasts, so that a plan says that
it is too far. A server that is slow, wrong or gone costs a plan nothing but its roads: it is then by great circle, and
says so.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from itertools import product
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Literal

import httpx
import structlog

from services.logistics.routing.problem import Point

if TYPE_CHECKING:
    from services.logistics.routing.matrix import TravelMatrix

log = structlog.get_logger()

Source = Literal["osrm", "valhalla"]
Cells = list[list[float | None]]
Ask = Callable[[httpx.AsyncClient, Sequence[Point], Sequence[Point]], Coroutine[Any, Any, tuple[Cells, Cells]]]

WITHIN_S: Final = 20.0
"""For a whole table; a plan waits for it before it begins."""
AT_ONCE: Final = 4
NO_ROAD_S: Final = 30 * 24 * 3600
KEPT_S: Final = 24 * 3600.0
KEPT_POINTS: Final = 2000
"""Beyond that the oldest table is forgotten: 2,000 points are 32 MB."""


class NoRoads(Exception):
    """The server gave no usable answer; why is its text."""


async def osrm_table(
    client: httpx.AsyncClient, origins: Sequence[Point], destinations: Sequence[Point]
) -> tuple[Cells, Cells]:
    """Metres and seconds, by `/table/v1`; see docs/http.md of Project-OSRM/osrm-backend."""
    points = list(dict.fromkeys([*origins, *destinations]))
    path = ";".join(f"{point.lon:.6f},{point.lat:.6f}" for point in points)
    row = {point: str(number) for number, point in enumerate(points)}
    asked = {
        "sources": ";".join(row[each] for each in origins),
        "destinations": ";".join(row[each] for each in destinations),
        "annotations": "duration,distance",
    }
    found = (await client.get(f"table/v1/driving/{path}", params=asked)).raise_for_status().json()
    if found["code"] != "Ok":
        raise NoRoads(found["code"])
    return found["distances"], found["durations"]


async def valhalla_table(
    client: httpx.AsyncClient, origins: Sequence[Point], destinations: Sequence[Point]
) -> tuple[Cells, Cells]:
    """Metres and seconds, by `/sources_to_targets`; its API reference is at valhalla.github.io. It tells kilometres."""
    asked = {
        "sources": [{"lon": point.lon, "lat": point.lat} for point in origins],
        "targets": [{"lon": point.lon, "lat": point.lat} for point in destinations],
        "costing": "truck",
        "units": "kilometers",
        "verbose": False,
    }
    found = (await client.post("sources_to_targets", json=asked)).raise_for_status().json()["sources_to_targets"]
    if isinstance(found, dict):
        kilometres, seconds = found["distances"], found["durations"]
    else:  # of versions before 3.4, which know no other
        kilometres = [[cell["distance"] for cell in line] for line in found]
        seconds = [[cell["time"] for cell in line] for line in found]
    return [[None if cell is None else 1000 * cell for cell in line] for line in kilometres], seconds


@dataclass(frozen=True, slots=True)
class _Server:
    ask: Ask
    block: int  # of so many origins and as many destinations; both servers answer 2,500 cells as they come


SERVERS: Final[dict[Source, _Server]] = {"osrm": _Server(osrm_table, 50), "valhalla": _Server(valhalla_table, 50)}


class Roads:
    """Of one server; `aclose` it."""

    def __init__(self, source: Source, url: str, *, within_s: float = WITHIN_S) -> None:
        self._source = source
        self._server = SERVERS[source]
        self._client = httpx.AsyncClient(base_url=url, timeout=within_s, trust_env=False)
        self._within_s = within_s
        self._known = _Known.nothing()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def matrix(self, points: Sequence[Point]) -> "TravelMatrix | None":
        """From row to column; None where the server gives none in time."""
        try:
            async with asyncio.timeout(self._within_s):
                known = await self._with(points)
        except (TimeoutError, httpx.HTTPError, NoRoads, ValueError, KeyError, TypeError) as error:
            log.warning("roads_unavailable", source=self._source, points=len(points), error=type(error).__name__)
            return None
        return known.matrix(points, self._source)

    async def _with(self, points: Sequence[Point]) -> "_Known":
        """What is known, these among it; only what is missing is asked for."""
        known = self._known
        new = [point for point in dict.fromkeys(points) if point not in known.row]
        if monotonic() - known.since_s > KEPT_S or len(known.row) + len(new) > KEPT_POINTS:
            known, new = _Known.nothing(), list(dict.fromkeys(points))
        if new:
            old = list(known.row)
            known = known.grown(new)
            turns = asyncio.Semaphore(AT_ONCE)
            size = self._server.block
            blocks = [
                *product(_parts(new, size), _parts([*old, *new], size)),
                *product(_parts(old, size), _parts(new, size)),
            ]
            try:
                async with asyncio.TaskGroup() as group:
                    for origins, destinations in blocks:
                        group.create_task(self._block(known, origins, destinations, turns))
            except ExceptionGroup as failed:  # the first that failed ends the others
                raise failed.exceptions[0] from failed
            self._known = known
        return known

    async def _block(
        self, known: "_Known", origins: Sequence[Point], destinations: Sequence[Point], turns: asyncio.Semaphore
    ) -> None:
        async with turns:
            metres, seconds = await self._server.ask(self._client, origins, destinations)
        known.note(origins, destinations, metres, seconds)


def _parts(points: Sequence[Point], size: int) -> list[Sequence[Point]]:
    return [points[start : start + size] for start in range(0, len(points), size)]


class _Known:
    """Tables of the points that were asked for since `since_s` (on monotonic)."""

    def __init__(self, row: dict[Point, int], metres: Any, seconds: Any, since_s: float) -> None:
        self.row = row
        self._metres = metres
        self._seconds = seconds
        self.since_s = since_s

    @classmethod
    def nothing(cls) -> "_Known":
        import numpy as np  # only a worker that plans by roads needs it

        return cls({}, np.zeros((0, 0), dtype=np.int32), np.zeros((0, 0), dtype=np.int32), monotonic())

    def grown(self, new: Sequence[Point]) -> "_Known":
        import numpy as np

        row = self.row | {point: len(self.row) + number for number, point in enumerate(new)}
        room = (0, len(new))
        return _Known(row, np.pad(self._metres, room), np.pad(self._seconds, room), self.since_s)

    def note(self, origins: Sequence[Point], destinations: Sequence[Point], metres: Cells, seconds: Cells) -> None:
        """Raises NoRoads where it is not a table of these, or holds what no road is."""
        import numpy as np

        far, long = (np.array(cells, dtype=np.float64) for cells in (metres, seconds))  # null is not a number
        if not far.shape == long.shape == (len(origins), len(destinations)):
            raise NoRoads("a table of another size")
        roadless = np.isnan(far) | np.isnan(long)
        if np.any(far[~roadless] < 0) or np.any(long[~roadless] < 0) or np.any(np.isinf(far) | np.isinf(long)):
            raise NoRoads("less than nothing, or endless")
        rows, columns = ([self.row[point] for point in side] for side in (origins, destinations))
        at = np.ix_(rows, columns)
        self._metres[at] = np.where(roadless, 0, np.minimum(np.rint(far), 2**31 - 1))
        self._seconds[at] = np.where(roadless, NO_ROAD_S, np.minimum(np.ceil(long), NO_ROAD_S))

    def matrix(self, points: Sequence[Point], source: Source) -> "TravelMatrix":
        import numpy as np

        from services.logistics.routing.matrix import TravelMatrix

        rows = [self.row[point] for point in points]
        distance_m, duration_s = (each[np.ix_(rows, rows)].astype(np.int64) for each in (self._metres, self._seconds))
        distance_m[duration_s == NO_ROAD_S] = distance_m.max(initial=0)  # dear, too, and within any bound
        np.fill_diagonal(distance_m, 0)
        np.fill_diagonal(duration_s, 0)
        return TravelMatrix(distance_m, duration_s, source)
