"""VROOM's problem JSON as it comes in: https://github.com/VROOM-Project/vroom/blob/master/docs/API.md.

What VROOM knows and we do not is refused by its name, so that nobody gets a plan that silently ignores a wish.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator, Field, StrictInt, model_validator

from chassis.fields import LongText, RequestModel
from chassis.problems import Text
from chassis.validation import invalid

STOPS_MAX = 1000
VEHICLES_MAX = 200
LOCATIONS_MAX = 2 * STOPS_MAX
SECONDS_MAX = 2**40
AMOUNT_MAX = 10**9
PRIORITY_MAX = 100
PER_HOUR = 3600
"""VROOM's own default: a second of travel costs one."""

Id = Annotated[StrictInt, Field(ge=0, lt=2**63)]
Seconds = Annotated[StrictInt, Field(ge=0, le=SECONDS_MAX)]
Row = Annotated[StrictInt, Field(ge=0, lt=LOCATIONS_MAX)]
Cell = Annotated[StrictInt, Field(ge=0, lt=2**31)]
Matrix = Annotated[list[Annotated[list[Cell], Field(max_length=LOCATIONS_MAX)]], Field(max_length=LOCATIONS_MAX)]
Amounts = Annotated[list[Annotated[StrictInt, Field(ge=0, le=AMOUNT_MAX)]], Field(max_length=8)]
Skills = Annotated[list[Id], Field(max_length=100)]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Place = tuple[Lon, Lat]


def _ordered(window: tuple[int, int]) -> tuple[int, int]:
    if window[1] < window[0]:
        raise invalid("window", Text("时间窗的终点早于起点。", "The window ends before it begins."))
    return window


def _apart(windows: list[tuple[int, int]]) -> list[tuple[int, int]]:
    if any(later[0] <= earlier[1] for earlier, later in pairwise(windows)):
        raise invalid("windows", Text("时间窗须按先后排列且互不重叠。", "Windows come in order, and do not overlap."))
    return windows


Window = Annotated[tuple[Seconds, Seconds], AfterValidator(_ordered)]
Windows = Annotated[list[Window], Field(min_length=1, max_length=10), AfterValidator(_apart)]


def _renamed(value: Any, older: str, newer: str, turned: Callable[[Any], Any]) -> Any:
    """Older problems have other words for some members; who says both is told that the older one is not known."""
    if not isinstance(value, dict) or older not in value or newer in value:
        return value
    return {name: each for name, each in value.items() if name != older} | {newer: turned(value[older])}


class _VroomModel(RequestModel):
    unsupported: ClassVar[Mapping[str, str]] = {}
    """What is VROOM's but not ours yet, and how its users call it."""

    @model_validator(mode="before")
    @classmethod
    def _supported(cls, value: Any) -> Any:
        for name, called in cls.unsupported.items():
            if isinstance(value, dict) and value.get(name) not in (None, [], {}, False):
                raise invalid("not_supported", Text("暂不支持 {name}。", "{name} is not supported yet."), name=called)
        return value


class VroomStop(_VroomModel):
    """A place with what is done there. `time_windows`: when that may begin."""

    unsupported: ClassVar[Mapping[str, str]] = {each: f"task.{each}" for each in ("setup_per_type", "service_per_type")}

    location: Place | None = None
    location_index: Row | None = None
    description: LongText | None = None
    setup: Seconds = 0
    service: Seconds = 0
    setup_per_type: dict[str, int] | None = None
    service_per_type: dict[str, int] | None = None


class VroomJob(VroomStop):
    """`amount` is the older word for `delivery`."""

    id: Id
    delivery: Amounts | None = None
    pickup: Amounts | None = None
    skills: Skills = Field(default_factory=list)
    priority: Annotated[StrictInt, Field(ge=0, le=PRIORITY_MAX)] = 0
    time_windows: Windows | None = None

    @model_validator(mode="before")
    @classmethod
    def _older(cls, value: Any) -> Any:
        return _renamed(value, "amount", "delivery", lambda amount: amount)


class VroomShipmentStep(VroomStop):
    id: Id
    time_windows: Windows | None = None


class VroomShipment(_VroomModel):
    pickup: VroomShipmentStep
    delivery: VroomShipmentStep
    amount: Amounts | None = None
    skills: Skills = Field(default_factory=list)
    priority: Annotated[StrictInt, Field(ge=0, le=PRIORITY_MAX)] = 0


class VroomCosts(_VroomModel):
    unsupported: ClassVar[Mapping[str, str]] = {"per_task_hour": "vehicle.costs.per_task_hour"}

    fixed: Annotated[StrictInt, Field(ge=0, le=10**9)] = 0
    per_hour: Annotated[StrictInt, Field(ge=0, le=10**6)] = PER_HOUR
    per_km: Annotated[StrictInt, Field(ge=0, le=10**6)] = 0
    per_task_hour: int | None = None


class VroomBreak(RequestModel):
    """Taken once, in the order in which they come, by a vehicle that moves."""

    id: Id
    time_windows: Windows | None = None
    service: Seconds = 0
    description: LongText | None = None
    max_load: Amounts | None = None


class VroomVehicle(_VroomModel):
    unsupported: ClassVar[Mapping[str, str]] = {each: f"vehicle.{each}" for each in ("steps", "type")}

    id: Id
    profile: Annotated[str, Field(max_length=50)] = "car"
    description: LongText | None = None
    start: Place | None = None
    start_index: Row | None = None
    end: Place | None = None
    end_index: Row | None = None
    capacity: Amounts | None = None
    costs: VroomCosts = VroomCosts()
    skills: Skills = Field(default_factory=list)
    time_window: Window | None = None
    speed_factor: Annotated[float, Field(ge=0.01, le=5, allow_inf_nan=False)] = 1.0
    max_tasks: Annotated[StrictInt, Field(ge=0, le=STOPS_MAX)] | None = None
    type: str | None = None
    breaks: Annotated[list[VroomBreak], Field(max_length=5)] = Field(default_factory=list)
    max_travel_time: Seconds | None = None
    max_distance: Annotated[StrictInt, Field(ge=0, le=2**40)] | None = None
    steps: list[Any] | None = None


class VroomMatrices(RequestModel):
    """Of one profile, from row to column; without `costs` travel costs what the vehicle's `costs` say."""

    durations: Matrix
    distances: Matrix | None = None
    costs: Matrix | None = None


class VroomOptions(_VroomModel):
    unsupported: ClassVar[Mapping[str, str]] = {"g": "options.g"}

    g: bool | None = None


class VroomProblem(RequestModel):
    """A problem. Without matrices, places are told by coordinates and travelled between by great circle, at the same
    speed in every profile. `matrix` is the older word for `matrices.car.durations`."""

    jobs: list[VroomJob] = Field(default_factory=list)
    shipments: list[VroomShipment] = Field(default_factory=list)
    vehicles: Annotated[list[VroomVehicle], Field(min_length=1, max_length=VEHICLES_MAX)]
    matrices: Annotated[dict[str, VroomMatrices], Field(max_length=20)] | None = None
    options: VroomOptions | None = None

    @model_validator(mode="before")
    @classmethod
    def _older(cls, value: Any) -> Any:
        return _renamed(value, "matrix", "matrices", lambda matrix: {"car": {"durations": matrix}})

    @model_validator(mode="after")
    def _sound(self) -> Self:
        stops = len(self.jobs) + 2 * len(self.shipments)
        if not 1 <= stops <= STOPS_MAX:
            text = Text(
                "须有 1 至 {most} 个停靠点（一票货运算两个）。", "There are 1 to {most} stops; a shipment has two."
            )
            raise invalid("stops", text, most=STOPS_MAX)
        self._each_id_once()
        self._places_are_told()
        self._same_dimensions()
        return self

    def _each_id_once(self) -> None:
        kinds = (
            [each.id for each in self.vehicles],
            [each.id for each in self.jobs],
            [each.pickup.id for each in self.shipments],
            [each.delivery.id for each in self.shipments],
            *([each.id for each in vehicle.breaks] for vehicle in self.vehicles),
        )
        if any(len(set(ids)) < len(ids) for ids in kinds):
            raise invalid("twice", Text("同类的标识须各不相同。", "No two of a kind have one id."))

    def _places_are_told(self) -> None:
        """By rows of every vehicle's matrix, or all by coordinates."""
        rows, places = zip(*self._places(), strict=True)
        if self.matrices is None:
            if any(place is None for place in places):
                raise invalid("place", Text("没有矩阵时须给坐标。", "Without matrices each place needs coordinates."))
            return
        sizes = {profile: len(matrices.durations) for profile, matrices in self.matrices.items()}
        missing = {vehicle.profile for vehicle in self.vehicles} - sizes.keys()
        if missing:
            text = Text("缺少 {profile} 的矩阵。", "There is no matrix for the profile {profile}.")
            raise invalid("profile", text, profile=sorted(missing)[0])
        for matrices in self.matrices.values():
            size = len(matrices.durations)
            given = (matrices.durations, matrices.distances, matrices.costs)
            if any(len(matrix) != size or any(len(line) != size for line in matrix) for matrix in given if matrix):
                raise invalid("square", Text("矩阵须为方阵且大小相同。", "Matrices are square, and of one size."))
        if len(set(sizes.values())) > 1:
            raise invalid("square", Text("矩阵须为方阵且大小相同。", "Matrices are square, and of one size."))
        if any(row is None or row >= max(sizes.values()) for row in rows):
            text = Text("有矩阵时须给出其中的行号。", "With matrices each place is told by a row that they have.")
            raise invalid("row", text)

    def located(self) -> list[VroomStop]:
        """Every job, and both ends of every shipment."""
        return [*self.jobs, *(end for each in self.shipments for end in (each.pickup, each.delivery))]

    def _places(self) -> list[tuple[int | None, Place | None]]:
        """Row and coordinates of each place; a vehicle may have no start or no end."""
        ends = [(each.start_index, each.start) for each in self.vehicles]
        ends += [(each.end_index, each.end) for each in self.vehicles]
        stops = [(each.location_index, each.location) for each in self.located()]
        return [*stops, *(end for end in ends if end != (None, None))]

    def _same_dimensions(self) -> None:
        if len(set(map(len, self._amounts()))) > 1:
            text = Text("容量与数量的维数须一致。", "Capacities and amounts all have the same number of dimensions.")
            raise invalid("dimensions", text)

    @property
    def dimensions(self) -> int:
        return max(map(len, self._amounts()), default=0)

    def _amounts(self) -> list[list[int]]:
        amounts = [vehicle.capacity for vehicle in self.vehicles]
        amounts += [each for job in self.jobs for each in (job.delivery, job.pickup)]
        amounts += [shipment.amount for shipment in self.shipments]
        amounts += [each.max_load for vehicle in self.vehicles for each in vehicle.breaks]
        return [each for each in amounts if each is not None]
