"""The topics of an Apache Kafka cluster: made as declared, and looked for."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from chassis.transport.base import TransportUnavailable
from chassis.transport.kafka_start import start


async def ensure_topics(
    bootstrap: str,
    topics: Mapping[str, int],
    *,
    replicas: int = 1,
    configs: Mapping[str, Mapping[str, str]] | None = None,
    connection: Mapping[str, Any] | None = None,
) -> list[str]:
    """Create the topics that are missing, with so many partitions each; return their names.

    `configs` holds Kafka's own settings by topic, such as `retention.ms`; they are set on existing topics too, but
    their partitions are left as they are: another number would move keys and break their order.
    Raises TransportUnavailable.
    """
    configs = configs or {}
    new_topic: Any = NewTopic  # untyped
    wanted = [
        new_topic(name, count, replicas, topic_configs=dict(configs.get(name, {}))) for name, count in topics.items()
    ]
    async with _admin(bootstrap, connection) as admin:
        answer: Any = await admin.create_topics(wanted)
        created = []
        for name, code, *_ in answer.topic_errors:
            refused = for_code(code)
            if code == 0:
                created.append(name)
            elif refused is not TopicAlreadyExistsError:
                raise TransportUnavailable(f"Kafka did not create the topic {name}: {refused.__name__}")
        await _configure(admin, {name: configs[name] for name in topics if name in configs and name not in created})
    return created


async def missing_topics(
    bootstrap: str, names: Collection[str], *, connection: Mapping[str, Any] | None = None
) -> list[str]:
    """Those of the topics that the cluster does not have. Raises TransportUnavailable."""
    async with _admin(bootstrap, connection) as admin:
        there = set(await admin.list_topics())
    return sorted(set(names) - there)


async def _configure(admin: Any, configs: Mapping[str, Mapping[str, str]]) -> None:
    if not configs:
        return
    resource: Any = ConfigResource  # untyped
    resources = [resource(ConfigResourceType.TOPIC, name, configs=dict(each)) for name, each in configs.items()]
    for answer in await admin.alter_configs(resources):
        for code, message, _kind, name in answer.resources:
            if code != 0:
                raise TransportUnavailable(f"Kafka did not configure the topic {name}: {message}")


@asynccontextmanager
async def _admin(bootstrap: str, connection: Mapping[str, Any] | None) -> AsyncIterator[Any]:
    settings = {"bootstrap_servers": bootstrap, **(connection or {})}
    admin: Any = AIOKafkaAdminClient(**settings)
    try:
        await start(admin, settings)
        yield admin
    except (KafkaError, OSError, TimeoutError) as error:
        raise TransportUnavailable(f"Kafka did not answer about its topics: {error!r}") from error
    finally:
        await admin.close()
