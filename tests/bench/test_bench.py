"""The harness compares fairly and says so; every program names its bar. `make bench-smoke` runs the programs."""

import asyncio
import json
import os
import subprocess
import sys
import time

import pytest

from bench.__main__ import PAGE, RESULTS, measured_now, page, programs
from bench.harness import (
    Bar,
    Measured,
    Outcome,
    Plan,
    Side,
    Stopwatch,
    cpu_s,
    descendants,
    interleave,
    memory_mb,
    percentile,
    report,
)

RATE = Bar("rate", "ours", "theirs", "events/s", 0.4, 0.7, "more")
TIME = Bar("time", "ours", "theirs", "ms", 10, 5, "less")


def sides(ours: list[float], theirs: list[float]) -> tuple[Side, Side]:
    return Side(ours), Side(theirs)


async def test_both_sides_take_turns_and_the_first_turn_counts_for_nothing() -> None:
    turns: list[tuple[str, int]] = []

    async def ours(number: int) -> Measured:
        turns.append(("ours", number))
        return Measured(100, 1.0 if number >= 0 else 99.0, 0.5)

    async def peer(number: int) -> Measured:
        turns.append(("peer", number))
        return Measured(200, 1.0 if number >= 0 else 99.0, 0.1)

    mine, theirs = await interleave(3, ours, peer)
    assert turns == [
        *(("ours", -1), ("peer", -1)),
        *(("ours", 0), ("peer", 0)),
        *(("peer", 1), ("ours", 1)),
        *(("ours", 2), ("peer", 2)),
    ]
    assert (mine.values, theirs.values) == ([100.0] * 3, [200.0] * 3)
    assert (mine.cpu, theirs.cpu) == (5.0, 0.5)


def test_the_figure_is_the_median_of_neighbours_ratios() -> None:
    """The machine halved its pace after the first pair, and stood still once: neither moves the figure."""
    outcome = Outcome(RATE, *sides([80, 40, 1, 40, 40], [100, 50, 50, 50, 50]))
    assert outcome.figure == pytest.approx(0.8)


def test_an_absolute_bar_is_held_against_our_own_value() -> None:
    bar = Bar("memory", "ours", "theirs", "MB", 120, 90, "less", absolute=True)
    assert Outcome(bar, *sides([100, 101, 102], [50, 50, 50])).figure == 101
    assert Outcome(bar, Side([80.0])).verdict == "aim met"


@pytest.mark.parametrize(
    ("bar", "ours", "verdict"),
    [
        (RATE, 0.7, "aim met"),
        (RATE, 0.69, "bar met"),
        (RATE, 0.39, "missed"),
        (TIME, 5.0, "aim met"),
        (TIME, 5.1, "bar met"),
        (TIME, 10.1, "missed"),
    ],
)
def test_the_verdict_knows_which_way_is_better(bar: Bar, ours: float, verdict: str) -> None:
    assert Outcome(bar, *sides([ours], [1.0])).verdict == verdict


def test_the_first_outcome_is_the_figure_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    report([Outcome(RATE, *sides([50, 60, 70], [100, 100, 100])), Outcome(TIME, *sides([8], [1]))])
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.startswith("figure")] == ["figure: 0.600", "figure of time: 8.000"]
    assert any("ours: 60 events/s" in line for line in lines)
    assert any("peer: 100 events/s" in line for line in lines)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(each) for each in range(1, 201)]
    assert percentile(values, 0.99) == 198
    assert percentile(values, 0.5) == 100
    assert percentile([7.0], 0.99) == 7


async def test_cpu_counts_children_even_when_they_have_ended() -> None:
    watch = Stopwatch(os.getpid())
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    process = await asyncio.create_subprocess_exec("python3", "-c", burn)
    await process.wait()
    measured = watch.stop(1000)
    assert measured.cpu_s >= 0.25
    assert measured.cpu_s_per_1000 == pytest.approx(measured.cpu_s)


def test_processes_that_end_while_they_are_counted_break_nothing() -> None:
    spawning = subprocess.Popen(["sh", "-c", "while :; do sh -c 'sleep 0.001 & :' & wait; done"])
    try:
        ends_s, seen = time.monotonic() + 1, set[int]()
        while time.monotonic() < ends_s:
            assert cpu_s(spawning.pid) >= 0
            seen |= set(descendants(spawning.pid))
    finally:
        spawning.kill()
        spawning.wait()
    assert len(seen) > 20, "many came and went"


def test_sleeping_is_time_but_no_cpu() -> None:
    sleeping = subprocess.Popen(["sleep", "30"])  # not ourselves: the servers of other tests are our children
    try:
        watch = Stopwatch(sleeping.pid)
        time.sleep(0.2)
        measured = watch.stop(1)
        assert sleeping.poll() is None, "its CPU was read while it ran"
    finally:
        sleeping.kill()
        sleeping.wait()
    assert measured.seconds >= 0.2
    assert measured.cpu_s <= 0.02


def test_memory_is_that_of_this_process() -> None:
    resident_mb, proportional_mb = memory_mb(os.getpid())
    assert 10 < proportional_mb <= resident_mb


def test_every_program_says_what_it_compares_and_with_which_bar() -> None:
    found = programs()
    assert found.keys() >= {"consume", "relay", "commit_to_match", "startup", "memory", "solve", "explain"}
    names = [bar.name for module in found.values() for bar in module.BARS]
    assert len(names) == len(set(names))
    for name, module in found.items():
        assert (module.__doc__ or "").strip(), name
        assert module.BARS[0].name == name
        for bar in module.BARS:
            assert bar.met(bar.aim, bar.first), f"{bar.name}: the aim is beyond the bar"


def test_smoke_does_less() -> None:
    assert Plan(smoke=True).repeats < Plan(smoke=False).repeats >= 5
    assert Plan(smoke=True).pick(100, 1) == 1


def test_the_page_tells_a_failure_what_was_never_measured_every_number_and_its_day() -> None:
    outcome = Outcome(RATE, *sides([50.0], [100.0])).as_json()
    found, names = programs(), ("relay", "consume", "memory")
    results = {"relay": {**measured_now([outcome]), "date": "2026-11-01"}, "consume": measured_now(None)}
    text = page(results, {name: found[name] for name in names})
    assert "| ours | 50 events/s | 100 events/s | **0.5** | ≥ 0.4 | ≥ 0.7 | bar met |" in text
    relay, consume, memory = (text[text.index(f"## {name}\n") :] for name in names)
    assert "Measured on 2026-11-01: " in relay[: -len(consume)]
    assert "It failed; there is no figure." in consume[: -len(memory)]
    assert "It was not measured yet." in memory


def test_the_page_in_the_repository_is_that_of_its_results() -> None:
    """Nobody wrote a figure by hand."""
    assert PAGE.read_text(encoding="utf-8") == page(json.loads(RESULTS.read_text(encoding="utf-8")), programs())


def test_a_program_that_is_none_is_told_with_those_there_are() -> None:
    tried = subprocess.run([sys.executable, "-m", "bench", "relays"], capture_output=True, text=True, check=False)
    assert tried.returncode == 2
    assert "no such program: relays; there are " in tried.stderr
    assert "relay" in tried.stderr.partition("there are")[2]
