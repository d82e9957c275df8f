"""`duijie topics apply|check`: what is made, and what is said of topics that are not as declared."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from chassis.transport.kafka_topics import ensure_topics
from contracts.topics import DAY_MS, TOPICS, Topic
from duijie import cli, processes
from duijie.processes import Differences
from tests.support.kafka import set_on

NARROW, NEW = Topic("test.narrow.v1", 2), Topic("test.new.v1", 1)


async def told_of(bootstrap: str, topic: str, setting: str) -> dict[str, str]:
    """The settings of a topic, as soon as this one is among them: the broker hears of it after who has set it."""
    async with asyncio.timeout(10):
        while setting not in (found := await set_on(bootstrap, topic)):
            await asyncio.sleep(0.05)
    return found


async def test_topics_are_made_and_kept_as_declared_and_a_second_time_nothing_changes(
    kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUIJIE_KAFKA_BOOTSTRAP", kafka_bootstrap)
    await processes.apply_topics()
    assert await processes.compare_topics() == Differences([], [], [])
    kept = {
        topic.name: await told_of(kafka_bootstrap, topic.name, "min.insync.replicas")
        for topic in (TOPICS[0], TOPICS[0].dead_letters)
    }
    assert [each["retention.ms"] for each in kept.values()] == [str(7 * DAY_MS), str(30 * DAY_MS)]
    assert {each["min.insync.replicas"] for each in kept.values()} == {"1"}
    assert await processes.apply_topics() == []
    assert {name: await set_on(kafka_bootstrap, name) for name in kept} == kept


@pytest.fixture
def wider(kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Declares a topic that is there with two partitions, with so many, and another that is not there."""
    asyncio.run(ensure_topics(kafka_bootstrap, {NARROW.name: NARROW.partitions}))
    monkeypatch.setenv("DUIJIE_KAFKA_BOOTSTRAP", kafka_bootstrap)

    def declare(partitions: int) -> None:
        monkeypatch.setattr(processes, "declared", lambda: [replace(NARROW, partitions=partitions), NEW])

    return declare


def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str) -> tuple[int, str, str]:
    """By `duijie topics`: its exit code, standard output and standard error."""
    monkeypatch.setattr("sys.argv", ["duijie", "topics", command])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out.strip(), err.strip()


def test_a_topic_with_fewer_partitions_than_declared_is_named_and_left_to_its_operator(
    wider: Callable[[int], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wider(5)
    narrow = "test.narrow.v1 has 2 partitions of 5"
    assert said(capsys, monkeypatch, "check") == (1, f"missing test.new.v1\n{narrow}", "")
    code, out, err = said(capsys, monkeypatch, "apply")
    assert (code, out) == (1, "")
    assert err.startswith(f"{narrow}: more of them would take keys out of their order.")
    assert err.endswith("`kafka-topics --alter`.")
    assert said(capsys, monkeypatch, "check")[1].startswith("missing test.new.v1"), "it has done nothing"


def test_a_topic_on_fewer_brokers_than_asked_for_is_a_warning(
    wider: Callable[[int], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wider(1)  # fewer than it has
    assert said(capsys, monkeypatch, "apply") == (0, "made test.new.v1", "")
    monkeypatch.setenv("DUIJIE_KAFKA_REPLICATION", "3")
    warning = "warning: test.narrow.v1 is on 1 brokers and not on 3\nwarning: test.new.v1 is on 1 brokers and not on 3"
    for command in ("apply", "check"):
        assert said(capsys, monkeypatch, command) == (0, "every topic is there", warning)
