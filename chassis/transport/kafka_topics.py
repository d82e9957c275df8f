"""The topics of an Apache Kafka cluster: made as declared, and looked for."""

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from chassis.transport.base import TransportUnavailable
from chassis.transport.kafka_start import start

IN_SYNC = "min.insync.replicas"
SET_ON_THE_TOPIC = 1  # DYNAMIC_TOPIC_CONFIG of Kafka's DescribeConfigs; the other sources are defaults


async def ensure_topics(
    bootstrap: str,
    topics: Mapping[str, int],
    *,
    replicas: int = 1,
    configs: Mapping[str, Mapping[str, str]] | None = None,
    connection: Mapping[str, Any] | None = None,
) -> list[str]:
    """Create the topics that are missing, with so many partitions each; return their names.

    `configs` holds Kafka's own settings by topic, such as `retention.ms`; they are set on existing topics too, beside
    what someone else has set there, but `min.insync.replicas` never beyond the replicas a topic has: nothing could be
    written to it. Their partitions are left as they are: another number would move keys and break their order.
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
    already, replicas = await _settings(admin, configs), await _replicas(admin, configs)
    changed = []
    for name, declared in configs.items():
        wanted = dict(declared)
        if IN_SYNC in wanted:
            wanted[IN_SYNC] = str(min(int(wanted[IN_SYNC]), replicas[name]))
        if not wanted.items() <= already[name].items():
            # whole, for Kafka takes a setting away that is not among these
            changed.append(_resource(name, {**already[name], **wanted}))
    for answer in await admin.alter_configs(changed) if changed else ():
        for code, message, _kind, name in answer.resources:
            if code != 0:
                raise TransportUnavailable(f"Kafka did not configure the topic {name}: {message}")


async def _settings(admin: Any, names: Collection[str]) -> dict[str, dict[str, str]]:
    """What was set on each of these topics, by whomever."""
    found = {}
    for answer in await admin.describe_configs([_resource(name) for name in names]):
        for code, message, _kind, name, entries in answer.resources:
            if code != 0:
                raise TransportUnavailable(f"Kafka did not tell the settings of the topic {name}: {message}")
            found[name] = {key: value for key, value, _, source, *_ in entries if source == SET_ON_THE_TOPIC}
    return found


async def _replicas(admin: Any, names: Collection[str]) -> dict[str, int]:
    """On how many brokers each of these topics is, by the partition that is on fewest."""
    told = await admin.describe_topics(list(names))
    return {each["topic"]: min((len(at["replicas"]) for at in each["partitions"]), default=1) for each in told}


def _resource(name: str, configs: Mapping[str, str] | None = None) -> Any:
    resource: Any = ConfigResource  # untyped
    return resource(ConfigResourceType.TOPIC, name, configs=configs)


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
