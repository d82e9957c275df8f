"""Programs as our children: one log, ends and returns, nothing left behind."""

import io
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.children import Log, Process
from deploy.cluster import LONGEST_PAUSE_S, PAUSE_S, _Kept
from deploy.kafka.broker import BrokerDidNotStart
from deploy.kafka.java import KafkaNotAvailable
from deploy.ports import is_free, stable_port
from duijie.osuser import tied_to_us
from duijie.postgres import free_port
from duijie.problems import CannotStart

SAYS = "import os, time; print('first', os.environ['SAID'], flush=True); time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
WITHIN_S = 10.0

needs_setpriv = pytest.mark.skipif(not tied_to_us("KILL"), reason="util-linux's setpriv is not here")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    made = Log(tmp_path / "all.log")
    yield made
    made.close()


@pytest.fixture
def start(log: Log) -> Iterator[Callable[..., Process]]:
    """Start a program of Python's; it is gone after the test."""
    started: list[Process] = []

    def begin(program: str, name: str = "child", **environment: str) -> Process:
        process = Process(name, [sys.executable, "-c", program], environment, log)
        started.append(process)
        process.start()
        return process

    yield begin
    for process in started:
        process.kill()


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def said(log: Log) -> str:
    return log.path.read_text(encoding="utf-8")


def test_every_line_in_the_log_has_the_name_of_who_said_it(log: Log, start: Callable[..., Process]) -> None:
    for name in ("work-listing-1", "serve-gateway"):
        start(SAYS, name, SAID=name)
    until(lambda: said(log).count("\n") == 2)
    assert sorted(line.split() for line in said(log).splitlines()) == [
        ["serve-gateway", "|", "first", "serve-gateway"],
        ["work-listing-1", "|", "first", "work-listing-1"],
    ]


def test_a_servers_own_log_file_is_followed_from_now_on_and_when_it_begins_anew(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "server.log"
    file.write_text("long ago, and longer than what follows\n")
    log.follow("postgres", file)
    with file.open("a") as opened:
        opened.write("now\nhalf")
    until(lambda: "now" in said(log))
    assert "half" not in said(log), "a line is told when it is whole"
    file.write_text("anew\n")
    until(lambda: "anew" in said(log))
    assert "long ago" not in said(log)


def test_what_is_logged_is_also_shown(tmp_path: Path) -> None:
    echo = io.StringIO()
    log = Log(tmp_path / "all.log", echo)
    log.say("cluster", "hello")
    log.close()
    log.say("cluster", "too late")
    assert echo.getvalue() == said(log) == "cluster            | hello\n"


def test_a_child_ends_when_asked_also_when_it_is_paused(start: Callable[..., Process]) -> None:
    child = start(SAYS, SAID="x")
    until(lambda: child.last)
    child.pause()
    child.pause()
    assert (child.running, child.exit_code) == (True, None)
    assert child.stop() == -signal.SIGTERM
    assert (child.running, child.wanted) == (False, False)


def test_a_stubborn_child_is_made_to_end(start: Callable[..., Process]) -> None:
    child = start(STUBBORN)
    until(lambda: child.last)
    assert child.stop(within_s=0.1) == -signal.SIGKILL


def test_a_child_that_was_killed_is_still_wanted_and_comes_back_with_what_it_is_told_now(
    start: Callable[..., Process],
) -> None:
    child = start(SAYS, SAID="before")
    until(lambda: child.last)
    child.kill()
    assert (child.running, child.exit_code, child.wanted) == (False, -signal.SIGKILL, True)
    child.environment["SAID"] = "after"
    child.start()
    until(lambda: list(child.last) == ["first after"])
    assert child.starts == 2


def test_one_that_ends_by_itself_is_not_waited_for(start: Callable[..., Process], log: Log) -> None:
    child = start("raise SystemExit(3)")
    child.port = free_port()
    assert not child.wait_ready(WITHIN_S)
    assert child.wait(WITHIN_S) == 3


class Dying:
    """What dies as soon as it has started, or does not."""

    wanted = True
    running = True

    def __init__(self) -> None:
        self.starts = 0

    def start(self) -> None:
        self.starts += 1


def test_what_dies_is_started_again_after_a_pause_that_grows(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    what = Dying()
    kept = _Kept("work-listing-1", what)
    kept.look(log)
    assert said(log) == ""
    what.running = False
    now_s += 3600
    pauses_s = []
    for _ in range(6):
        kept.look(log)
        died_s, starts = now_s, what.starts
        while what.starts == starts:
            now_s += 0.25
            kept.look(log)
        pauses_s.append(now_s - died_s)
    assert pauses_s == [PAUSE_S, 2, 4, 8, 15, 15]
    assert said(log).count("work-listing-1 was started again") == 6


@pytest.mark.parametrize(
    "why",
    [
        CannotStart("no room"),
        KafkaNotAvailable("no java"),
        BrokerDidNotStart("no quorum"),
        OSError(28, "No space left on device"),
        subprocess.TimeoutExpired("postgres", 60),
    ],
    ids=lambda why: type(why).__name__,
)
def test_who_keeps_the_others_goes_on_when_one_can_not_be_started(
    why: Exception, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Dying):
        running = False

        def start(self) -> None:
            raise why

    now_s = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now_s)
    kept = _Kept("postgres", Failing())
    for _ in range(3):
        kept.look(log)
        now_s += LONGEST_PAUSE_S
    assert f"postgres did not start: {why}" in said(log)


def test_what_was_told_to_end_stays_away(log: Log) -> None:
    what = Dying()
    what.wanted = what.running = False
    kept = _Kept("work-listing-1", what)
    for _ in range(3):
        kept.look(log)
    assert (what.starts, said(log)) == (0, "")


@needs_setpriv
def test_children_die_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import signal, sys
        from pathlib import Path
        from deploy.children import Log, Process
        child = Process("c", [sys.executable, "-c", {STUBBORN!r}], {{}}, Log(Path({str(tmp_path / "log")!r})))
        child.start()
        print(child.pid, flush=True)
        signal.pause()
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = Path("/proc") / parent.stdout.readline().strip()
        assert child.exists()
        parent.kill()
    until(lambda: not child.exists() or "\nState:\tZ" in (child / "status").read_text())


def test_a_stable_port_is_free_and_no_outgoing_connection_gets_it() -> None:
    ports = {stable_port() for _ in range(50)}
    assert all(is_free(port) for port in ports)
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert max(ports) < max(lowest, 65_536 if lowest < 22_000 else 0)
