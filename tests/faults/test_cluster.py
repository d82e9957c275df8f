"""The demonstration over many processes: the totals of standalone, also when workers die in the middle."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.cluster import Cluster
from tests.support.postgres import temporary_folder
from tests.system.conftest import DUIJIE, Standalone, until

SEED = "11"
SIZE = ("--listings", "240", "--orders", "90", "--parcels", "400")
PLAYED_WITHIN_S = 300
ENDS_WITHIN_S = 15
BACK_WITHIN_S = 60

pytestmark = pytest.mark.timeout(900)


@contextmanager
def playing(url: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [DUIJIE, "demo", "--url", url, "--seed", SEED, "--data", folder, *SIZE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as player:
        try:
            yield player
        finally:
            player.kill()


def totals(player: subprocess.Popen[str], folder: Path) -> dict[str, Any]:
    """What the demonstration came to, once it has ended."""
    said, _ = player.communicate(timeout=PLAYED_WITHIN_S)
    assert player.returncode == 0, said
    counted: dict[str, Any] = json.loads((folder / "demo.json").read_text())
    return counted


def noted(folder: Path) -> int:
    """How many steps of the demonstration are done."""
    journal = folder / "demo" / f"seed-{SEED}.jsonl"
    return journal.read_text().count("\n") if journal.exists() else 0


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    """The totals of standalone."""
    with temporary_folder() as folder:
        platform = Standalone(folder / "data")
        platform.start()
        try:
            with playing(platform.url, platform.folder) as player:
                return totals(player, platform.folder)
        finally:
            platform.stop()


@contextmanager
def cluster(**chosen: Any) -> Iterator[Cluster]:
    with temporary_folder() as folder:
        running = Cluster(folder / "data", **chosen)
        try:
            running.start()
            yield running
        finally:
            running.stop()


@contextmanager
def kept(running: Cluster) -> Iterator[None]:
    """As `make cluster` keeps it: what dies is started again."""
    ending = threading.Event()
    keeper = threading.Thread(target=running.keep, args=(ending,))
    keeper.start()
    try:
        yield
    finally:
        ending.set()
        keeper.join()


def test_apart_the_totals_are_those_of_standalone_and_all_of_it_ends_in_time(alone: dict[str, Any]) -> None:
    with cluster() as running:
        with playing(running.url, running.folder.path) as player:
            assert totals(player, running.folder.path) == alone
        told_s = time.monotonic()
        running.stop()
        assert time.monotonic() - told_s < ENDS_WITHIN_S
        assert {name: process.exit_code for name, process in running.processes.items()} == dict.fromkeys(
            running.processes, 0
        )


def test_two_of_four_matching_workers_killed_change_nothing(alone: dict[str, Any]) -> None:
    with cluster(workers={"gateway": 1, "listing": 1, "matching": 4, "logistics": 1}) as running:
        folder = running.folder.path

        def at(steps: int) -> Callable[[], bool]:
            return lambda: noted(folder) > steps or player.poll() is not None

        with playing(running.url, folder) as player:
            for name, steps, comes_back in (("work-matching-1", 100, False), ("work-matching-3", 300, True)):
                until(at(steps), within_s=PLAYED_WITHIN_S)
                assert player.poll() is None, "killed in the middle, not after the end"
                running.processes[name].kill()
                if comes_back:
                    running.processes[name].start()
            assert totals(player, folder) == alone


def test_what_dies_is_brought_back_kafka_and_postgresql_too() -> None:
    with cluster() as running, kept(running):
        for kill in (
            running.processes["work-listing-1"].kill,
            running.kafka.brokers[0].kill,
            lambda: os.kill(running.postgres.pid, signal.SIGKILL),
            running.processes["serve-gateway"].kill,
        ):
            kill()
        for name in ("work-listing-1", "kafka-1", "postgres", "serve-gateway"):
            said = f"{name} was started again"
            until(lambda said=said: said in running.log_path.read_text(), within_s=BACK_WITHIN_S)
        for process in running.processes.values():
            until(lambda process=process: process.is_ready(), within_s=BACK_WITHIN_S)
