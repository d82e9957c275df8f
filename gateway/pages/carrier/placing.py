"""Where loads are fetched and vehicles stand, by the names that people type. Several places may go by one: then it is
asked which, for no carrier is served by a plan of the wrong county."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from catalogue import places
from catalogue.geodesy import great_circle_km
from catalogue.names import normalise
from catalogue.places import Area, Level
from chassis.problems import Text
from gateway.pages.ordering import CHOICES_MAX, WHICH_PLACE, Where, where

DEPOTS_REMEMBERED = 2000
AT_SEAT_KM = 0.1
"""Nearer than this a depot is where its county was named for it."""


@dataclass(frozen=True, slots=True)
class Meant:
    """What was typed means the code. Where it says not which, that is None, `why` tells so, and `choices` are the
    codes that it may be, with their names, if any."""

    code: str | None = None
    choices: Mapping[str, str] = field(default_factory=dict)
    why: Text | None = None


NOWHERE = Meant()


def county(typed: str, chosen: str = "") -> Meant:
    """A county by its name or code; `chosen` is the code of the one that was meant of several."""
    return _of(where(typed, chosen)) if typed else NOWHERE


def part(typed: str, chosen: str = "") -> Meant:
    """The same, or a whole prefecture or province; or how the codes of counties begin."""
    if not typed or places.has_counties(typed):
        return Meant(typed or None)
    areas = places.areas_named(typed)
    if len(areas) == 1 and _is_meant(areas[0], typed):
        return Meant(_code_of(areas[0]))
    found = _of(where(typed, chosen))
    if not areas:
        return found
    choices = {**{_code_of(each): _name_of(each) for each in areas}, **found.choices}
    return Meant(chosen, choices) if chosen in choices else Meant(None, choices, WHICH_PLACE)


@dataclass(frozen=True, slots=True)
class Depot:
    """Where a vehicle stands: the county whose seat is nearest, and whether it stands at that."""

    county: str
    is_there: bool


@lru_cache(maxsize=DEPOTS_REMEMBERED)
def depot_at(lon: float, lat: float) -> Depot:
    """It takes a millisecond or two to look at every county."""
    seats = [(each, each.point) for each in places.all_places() if each.point is not None]
    away = ((great_circle_km(lon, lat, seat.lon, seat.lat), each.full_name) for each, seat in seats)
    distance_km, name = min(away)
    return Depot(name, distance_km < AT_SEAT_KM)


def _of(found: Where) -> Meant:
    choices = {each.adcode: each.full_name for each in found.choices}
    return Meant(found.place.adcode if found.place else None, choices, found.why)


def _is_meant(area: Area, typed: str) -> bool:
    """Whether it is named in full, or no county elsewhere answers to its short name: of 南京 yes, of 朝阳 no."""
    if normalise(typed).endswith(area.name):
        return True
    return all(each.adcode.startswith(area.prefix) for each in places.search(typed, CHOICES_MAX))


def _code_of(area: Area) -> str:
    return area.prefix.ljust(Level.COUNTY.digits, "0")


def _name_of(area: Area) -> str:
    return "".join(dict.fromkeys((area.province, area.name)))
