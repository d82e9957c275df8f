"""Every event there is, and any value that one may have."""

import pkgutil
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from uuid import UUID

from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel

import contracts
from contracts.event import Event

GOLDEN = Path(__file__).parent / "golden"
MODULES = [import_module(f"contracts.{module.name}") for module in pkgutil.iter_modules(contracts.__path__)]
EVENTS = sorted(
    (kind for kind in Event.known().values() if kind.__module__.startswith("contracts.")), key=lambda kind: kind.TYPE
)


def golden_of(kind: type[Event]) -> Path:
    """The golden file of an event: its type, then the version of its topic."""
    return GOLDEN / f"{kind.TYPE}.{kind.TOPIC.rsplit('.', 1)[1]}.json"


def goldens_of(kind: type[Event]) -> list[Path]:
    """The golden file of an event, and those from before a field was added: `<type>.<version>.<n>.json`."""
    file = golden_of(kind)
    return [file, *sorted(GOLDEN.glob(f"{file.stem}.*.json"))]


def golden(kind: type[Event]) -> Event:
    return kind.model_validate_json(golden_of(kind).read_bytes())


def any_of(kind: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Any instance of a contract, with every optional field sometimes left empty."""
    fields = {name: values(field.annotation) for name, field in kind.model_fields.items()}
    return st.fixed_dictionaries(fields).map(kind.model_validate)


def values(annotation: Any) -> st.SearchStrategy[Any]:
    origin = get_origin(annotation)
    if origin is Literal:
        return st.sampled_from(get_args(annotation))
    if origin in {Union, UnionType}:
        return st.one_of([values(each) for each in get_args(annotation)])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any_of(annotation)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        UUID: st.uuids(),
        str: st.text(min_size=1),
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        NoneType: st.none(),
        AwareDatetime: st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    }
    return plain[annotation]
