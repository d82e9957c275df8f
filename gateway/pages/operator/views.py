"""How the whole stands, in words: the rounds, what is late, and what is wrong with what to do about it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chassis.health import LATE_S
from gateway.pages.operator.metrics import Measured
from gateway.pages.shown import FEN_PER_YUAN

LATE_LONG_S = 60.0
WEBHOOKS_LATE_S = 300.0
LAG_MOST_RECORDS = 5000
FAILED_MOST = 5
POOL_SHARE_MOST = 0.9
"""As in deploy/alerts.yml."""


@dataclass(frozen=True, slots=True)
class Round:
    """One clearing of one market."""

    id: str
    produce: str
    name: str
    cleared_at: str
    listings: int
    orders: int
    matches: int
    skipped: int
    matched_kg: float
    value_yuan: float
    greedy_yuan: float
    gap: float
    whole: bool
    seconds: float

    @property
    def gain(self) -> float | None:
        """By which share it is worth more than what greedy would have got; None where greedy got nothing."""
        return self.value_yuan / self.greedy_yuan - 1 if self.greedy_yuan > 0 else None

    @classmethod
    def of(cls, item: Mapping[str, Any], names: Mapping[str, str]) -> "Round":
        return cls(
            id=item["id"],
            produce=item["produce"],
            name=names.get(item["produce"], item["produce"]),
            cleared_at=item["cleared_at"],
            listings=item["listings"],
            orders=item["orders"],
            matches=item["matches"],
            skipped=item["skipped"],
            matched_kg=item["matched_kg"],
            value_yuan=item["value"] / FEN_PER_YUAN,
            greedy_yuan=item["greedy_value"] / FEN_PER_YUAN,
            gap=item["certified_gap"],
            whole=item["whole"],
            seconds=item["seconds"],
        )


@dataclass(frozen=True, slots=True)
class Service:
    """What a service says of itself; `why` and `late` are sentences in the reader's language."""

    name: str
    ready: bool
    why: Sequence[str] = ()
    late: Sequence[str] = ()

    @property
    def told(self) -> Sequence[str]:
        return [*self.why, *self.late]

    @property
    def tone(self) -> str:
        return "alarm" if not self.ready else "soon" if self.late else "good"


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong: the texts `operator.trouble.<name>` and `….do`, filled in, and the guide's section."""

    name: str
    tone: str
    section: str
    told: Mapping[str, str] = field(default_factory=dict)
    why: Sequence[str] = ()
    """Sentences that fill in `why`."""


@dataclass(frozen=True, slots=True)
class Whole:
    """All that the page shows. `rounds` and `interval_s` are None while matching does not tell."""

    services: Sequence[Service]
    rounds: Sequence[Round] | None
    next: str | None
    interval_s: float | None
    measured: Measured

    @property
    def paused(self) -> bool:
        return self.interval_s == 0

    @property
    def outboxes(self) -> list[tuple[str, float, int]]:
        """Of each service whose worker is heard: for how long its next event has waited (s), and how many wait."""
        sizes = self.measured.by("duijie_outbox_events", "service")
        ages = self.measured.by("duijie_outbox_age_seconds", "service")
        return [(name, age_s, round(sizes.get(name, 0))) for name, age_s in ages.items()]

    @property
    def lags(self) -> dict[str, int]:
        """Records not yet handled, by consumer: those of the topic that is the most behind."""
        return {name: round(lag) for name, lag in self.measured.by("duijie_consumer_lag_records", "consumer").items()}

    @property
    def dead(self) -> dict[str, int]:
        return {name: round(each) for name, each in self.measured.by("duijie_events_dead_total", "consumer").items()}

    @property
    def streams(self) -> dict[str, int]:
        return {name: round(each) for name, each in self.measured.by("duijie_streams_open", "service").items()}

    @property
    def webhook_lag_s(self) -> float | None:
        """None where no worker is heard: then the gauge has its first value still."""
        return self.measured.one("duijie_webhook_lag_seconds") if self.outboxes else None

    @property
    def holds_waiting(self) -> float | None:
        return self.measured.one("duijie_holds_waiting") if self.outboxes else None

    @property
    def troubles(self) -> list[Trouble]:
        """The gravest first."""
        return sorted(self._troubles(), key=lambda each: each.tone != "alarm")

    def _troubles(self) -> Iterator[Trouble]:
        for service in self.services:
            if not service.ready:
                yield Trouble("not_ready", "alarm", "Alerts", {"service": service.name}, service.why)
        for name, dead in self.dead.items():
            if dead:
                yield Trouble("dead", "alarm", "Dead letters", {"consumer": name, "count": str(dead)})
        for name, age_s, waiting in self.outboxes:
            if age_s > LATE_S:
                grave = "alarm" if age_s > LATE_LONG_S else "soon"
                told = {"service": name, "seconds": f"{age_s:.0f}", "count": str(waiting)}
                yield Trouble("outbox", grave, "Alerts", told)
        yield from self._troubles_of_work()

    def _troubles_of_work(self) -> Iterator[Trouble]:
        for name, lag in self.lags.items():
            if lag > LAG_MOST_RECORDS:
                yield Trouble("lag", "alarm", "Alerts", {"consumer": name, "count": f"{lag:,}"})
        if (self.webhook_lag_s or 0) > WEBHOOKS_LATE_S:
            yield Trouble("webhooks", "soon", "Alerts", {"seconds": f"{self.webhook_lag_s:.0f}"})
        for task, failed in self.measured.by("duijie_tasks_failed_total", "task").items():
            if failed > FAILED_MOST:
                yield Trouble("task", "alarm", "Alerts", {"task": task, "count": f"{failed:.0f}"})
        most = self.measured.by("duijie_database_connections_max", "service")
        for name, used in self.measured.by("duijie_database_connections_in_use", "service").items():
            if most.get(name) and used / most[name] > POOL_SHARE_MOST:
                yield Trouble("pool", "soon", "Alerts", {"service": name})
        if self.paused:
            yield Trouble("paused", "soon", "Alerts")

    @property
    def drawn(self) -> list[dict[str, Any]]:
        """The rounds for the drawing, the oldest first."""
        return [
            {
                "name": each.name,
                "at": each.cleared_at,
                "value": each.value_yuan,
                "greedy": each.greedy_yuan,
                "gain": each.gain,
            }
            for each in reversed(self.rounds or ())
        ]
