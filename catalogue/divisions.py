"""The table of places: the county-level divisions of China, and the prefectures and provinces they lie in.

The code is the GB/T 2260 adcode; its first two digits name the province, its first four the prefecture. An area
is therefore a prefix, and ``adcode.startswith(prefix)`` says whether a county lies in it.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from catalogue.geodesy import Point
from catalogue.tables import rows

REVISION = "2025-12-31"
"""The day whose divisions the table shows; an adcode means nothing without it."""

# Counties that answer to their province alone share a prefecture code ending in 90 and this label for a name.
NO_PREFECTURE = "省直辖县级行政区划"


class Level(StrEnum):
    """The levels of division that the table knows, and the length of their prefixes."""

    PROVINCE = "province"
    PREFECTURE = "prefecture"
    COUNTY = "county"

    @property
    def digits(self) -> int:
        """How many digits of an adcode name an area of this level."""
        return {Level.PROVINCE: 2, Level.PREFECTURE: 4, Level.COUNTY: 6}[self]


@dataclass(frozen=True, slots=True)
class Place:
    """A county-level division. ``lon`` and ``lat`` are its seat's, WGS-84; None where nobody knows.

    ``poverty_832`` says whether it was among the 832 poverty counties; None is unknown, which is not "no".
    ``watch_52``: among the 52 counties under special supervision in 2020 (complete).
    """

    adcode: str
    name: str
    prefecture: str
    province: str
    lon: float | None
    lat: float | None
    poverty_832: bool | None
    watch_52: bool
    former_names: tuple[str, ...] = ()
    former_adcodes: tuple[str, ...] = ()
    level: Level = Level.COUNTY

    @property
    def point(self) -> Point | None:
        """The seat, if known. Where some point is needed whatever its precision: ``point_of``."""
        return None if self.lon is None or self.lat is None else Point(self.lon, self.lat)

    @property
    def full_name(self) -> str:
        """Province, prefecture and county as an address has them: 江苏省宿迁市泗阳县, 北京市东城区."""
        prefecture = "" if self.prefecture == NO_PREFECTURE else self.prefecture
        return "".join(dict.fromkeys((self.province, prefecture, self.name)))


@dataclass(frozen=True, slots=True)
class Area:
    """A province, prefecture or county as the counties whose adcodes begin with ``prefix``."""

    prefix: str
    name: str
    level: Level
    province: str


def get(adcode: str) -> Place | None:
    """The county-level division with this adcode."""
    return _by_adcode().get(adcode)


@cache
def all_places() -> tuple[Place, ...]:
    """All county-level divisions, by adcode."""
    return tuple(sorted((_place(row) for row in rows("places.csv")), key=lambda place: place.adcode))


def provinces() -> tuple[Area, ...]:
    """The provinces that have counties in the table, by prefix."""
    return tuple(area for area in _areas().values() if area.level is Level.PROVINCE)


def prefectures(within: str = "") -> tuple[Area, ...]:
    """The prefectures whose prefix begins with ``within``, by prefix."""
    return tuple(
        area for area in _areas().values() if area.level is Level.PREFECTURE and area.prefix.startswith(within)
    )


def area(code: str) -> Area | None:
    """The area of a prefix (32, 3213, 321323) or of its full code (320000, 321300)."""
    areas = _areas()
    for prefix in (code, code.removesuffix("00"), code.removesuffix("0000")):
        if prefix in areas:  # the code as it stands first: 133100 is a county
            return areas[prefix]
    return None


def adcode_prefix(code: str) -> str:
    """What the adcodes of all counties of an area begin with: 320000 → 32. A code that is no area's is its own."""
    named = area(code)
    return code if named is None else named.prefix


def has_counties(code: str) -> bool:
    """Whether some county lies behind the code: it is an area's, or how the adcodes of counties in a province begin."""
    if area(code) is not None:
        return True
    return len(code) > Level.PROVINCE.digits and any(place.adcode.startswith(code) for place in all_places())


def area_of(adcode: str, level: Level) -> Area | None:
    """The area of that level in which a county lies, e.g. to count by province or prefecture."""
    return _areas().get(adcode[: level.digits]) if adcode in _by_adcode() else None


def poverty_is_complete(province: str) -> bool:
    """Whether every county of the province is known to be, or not to be, among the 832."""
    return province not in _provinces_with_unknown_poverty()


@cache
def _by_adcode() -> dict[str, Place]:
    return {place.adcode: place for place in all_places()}


@cache
def _areas() -> dict[str, Area]:
    """Every area by its prefix: provinces, then prefectures, then counties."""
    areas: dict[str, Area] = {}
    for level in Level:
        for place in all_places():
            prefix = place.adcode[: level.digits]
            name = {
                Level.PROVINCE: place.province,
                Level.PREFECTURE: place.prefecture,
                Level.COUNTY: place.name,
            }[level]
            areas.setdefault(prefix, Area(prefix, name, level, place.province))
    return areas


@cache
def _provinces_with_unknown_poverty() -> frozenset[str]:
    return frozenset(row["province"] for row in rows("poverty_coverage.csv") if row["complete"] == "0")


FORMER_CODE = re.compile(r"code (\d{6}) (\S+)")
"""How the source of a seat names the division that it was of."""


def _place(row: dict[str, str]) -> Place:
    former = row["former_names"].split("|") if row["former_names"] else []
    found = FORMER_CODE.findall(row["coord_source"])
    return Place(
        adcode=row["adcode"],
        name=row["name"],
        prefecture=row["prefecture"],
        province=row["province"],
        lon=float(row["lon"]) if row["lon"] else None,
        lat=float(row["lat"]) if row["lat"] else None,
        poverty_832={"1": True, "0": False, "": None}[row["poverty_832"]],
        watch_52={"1": True, "0": False}[row["watch_52"]],
        former_names=tuple(former),
        former_adcodes=tuple(code for code, name in found if name in former and code != row["adcode"]),
    )
