"""The faults take minutes, so `make test` passes them by: they run when their folder is named (`make faults`), and
the mutants, which take longer still, when theirs is (`make mutants`)."""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
QUICK, LONG = HERE / "kit", HERE / "mutants"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Everything here but the kit's own tests, unless somebody asked for it."""
    wanted = LONG if LONG in [collection_path, *collection_path.parents] else HERE
    asked = any(wanted in [path, *path.parents] for path in map(_path_of, config.args))
    if asked or collection_path == HERE or QUICK in [collection_path, *collection_path.parents]:
        return None
    return True


def _path_of(argument: str) -> Path:
    return Path(argument.split("::", maxsplit=1)[0]).absolute()
