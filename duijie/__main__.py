"""The command `duijie`, and `python -m duijie`: little, so that a signal finds it ready before the rest is loaded."""

import os
import signal
import sys
from types import FrameType

from duijie.garbage import look_seldom

SERVING = ("serve", "work")


def main() -> None:
    """Run a command. Until it looks after SIGTERM itself, that ends the process at once."""
    signal.signal(signal.SIGTERM, _die)
    look_seldom()
    if sys.argv[1:2] and sys.argv[1] in SERVING:
        _do_without_rich()
    from chassis.telemetry import configure_logging
    from duijie import cli

    configure_logging("WARNING")  # standard output is the command's own; who serves configures it once more
    cli.main()


def _do_without_rich() -> None:
    """Typer, structlog and httpx load rich where it is installed, and do without where not.

    A service writes lines of JSON, for which it need not be 6 MB larger (bench/memory.py).
    """
    os.environ["TYPER_USE_RICH"] = "0"
    for name in ("rich", "pygments"):
        sys.modules[name] = None  # type: ignore[assignment]  # whoever imports it is told that it is missing


def _die(number: int, frame: FrameType | None) -> None:
    """As any program dies; but from process 1, as in a container, the kernel keeps signals that nobody handles."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(128 + number)


if __name__ == "__main__":
    main()
