"""`python -m tests.faults.clock SECONDS serve listing` runs `duijie serve listing` with a clock that is so far off.

Python's clocks are set (`time`, `datetime`, and what reads them), which is all that the services read; PostgreSQL and
Kafka keep the right time. An offset also moves `time.monotonic`, steadily, so timers still last as long as they say.
"""

import sys
from datetime import UTC, datetime, timedelta

import time_machine

if __name__ == "__main__":
    off = timedelta(seconds=float(sys.argv[1]))
    time_machine.travel(datetime.now(UTC) + off, tick=True).start()
    sys.argv = ["duijie", *sys.argv[2:]]
    from duijie.cli import main

    main()
