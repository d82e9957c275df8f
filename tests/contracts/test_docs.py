"""docs/events says what the contracts say, and the contracts keep what it has promised."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator, ValidationError

from contracts.event import Event
from contracts.topics import TOPICS
from duijie.docs.schemas import schema_of
from duijie.docs.told import all_told, file_of, key_of
from duijie.docs.writing import EVENTS as FOLDER
from duijie.docs.writing import NotWritten, broken_in, texts, write
from tests.contracts.support import EVENTS, golden_of, goldens_of

SHARED_WORDS = {
    *("$schema", "$id", "$ref", "$defs", "title", "description", "default", "type", "format", "enum", "const"),
    *("anyOf", "properties", "required"),
}
"""What JSON Schema draft 7, which AsyncAPI reads, and 2020-12 understand alike; `$defs` is only pointed into."""

UNITS = {"_g": "g", "_fen": "fen", "_fen_per_kg": "fen/kg", "_m": "m", "_h": "h", "seconds": "s"}


def written(folder: Path) -> dict[str, str]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in files}


def committed(kind: type[Event]) -> Any:
    return json.loads((FOLDER / "schemas" / file_of(kind)).read_bytes())


def test_what_is_committed_is_what_make_docs_writes() -> None:
    now, then = texts(), written(FOLDER)
    stale = {name for name in now.keys() | then.keys() if now.get(name) != then.get(name)}
    assert not stale, f"docs/events is older than contracts/. Run `make docs` and commit: {sorted(stale)}"


def test_writing_it_elsewhere_gives_the_same_files(tmp_path: Path) -> None:
    write(tmp_path)
    assert written(tmp_path) == texts()


def test_the_contracts_keep_what_the_committed_schemas_promise() -> None:
    assert broken_in(FOLDER) == []


def test_a_promise_that_is_broken_is_not_overwritten_and_the_sentence_says_what_to_do(tmp_path: Path) -> None:
    write(tmp_path)
    file = tmp_path / "schemas" / "duijie.round.cleared.v1.json"
    older = json.loads(file.read_bytes())
    older["properties"]["arcs"]["type"] = "string"
    file.write_text(json.dumps(older))
    with pytest.raises(
        NotWritten, match=r"duijie\.round\.cleared\.v1\.json: arcs: 'string' became 'integer'\. Tell it on .* \.v2"
    ):
        write(tmp_path)
    assert json.loads(file.read_bytes()) == older


def test_an_event_without_an_example_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("duijie.docs.writing.ROOT", tmp_path)
    monkeypatch.setattr("duijie.docs.writing.GOLDEN", tmp_path / "golden")
    with pytest.raises(NotWritten, match=r"golden/duijie\.account\.changed\.v1\.json is missing"):
        write(tmp_path / "events")
    assert not (tmp_path / "events").exists()


def test_an_event_that_is_told_no_more_is_missed(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "schemas" / "duijie.round.dreamt.v1.json").write_text("{}")
    assert [sentence for sentence in broken_in(tmp_path) if "duijie.round.dreamt" in sentence and ".v2" in sentence]


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_every_golden_json_is_valid_by_its_schema_in_either_draft(kind: type[Event]) -> None:
    schema = committed(kind)
    Draft202012Validator.check_schema(schema)
    for file in goldens_of(kind):
        told = json.loads(file.read_bytes())
        Draft202012Validator(schema).validate(told)
        Draft7Validator(schema).validate(told)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_a_schema_refuses_what_the_contract_refuses(kind: type[Event]) -> None:
    told, schema = json.loads(golden_of(kind).read_bytes()), Draft202012Validator(schema_of(kind))
    for name in told:
        less = {other: value for other, value in told.items() if other != name}
        if kind.model_fields[name].is_required():
            with pytest.raises(ValidationError, match=f"'{name}' is a required property"):
                schema.validate(less)
        with pytest.raises(ValidationError):
            schema.validate({**told, name: ["neither"]})


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_a_schema_keeps_to_the_words_that_both_drafts_share(kind: type[Event]) -> None:
    assert words_of(schema_of(kind)) <= SHARED_WORDS


def words_of(schema: dict[str, Any]) -> set[str]:
    inner = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", [])]
    return set(schema).union(*(words_of(each) for each in inner))


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_every_event_and_every_field_says_what_it_means_and_in_which_unit(kind: type[Event]) -> None:
    schema = schema_of(kind)
    assert schema["description"].endswith(".")
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part["properties"].items():
            assert field["description"].endswith("."), name
            for ending, unit in UNITS.items():
                if name.endswith(ending):
                    assert re.search(rf", {unit}[.;]", field["description"]), name


def test_every_topic_is_in_the_readme_with_its_key_and_its_types() -> None:
    lines = texts()["README.md"].splitlines()
    for told in all_told():
        (line,) = [line for line in lines if line.startswith(f"| `{told.topic.name}` |")]
        assert f"| `{key_of(told.kinds[0])}` | {told.topic.partitions} |" in line
        assert all(f"schemas/{file_of(kind)}" in line for kind in told.kinds)
    assert {told.topic for told in all_told()} == set(TOPICS)
