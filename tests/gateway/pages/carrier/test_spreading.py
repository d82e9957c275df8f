"""Points moved apart: none hides another, and each stays on the side of every other on which it was."""

from collections.abc import Sequence
from itertools import combinations
from time import perf_counter

from hypothesis import given
from hypothesis import strategies as some

from gateway.pages.carrier.spreading import Spot, spread

APART_PX = 24
NOISE_PX = 1e-6
SPOTS = some.lists(
    some.tuples(*[some.one_of(some.floats(0, 480), some.floats(200, 202), some.sampled_from([100, 110, 300]))] * 2),
    max_size=30,
)
"""Far from each other, in a crowd, and on one spot or in line."""


def hidden(spots: Sequence[Spot]) -> list[tuple[Spot, Spot]]:
    return [
        (one, other)
        for one, other in combinations(spots, 2)
        if max(abs(one[0] - other[0]), abs(one[1] - other[1])) < APART_PX - NOISE_PX
    ]


@given(SPOTS)
def test_no_label_hides_another(spots: list[Spot]) -> None:
    assert hidden(spread(spots, APART_PX)) == []


@given(SPOTS)
def test_who_lies_west_or_north_of_another_still_does(spots: list[Spot]) -> None:
    moved = spread(spots, APART_PX)
    for one, other in combinations(range(len(spots)), 2):
        for axis in (0, 1):
            first, then = sorted((one, other), key=lambda at: spots[at][axis])
            if spots[first][axis] < spots[then][axis]:
                assert moved[first][axis] <= moved[then][axis] + NOISE_PX


@given(SPOTS)
def test_where_nothing_is_hidden_nothing_is_moved(spots: list[Spot]) -> None:
    moved = spread(spots, APART_PX)
    if not hidden(spots):
        assert all(max(abs(x - a), abs(y - b)) < NOISE_PX for (x, y), (a, b) in zip(spots, moved, strict=True))


def test_what_has_one_spot_becomes_a_block_around_it_in_its_order() -> None:
    assert spread([(100, 100)] * 4, APART_PX) == [(88, 88), (112, 88), (88, 112), (112, 112)]


def test_a_little_east_of_a_depot_is_east_of_it_and_a_little_north_north() -> None:
    depot, east, north, west = spread([(100, 100), (101, 100.5), (100.5, 98), (99, 100)], APART_PX)
    assert west[0] < depot[0] < east[0]
    assert north[1] <= depot[1] - APART_PX + NOISE_PX


def test_a_plan_as_large_as_there_are_is_drawn_in_a_moment() -> None:
    crowd = [(100 + at * 7 % 31 / 10, 100 + at * 11 % 37 / 10) for at in range(1000)]
    began = perf_counter()
    assert len(spread(crowd, APART_PX)) == 1000
    assert perf_counter() - began < 5
