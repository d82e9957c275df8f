"""What the demonstration has already done, so that it can be killed and go on.

A line is written after each answer. One that is missing is asked for again with the same idempotency key, and
answered the same.
"""

import fcntl
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

TOTALS = "totals"
"""The last step."""
NAME: Final = re.compile(r"seed-(-?[0-9]+)\.jsonl")
"""A copy that somebody laid beside them is no journal."""


def unfinished(folder: Path) -> list[int]:
    """The seeds of the demonstrations in that folder that were begun and not played to their end."""
    end = json.dumps([TOTALS])[:-1]
    named = ((NAME.fullmatch(path.name), path) for path in folder.glob("seed-*.jsonl"))
    return sorted(
        int(name[1])
        for name, path in named
        if name and not any(line.startswith(end) for line in path.read_text(encoding="utf-8").splitlines())
    )


class Journal:
    """Answers by the step that they belong to, in a file of one JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[str, Any] = {}
        self._read()
        self._file = path.open("a", encoding="utf-8")

    @classmethod
    @contextmanager
    def open(cls, folder: Path, seed: int) -> Iterator[Self]:
        """The journal of that seed in that folder. One player at a time: another waits for its turn."""
        folder.mkdir(mode=0o700, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            journal = cls(folder / f"seed-{seed}.jsonl")
            try:
                yield journal
            finally:
                journal._file.close()

    def __contains__(self, step: str) -> bool:
        return step in self._done

    def get(self, step: str) -> Any:
        return self._done[step]

    def note(self, step: str, answer: Any) -> None:
        self._done[step] = answer
        self._file.write(json.dumps([step, answer], ensure_ascii=False) + "\n")
        self._file.flush()

    def moment(self, step: str, now: Callable[[], datetime]) -> datetime:
        """When that step came for the first time, which it keeps when it is gone on with tomorrow."""
        if step not in self:
            self.note(step, now().isoformat())
        return datetime.fromisoformat(self.get(step))

    def _read(self) -> None:
        if not self._path.exists():
            return
        whole = self._path.read_text(encoding="utf-8")
        complete, _, torn = whole.rpartition("\n")
        self._done = dict(json.loads(line) for line in complete.splitlines())
        if torn:  # killed in the middle of a line: it is as if that answer had not come
            self._path.write_text(complete + "\n" if complete else "", encoding="utf-8")
