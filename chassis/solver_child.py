"""A solver's own process: reads questions from its standard input, answers on its standard output.

A frame is eight bytes of length and a pickle. Started by `chassis.solvers`; it leaves when its parent does.
"""

import ctypes
import os
import pickle
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, BinaryIO

HEADER_BYTES = 8
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent_pid: int, module: str) -> None:
    """Solve until the parent closes the pipe or dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _die_with(parent_pid)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not break a frame
    solver = import_module(module)
    solver.warm_up()
    _send(answers, ("ready", None))
    while (question := _receive(sys.stdin.buffer)) is not None:
        _send(answers, _solve(solver.solve, question))


def frame(content: object) -> bytes:
    """A pickle with its length before it."""
    body = pickle.dumps(content, protocol=pickle.HIGHEST_PROTOCOL)
    return len(body).to_bytes(HEADER_BYTES, "big") + body


def _solve(solve: Callable[..., Any], question: bytes) -> tuple[str, object]:
    try:
        return "answer", solve(*pickle.loads(question))
    except Exception as error:  # whatever it is, it is the caller's to know
        return "error", f"{type(error).__name__}: {error}"


def _die_with(parent_pid: int) -> None:
    """Be killed when the parent is, even by -9 and even while solving; elsewhere the closed pipe has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # it died before we asked
        sys.exit(1)


def _receive(questions: BinaryIO) -> bytes | None:
    header = questions.read(HEADER_BYTES)
    size = int.from_bytes(header, "big")
    body = questions.read(size) if len(header) == HEADER_BYTES else b""
    return body if body and len(body) == size else None


def _send(answers: BinaryIO, content: object) -> None:
    answers.write(frame(content))
    answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
