"""Fixtures for every test."""

import gc
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from chassis import overload
from chassis.telemetry import configure_logging
from tests.support.hypotheses import AT_ANY_PACE
from tests.support.routing import keep_what_was_read

TOGETHER = {
    "tests/system/": "platform",
    "tests/chassis/transport/": "broker",
    "tests/chassis/test_dead_letters.py": "broker",
    "tests/chassis/test_outbox_sizes.py": "broker",
    "tests/chassis/test_tracing.py": "broker",
    "tests/duijie/test_dead_letters.py": "broker",
    "tests/duijie/test_topics.py": "broker",
}
"""Files of one worker, so that a platform and a broker are started once; and before all others, for they are long."""

pytest_plugins = ["tests.support.postgres", "tests.support.kafka", "tests.support.services"]

# Loaded before the one that the command line names: `--hypothesis-profile=long` is for `make long`. How slow the
# machine is must not decide, neither of an example nor of how it is drawn; pytest's own timeout ends what hangs.
PATIENT = settings(deadline=None, suppress_health_check=AT_ANY_PACE)
settings.register_profile("long", PATIENT, max_examples=100)
settings.register_profile("quick", PATIENT, max_examples=20)
settings.load_profile("quick")

keep_what_was_read()
configure_logging()  # as in production; structlog's own default draws every traceback with all its locals


class _ByFile(LoadFileScheduling):
    """A file stays with one worker, and so do those that stand on the same server."""

    def _split_scope(self, nodeid: str) -> str:
        return _together(nodeid) or super()._split_scope(nodeid)


def _together(nodeid: str) -> str | None:
    return next((shared for files, shared in TOGETHER.items() if nodeid.startswith(files)), None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    return _ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, so that two workers end at about the same time."""
    order = list(dict.fromkeys(TOGETHER.values()))
    items.sort(key=lambda item: order.index(shared) if (shared := _together(item.nodeid)) else len(order))


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end; the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.enable()


gc.disable()  # until all is collected: what is imported stays
gc.set_threshold(50_000, 20, 20)  # what tests leave behind may lie a while; looking for it took a tenth of all

overload.AT_ONCE = 10_000
"""Tests ask hundreds at once, of a machine that does several things: how slow it is must not decide. What the limit
does is tested with limits of its own."""
