"""Whom a person at this machine may be with one click: one account of each role of the demonstration.

Apart from the demonstration itself, for the platform reads them and needs nothing else of it.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from contracts.accounts import Role
from duijie.datafolder import write_atomically
from gateway.pages.signing.guests import Guest

FILE = "guests.json"


def write_guests(folder: Path, guests: Mapping[Role, str]) -> None:
    write_atomically(folder / FILE, json.dumps(guests, ensure_ascii=False, indent=2) + "\n")


def read_guests(folder: Path) -> Sequence[Guest]:
    """Those that were written there; none before a demonstration began."""
    path = folder / FILE
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return ()


@lru_cache(maxsize=4)
def _read(path: Path, _changed_ns: int) -> Sequence[Guest]:
    return tuple(Guest(role, name) for role, name in json.loads(path.read_text(encoding="utf-8")).items())
