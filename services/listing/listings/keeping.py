"""How long a lot keeps, and which times of a listing can't be: pure rules."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cache

from catalogue import produce as catalogue
from chassis.problems import FieldError, InvalidInput, Text
from contracts.listings import TemperatureClass
from services.listing.listings.models import ShelfLifeSource


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one lot as its producer gave them, defaults filled in."""

    harvested_at: datetime
    available_from: datetime
    available_until: datetime | None
    best_before: datetime | None


TIMES = tuple(field.name for field in fields(Times))


def temperature_class_of(slug: str, asked: TemperatureClass | None) -> TemperatureClass:
    """What was asked for, else the class in which the produce is known to keep longest."""
    return _longest_class(slug) if asked is None else asked


def spoilage(
    slug: str, temperature_class: TemperatureClass, times: Times, sent: Collection[str] = TIMES
) -> tuple[datetime, ShelfLifeSource]:
    """When the lot spoils, and whose figure that is.

    Raises InvalidInput when no figure is known and none was declared, or when the times can't be. What does not go
    together is said of a field that the caller `sent`; the others stood before, and nobody could mend them there.
    """
    errors = list(_impossible(times, sent))
    if errors:
        raise InvalidInput(errors=errors)
    if times.best_before is not None:
        return times.best_before, "declared"
    life = _life(slug, temperature_class)
    if life is None:
        text = Text("此温度类别没有已知保质期，请填写。", "No shelf life is known for this class; declare it.")
        raise InvalidInput(errors=[FieldError("#/best_before", text)])
    spoils_at = times.harvested_at + life.duration
    if spoils_at <= times.available_from:
        text = Text("按采收时间，可供应前已变质。", "Harvested then, it would be spoiled before it is available.")
        # best_before: a declared date that is taken back leaves the catalogue's life, which may be shorter
        raise InvalidInput(errors=[_first_sent(sent, "harvested_at", "available_from", "best_before", text=text)])
    return spoils_at, life.source


# the catalogue never changes while a process runs, and is small


@cache
def _longest_class(slug: str) -> TemperatureClass:
    return catalogue.default_temperature_class(_known(slug)).value


@cache
def _life(slug: str, temperature_class: TemperatureClass) -> catalogue.ShelfLife | None:
    return catalogue.shelf_life(_known(slug), catalogue.TemperatureClass(temperature_class))


def _known(slug: str) -> catalogue.Produce:
    produce = catalogue.get(slug)
    assert produce is not None, "the schema admits known produce only"
    return produce


def _impossible(times: Times, sent: Collection[str]) -> Iterator[FieldError]:
    if times.harvested_at > times.available_from:
        text = Text("采收不能晚于可供应时间。", "The harvest can't be after available_from.")
        yield _first_sent(sent, "harvested_at", "available_from", text=text)
    if times.available_until is not None and times.available_until <= times.available_from:
        text = Text("供应期须在开始之后结束。", "The window must end after it begins.")
        yield _first_sent(sent, "available_until", "available_from", text=text)
    if times.best_before is not None and times.best_before <= times.harvested_at:
        yield FieldError("#/best_before", Text("保质期不能早于采收。", "It can't be before the harvest."))
    elif times.best_before is not None and times.best_before <= times.available_from:
        text = Text("可供应前已变质。", "It would be spoiled before it is available.")
        yield _first_sent(sent, "best_before", "available_from", text=text)


def _first_sent(sent: Collection[str], *names: str, text: Text) -> FieldError:
    """The error at the first of the fields between which it lies that the caller sent."""
    return FieldError(f"#/{next((name for name in names if name in sent), names[0])}", text)
