"""Named places where a process ends as if the power were cut, for proving that nothing depends on luck.

`DUIJIE_KILL_AT=outbox.after_send` ends it with SIGKILL when it comes there, `outbox.after_send:3` the third time.
Without the variable a place costs one call of a function that does nothing.
"""

import os
import signal
from collections.abc import Callable

VARIABLE = "DUIJIE_KILL_AT"


def _armed(where: str) -> Callable[[str], None]:
    wanted, _, nth = where.partition(":")
    left = int(nth or 1)

    def point(name: str) -> None:
        nonlocal left
        if name == wanted:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return point


def _disarmed(name: str) -> None:
    """Nothing happens here."""


point: Callable[[str], None] = _armed(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else _disarmed
"""Call it where the process may be ended."""
