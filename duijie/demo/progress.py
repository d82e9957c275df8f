"""How far the demonstration has come: bars on a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Bar:
    """One stage: `advance` after each thing done."""

    def __init__(self, title: str, total: int, bars: Progress | None) -> None:
        self._bars = bars
        self._title = title
        self._total = total
        self._done = 0
        self._began_s = time.monotonic()
        self._task = bars.add_task(title, total=total) if bars else None

    def advance(self, by: int = 1) -> None:
        self._done += by
        if self._bars is not None and self._task is not None:
            self._bars.advance(self._task, by)

    def finish(self) -> None:
        if self._bars is None:
            took_s = time.monotonic() - self._began_s
            print(f"{self._title}: {self._done} of {self._total} in {took_s:.0f} s", flush=True)


class Stages:
    """Makes the bars of one run."""

    def __init__(self, bars: Progress | None) -> None:
        self._bars = bars

    @classmethod
    @contextmanager
    def shown(cls) -> Iterator["Stages"]:
        if not sys.stdout.isatty():
            yield cls(None)
            return
        columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console()) as bars:
            yield cls(bars)

    def say(self, text: str) -> None:
        """A line that stays, above the bars where there are any."""
        if self._bars is None:
            print(text, flush=True)
        else:
            self._bars.console.print(text)

    @contextmanager
    def stage(self, title: str, total: int) -> Iterator[Bar]:
        bar = Bar(title, total, self._bars)
        yield bar
        bar.finish()
