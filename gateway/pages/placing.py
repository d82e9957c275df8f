"""Places by the names that people type. Several may go by one: then it is asked which, for nobody is served by a plan,
or by a rule, of the wrong county."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from catalogue import places
from catalogue.names import normalise
from catalogue.places import Area, Level
from chassis.problems import Text
from gateway.pages.names import area_name
from gateway.pages.ordering import CHOICES_MAX, WHICH_PLACE, Where, where


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
    choices = {**{_code_of(each): area_name(each.prefix) for each in areas}, **found.choices}
    return Meant(chosen, choices) if chosen in choices else Meant(None, choices, WHICH_PLACE)


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
