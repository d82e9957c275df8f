"""Fixtures for every test."""

from importlib.util import find_spec

SHARED = ("tests.support.postgres", "tests.support.kafka", "tests.support.services")

pytest_plugins = [name for name in SHARED if find_spec(name) is not None]
