"""One process of Duijie as our own child, and waiting for what it says."""

import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from duijie.osuser import tied_to_us
from tests.faults.kit.proxy import HOST

ROOT = Path(__file__).parents[3]
Command = Literal["serve", "work"]
STARTER = ThreadPoolExecutor(1, "starter")
"""Linux tells a child of its parent's death when the thread that forked it ends: this one ends with the process."""


@dataclass(slots=True)
class Child:
    """One process of Duijie, by a name that outlives it."""

    name: str
    command: Command
    service: str
    port: int
    environment: dict[str, str]
    log: Path
    wrapper: tuple[str, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    point: str | None = None
    """Where it was told to die this time."""
    expected: bool = False
    """Whether it was told to die, or to stay away."""
    held_down: bool = False
    paused: bool = False

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self, point: str | None = None, wrapper: Sequence[str] | None = None) -> None:
        """Begin; `point` is where it shall end itself."""
        argv = [*(self.wrapper if wrapper is None else wrapper), self.command, self.service]
        environment = dict(self.environment)
        if point is not None:
            environment["DUIJIE_KILL_AT"] = point
        self.point, self.expected, self.held_down = point, False, False
        with self.log.open("ab") as log:
            log.write(f"--- {self.name} begins {time.time():.3f} {point or ''}\n".encode())
            self.process = STARTER.submit(  # who would otherwise outlive a killed test, and try again for ever
                subprocess.Popen,
                [*tied_to_us("KILL"), *argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=ROOT,
            ).result()

    def signal(self, what: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(what)

    def reap(self, within_s: float = 10.0) -> int | None:
        """Its exit code, once it has ended."""
        return None if self.process is None else self.process.wait(within_s)

    @property
    def died_at_its_point(self) -> bool:
        """Whether it ended itself where it was told to, which may be just when it is asked to stop."""
        return self.point is not None and self.process is not None and self.process.poll() == -signal.SIGKILL

    def answers(self, path: str = "/readyz", within_s: float = 2.0) -> bool:
        return status_of(self.url + path, within_s) == 200


def status_of(url: str, within_s: float = 2.0) -> int | None:
    """The status of a GET; None when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=within_s) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError):
        return None


def until(condition: Callable[[], Any], within_s: float, what: str) -> Any:
    """The first true value of `condition()`; AssertionError when there is none in time."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {within_s:g} s: {what}"
        time.sleep(0.05)
    return found
