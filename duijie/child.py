"""A process that ends when we do."""

import signal
import subprocess
import threading
from collections.abc import Callable

# PostgreSQL's three ways to shut down, with how long each may take.
SHUTDOWN = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))  # fast, immediate, by force


class Child:
    """A process with a thread of its own, which starts it and waits for it.

    Linux sends the child its parent-death signal when the *thread* that forked ends, so no passing thread may fork.
    """

    def __init__(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        self.ended = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._refused: BaseException | None = None
        started = threading.Event()
        threading.Thread(target=self._keep, args=(start, started), name="postgres", daemon=True).start()
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

    def stop(self) -> None:
        """End it, ever less politely, and reap it."""
        for what, patience_s in SHUTDOWN:
            if self.ended.is_set():
                return
            assert self._process is not None
            self._process.send_signal(what)
            self.ended.wait(patience_s)
