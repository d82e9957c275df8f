"""Every topic, and how it is kept where the transport knows partitions: on Apache Kafka."""

from collections.abc import Iterator
from dataclasses import dataclass

from contracts.event import DEAD_LETTERS

DAY_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """`partitions` bounds how many members of a group can share the work, and can't be changed later: a key would
    move and lose its order."""

    name: str
    partitions: int
    retention_ms: int = 7 * DAY_MS

    @property
    def dead_letters(self) -> "Topic":
        """Where its records go that no try could handle; kept until someone has had the time to look."""
        return Topic(self.name + DEAD_LETTERS, 1, 30 * DAY_MS)


TOPICS = (
    Topic("listing.listings.v1", 12),
    Topic("matching.supply.v1", 12),
    Topic("matching.matches.v1", 12),
    Topic("matching.rounds.v1", 3),
    Topic("logistics.shipments.v1", 12),
    Topic("logistics.parcels.v1", 12),
    Topic("logistics.programmes.v1", 3),
    Topic("gateway.accounts.v1", 3),
)


def declared() -> Iterator[Topic]:
    """Every topic and its dead letters."""
    for topic in TOPICS:
        yield topic
        yield topic.dead_letters
