"""Places: looking one up by code or by whatever name people use, and where it is.

The table itself, with the areas above a county, is ``catalogue.divisions``; callers need this module alone.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from catalogue.divisions import (
    NO_PREFECTURE,
    REVISION,
    Area,
    Level,
    Place,
    adcode_prefix,
    all_places,
    area,
    area_of,
    get,
    has_counties,
    poverty_is_complete,
    prefectures,
    provinces,
)
from catalogue.geodesy import Point
from catalogue.names import SUFFIXES, normalise, short_names

__all__ = [
    "REVISION",
    "Area",
    "Level",
    "Located",
    "Place",
    "adcode_prefix",
    "all_places",
    "area",
    "area_of",
    "areas_named",
    "get",
    "has_counties",
    "point_of",
    "poverty_is_complete",
    "prefectures",
    "provinces",
    "resolve",
    "search",
    "spelt_like",
]


@dataclass(frozen=True, slots=True)
class Located:
    """Where a county is, for distances. Not ``exact``: the mean of its prefecture's or province's seats."""

    point: Point
    exact: bool


class _Match(IntEnum):
    """How well a place answers a query, best first."""

    NAME = 0
    FORMER_NAME = 1
    SHORT_NAME = 2  # 泗阳 for 泗阳县
    IN_NAMED_AREA = 3  # the query is the full name of its prefecture or province
    OTHER_SUFFIX = 4  # 泗阳市 for 泗阳县, or a former name without its suffix
    PREFIX = 5
    CONTAINS = 6  # the name holds the query, or the query is an address that begins with the name
    IN_AREA = 7  # the query is the short name of its prefecture or province


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to read a query: an area that it names, by prefix ("" for none), then the rest."""

    prefix: str
    rest: str
    area_in_full: bool = False


_LONGEST_NAME = 20  # characters; an address may be of any length, and only its front can be a name

_Hits = Iterator[tuple[str, _Match]]  # adcodes with how well they answer


def search(q: str, limit: int = 20) -> tuple[Place, ...]:
    """County-level places that answer to ``q``, the best first, by adcode among equals.

    ``q`` is an adcode (a former one, too) or its beginning, or a name: suffixes may be left out, former names count,
    and names of
    provinces and prefectures narrow it, before or behind, with blanks or without ("江苏 泗阳", "宿迁泗阳县").
    A query that names nothing but an area gives the counties in it.
    """
    text = normalise(q)
    if text.isdecimal():
        return _by_code(text)[:limit]
    ranked = _best(
        hit
        for reading in _readings(q)
        for hits in (_in_area(reading), _called(reading), _resembling(reading))
        for hit in hits
    )
    adcodes = sorted(ranked, key=lambda adcode: (ranked[adcode], adcode))
    return tuple(_by_adcode()[adcode] for adcode in adcodes[:limit])


def spelt_like(q: str, limit: int = 20) -> tuple[Place, ...]:
    """County-level places whose name is one character away from ``q``, by adcode: 泗阳县 for 泗洋县.

    For a query to which nothing answers; of two characters the first has to be right.
    """
    rests = {(reading.prefix, reading.rest) for reading in _readings(q) if 2 <= len(reading.rest) <= _LONGEST_NAME}
    found = {
        adcode
        for name, hits in _by_any_name().items()
        for prefix, rest in rests
        if _one_off(rest, name)
        for adcode, _ in hits
        if adcode.startswith(prefix)
    }
    return tuple(_by_adcode()[adcode] for adcode in sorted(found)[:limit])


def resolve(name: str, province: str | None = None) -> Place | None:
    """The one place that ``name`` (or adcode) means, in that province if given; None if there is none or several.

    The name has to be complete up to its suffix. What is also an area's name means a county only inside that area:
    恩施 is 恩施市, but 海南 is not 海南区 in Inner Mongolia.
    """
    adcode = name.strip()
    if adcode in _by_adcode():
        ranked = {adcode: _Match.NAME}
    else:
        readings = tuple(_readings(name))
        ranked = _best(hit for reading in readings for hit in _called(reading))
        areas = tuple(reading.prefix for reading in readings if not reading.rest)
        if areas:
            ranked = {
                code: match
                for code, match in ranked.items()
                if match < _Match.SHORT_NAME or (match is _Match.SHORT_NAME and code.startswith(areas))
            }
    if province is not None:
        ranked = {code: match for code, match in ranked.items() if _lies_in(code, province)}
    best = min(ranked.values(), default=None)
    means = [code for code, match in ranked.items() if match is best]
    return get(means[0]) if len(means) == 1 else None


def areas_named(name: str) -> tuple[Area, ...]:
    """The provinces and prefectures that ``name`` is a name of, full or short, but none within another of them.

    海南 is Hainan, and 海南州 in Qinghai; 吉林 is the province, in which the city of that name lies.
    """
    named = {reading.prefix for reading in _readings(name) if reading.prefix and not reading.rest}
    outermost = (each for each in sorted(named) if not any(each[:digits] in named for digits in range(len(each))))
    return tuple(found for each in outermost if (found := area(each)) is not None)


@cache
def point_of(adcode: str) -> Located | None:
    """The county's seat; where it is not known, the mean of its prefecture's known seats, else its province's.

    Callers that need a distance take this and say so when it is not exact; callers that show a place on a plane
    take ``Place.point`` and show nothing. None only for an adcode that is not in the table.
    """
    place = get(adcode)
    if place is None:
        return None
    if place.point is not None:
        return Located(place.point, exact=True)
    # The seats of a "90" prefecture lie all over its province, which is then the better neighbourhood.
    prefixes = (adcode[:2],) if place.prefecture == NO_PREFECTURE else (adcode[:4], adcode[:2])
    means = (_mean_seat(prefix) for prefix in prefixes)
    return next((Located(mean, exact=False) for mean in means if mean is not None), None)


def _by_code(code: str) -> tuple[Place, ...]:
    known = get(code)
    if known is not None:
        return (known,)
    if code in _by_former_code():
        return _by_former_code()[code]
    prefix = adcode_prefix(code)
    return tuple(place for place in all_places() if place.adcode.startswith(prefix))


@cache
def _by_former_code() -> dict[str, tuple[Place, ...]]:
    """Who had this code once: a county may have become several."""
    index: dict[str, tuple[Place, ...]] = {}
    for place in all_places():
        for code in place.former_adcodes:
            index[code] = (*index.get(code, ()), place)
    return index


def _lies_in(adcode: str, province: str) -> bool:
    named = _by_adcode()[adcode].province
    return normalise(province) in {named, *short_names(named)}


def _best(hits: Iterable[tuple[str, _Match]]) -> dict[str, _Match]:
    """The best match of each adcode."""
    best: dict[str, _Match] = {}
    for adcode, match in hits:
        if match < best.get(adcode, len(_Match)):
            best[adcode] = match
    return best


def _one_off(one: str, other: str) -> bool:
    """Whether one character was mistaken, forgotten or added."""
    if len(one) == len(other):
        wrong = [at for at, (left, right) in enumerate(zip(one, other, strict=True)) if left != right]
        return len(wrong) == 1 and (len(one) > 2 or wrong != [0])
    short, long = sorted((one, other), key=len)
    if len(long) - len(short) != 1 or len(short) == 2:
        return False
    return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))


def _in_area(reading: _Reading) -> _Hits:
    """When a reading is an area and nothing else: what lies in it."""
    if reading.prefix and not reading.rest:
        match = _Match.IN_NAMED_AREA if reading.area_in_full else _Match.IN_AREA
        yield from ((adcode, match) for adcode in _by_adcode() if adcode.startswith(reading.prefix))


def _called(reading: _Reading) -> _Hits:
    """What has the rest of the reading for a name, whatever the suffix."""
    for adcode, match in _by_any_name().get(reading.rest, ()):
        if adcode.startswith(reading.prefix):
            yield adcode, match
    for short in short_names(reading.rest):
        for adcode, match in _by_any_name().get(short, ()):
            if match >= _Match.SHORT_NAME and adcode.startswith(reading.prefix):
                yield adcode, _Match.OTHER_SUFFIX


def _resembling(reading: _Reading) -> _Hits:
    """What has a name that holds the rest of the reading, or a name that the rest, an address, begins with."""
    rest = reading.rest
    if not rest:
        return
    for adcode, names in _names_on_lines():
        if rest in names and adcode.startswith(reading.prefix):
            yield adcode, _Match.PREFIX if f"\n{rest}" in names else _Match.CONTAINS
    for end in range(2, min(len(rest), _LONGEST_NAME + 1)):
        for adcode, match in _by_any_name().get(rest[:end], ()):
            if match <= _Match.FORMER_NAME and adcode.startswith(reading.prefix):
                yield adcode, _Match.CONTAINS


def _readings(q: str) -> Iterator[_Reading]:
    """The query read in its order and from behind ("泗阳 江苏"), with and without areas taken off its front."""
    words = [word for word in re.split(r"[\s,，、;；/]+", q) if word]
    for text in dict.fromkeys((normalise("".join(words)), normalise("".join(reversed(words))))):
        yield _Reading("", text)
        yield from _narrowed("", text)


def _narrowed(prefix: str, text: str) -> Iterator[_Reading]:
    for area_prefix, name, in_full in _area_names():
        if text.startswith(name) and len(area_prefix) > len(prefix) and area_prefix.startswith(prefix):
            rest = text[len(name) :]
            if rest not in SUFFIXES:  # of 吉林市, "吉林" taken off as the province leaves no name
                yield _Reading(area_prefix, rest, in_full)
                yield from _narrowed(area_prefix, rest)


@cache
def _by_adcode() -> dict[str, Place]:
    return {place.adcode: place for place in all_places()}


@cache
def _area_names() -> tuple[tuple[str, str, bool], ...]:
    """Prefix, name and whether that is the full name, for each name of a province or prefecture."""
    named = [area for area in (*provinces(), *prefectures()) if area.name != NO_PREFECTURE]
    return tuple(
        (area.prefix, name, name == area.name) for area in named for name in (area.name, *short_names(area.name))
    )


@cache
def _names_on_lines() -> tuple[tuple[str, str], ...]:
    """Adcode and names, a line break before each: one search of one string tells whether any holds a text."""
    return tuple(
        (place.adcode, "".join(f"\n{name}" for name in (place.name, *place.former_names))) for place in all_places()
    )


@cache
def _by_any_name() -> dict[str, list[tuple[str, _Match]]]:
    """Who is, or was, called so, with the suffix or without."""
    index: dict[str, list[tuple[str, _Match]]] = {}
    for place in all_places():
        names = {place.name: _Match.NAME}
        names |= dict.fromkeys(place.former_names, _Match.FORMER_NAME)
        names |= dict.fromkeys(short_names(place.name), _Match.SHORT_NAME)
        for former in place.former_names:
            for short in short_names(former):
                names.setdefault(short, _Match.OTHER_SUFFIX)
        for name, match in names.items():
            index.setdefault(name, []).append((place.adcode, match))
    return index


@cache
def _mean_seat(prefix: str) -> Point | None:
    seats = [place.point for place in all_places() if place.adcode.startswith(prefix) and place.point is not None]
    if not seats:
        return None
    return Point(sum(seat.lon for seat in seats) / len(seats), sum(seat.lat for seat in seats) / len(seats))
