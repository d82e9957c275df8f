"""What a storm does is drawn from its seed alone, and leaves nobody and no kind out."""

import asyncio
from collections import Counter
from itertools import islice
from types import SimpleNamespace
from typing import Any

from tests.faults.kit.findings import Findings
from tests.faults.kit.points import CHILDREN, SURELY
from tests.faults.kit.result import Result
from tests.faults.kit.storm import KINDS, LOCKS_TAKEN, PAUSED_FOR_LONG, Faults, Storm

WORKERS = [name for name in CHILDREN if name.startswith("work")]
PROXIES = [f"postgres {name}" for name in CHILDREN] + [f"kafka {name}" for name in WORKERS] + ["http listing"]


def storm(seed: int) -> Storm:
    house: Any = SimpleNamespace(children=dict.fromkeys(CHILDREN), proxies=dict.fromkeys(PROXIES), kills=Counter())
    nobody: Any = None
    return Storm(house, nobody, nobody, Faults(), seed, Counter())


def test_the_same_seed_plans_the_same_and_another_does_not() -> None:
    def planned(seed: int) -> object:
        made = storm(seed)
        return list(islice(made._planned_kills(), 60)), made._episodes

    assert planned(7) == planned(7)
    assert planned(7) != planned(8)


def test_everyone_is_killed_every_point_is_named_and_every_kind_of_connection_suffers() -> None:
    for seed in range(20):
        made = storm(seed)
        kills = list(islice(made._planned_kills(), len(SURELY) + len(CHILDREN)))
        assert {name for name, _ in kills} == set(CHILDREN)
        assert {point.partition(":")[0] for _, point in kills if point} == SURELY.keys()
        assert {kind for _, kind in made._episodes} == set(KINDS)
        assert {name.split()[0] for name, _ in made._episodes} == {"postgres", "kafka", "http"}


async def test_a_pause_that_the_death_of_postgresql_spoiled_is_not_spoiled_by_it_again() -> None:
    made, killed = storm(1), []
    made.house.kill_postgres = lambda: killed.append(made.counts[LOCKS_TAKEN])

    def next_but_for_replays() -> str:
        return made._next_of([("kill", made._kill_postgres), ("poison", made._poison)])[0]

    async def paused() -> None:
        await asyncio.sleep(0.05)
        made.counts[PAUSED_FOR_LONG] += 1
        await asyncio.sleep(0.1)
        made.counts[LOCKS_TAKEN] += 1

    made._asleep.append(asyncio.create_task(paused()))
    assert next_but_for_replays() == "kill", "the first may be spoiled"
    await made._kill_postgres()
    await asyncio.sleep(0.1)
    assert next_but_for_replays() == "poison"
    await made._kill_postgres()
    assert next_but_for_replays() == "kill"
    assert killed == [0, 1]


async def test_while_nobody_relays_nobody_is_paused_for_long() -> None:
    made, paused = storm(1), list[str]()
    relaying = iter([None, None, "work matching 2"])
    made.house.children["work matching 2"] = SimpleNamespace(name="work matching 2")
    made.house.count_in_logs = lambda _: 1

    async def who_relays(_service: str) -> str | None:
        return next(relaying)

    async def pause(child: Any, _seconds: float) -> None:
        paused.append(child.name)

    made._who_relays, made._pause = who_relays, pause  # type: ignore[method-assign]
    await made._pause_for_long()
    assert paused == ["work matching 2"]


def test_what_was_done_too_little_is_said() -> None:
    findings = Findings()
    findings.seen("I1", True, "")
    result = Result(1, findings, Counter({"broker killed": 2}), Counter({"at random": 3}), Counter({"work x": 3}))
    floors = {"killed in all": 3, "broker faults": 3, "killed: work x": 1, "looked at: I1": 1, "looked at: I2": 1}
    assert result.shortfalls(floors) == ["broker faults: 2 of 3", "looked at: I2: 0 of 1"]
