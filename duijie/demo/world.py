"""The demonstration's world: a function of its seed and of when it began, from real counties, cities and produce.

Nothing here was observed but the places, the produce and how long it keeps. Prices are plausible farm-gate ranges;
who offers, who buys and how much is drawn, by seed and date. All of it has been picked when the demonstration begins.
Most can be fetched when its rounds are over, and is fetched; some of what keeps for long can be fetched tomorrow
morning, and is on the routes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from itertools import accumulate
from random import Random
from typing import Any

from catalogue import produce as kinds
from catalogue.days import CHINA
from catalogue.places import Place, all_places, get
from contracts.accounts import Role

LEAD, LEAD_FOR_EACH = timedelta(seconds=6), timedelta(milliseconds=20)
"""From the beginning until goods can be fetched, and more for each lot and order. A round that comes before looks at
the same world however quick the machine is; of one that comes later, `market.clear` tells."""
HOUR = timedelta(hours=1)
PICKED_WITHIN = timedelta(hours=12)
KEEPS_LONG = timedelta(days=7)
TOMORROW_SHARE = 0.3
"""Of the producers: a county has several lots on a route then."""
SLOW_WINDOW_DAYS = (5, 6)
"""By which day after today what keeps long is due, at ten in the morning: whichever way it goes, it arrives by then
and keeps until then, so that no plan hangs on the hour at which the demonstration begins."""

PRODUCERS = 300
WATCH_52_WEIGHT = 6
"""How many times likelier a county under special supervision is than another poverty county."""

FLOOR_FEN_PER_KG: dict[str, tuple[int, int]] = {
    "strawberry": (1200, 2000),
    "blueberry": (2200, 3600),
    "tangerine": (220, 420),
    "orange": (260, 480),
    "apple": (320, 620),
    "kiwifruit": (420, 800),
    "dragon-fruit": (380, 700),
    "mango": (420, 820),
    "pomegranate": (420, 760),
    "cabbage": (60, 140),
    "chinese-cabbage": (50, 120),
    "celery": (110, 220),
    "spinach": (220, 420),
    "carrot": (110, 230),
    "potato": (120, 240),
    "sweet-potato": (130, 260),
    "onion": (100, 200),
    "garlic": (450, 800),
    "ginger": (600, 1100),
    "tomato": (180, 380),
    "cherry-tomato": (420, 760),
    "hot-pepper": (280, 560),
    "pumpkin": (90, 180),
    "yam": (380, 700),
}
"""Farm-gate floors drawn between these bounds."""

CITIES = (
    "北京市", "上海市", "广州市", "深圳市", "天津市", "重庆市", "成都市", "杭州市", "武汉市", "南京市", "西安市",
    "郑州市", "长沙市", "沈阳市", "青岛市", "宁波市", "苏州市", "无锡市", "合肥市", "福州市", "厦门市", "昆明市",
    "南宁市", "贵阳市", "石家庄市", "太原市", "济南市", "南昌市", "兰州市", "乌鲁木齐市", "哈尔滨市", "长春市",
)  # fmt: skip
"""Where buyers are: prefectures of large cities, of which the districts (区) are drawn."""

BUYERS: tuple[Role, ...] = ("platform", "group_leader", "citizen")
PLATFORMS = ("金陵鲜到", "惠农直达", "山海商城", "绿原在线")
CARRIERS = ("速丰物流", "县域快运", "众达乡村", "极路冷链", "顺达", "百士")
NANJING_WANTS = {0: "strawberry", 1: "potato"}
"""What the first orders are for, which stand near the first lots."""
STORIES = (
    "往年来收的车今年没有来，地里的货等着出路。",
    "合作社的冷库已满，希望尽快发货。",
    "今年收成好，价格可以商量。",
    "村里老人种的，个头不大，味道足。",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a world is played. `parcels` is where registering stops, after the match that reaches it."""

    listings: int = 2400
    orders: int = 720
    parcels: int = 12_000


@dataclass(frozen=True, slots=True)
class Lot:
    """One listing to be posted: by which producer, and the body."""

    index: int
    producer: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """One order to be posted: by which buyer of which role, and the body."""

    index: int
    role: Role
    buyer: str
    body: dict[str, Any]


class World:
    """All that the demonstration posts. `began` is an instant; its day is China's."""

    def __init__(self, seed: int, began: datetime, size: Size = Size()) -> None:  # frozen
        self.seed = seed
        self.began = began
        self.day = began.astimezone(CHINA).date()
        self.size = size
        self.lots = [_lot(self, index) for index in range(size.listings)]
        self.wishes = [_wish(self, index) for index in range(size.orders)]

    def chance(self, *about: object) -> Random:
        """A source of draws of its own for each thing, so that one more lot moves nothing else."""
        return Random(f"{self.seed}/{self.day}/{'/'.join(map(str, about))}")

    def china(self, days: int, hour: int) -> datetime:
        """That hour in China, so many days after the day on which it began."""
        return datetime.combine(self.day + timedelta(days=days), time(hour), CHINA).astimezone(UTC)

    @cached_property
    def opens_at(self) -> datetime:
        """When what was not kept for tomorrow can be fetched."""
        lead = LEAD + LEAD_FOR_EACH * (self.size.listings + self.size.orders)
        return (self.began + lead).astimezone(UTC).replace(microsecond=0)

    @cached_property
    def tomorrow_at(self) -> datetime:
        """Tomorrow at six in China."""
        return self.china(1, 6)

    def is_for_tomorrow(self, lot: "Lot") -> bool:
        available_from: str = lot.body["available_from"]
        return available_from == _instant(self.tomorrow_at)

    @property
    def markets(self) -> Sequence[str]:
        return sorted({lot.body["produce"] for lot in self.lots})


def life_of(produce: str) -> timedelta:
    """How long it keeps once it is picked, kept as it keeps longest."""
    kind = kinds.get(produce)
    assert kind is not None
    life = kinds.shelf_life(kind, kinds.default_temperature_class(kind))
    assert life is not None
    return life.duration


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _counties() -> tuple[Sequence[Place], Sequence[int]]:
    """Poverty counties whose seat is known, and their cumulative weights."""
    counties = [place for place in all_places() if (place.poverty_832 or place.watch_52) and place.point]
    return counties, list(accumulate(WATCH_52_WEIGHT if place.watch_52 else 1 for place in counties))


def _districts() -> Sequence[Place]:
    return [
        place
        for place in all_places()
        if place.point and place.name.endswith("区") and (place.prefecture in CITIES or place.province in CITIES)
    ]


_COUNTIES, _WEIGHTS = _counties()
_DISTRICTS = _districts()


def _lot(world: World, index: int) -> Lot:
    if index == 0:
        return _siyang(world)
    if index == 1:
        return _next_morning(world)
    chance = world.chance("lot", index)
    producer = chance.randrange(PRODUCERS)
    county = world.chance("producer", producer).choices(_COUNTIES, cum_weights=_WEIGHTS)[0]
    produce = chance.choice(list(FLOOR_FEN_PER_KG))
    low, high = FLOOR_FEN_PER_KG[produce]
    assert county.lon is not None
    assert county.lat is not None
    waits = life_of(produce) >= KEEPS_LONG and world.chance("tomorrow", producer).random() < TOMORROW_SHARE
    body = {
        "produce": produce,
        "grade": chance.choices("ABC", weights=(3, 5, 2))[0],
        "quantity_kg": chance.choice((120, 200, 300, 500, 800, 1200, 2000, 3000)) + chance.randrange(0, 100),
        "min_price_fen_per_kg": chance.randrange(low, high),
        "origin": {
            "adcode": county.adcode,
            "lon": round(county.lon + chance.uniform(-0.12, 0.12), 5),
            "lat": round(county.lat + chance.uniform(-0.12, 0.12), 5),
        },
        "harvested_at": _instant(world.opens_at - timedelta(hours=chance.randint(1, PICKED_WITHIN // HOUR))),
        "available_from": _instant(world.tomorrow_at if waits else world.opens_at),
        "households": chance.randrange(1, 40),
        "story": chance.choice(STORIES),
        "auto_agree": chance.random() < 0.95,
    }
    return Lot(index, f"{county.name}合作社 {producer:03d}", body)


def _siyang(world: World) -> Lot:
    """The farm the design begins with: 1,200 kg of strawberries."""
    siyang = get("321323")
    assert siyang is not None
    body = {
        "produce": "strawberry",
        "variety": "红颜",
        "grade": "A",
        "quantity_kg": 1200,
        "min_price_fen_per_kg": 1600,
        "origin": {"adcode": siyang.adcode, "lon": 118.69, "lat": 33.72},
        "harvested_at": _instant(world.opens_at - timedelta(hours=1)),
        "available_from": _instant(world.opens_at),
        "households": 12,
        "story": "大棚里的草莓熟了，没有人来收。",
    }
    return Lot(0, f"{siyang.name}草莓园", body)


def _next_morning(world: World) -> Lot:
    """From the same county, for a route of tomorrow: not far from a city that wants it."""
    siyang = get("321323")
    assert siyang is not None
    body = {
        "produce": "potato",
        "grade": "A",
        "quantity_kg": 800,
        "min_price_fen_per_kg": 120,
        "origin": {"adcode": siyang.adcode, "lon": 118.62, "lat": 33.65},
        "harvested_at": _instant(world.opens_at - 3 * HOUR),
        "available_from": _instant(world.tomorrow_at),
        "households": 5,
        "story": STORIES[2],
    }
    return Lot(1, f"{siyang.name}土豆合作社", body)


def _wish(world: World, index: int) -> Wish:
    chance = world.chance("order", index)
    role = chance.choices(BUYERS, weights=(3, 4, 3))[0]
    buyer = {
        "platform": lambda: chance.choice(PLATFORMS),
        "group_leader": lambda: f"团长 {chance.randrange(60):02d}",
        "citizen": lambda: f"市民 {chance.randrange(120):03d}",
    }[role]()
    produce = NANJING_WANTS.get(index) or chance.choice(list(FLOOR_FEN_PER_KG))
    district = get("320102") if index in NANJING_WANTS else chance.choice(_DISTRICTS)
    assert district is not None
    low, high = FLOOR_FEN_PER_KG[produce]
    quantity_kg = {
        "platform": lambda: chance.choice((1000, 2000, 4000, 8000)) + chance.randrange(0, 500),
        "group_leader": lambda: chance.randrange(60, 600),
        "citizen": lambda: chance.randrange(3, 40),
    }[role]()
    body = {
        "produce": produce,
        "min_grade": chance.choices("ABC", weights=(1, 3, 6))[0],
        "quantity_kg": quantity_kg,
        "max_price_fen_per_kg": chance.randrange((low + high) // 2, 2 * high) + 60,
        "price_basis": "delivered" if chance.random() < 0.8 else "farm_gate",
        "destination": {"adcode": district.adcode},
        "deliver_from": _instant(world.opens_at),
        "deliver_by": _instant(_due(world, produce, chance)),
        "min_remaining_life_h": chance.choice((6, 12, 24)),
        "auto_agree": chance.random() < 0.95,
        "reference": f"PO-{index:05d}",
    }
    return Wish(index, role, buyer, body)


def _due(world: World, produce: str, chance: Random) -> datetime:
    """While every lot of it still keeps, for nobody waits for what has spoiled."""
    life = life_of(produce)
    if life >= KEEPS_LONG:
        return world.china(chance.choice(SLOW_WINDOW_DAYS), 10)
    return world.opens_at + life - PICKED_WITHIN - chance.randrange(6) * HOUR
