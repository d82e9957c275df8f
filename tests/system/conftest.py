"""The whole platform as a person starts it: `duijie up` in a process of its own."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.accounts import Role
from duijie.accounts import tokens_of
from duijie.datafolder import DataFolder
from gateway.accounts.phones import masked
from tests.support.postgres import temporary_folder

DUIJIE = Path(sys.executable).with_name("duijie")
READY_WITHIN_S = 60


class Standalone:
    """A `duijie up` that the test starts, kills and starts again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""
        self._process: subprocess.Popen[str] | None = None
        self._port = "0"

    def start(self) -> None:
        """Start, on the same port as the time before, and wait for its one line."""
        command = [str(DUIJIE), "up", "--data", str(self.folder), "--port", self._port]
        # sinks of webhooks are on this machine
        told = os.environ | {"DUIJIE_ALLOW_PRIVATE_WEBHOOKS": "1"}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=told)
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line.startswith("ready http://"), line
        self.url = line.removeprefix("ready ")
        self._port = self.url.rsplit(":", 1)[1]

    @property
    def running(self) -> bool:
        return self._process is not None

    def kill(self) -> None:
        """As a power cut would: no time to say goodbye."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(10)
        self._close()

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        if self._process is None:
            return 0
        self._process.terminate()
        code = self._process.wait(30)
        self._close()
        return code

    def _close(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    def next_code(self, phone: str) -> str:
        """The next code that it prints for this number of China, whomever it wrote to before; waits for it."""
        assert self._process is not None
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith(f"code for {masked('+86' + phone)}: "):
                return line.strip().rpartition(" ")[2]
        raise AssertionError("it has ended")

    def run(self, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
        """Another `duijie` command on the same data."""
        command = [str(DUIJIE), *arguments, "--data", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)

    def caller(self, role: Role, name: str) -> httpx.Client:
        """A client with a token of that account."""
        tokens = asyncio.run(tokens_of(DataFolder(self.folder), {(role, name)}, timedelta(hours=1)))
        headers = {"Authorization": f"Bearer {tokens[name]}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, trust_env=False)


@pytest.fixture(scope="session")
def _kept() -> Iterator[Standalone]:
    with temporary_folder() as folder:
        platform = Standalone(folder / "data")
        try:
            yield platform
        finally:
            platform.stop()


@pytest.fixture
def standalone(_kept: Standalone) -> Standalone:
    """A running platform, the same for one test after the other: each takes accounts and produce of its own."""
    if not _kept.running:
        _kept.start()
    return _kept


def until(condition: Any, within_s: float) -> Any:
    """The first true value of `condition()`; fails when there is none in time."""
    deadline = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


def processes_under(folder: Path) -> list[int]:
    """Processes whose command names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in command:
                found.append(int(entry.name))
    return found
