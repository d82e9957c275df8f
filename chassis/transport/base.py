"""What carries events from one service to the others: three methods, at least once, in order per key."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self


class TransportUnavailable(Exception):
    """The transport can't be reached or did not acknowledge; the caller keeps the records and tries again."""


class RecordTooLarge(Exception):
    """The transport will never take one of the records, for its size; others of the call it may have taken."""


class Record(NamedTuple):
    """One event on the wire: CloudEvents 1.0 in binary mode, so `headers` holds `ce_id`, `ce_type` and their like."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in order per key. Until `acknowledge` is called they may come again, to this consumer or another.

    Acknowledging a batch acknowledges what this consumer read before it. `acknowledge` raises
    TransportUnavailable when the batch is no longer ours or could not be acknowledged: it comes again.
    """

    records: tuple[Record, ...]
    acknowledge: Callable[[], Coroutine[Any, Any, None]]


class Transport(Protocol):
    """Two real implementations, `postgres` and `kafka`, held to one contract by `tests/chassis/transport`.

    Entering connects to nothing, so a process starts while its transport is down.
    """

    async def publish(self, records: Sequence[Record], *, after: Awaitable[object] | None = None) -> None:
        """Return once every record is durable. They are made ready at once, and sent only when `after` is done.

        Raises what `after` raises, and has sent nothing then.

        Raises TransportUnavailable when any may not be: the caller sends the whole sequence again before
        it sends what follows. So a record may arrive twice, but first arrivals keep the order of their key.
        Raises RecordTooLarge when trying again would not help.
        """

    def consume(self, group: str, topics: Collection[str], *, limit: int = 500) -> AsyncGenerator[Batch, None]:
        """Yield non-empty batches of at most `limit` records, waiting for as long as there are none.

        One group sees each record at least once, from the beginning of the topic on; what it acknowledged
        does not come back. Members of a group share the work, and no key is with two of them at once.
        Reading on without acknowledging is allowed. Raises TransportUnavailable when the connection is lost;
        the caller starts a new `consume`, which goes on behind the last acknowledged batch.

        Leave through `contextlib.aclosing`, or the membership lasts until the generator is collected.
        """

    async def lag(self, group: str, topics: Collection[str]) -> Mapping[str, int]:
        """How many records of each topic the group has not acknowledged, as far as this process can see.

        Raises TransportUnavailable.
        """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
