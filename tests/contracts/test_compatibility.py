"""What may be changed in an event that has been told: an optional field may be added, and words may be said better."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from contracts.event import Event
from duijie.docs.schemas import breaks, schema_of
from tests.contracts.support import EVENTS

Schema = dict[str, Any]


class Where(BaseModel):
    adcode: str
    lon: float | None = None


class Told(BaseModel):
    """As it was told."""

    id: int
    status: Literal["open", "closed"]
    origin: Where
    note: str | None = None


def changed(change: Callable[[Schema], Any]) -> list[str]:
    old = Told.model_json_schema()
    new = deepcopy(old)
    change(new)
    return breaks(old, new)


def test_nothing_is_broken_where_nothing_changed() -> None:
    assert changed(lambda _: None) == []


def test_an_optional_field_may_be_added_at_any_depth() -> None:
    assert changed(lambda new: new["properties"].update(more={"type": "integer"})) == []
    assert changed(lambda new: new["$defs"]["Where"]["properties"].update(lat={"type": "number"})) == []


def test_words_and_the_names_of_parts_may_change() -> None:
    def reworded(new: Schema) -> None:
        new.update(title="Other", description="Said better.")
        new["properties"]["id"]["description"] = "Its id."
        new["$defs"] = {"Place": new["$defs"]["Where"]}
        new["properties"]["origin"] = {"$ref": "#/$defs/Place", "description": "Where it lies."}

    assert changed(reworded) == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda new: new["properties"].pop("note"), "note is gone."),
        (lambda new: new["$defs"]["Where"]["properties"].pop("lon"), "origin.lon is gone."),
        (lambda new: new["properties"]["id"].update(type="string"), "id: 'integer' became 'string'."),
        (lambda new: new["properties"]["id"].update(format="int32"), "id: None became 'int32'."),
        (lambda new: new["properties"]["status"]["enum"].pop(), "status: ['open', 'closed'] became ['open']."),
        (lambda new: new["required"].append("note"), "note is now required."),
        (lambda new: new["required"].remove("id"), "id is no longer required."),
        (lambda new: new["properties"]["note"]["anyOf"].pop(), "note: "),
        (lambda new: new["$defs"]["Where"]["required"].clear(), "origin.adcode is no longer required."),
    ],
)
def test_anything_else_breaks_and_is_named(change: Callable[[Schema], Any], sentence: str) -> None:
    (only,) = changed(change)
    assert only.startswith(sentence)


def test_a_new_word_in_a_vocabulary_breaks_those_who_know_only_the_old() -> None:
    assert changed(lambda new: new["properties"]["status"]["enum"].append("lost")) != []


def test_a_field_that_is_renamed_is_gone_and_new() -> None:
    def renamed(new: Schema) -> None:
        new["properties"]["ident"] = new["properties"].pop("id")
        new["required"] = ["ident", *new["required"][1:]]

    assert changed(renamed) == ["id is gone.", "ident is new and required."]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_every_field_of_every_event_is_watched(kind: type[Event]) -> None:
    old = schema_of(kind)
    for name in old["properties"]:
        new = deepcopy(old)
        del new["properties"][name]
        assert breaks(old, new) == [f"{name} is gone."]
        new["properties"][name] = {"type": "object"}
        assert breaks(old, new)
