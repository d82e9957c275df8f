"""A real Apache Kafka for the tests: one broker a test process, started when the first test asks for it."""

import os
from collections.abc import Iterator

import pytest

from deploy.kafka.broker import Broker, KafkaNotAvailable
from tests.support.postgres import temporary_folder


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """The broker of this test process."""
    with temporary_folder() as folder:
        broker = Broker(folder)
        try:
            start_or_skip(broker)
            yield broker
        finally:
            broker.stop()


@pytest.fixture
def kafka_bootstrap(broker: Broker) -> str:
    return broker.bootstrap


def start_or_skip(broker: Broker) -> None:
    """Without a JDK or Maven the test is skipped and says so; in CI that is a failure."""
    try:
        broker.start()
    except KafkaNotAvailable as why:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs Kafka. {why}")
        pytest.skip(f"No Kafka here. {why}")
