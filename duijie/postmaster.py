"""The server process: ours while we live, and found again when we died before it."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# PostgreSQL's three ways to shut down, with how long each may take.
SHUTDOWN = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))  # fast, immediate, by force


class Child:
    """A process with a thread of its own, which starts it and waits for it.

    Linux sends the child its parent-death signal when the *thread* that forked ends, so no passing thread may fork.
    """

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]], name: str = "postgres") -> None:
        self.ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._refused: BaseException | None = None
        started = threading.Event()
        threading.Thread(target=self._keep, args=(start, started), name=name, daemon=True).start()
        started.wait()
        if self._refused is not None:
            raise self._refused

    def _keep(self, start: Callable[[], subprocess.Popen[bytes]], started: threading.Event) -> None:
        try:
            self._process = start()
        except BaseException as error:
            self._refused = error
            return
        finally:
            started.set()
        self._process.wait()
        self.ended.set()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Minus the signal's number when one ended it; `None` while it runs."""
        return self._process.returncode if self._process is not None and self.ended.is_set() else None

    def send(self, what: signal.Signals) -> None:
        """To one that has ended, nothing."""
        assert self._process is not None
        if not self.ended.is_set():
            self._process.send_signal(what)

    def pause(self) -> None:
        """Stop it in its tracks; return when all its threads stand still."""
        self.send(signal.SIGSTOP)
        with contextlib.suppress(ChildProcessError):  # it ended first
            os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT)

    def stop(self, shutdown: Sequence[tuple[signal.Signals, float]] = SHUTDOWN) -> None:
        """End it, ever less politely, and reap it."""
        for what, patience_s in shutdown:
            if self.ended.is_set():
                return
            self.send(what)
            self.ended.wait(patience_s)


def postmaster_status(cluster: Path) -> tuple[int, str] | None:
    """Process id and status of the postmaster, by its own `postmaster.pid` (lines 1 and 8; pg_ctl reads the same)."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        return int(lines[0]), lines[7].strip() if len(lines) > 7 else "starting"
    except (FileNotFoundError, ValueError, IndexError):
        return None


def _works_in(pid: int, cluster: Path) -> bool:
    """Whether the process is this cluster's postmaster: one sits in its data folder, and a reused id does not."""
    try:
        return os.path.samefile(f"/proc/{pid}/cwd", cluster)
    except OSError:
        return False


def stop_orphan(cluster: Path) -> None:
    """End a postmaster that outlived its owner.

    Only for the holder of the folder's lock: then whatever still runs on the cluster has no owner. The file is never
    deleted: by it PostgreSQL finds backends that outlived their postmaster, and two servers on one cluster ruin it.
    """
    status = postmaster_status(cluster)
    if status is None or not Path("/proc/self/cwd").exists():  # elsewhere PostgreSQL judges its file by itself
        return
    pid, _ = status
    for what, patience_s in SHUTDOWN:
        if not _works_in(pid, cluster):
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)
        _wait_until(lambda: not _works_in(pid, cluster), patience_s)
    if Path(f"/proc/{pid}").exists():
        _disown_reused_id(cluster / "postmaster.pid")


def _disown_reused_id(file: Path) -> None:
    """PostgreSQL would take the stranger who has the dead postmaster's id for it; its own parent, us, it would not."""
    with (
        contextlib.suppress(FileNotFoundError),
        open(os.open(file, os.O_RDWR | os.O_NOFOLLOW), "r+", encoding="utf-8") as opened,
    ):
        _, rest = opened.read().split("\n", maxsplit=1)
        opened.seek(0)
        opened.truncate()
        opened.write(f"{os.getpid()}\n{rest}")


def _wait_until(done: Callable[[], bool], patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
