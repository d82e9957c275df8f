"""How the house judges the end of those it has sent SIGTERM."""

import signal
import sys
import time
from pathlib import Path

import pytest

from duijie.postgres import free_port
from tests.faults.kit import house
from tests.faults.kit.child import Child, until
from tests.faults.kit.house import House

ANSWERS = """
import http.server, os, signal, sys, threading
class Well(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
signal.signal(signal.SIGTERM, lambda *_: {end})
http.server.HTTPServer(("127.0.0.1", {port}), Well).serve_forever()
"""
SLEEPS = "import time; time.sleep(60)"


@pytest.fixture
def free_tcp() -> int:
    return free_port()


def ended(folder: Path, program: str, port: int, *, answers: bool = True) -> tuple[int | None, list[str]]:
    """The exit code of a child that runs `program`, told to end; and what was a surprise."""
    child = Child("work x", "work", "x", port, {}, folder / "log", (sys.executable, "-c", program))
    of_it = House(folder)
    of_it.children[child.name] = child
    child.start()
    try:
        until(lambda: child.answers("/healthz") or not answers, 10, "it answers")
        return of_it.stop(child.name), of_it.surprises
    finally:
        child.signal(signal.SIGKILL)
        child.reap()


@pytest.mark.parametrize(("code", "surprises"), [(0, 0), (1, 1)], ids=["soundly", "in haste"])
def test_an_end_that_is_not_sound_is_a_surprise(tmp_path: Path, free_tcp: int, code: int, surprises: int) -> None:
    found, told = ended(tmp_path, ANSWERS.format(port=free_tcp, end=f"os._exit({code})"), free_tcp)
    assert (found, len(told)) == (code, surprises)


def test_who_has_not_begun_may_die_of_the_signal(tmp_path: Path, free_tcp: int) -> None:
    assert ended(tmp_path, SLEEPS, free_tcp, answers=False) == (-signal.SIGTERM, [])


def test_who_had_begun_may_not(tmp_path: Path, free_tcp: int) -> None:
    dies = "(signal.signal(signal.SIGTERM, signal.SIG_DFL), os.kill(os.getpid(), signal.SIGTERM))"
    found, told = ended(tmp_path, ANSWERS.format(port=free_tcp, end=dies), free_tcp)
    assert (found, len(told)) == (-signal.SIGTERM, 1)


def test_who_does_not_end_is_killed_and_is_a_surprise(
    tmp_path: Path, free_tcp: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "END_WITHIN_S", 0.5)
    began_s = time.monotonic()
    found, (told,) = ended(tmp_path, ANSWERS.format(port=free_tcp, end="None"), free_tcp)
    assert found == -signal.SIGKILL
    assert "did not end within 0.5 s of SIGTERM" in told
    assert time.monotonic() - began_s < 10
