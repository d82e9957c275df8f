"""How long a lot keeps, and which times of a listing can't be: pure rules of api.md, Listings."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

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


def temperature_class_of(slug: str, asked: TemperatureClass | None) -> TemperatureClass:
    """What was asked for, else the class in which the produce is known to keep longest."""
    if asked is not None:
        return asked
    produce = catalogue.get(slug)
    assert produce is not None, "the schema admits known produce only"
    return catalogue.default_temperature_class(produce).value


def spoilage(slug: str, temperature_class: TemperatureClass, times: Times) -> tuple[datetime, ShelfLifeSource]:
    """When the lot spoils, and whose figure that is.

    Raises InvalidInput when no figure is known and none was declared, or when the times can't be.
    """
    errors = list(_impossible(times))
    if errors:
        raise InvalidInput(errors=errors)
    if times.best_before is not None:
        return times.best_before, "declared"
    produce = catalogue.get(slug)
    assert produce is not None, "the schema admits known produce only"
    life = catalogue.shelf_life(produce, catalogue.TemperatureClass(temperature_class))
    if life is None:
        text = Text("此温度类别没有已知保质期，请填写。", "No shelf life is known for this class; declare it.")
        raise InvalidInput(errors=[FieldError("#/best_before", text)])
    spoils_at = times.harvested_at + life.duration
    if spoils_at <= times.available_from:
        text = Text("按采收时间，可供应前已变质。", "Harvested then, it would be spoiled before it is available.")
        raise InvalidInput(errors=[FieldError("#/harvested_at", text)])
    return spoils_at, life.source


def _impossible(times: Times) -> Iterator[FieldError]:
    if times.harvested_at > times.available_from:
        text = Text("采收不能晚于可供应时间。", "The harvest can't be after available_from.")
        yield FieldError("#/harvested_at", text)
    if times.available_until is not None and times.available_until <= times.available_from:
        text = Text("供应期须在开始之后结束。", "The window must end after it begins.")
        yield FieldError("#/available_until", text)
    if times.best_before is not None and times.best_before <= times.harvested_at:
        yield FieldError("#/best_before", Text("保质期不能早于采收。", "It can't be before the harvest."))
    elif times.best_before is not None and times.best_before <= times.available_from:
        text = Text("可供应前已变质。", "It would be spoiled before it is available.")
        yield FieldError("#/best_before", text)
