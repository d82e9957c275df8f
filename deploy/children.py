"""Programs that we start as our children, under a name each, with one log for all of them."""

import http.client
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TextIO

from deploy.ports import LOOPBACK
from duijie.osuser import tied_to_us
from duijie.postmaster import Child

SHUTDOWN = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 2.0))
LAST_LINES = 20
LOOK_S = 0.1
ANSWER_WITHIN_S = 4.0


class Log:
    """One log of many: each line with the name of who said it."""

    def __init__(self, path: Path, echo: TextIO | None = None) -> None:
        """What is written to the file is also shown on `echo`."""
        self.path = path
        self._echo = echo
        self._file = path.open("a", encoding="utf-8")
        self._turn = threading.Lock()
        self._closed = threading.Event()

    def say(self, name: str, text: str) -> None:
        line = f"{name:<18} | {text}\n"
        with self._turn:
            if self._closed.is_set():
                return
            self._file.write(line)
            self._file.flush()
            if self._echo is not None:
                self._echo.write(line)
                self._echo.flush()

    def copy(self, name: str, said: IO[bytes], last: deque[str]) -> None:
        """Line by line until its end; `last` has the newest lines."""
        with said:
            for line in said:
                text = line.decode(errors="replace").rstrip()
                last.append(text)
                self.say(name, text)

    def follow(self, name: str, file: Path) -> None:
        """From now on, what a server of its own log file writes there."""
        begin = file.stat().st_size if file.exists() else 0
        threading.Thread(target=self._follow, args=(name, file, begin), name=f"log of {name}", daemon=True).start()

    def _follow(self, name: str, file: Path, begin: int) -> None:
        while not self._closed.wait(0.5):
            if not file.exists():
                continue
            if file.stat().st_size < begin:  # begun anew
                begin = 0
            with file.open("rb") as opened:
                opened.seek(begin)
                for line in opened:
                    if not line.endswith(b"\n"):
                        break
                    begin += len(line)
                    self.say(name, line.decode(errors="replace").rstrip())

    def close(self) -> None:
        with self._turn:
            self._closed.set()
            self._file.close()


class Process:
    """A program that can be started, ended and started again; it dies with us, however we die."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Log, port: int | None = None
    ) -> None:
        self.name = name
        self.command = list(command)
        self.environment = dict(environment)
        """All of it; what is changed here counts from the next start."""
        self.port = port
        self.wanted = False
        """Whether it should run: it was started and not stopped since."""
        self.starts = 0
        self.last: deque[str] = deque(maxlen=LAST_LINES)
        """What it said last."""
        self._log = log
        self._child: Child | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def running(self) -> bool:
        """Also when it is paused."""
        return self._child is not None and not self._child.ended.is_set()

    @property
    def pid(self) -> int:
        if self._child is None:
            raise ProcessLookupError(f"{self.name} has not been started")
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """Of the last run; minus the signal's number when one ended it; `None` while it runs."""
        return self._child.exit_code if self._child is not None else None

    def start(self) -> None:
        """Without waiting for it to be ready. One that runs is left alone."""
        if self.running:
            return
        self.wanted = True
        self.starts += 1
        self.last.clear()
        self._child = Child(self._started, self.name)

    def wait(self, within_s: float) -> int | None:
        """Its exit code, or `None` when it still runs then."""
        assert self._child is not None
        self._child.ended.wait(within_s)
        return self.exit_code

    def stop(self, within_s: float = SHUTDOWN[0][1]) -> int | None:
        """Ask it to end, also when it is paused, then make it; its exit code."""
        self.wanted = False
        if self._child is not None:
            self._child.send(signal.SIGCONT)
            self._child.stop(((signal.SIGTERM, within_s), SHUTDOWN[1]))
        return self.exit_code

    def kill(self) -> None:
        """By SIGKILL; return when it is gone. Who keeps it running, or `start`, brings it back."""
        if self._child is not None:
            self._child.stop(SHUTDOWN[1:])

    def pause(self) -> None:
        """Stop it in its tracks; return when all its threads stand still."""
        if self._child is not None:
            self._child.pause()

    def resume(self) -> None:
        if self._child is not None:
            self._child.send(signal.SIGCONT)

    def is_ready(self) -> bool:
        """Whether its /readyz says 200 now."""
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=ANSWER_WITHIN_S)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def wait_ready(self, within_s: float) -> bool:
        """Whether it became ready in time; at once false when it ends."""
        deadline = time.monotonic() + within_s
        while not self.is_ready():
            if not self.running or time.monotonic() > deadline:
                return False
            time.sleep(LOOK_S)
        return True

    def _started(self) -> subprocess.Popen[bytes]:
        # a session of its own: Ctrl-C at the terminal is for us to handle
        process = subprocess.Popen(
            [*tied_to_us("KILL"), *self.command],
            env=self.environment,
            cwd=os.sep,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdout is not None
        reading = (self.name, process.stdout, self.last)
        threading.Thread(target=self._log.copy, args=reading, name=f"log of {self.name}", daemon=True).start()
        return process
