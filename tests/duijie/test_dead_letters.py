"""`duijie dlq`: what it tells, what it refuses, and what it never shows."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chassis.dead_letters import dead_letter, without_body
from chassis.transport.base import Record
from chassis.transport.postgres import PostgresTransport
from contracts.topics import TOPICS
from duijie import dead_letters
from duijie.datafolder import DataFolder, Run
from duijie.problems import CannotStart
from duijie.store import transport_of
from tests.support.postgres import temporary_folder

runner = CliRunner()
TOPIC, OTHER = TOPICS[0].name, TOPICS[1].name
PHONE = "13800138000"


def record(topic: str, key: str, body: str = "{}", days_ago: int = 0) -> Record:
    at = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat()
    return Record(topic, key, body.encode(), {"ce_type": "duijie.test.thing", "ce_time": at})


class Store:
    """The events of a platform, and the command line in front of them."""

    def __init__(self, url: str) -> None:
        self.url = url

    def bury(self, *letters: Record) -> None:
        async def publish() -> None:
            async with PostgresTransport(self.url) as transport:
                await transport.publish(letters)

        asyncio.run(publish())

    def sent(self, topic: str) -> list[str]:
        async def read() -> list[str]:
            async with PostgresTransport(self.url) as transport:
                return [written.record.key async for written in transport.read([topic])]

        return asyncio.run(read())

    def run(self, *arguments: str) -> Result:
        return runner.invoke(dead_letters.app, list(arguments), env={"NO_COLOR": "1", "COLUMNS": "200"})

    def listed(self, *arguments: str) -> list[dict[str, str]]:
        return [json.loads(line) for line in self.run("list", "--json", *arguments).stdout.splitlines()]


@pytest.fixture
def store(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> Store:
    @asynccontextmanager
    async def events(data: Path | None) -> AsyncIterator[tuple[PostgresTransport, PostgresTransport, str]]:
        async with PostgresTransport(postgres_url) as transport:
            yield transport, transport, "the tests"

    monkeypatch.setattr(dead_letters, "_events", events)
    return Store(postgres_url)


def test_one_line_a_letter_or_one_object(store: Store) -> None:
    store.bury(dead_letter(record(TOPIC, "a"), "matching", "ValueError: no"))
    (line,) = store.run("list").output.splitlines()
    (told,) = store.listed()
    assert told["id"].startswith(f"{TOPIC}.dlq/")
    assert {told[name] for name in ("topic", "key", "type", "consumer", "error", "state")} == {
        TOPIC,
        "a",
        "duijie.test.thing",
        "matching",
        "ValueError: no",
        "waiting",
    }
    assert line.split()[0] == told["id"]
    assert line.endswith("matching  ValueError: no  waiting")


def test_letters_are_chosen_by_topic_and_consumer(store: Store) -> None:
    store.bury(*(dead_letter(record(topic, who), who, "e") for topic in (TOPIC, OTHER) for who in ("x", "y")))
    assert [(each["topic"], each["key"]) for each in store.listed("--topic", OTHER)] == [(OTHER, "x"), (OTHER, "y")]
    assert [each["key"] for each in store.listed("--topic", TOPIC, "--consumer", "y")] == ["y"]
    assert store.run("redrive", "--all", "--consumer", "y").output == "redriven 2, left 0\n"
    assert (store.sent(TOPIC), store.sent(OTHER)) == (["y"], ["y"])


def test_a_letter_is_redriven_once_unless_it_is_asked_for_again(store: Store) -> None:
    store.bury(dead_letter(record(TOPIC, "a"), "matching", "e"), dead_letter(record(TOPIC, "b"), "matching", "e"))
    first, second = (each["id"] for each in store.listed())
    assert store.run("redrive", first).output == "redriven 1, left 0\n"
    assert [each["state"] for each in store.listed()] == ["redriven", "waiting"]
    refused = store.run("redrive", second, first)
    assert isinstance(refused.exception, CannotStart)
    assert f"Nothing was redriven. {first} stays: it was redriven before." in str(refused.exception)
    assert store.sent(TOPIC) == ["a"]
    assert store.run("redrive", "--all").output.startswith("redriven 1, left 1\n")
    assert store.run("redrive", first, "--again").output == "redriven 1, left 0\n"
    assert store.sent(TOPIC) == ["a", "b", "a"]


def test_what_cant_be_redriven_is_left_and_said(store: Store) -> None:
    store.bury(
        dead_letter(record(TOPIC, "old", days_ago=20), "matching", "e"),
        without_body(record(TOPIC, "large"), "/duijie/listing", "too large"),
        dead_letter(record(TOPIC, "well"), "matching", "e"),
    )
    done = store.run("redrive", "--all")
    assert done.output.startswith("redriven 1, left 2\n")
    assert "it is older than 14 days" in done.output
    assert "its body was too large to be kept" in done.output
    assert store.sent(TOPIC) == ["well"]


def test_a_letter_is_shown_with_headers_and_body_and_nothing_that_steers_a_terminal(store: Store) -> None:
    poison = Record(TOPIC, "k\x1b[2J", b'{"text": "\xff\x1b]0;x\x07"}', {"odd\x1b": "\x9b31m草莓"})
    store.bury(dead_letter(poison, "matching", "ValueError: no"))
    (told,) = store.listed()
    shown = store.run("show", told["id"]).output
    assert "state: waiting" in shown
    assert "dlq_error: ValueError: no" in shown
    assert "odd\\x1b: \\x9b31m草莓" in shown
    assert '{"text": "\ufffd\\x1b]0;x\\x07"}' in shown
    assert "\x1b" not in shown + store.run("list").output


@pytest.mark.parametrize("written", [PHONE, f"+86{PHONE}", f"86 {PHONE}", "138-0013-8000", "138 0013 8000"])
def test_a_phone_number_is_never_shown(store: Store, written: str) -> None:
    poison = Record(TOPIC, written, f'{{"phone":"{written}"}}'.encode(), {f"tel {written}": written})
    store.bury(dead_letter(poison, written, f"ValueError: {written}"))
    (told,) = store.listed()
    everything = store.run("list").output + json.dumps(told) + store.run("show", told["id"]).output
    assert "00138000" not in everything.replace("-", "").replace(" ", "")


def test_an_id_is_shown_whole() -> None:
    for text in ("0192f7c4-7d1e-7c7a-b1f0-213800138000", "13800138000f", "1784000000000", "a13800138000"):
        assert dead_letters.shown(text) == text


@pytest.mark.parametrize(
    "arguments",
    [["redrive"], ["redrive", "--all", "x"], ["redrive", "x", "--topic", TOPIC], ["show"]],
    ids=["nothing named", "all and one", "one and a topic", "show nothing"],
)
def test_what_is_not_said_clearly_is_refused(store: Store, arguments: list[str]) -> None:
    assert store.run(*arguments).exit_code == 2


@pytest.mark.parametrize("arguments", [["show", f"{TOPIC}.dlq/7"], ["redrive", f"{TOPIC}.dlq/7"]])
def test_a_letter_there_is_not_is_named(store: Store, arguments: list[str]) -> None:
    refused = store.run(*arguments)
    assert f"no letter {TOPIC}.dlq/7" in str(refused.exception)


def test_a_topic_there_is_not_is_named_with_those_there_are(store: Store) -> None:
    refused = store.run("list", "--topic", "nonsense")
    assert "no topic nonsense" in str(refused.exception)
    assert TOPIC in str(refused.exception)


def test_the_letters_of_a_data_folder_are_there_when_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUIJIE_KAFKA_BOOTSTRAP", raising=False)

    async def bury(folder: DataFolder) -> None:
        async with transport_of(folder) as transport:
            await transport.publish([dead_letter(record(TOPIC, "a"), "matching", "e")])

    with temporary_folder() as parent:
        asyncio.run(bury(DataFolder(parent / "data")))
        done = runner.invoke(dead_letters.app, ["list", "--data", str(parent / "data")])
    assert done.output.startswith(f"{TOPIC}.dlq/1  a  ")


def test_kafkas_letters_are_found_by_the_settings(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_KAFKA_BOOTSTRAP", kafka_bootstrap)
    done = runner.invoke(dead_letters.app, ["list"])
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"no such dead letters in Apache Kafka at {kafka_bootstrap}\n"


def test_the_letters_of_a_cluster_that_runs_are_found_by_its_folder(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DUIJIE_KAFKA_BOOTSTRAP", raising=False)
    with temporary_folder() as parent:
        folder = DataFolder(parent / "data")
        folder.take()
        try:
            folder.begin_run(Run(os.getpid(), 1, "http://x", 2, "now", kafka=kafka_bootstrap))
            done = runner.invoke(dead_letters.app, ["list", "--data", str(folder.path)])
        finally:
            folder.give_back()
    assert done.stderr == f"no such dead letters in Apache Kafka at {kafka_bootstrap}\n"


@pytest.mark.parametrize(("name", "said"), [("cluster", "Kafka of its cluster"), ("none", "no platform at")])
def test_a_cluster_that_does_not_run_and_a_folder_that_is_not_there_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.delenv("DUIJIE_KAFKA_BOOTSTRAP", raising=False)
    (tmp_path / "cluster" / "kafka-1").mkdir(parents=True)
    refused = runner.invoke(dead_letters.app, ["list", "--data", str(tmp_path / name)])
    assert isinstance(refused.exception, CannotStart)
    assert said in str(refused.exception)
    assert not (tmp_path / "none").exists()


def test_a_kafka_that_is_away_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUIJIE_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    monkeypatch.setenv("DUIJIE_KAFKA_TIMEOUT_S", "1")
    done = runner.invoke(dead_letters.app, ["list"])
    assert done.exit_code == 1
    assert "Kafka did not answer" in done.output


def test_a_certificate_that_cant_be_read_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    no_certificate = tmp_path / "authority.pem"
    no_certificate.write_text("nothing")
    monkeypatch.setenv("DUIJIE_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    monkeypatch.setenv("DUIJIE_KAFKA_SECURITY_PROTOCOL", "SSL")
    monkeypatch.setenv("DUIJIE_KAFKA_CA_FILE", str(no_certificate))
    refused = runner.invoke(dead_letters.app, ["list"])
    assert isinstance(refused.exception, CannotStart)
    assert "DUIJIE_KAFKA_CA_FILE" in str(refused.exception)
