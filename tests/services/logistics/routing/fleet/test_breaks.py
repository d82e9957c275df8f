"""Breaks: where they are taken, and that no other way to take them ends sooner."""

from contextlib import suppress
from dataclasses import replace
from itertools import combinations_with_replacement
from random import Random

import pytest

from services.logistics.routing.fleet.breaks import Legs, rested, splits
from services.logistics.routing.fleet.model import ALWAYS, Break, Route
from services.logistics.routing.fleet.timing import Impossible, driven
from tests.services.logistics.routing.fleet.fleets import fleet, job, on_a_line, shipment, van


def test_a_break_in_the_middle_of_a_way_delays_it_by_its_length_alone() -> None:
    tea = Break(((40, 60),), 30)
    route = driven(fleet(van(breaks=(tea,)), job(1)), 0, [0])
    (rest,) = route.rests
    assert (rest.leg, rest.arrival_s, rest.waiting_s, rest.driven_s) == (0, 40, 0, 40)
    assert (route.departs_s, route.steps[0].arrival_s, route.ends_s, route.travel_s) == (0, 130, 230, 200)


def test_a_break_whose_window_opens_when_the_way_is_done_is_waited_for() -> None:
    late = Break(((150, 160), (500, 600)), 10)
    route = driven(fleet(van(breaks=(late,)), job(1, windows=((0, 120),), service_s=20)), 0, [0])
    (rest,) = route.rests
    assert (rest.leg, rest.arrival_s, rest.waiting_s) == (1, 150, 0), "on the way home, and not before the visit"
    assert route.ends_s == 230


def test_what_is_aboard_decides_where_a_break_may_be() -> None:
    empty = Break((ALWAYS,), 10, max_load=(0,))
    route = driven(fleet(van(breaks=(empty,)), job(1), job(2)), 0, [0, 2])
    assert [rest.leg for rest in route.rests] == [2]
    with pytest.raises(Impossible, match="break"):
        driven(fleet(van(breaks=(empty,)), job(1, collected=(1,))), 0, [0])


@pytest.mark.parametrize("seed", range(60))
def test_no_other_way_to_take_the_breaks_ends_sooner(seed: int) -> None:
    chance = Random(seed)
    count = chance.randrange(1, 5)

    def window(length: int) -> tuple[int, int]:
        opens_s = chance.randrange(300)
        return opens_s, opens_s + chance.randrange(length)

    legs = Legs(
        travel_s=tuple(chance.randrange(100) for _ in range(count + 1)),
        windows=tuple((window(400),) for _ in range(count)),
        done_s=tuple(chance.randrange(30) for _ in range(count)),
        loads=((0,),) * (count + 1),
        not_before_s=(0,) * count,
    )
    breaks = [Break((window(200),), chance.randrange(40)) for _ in range(chance.randrange(1, 4))]

    def ends_s(split: tuple[int, ...]) -> int | None:
        now_s, taken = 0, 0
        for leg, more in enumerate(split):
            found = rested(breaks[taken : taken + more], leg, now_s, legs)
            if found is None:
                return None
            now_s, taken = found[0], taken + more
            if leg < count:
                begins_s = legs.begins_s(leg, now_s)
                if begins_s is None:
                    return None
                now_s = begins_s + legs.done_s[leg]
        return now_s

    ways = [
        ends_s(tuple(places.count(leg) for leg in range(count + 1)))
        for places in combinations_with_replacement(range(count + 1), len(breaks))
    ]
    possible = [way for way in ways if way is not None]
    found = splits(breaks, legs, 0, 10_000)
    assert (found is None) == (not possible)
    assert found is None or ends_s(found) == min(possible)


@pytest.mark.parametrize("seed", range(60))
def test_who_ends_as_soon_as_can_be_leaves_as_late_as_can_be(seed: int) -> None:
    """Of every moment to leave, with breaks and with what may be aboard for a while only."""
    chance = Random(seed)

    def windows() -> tuple[tuple[int, int], ...]:
        opens = sorted(chance.sample(range(0, 300, 20), 2))
        return (opens[0], opens[0] + chance.randrange(-1, 20)), (opens[1], opens[1] + 150)

    breaks = tuple(Break(windows(), chance.randrange(40)) for _ in range(chance.randrange(3)))
    carried = replace(shipment(2, 3, windows=(windows(), windows())), max_ride_s=chance.choice([None, 15, 40]))
    problem = fleet(
        van(breaks=breaks),
        job(1, windows=windows(), service_s=chance.randrange(20), setup_s=5),
        carried,
        travel=on_a_line(4, apart=chance.randrange(5, 15)),
    )

    def leaving(departs_s: int) -> Route | None:
        with suppress(Impossible):
            return driven(
                replace(problem, vehicles=(replace(van(breaks=breaks), window=(departs_s, 10_000)),)), 0, ways
            )
        return None

    ways = [0, 2, 3]
    found = leaving(0)
    possible = [(route.ends_s, -departs_s) for departs_s in range(450) if (route := leaving(departs_s))]
    assert (found is None) == (not possible)
    assert found is None or (found.ends_s, -found.departs_s) == min(possible)
