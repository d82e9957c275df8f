"""Reading the few gauges that the operator's page shows from what the processes measure. Text in, numbers out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

NAMES = (
    "duijie_outbox_age_seconds",
    "duijie_outbox_events",
    "duijie_consumer_lag_records",
    "duijie_events_dead_total",
    "duijie_webhook_lag_seconds",
    "duijie_holds_waiting",
    "duijie_streams_open",
    "duijie_tasks_failed_total",
    "duijie_database_connections_in_use",
    "duijie_database_connections_max",
)
Labels = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Measured:
    """The samples by name and labels. What several processes tell of the same is the largest that one tells."""

    samples: Mapping[tuple[str, Labels], float]

    def by(self, name: str, label: str) -> dict[str, float]:
        """The samples of that name by one of their labels; of those alike the largest."""
        found: dict[str, float] = {}
        for (named, labels), value in self.samples.items():
            if named == name:
                key = dict(labels).get(label, "")
                found[key] = max(value, found.get(key, value))
        return dict(sorted(found.items()))

    def one(self, name: str) -> float | None:
        """The sample without labels; None where nobody measures it."""
        return self.samples.get((name, frozenset()))


def read_metrics(texts: Iterable[str]) -> Measured:
    """What the processes' `/metrics` say. Only lines of our few names are parsed: the page asks again and again."""
    samples: dict[tuple[str, Labels], float] = {}
    for text in texts:
        lines = (line for line in text.splitlines() if line.startswith(NAMES))
        for family in text_string_to_metric_families("\n".join(lines) + "\n"):
            for sample in family.samples:
                key = (sample.name, frozenset(sample.labels.items()))
                samples[key] = max(sample.value, samples.get(key, sample.value))
    return Measured(samples)
