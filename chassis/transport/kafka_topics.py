"""The topics of an Apache Kafka cluster: made as declared, and held against what is declared."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from chassis.transport.base import TransportUnavailable
from chassis.transport.kafka_clients import start

IN_SYNC = "min.insync.replicas"
BROKERS_DEFAULT = -1
"""As many replicas as the brokers make by themselves, `default.replication.factor`: since Kafka 2.4."""
HEARD_WITHIN_S = 10.0
LOOK_S = 0.1
SET_ON_THE_TOPIC = 1  # DYNAMIC_TOPIC_CONFIG of Kafka's DescribeConfigs; the other sources are defaults


class Found(NamedTuple):
    """A topic that a cluster has."""

    partitions: int
    replicas: int
    """On how many brokers it is, by the partition that is on fewest."""


async def ensure_topics(
    bootstrap: str,
    topics: Mapping[str, int],
    *,
    replicas: int = BROKERS_DEFAULT,
    configs: Mapping[str, Mapping[str, str]] | None = None,
    connection: Mapping[str, Any] | None = None,
) -> list[str]:
    """Create the topics that are missing, with so many partitions each; return their names.

    `configs` holds Kafka's own settings by topic, such as `retention.ms`; they are set on existing topics too, beside
    what someone else has set there, but `min.insync.replicas` never beyond the replicas a topic has: nothing could be
    written to it. Their partitions and replicas are left as they are. Raises TransportUnavailable.
    """
    configs = configs or {}
    async with _admin(bootstrap, connection) as admin:
        made_with = {name: _at_creation(configs.get(name, {}), replicas) for name in topics}
        created = await _create(admin, topics, replicas, made_with)
        await _configure(admin, configs, {name: made_with[name] for name in created})
    return created


async def found_topics(bootstrap: str, *, connection: Mapping[str, Any] | None = None) -> dict[str, Found]:
    """The topics that the cluster has, by name. Raises TransportUnavailable."""
    async with _admin(bootstrap, connection) as admin:
        return await _found(admin)


def _at_creation(configs: Mapping[str, str], replicas: int) -> dict[str, str]:
    """How many replicas the brokers make by themselves is known only afterwards."""
    if replicas == BROKERS_DEFAULT:
        return {name: value for name, value in configs.items() if name != IN_SYNC}
    return _within(configs, replicas)


def _within(configs: Mapping[str, str], replicas: int) -> dict[str, str]:
    """With `min.insync.replicas` no higher than the replicas."""
    return {name: str(min(int(value), replicas)) if name == IN_SYNC else value for name, value in configs.items()}


async def _create(
    admin: Any, topics: Mapping[str, int], replicas: int, configs: Mapping[str, Mapping[str, str]]
) -> list[str]:
    new_topic: Any = NewTopic  # untyped
    # the empty assignment: without one aiokafka takes BROKERS_DEFAULT for a slip
    assigned: dict[int, list[int]] | None = {} if replicas == BROKERS_DEFAULT else None
    wanted = [new_topic(name, count, replicas, assigned, dict(configs[name])) for name, count in topics.items()]
    answer = await admin.create_topics(wanted)
    created = []
    for name, code, *_ in answer.topic_errors:
        refused = for_code(code)
        if code == 0:
            created.append(name)
        elif refused is not TopicAlreadyExistsError:
            raise TransportUnavailable(f"Kafka did not create the topic {name}: {refused.__name__}")
    return created


async def _configure(
    admin: Any, configs: Mapping[str, Mapping[str, str]], known: Mapping[str, Mapping[str, str]]
) -> None:
    """Set what differs. What was set on the topics that are `known` need not be asked."""
    if not configs:
        return
    already = {**known, **await _settings(admin, configs.keys() - known.keys())}
    found = await _all_found(admin, configs)
    changed = []
    for name, declared in configs.items():
        wanted = _within(declared, found[name].replicas)
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


async def _found(admin: Any) -> dict[str, Found]:
    # all of them, for a broker may make the topics that it is asked for by name
    return {
        each["topic"]: Found(len(each["partitions"]), min(len(at["replicas"]) for at in each["partitions"]))
        for each in await admin.describe_topics()
        if each["partitions"]
    }


async def _all_found(admin: Any, names: Collection[str]) -> dict[str, Found]:
    """These topics among others. The broker that is asked may not have heard yet of those made a moment ago."""
    async with asyncio.timeout(HEARD_WITHIN_S):
        while not set(names) <= (found := await _found(admin)).keys():
            await asyncio.sleep(LOOK_S)
    return found


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
