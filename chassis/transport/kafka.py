"""Events over Apache Kafka, by aiokafka."""

from collections.abc import AsyncGenerator, Awaitable, Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from chassis.transport.base import Batch, Record
from chassis.transport.kafka_clients import settings_of
from chassis.transport.kafka_consuming import Consuming
from chassis.transport.kafka_producing import Producing


class KafkaTransport:
    """One idempotent producer, made when it is first needed, and one consumer for each `consume`.

    `timeout_s` bounds a publish, an acknowledgement, and how long a lost broker goes unnoticed by a consumer.
    A member that is not heard of for `session_timeout_s` loses its partitions to the others.
    `connection` holds aiokafka's settings for TLS and SASL, such as `security_protocol`.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        timeout_s: float = 10.0,
        session_timeout_s: float = 10.0,
        connection: Mapping[str, Any] | None = None,
    ) -> None:
        settings = settings_of(bootstrap, timeout_s, connection)
        self._producing = Producing(settings, timeout_s)
        self._consuming = Consuming(settings, timeout_s, session_timeout_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producing.aclose()

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        await self._producing.publish(records, after)

    def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncGenerator[Batch, None]:
        return self._consuming.consume(group, topics, limit)

    async def lag(self, group: str, topics: Collection[str]) -> Mapping[str, int]:
        return await self._consuming.lag(group, topics)
