"""The solver's own process: reads rounds from its standard input, answers on its standard output.

A frame is eight bytes of length and a pickle. Started by ``pool.SolverPool``; it leaves when its parent does.
"""

import ctypes
import os
import pickle
import signal
import sys
from typing import BinaryIO

HEADER_BYTES = 8
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent_pid: int) -> None:
    """Solve until the parent closes the pipe or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _die_with(parent_pid)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not break a frame
    warm_up()
    _send(answers, ("ready", None))
    while (job := _receive(sys.stdin.buffer)) is not None:
        _send(answers, _answer(job))


def frame(content: object) -> bytes:
    """A pickle with its length before it."""
    body = pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def _answer(job: bytes) -> tuple[str, object]:
    from services.matching.optimiser.clear import clear

    try:
        return "plan", clear(*pickle.loads(job))
    except Exception as error:  # whatever it is, it is the caller's to know
        return "error", f"{type(error).__name__}: {error}"


def warm_up() -> None:
    """Import now what the first round would otherwise wait for."""
    import pylmcf  # noqa: F401
    import scipy.spatial  # noqa: F401

    from services.matching.optimiser.clear import clear
    from services.matching.optimiser.market import Market
    from services.matching.optimiser.policy import POLICY_1

    clear(Market.of([], []), POLICY_1, now_us=0)


def _die_with(parent_pid: int) -> None:
    """Be killed when the parent is, even by -9 and even while solving; elsewhere the closed pipe has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it died before we asked
        sys.exit(1)


def _receive(jobs: BinaryIO) -> bytes | None:
    header = jobs.read(HEADER_BYTES)
    size = int.from_bytes(header, "big")
    body = jobs.read(size) if len(header) == HEADER_BYTES else b""
    return body if body and len(body) == size else None


def _send(answers: BinaryIO, content: object) -> None:
    answers.write(frame(content))
    answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
