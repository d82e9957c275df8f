"""A real Apache Kafka for the tests: one broker a test process, started when the first test asks for it.

Mark the tests that use it with `pytest.mark.xdist_group("kafka")`: under `-n` one worker then has them all.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka.broker import Broker, KafkaNotAvailable


@pytest.fixture(scope="session")
def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the broker of this test process."""
    broker = started_broker(tmp_path_factory.mktemp("kafka"))
    yield broker.bootstrap
    broker.stop()


def started_broker(data: Path) -> Broker:
    """A broker of a test's own, to be stopped by it. Without a JDK or Maven the test is skipped, or fails in CI."""
    broker = Broker(data)
    try:
        broker.start()
    except KafkaNotAvailable as why:
        if os.environ.get("CI") == "true":
            pytest.fail(f"CI needs Kafka. {why}")
        pytest.skip(f"No Kafka here. {why}")
    return broker
