"""The command `duijie`, and `python -m duijie`: little, so that a signal finds it ready before the rest is loaded."""

import os
import signal
from types import FrameType


def main() -> None:
    """Run a command. Until it looks after SIGTERM itself, that ends the process at once."""
    signal.signal(signal.SIGTERM, _die)
    from duijie import cli

    cli.main()


def _die(number: int, frame: FrameType | None) -> None:
    """As any program dies; but from process 1, as in a container, the kernel keeps signals that nobody handles."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    os._exit(128 + number)


if __name__ == "__main__":
    main()
