"""Who tells what to whom, read from the code: contracts, topics and the handlers of the services."""

import pkgutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import contracts
from chassis.inbox import Subscription
from contracts.event import Event
from contracts.topics import TOPICS, Topic
from duijie.databases import DATABASES


@dataclass(frozen=True, slots=True)
class Told:
    """A topic with the types of its events, the service that tells them and the services that listen."""

    topic: Topic
    kinds: tuple[type[Event], ...]
    teller: str
    listeners: tuple[str, ...]

    @property
    def about(self) -> str:
        """What the module of the topic says of it, behind the name of the topic."""
        text = sys.modules[self.kinds[0].__module__].__doc__ or ""
        return text.removeprefix(f"`{self.topic.name}`: ").strip()


@cache
def all_told() -> tuple[Told, ...]:
    """Every topic, sorted by its name."""
    for module in pkgutil.iter_modules(contracts.__path__):
        import_module(f"contracts.{module.name}")
    listeners = {service: set(_heard_by(service)) for service in DATABASES}
    return tuple(
        Told(
            topic,
            tuple(kind for kind in _kinds() if topic.name == kind.TOPIC),
            topic.name.split(".")[0],
            tuple(sorted(service for service, topics in listeners.items() if topic.name in topics)),
        )
        for topic in sorted(TOPICS, key=lambda topic: topic.name)
    )


def key_of(kind: type[Event]) -> str:
    """The name of the field that is the key."""
    names: dict[str, Any] = {name: name for name in kind.model_fields}
    return kind.model_construct(None, **names).key


def version_of(kind: type[Event]) -> str:
    """The version of an event is that of its topic, such as `v1`."""
    return kind.TOPIC.rsplit(".", 1)[1]


def file_of(kind: type[Event]) -> str:
    """What the schema and the example of an event are called."""
    return f"{kind.TYPE}.{version_of(kind)}.json"


def _kinds() -> list[type[Event]]:
    known: Mapping[str, type[Event]] = Event.known()
    ours = [kind for kind in known.values() if kind.__module__.startswith("contracts.")]
    return sorted(ours, key=lambda kind: kind.TYPE)


def _heard_by(service: str) -> Iterator[str]:
    package = import_module(DATABASES[service].package)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if module.name.endswith(".handlers"):
            subscriptions: list[Subscription] = import_module(module.name).SUBSCRIPTIONS
            yield from (subscription.topic for subscription in subscriptions)
