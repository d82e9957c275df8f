"""Fixtures for every test."""

from chassis.telemetry import configure_logging

pytest_plugins = ["tests.support.postgres", "tests.support.kafka", "tests.support.services"]

configure_logging()  # as in production; structlog's own default draws every traceback with all its locals
