"""The database's disk is full: clients hear 503, nothing that was acknowledged is lost, and room is enough to go on."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from duijie.problems import CannotStart
from tests.faults.kit.asking import Scale, accounts
from tests.faults.kit.child import until
from tests.faults.kit.house import House, Plan
from tests.faults.test_degraded import LISTING, client, rows
from tests.support.postgres import temporary_folder

DISK_MB = 640
CAP_SYS_ADMIN = 21
FILLED_WITHIN_S = 60


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A tmpfs of its own size. Who has no right to mount can't try this, and reads so; in CI only that excuses it."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=711", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        why = f"No disk to fill: a tmpfs can't be mounted here ({mounted.stderr.strip()})."
        if os.environ.get("CI") == "true" and may_mount():
            pytest.fail(why)
        print(f"\nNot tried: a full disk. {why}", flush=True)
        pytest.skip(why)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def may_mount() -> bool:
    """Whether this process has CAP_SYS_ADMIN, as capabilities(7) numbers it."""
    effective = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> CAP_SYS_ADMIN & 1)


def fill(ballast: Path) -> None:
    """Take all the room that is left."""
    with ballast.open("wb") as file:
        block = b"\0" * (1 << 20)
        try:
            while True:
                file.write(block)
                file.flush()
        except OSError:
            return


@pytest.mark.timeout(240)
def test_a_full_disk_refuses_and_loses_nothing() -> None:
    with temporary_folder() as folder, small_disk(folder / "disk") as disk:
        plan = Plan(postgres_folder=disk / "postgres", environment={"DUIJIE_MATCHING_SOLVERS": "1"})
        with House(folder, plan) as house:
            names = accounts(Scale(producers=1, buyers=0, carriers=0))
            token = asyncio.run(house.tokens(names))["producer 0"][1]
            with client(house, token) as producer:
                acknowledged = until_refused(producer, disk / "ballast")
                os.unlink(disk / "ballast")
                if not house.postgres.running:  # it may have given up for want of room for its log
                    house.postgres.stop()
                    start_again(house)
                again = until(lambda: posted(producer), 30, "with room it takes listings again")
            acknowledged.add(again)
            until(lambda: not house.unready(), 30, "everyone is ready")
            until(
                lambda: rows(house, "matching", "SELECT count(*) FROM supply") >= len(acknowledged), 30, "all are heard"
            )
            quoted = ", ".join(f"'{each}'" for each in acknowledged)
            there = rows(house, "listing", f"SELECT count(*) FROM listings WHERE id IN ({quoted})")
            assert there == len(acknowledged)
        assert not house.surprises


def until_refused(producer: httpx.Client, ballast: Path) -> set[str]:
    """Post until the disk refuses; what was acknowledged before. Every refusal is a 503 that says when to return."""
    acknowledged: set[str] = {answer for _ in range(5) if (answer := posted(producer))}
    assert len(acknowledged) == 5
    fill(ballast)
    deadline, refused = time.monotonic() + FILLED_WITHIN_S, 0
    while refused < 3:
        assert time.monotonic() < deadline, "the disk was never full"
        answer = producer.post("/v1/listings", json=LISTING | {"story": "长" * 1500})
        if answer.status_code == 201:
            acknowledged.add(answer.json()["id"])
            continue
        assert answer.status_code == 503, answer.text
        assert answer.headers["Retry-After"].isdecimal()
        refused += 1
    return acknowledged


def posted(producer: httpx.Client) -> str | None:
    answer = producer.post("/v1/listings", json=LISTING)
    return answer.json()["id"] if answer.status_code == 201 else None


def start_again(house: House) -> None:
    try:
        house.postgres.start()
    except CannotStart as why:
        pytest.fail(f"With room again the database does not start: {why}")
