"""Fixtures for every test."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings

from chassis import overload
from chassis.telemetry import configure_logging

FIRST = (Path(__file__).parent / "system", Path(__file__).parent / "chassis" / "transport")

pytest_plugins = ["tests.support.postgres", "tests.support.kafka", "tests.support.services"]

# Loaded before the one that the command line names: `--hypothesis-profile=long` is for `make long`.
settings.register_profile("long", max_examples=100)
settings.register_profile("quick", max_examples=20)
settings.load_profile("quick")

configure_logging()  # as in production; structlog's own default draws every traceback with all its locals


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, so that two workers end at about the same time. A file stays with one worker."""
    items.sort(key=lambda item: next((place for place, folder in enumerate(FIRST) if folder in item.path.parents), 9))


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end; the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


overload.AT_ONCE = 10_000
"""Tests ask hundreds at once, of a machine that does several things: how slow it is must not decide. What the limit
does is tested with limits of its own."""
