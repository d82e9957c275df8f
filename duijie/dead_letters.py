"""Dead letters from the command line: `duijie dlq list|show|redrive`.

They are those of Apache Kafka where DUIJIE_KAFKA_BOOTSTRAP says where it is, else those of the platform of a data
folder, which may be a cluster with a Kafka of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chassis.dead_letters import Letter, Log, body_of, letters, redrive
from chassis.telemetry import without_phones
from chassis.transport.base import Transport
from contracts.event import DEAD_LETTERS
from contracts.topics import TOPICS
from duijie.datafolder import DataFolder, default_path
from duijie.operating import asked
from duijie.problems import CannotStart

if TYPE_CHECKING:
    from chassis.transport.postgres import PostgresTransport

BODY_SHOWN = 20_000

app = typer.Typer(no_args_is_help=True, help="Dead letters: events that could not be handled.")

Data = Annotated[
    Path | None,
    typer.Option(help="The data folder of a platform on one machine; without it Kafka's, where a setting names it."),
]
OfTopic = Annotated[str | None, typer.Option("--topic", help="Only those of this topic.")]
OfConsumer = Annotated[str | None, typer.Option("--consumer", help="Only those that this consumer could not handle.")]


@app.command("list")
def list_letters(
    topic: OfTopic = None,
    consumer: OfConsumer = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    data: Data = None,
) -> None:
    """One line a letter, the oldest first: id, key, type, time, consumer, error, state."""

    async def ask() -> tuple[list[Letter], str]:
        async with _events(data) as (log, _, where):
            return await _letters(log, topic, consumer), where

    found, where = asked(ask())
    if not found:
        print(f"no such dead letters in {where}", file=sys.stderr)
    for letter in found:
        told = {name: shown(text) for name, text in _told(letter).items()}
        columns = [text or "-" for name, text in told.items() if name != "topic"]  # the id begins with it
        print(json.dumps(told, ensure_ascii=False) if as_json else "  ".join(columns))


@app.command()
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="As `duijie dlq list` tells it.")], data: Data = None
) -> None:
    """The headers and the body of a letter. What looks like a phone number is left out."""

    async def ask() -> tuple[Letter, bytes]:
        async with _events(data) as (log, _, _):
            (letter,) = _named(await _letters(log, _topic_of(letter_id)), [letter_id])
            return letter, await body_of(log, letter) or b""

    letter, body = asked(ask())
    for name, text in {**_told(letter), "bytes": str(letter.size), **letter.headers}.items():
        print(f"{shown(name)}: {shown(text)}")
    text = body[:BODY_SHOWN].decode(errors="replace")
    print(f"\n{shown(text)}")
    if len(body) > BODY_SHOWN:
        print(f"… and {len(body) - BODY_SHOWN} bytes more")


@app.command("redrive")
def redrive_letters(
    ids: Annotated[list[str] | None, typer.Argument(metavar="ID...", help="Which letters.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that wait, or those of a topic or a consumer.")] = False,
    topic: OfTopic = None,
    consumer: OfConsumer = None,
    again: Annotated[bool, typer.Option("--again", help="Also what was redriven before.")] = False,
    data: Data = None,
) -> None:
    """Send letters to their topics again, in order per key; only who failed handles them."""
    if bool(ids) == every:
        raise typer.BadParameter("name letters, or say --all")
    if ids and (topic or consumer):
        raise typer.BadParameter("--topic and --consumer go with --all")

    async def ask() -> tuple[int, list[str]]:
        async with _events(data) as (log, transport, _):
            found = await _letters(log, topic or _topic_of(*ids or ()), consumer)
            chosen = _named(found, ids) if ids else found
            refused = _refused(chosen, again=again)
            if ids and refused:
                raise CannotStart(f"Nothing was redriven. {' '.join(refused.values())}")
            sent = await redrive(log, transport, [letter for letter in chosen if letter.id not in refused])
            return sent, list(refused.values())

    sent, refused = asked(ask())
    print(f"redriven {sent}, left {len(refused)}")
    for why in refused:
        print(shown(why), file=sys.stderr)


def shown(text: str) -> str:
    """For a terminal: without what would steer it, and without phone numbers, whatever a foreign record held."""
    return "".join(each if each.isprintable() else f"\\x{ord(each):02x}" for each in without_phones(text))


def _told(letter: Letter) -> dict[str, str]:
    return {
        "id": letter.id,
        "topic": letter.topic,
        "key": letter.key,
        "type": letter.type,
        "time": letter.at.isoformat(timespec="seconds"),
        "consumer": letter.consumer,
        "error": letter.error,
        "state": letter.state,
    }


def _topic_of(*ids: str) -> str | None:
    """The one topic of these letters, so that not all have to be read; None when they are of several."""
    topics = {letter_id.split("/")[0].removesuffix(DEAD_LETTERS) for letter_id in ids}
    return topics.pop() if len(topics) == 1 else None


async def _letters(log: Log, topic: str | None, consumer: str | None = None) -> list[Letter]:
    known = [each.name for each in TOPICS]
    topics = known if topic is None else [topic.removesuffix(DEAD_LETTERS)]
    if not set(topics) <= set(known):
        raise CannotStart(f"There is no topic {shown(topics[0])}; the topics are {', '.join(known)}.")
    return [letter for letter in await letters(log, topics) if consumer in {None, letter.consumer}]


def _named(found: Sequence[Letter], ids: Collection[str]) -> list[Letter]:
    by_id = {letter.id: letter for letter in found}
    unknown = [letter_id for letter_id in ids if letter_id not in by_id]
    if unknown:
        raise CannotStart(f"There is no letter {shown(', '.join(unknown))}; `duijie dlq list` tells which there are.")
    return [letter for letter in found if letter.id in set(ids)]


def _refused(chosen: Sequence[Letter], *, again: bool) -> dict[str, str]:
    """Why some of these letters may not be redriven, by their ids."""
    now = datetime.now(UTC)
    reasons = {letter.id: letter.why_not(now, again=again) for letter in chosen}
    return {letter_id: f"{letter_id} stays: {why}." for letter_id, why in reasons.items() if why is not None}


@asynccontextmanager
async def _events(data: Path | None) -> AsyncIterator[tuple[Log, Transport, str]]:
    """What keeps the letters, what sends them, and where that is, in words. Raises CannotStart."""
    by_setting = data is None and bool(os.environ.get("DUIJIE_KAFKA_BOOTSTRAP"))
    folder = DataFolder(data or default_path())
    run = None if by_setting else folder.current_run()
    if not by_setting and (run is None or run.kafka is None):
        async with _of_folder(folder) as transport:
            yield transport, transport, f"the platform of {folder.path}"
        return
    from chassis.settings import KafkaSettings
    from chassis.transport.kafka import KafkaTransport
    from chassis.transport.kafka_log import KafkaLog
    from duijie.processes import connection_of
    from duijie.wiring import told

    kafka = told(KafkaSettings) if run is None else KafkaSettings(bootstrap=run.kafka)
    connection = connection_of(kafka)
    async with KafkaTransport(kafka.bootstrap, timeout_s=kafka.timeout_s, connection=connection) as transport:
        log = KafkaLog(kafka.bootstrap, timeout_s=kafka.timeout_s, connection=connection)
        yield log, transport, f"Apache Kafka at {kafka.bootstrap}"


@asynccontextmanager
async def _of_folder(folder: DataFolder) -> AsyncIterator[PostgresTransport]:
    if not folder.path.is_dir():
        raise CannotStart(f"There is no platform at {folder.path}; name its folder with --data.")
    if any(folder.path.glob("kafka-*")):
        raise CannotStart(f"The events of {folder.path} are in the Kafka of its cluster, which does not run.")
    from duijie.store import transport_of

    async with transport_of(folder) as transport:
        yield transport
