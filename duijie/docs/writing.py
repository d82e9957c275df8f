"""The files of docs/events. A schema there is a promise: it is not overwritten by one that breaks it."""

import json
from pathlib import Path
from typing import Any

from duijie.docs.asyncapi import document
from duijie.docs.readme import readme
from duijie.docs.schemas import breaks, schema_of
from duijie.docs.told import all_told, file_of

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "docs" / "events"
GOLDEN = ROOT / "tests" / "contracts" / "golden"


class NotWritten(Exception):
    """A change of an event that those who read it could not stand, or an event without an example."""


def write(folder: Path) -> None:
    """Raises NotWritten before anything is written."""
    if broken := broken_in(folder):
        raise NotWritten("\n".join(broken))
    files = texts()
    (folder / "schemas").mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def texts() -> dict[str, str]:
    """What each file should hold, by its path in the folder. Raises NotWritten for an event without an example."""
    kinds = [kind for told in all_told() for kind in told.kinds]
    golden = {file_of(kind): _example(GOLDEN / file_of(kind)) for kind in kinds}
    schemas = {f"schemas/{file_of(kind)}": _json(schema_of(kind)) for kind in kinds}
    return {"README.md": readme(), "asyncapi.json": _json(document(golden)), **schemas}


def broken_in(folder: Path) -> list[str]:
    """Which promises in the folder the contracts no longer keep, and what to do about it, each a sentence or two."""
    new = {file_of(kind): schema_of(kind) for told in all_told() for kind in told.kinds}
    sentences = []
    for file in sorted((folder / "schemas").glob("*.json")):
        what = breaks(json.loads(file.read_bytes()), new[file.name]) if file.name in new else ["it is no longer told."]
        sentences += [
            f"{file.name}: {each} Tell it on a new topic that ends in .v2, beside this one "
            f"(if no release has told it yet, remove {file.name} and run `make docs`)."
            for each in what
        ]
    return sentences


def _example(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        where = file.relative_to(ROOT)
        raise NotWritten(f"{where} is missing: one example of the event, as its model_dump_json() writes it.") from None


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
