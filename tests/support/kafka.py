"""A real Apache Kafka for the tests: one broker a test process, started when the first test asks for it."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

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
            broker.kill()  # nobody reads its data again


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


async def set_on(bootstrap: str, topic: str) -> dict[str, str]:
    """The settings of a topic that are its own, not the broker's."""
    resource: Any = ConfigResource  # untyped
    admin: Any = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([resource(ConfigResourceType.TOPIC, topic)])
    finally:
        await admin.close()
    return {name: value for name, value, _, source, *_ in answer.resources[0][4] if source == 1}
