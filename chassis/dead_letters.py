"""Dead letters: records that no try could handle, kept beside their topic until someone has looked.

A letter is the record with the reason in its headers. To redrive it is to send the record as it was to its topic:
whoever handled it knows its id and passes over it, and whoever failed does not, for that transaction was undone.
What was redriven is written behind the letters themselves, as receipts; there is no other state.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from chassis.transport.base import Record, Transport
from contracts.event import DEAD_LETTERS

OURS = "dlq_"
CONSUMER, ERROR, BODY_BYTES, REDRIVEN_OF = f"{OURS}consumer", f"{OURS}error", f"{OURS}body_bytes", f"{OURS}redriven_of"

REDRIVEN_WITHIN = timedelta(days=14)
"""Since the event. Later some inbox may have forgotten it, and its effect would happen twice: `chassis.retention`."""

TOGETHER = 50
TOGETHER_BYTES = 1_000_000
HEADERS_MAX = 30
HEADER_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True)
class Written:
    """A record where it stands: `place` is unique in its topic, for as long as the topic keeps it."""

    place: str
    at: datetime
    record: Record

    @property
    def id(self) -> str:
        return f"{self.record.topic}/{self.place}"


class Log(Protocol):
    """What a transport keeps, for reading without taking part."""

    def read(self, topics: Collection[str]) -> AsyncGenerator[Written, None]:
        """Yield what stands in those of the topics that there are, up to the present end, in order per key.

        Raises TransportUnavailable.
        """


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter without its body."""

    id: str
    topic: str
    key: str
    headers: dict[str, str]
    size: int
    at: datetime
    redriven: bool = False

    @classmethod
    def of(cls, written: Written) -> Letter:
        record = written.record
        topic = record.topic.removesuffix(DEAD_LETTERS)
        return cls(written.id, topic, record.key, dict(record.headers), len(record.value), written.at)

    @property
    def type(self) -> str:
        return self.headers.get("ce_type", "")

    @property
    def consumer(self) -> str:
        return self.headers.get(CONSUMER, "")

    @property
    def error(self) -> str:
        return self.headers.get(ERROR, "")

    @property
    def state(self) -> str:
        return "redriven" if self.redriven else "waiting"

    def why_not(self, now: datetime, *, again: bool = False) -> str | None:
        """Why it may not be redriven, None when it may."""
        if self.redriven and not again:
            return "it was redriven before"
        if BODY_BYTES in self.headers:
            return "its body was too large to be kept"
        happened = _when(self.headers.get("ce_time", ""))
        if happened is not None and happened < now - REDRIVEN_WITHIN:
            return f"it is older than {REDRIVEN_WITHIN.days} days, others may have forgotten that they handled it"
        return None


def dead_letter(record: Record, consumer: str, error: str) -> Record:
    """The record as it goes to the dead letters of its topic."""
    headers = {**_own(record.headers), CONSUMER: consumer, ERROR: error}
    return Record(record.topic + DEAD_LETTERS, record.key, record.value, headers)


def without_body(record: Record, sender: str, error: str) -> Record:
    """What is left of a record that the transport refuses for its size: it fits whatever the record was."""
    buried = record if record.topic.endswith(DEAD_LETTERS) else dead_letter(record, sender, error)
    headers = dict(list(buried.headers.items())[:HEADERS_MAX])
    reason = {CONSUMER: buried.headers.get(CONSUMER, sender), ERROR: error, BODY_BYTES: str(len(record.value))}
    kept = {name[:HEADER_LENGTH_MAX]: text[:HEADER_LENGTH_MAX] for name, text in {**headers, **reason}.items()}
    return Record(buried.topic, buried.key[:HEADER_LENGTH_MAX], b"", kept)


async def letters(log: Log, topics: Collection[str]) -> list[Letter]:
    """The dead letters of these topics, named without their suffix, the oldest first; which of them were redriven."""
    found: dict[str, Letter] = {}
    async with aclosing(log.read([topic + DEAD_LETTERS for topic in topics])) as stream:
        async for written in stream:
            receipt_of = written.record.headers.get(REDRIVEN_OF)
            if receipt_of is None:
                found[written.id] = Letter.of(written)
            elif receipt_of in found:
                found[receipt_of] = replace(found[receipt_of], redriven=True)
    return sorted(found.values(), key=lambda letter: letter.at)


async def body_of(log: Log, letter: Letter) -> bytes | None:
    """What the letter holds; None when it is gone by now."""
    async with aclosing(_chosen(log, [letter])) as stream:
        async for written in stream:
            return written.record.value
    return None


async def redrive(log: Log, transport: Transport, chosen: Sequence[Letter]) -> int:
    """Send the records of these letters to their topics again, in order per key; how many were sent.

    A receipt follows what it tells of, so that a crash between the two repeats and never loses. Raises
    TransportUnavailable; what has its receipt by then is done.
    """
    done, together, size = 0, list[Written](), 0
    async for written in _chosen(log, chosen):
        together.append(written)
        size += len(written.record.value)
        if len(together) == TOGETHER or size >= TOGETHER_BYTES:
            done += await _send(transport, together)
            together, size = [], 0
    return done + await _send(transport, together)


async def _send(transport: Transport, together: Sequence[Written]) -> int:
    await transport.publish([_original(written.record) for written in together])
    await transport.publish([_receipt(written) for written in together])
    return len(together)


def _original(letter: Record) -> Record:
    return Record(letter.topic.removesuffix(DEAD_LETTERS), letter.key, letter.value, _own(letter.headers))


def _own(headers: Mapping[str, str]) -> dict[str, str]:
    """The record's headers without ours, which a foreign record might bring to pass for a receipt."""
    return {name: text for name, text in headers.items() if not name.startswith(OURS)}


def _receipt(written: Written) -> Record:
    return Record(written.record.topic, written.record.key, b"", {REDRIVEN_OF: written.id})


async def _chosen(log: Log, chosen: Sequence[Letter]) -> AsyncGenerator[Written, None]:
    wanted = {letter.id for letter in chosen}
    async with aclosing(log.read({letter.topic + DEAD_LETTERS for letter in chosen})) as stream:
        async for written in stream:
            if written.id in wanted:
                yield written


def _when(text: str) -> datetime | None:
    """A record whose time can't be read was refused by every consumer, and none has noted it."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
