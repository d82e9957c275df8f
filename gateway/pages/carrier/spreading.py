"""Points of a drawing moved apart, so that no label hides another, in the order that they had.

What lies west of something never comes to lie east of it, nor what lies north of it south, however far both are moved,
after the force scan of Misue, Eades, Lai and Sugiyama (Layout Adjustment and the Mental Map, 1995): first from west to
east, what lies beside each other more than above each other; then from north to south, whatever still overlaps.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from math import ceil, sqrt

Spot = tuple[float, float]
"""Where something is drawn, px: to the right, and down."""

NOISE_PX = 1e-6
"""What is so near to apart is."""

_Key = tuple[float, int]


def spread(spots: Sequence[Spot], apart_px: float) -> list[Spot]:
    """The same, any two so far apart to the side or in height. What has one spot together becomes a block in its order,
    row by row; what is far enough from everything else stays where it is."""
    cells = _cells(spots)
    xs = [(x, column) for (x, _), (column, _) in zip(spots, cells, strict=True)]
    ys = [(y, row) for (_, y), (_, row) in zip(spots, cells, strict=True)]

    def lie_beside(one: int, other: int) -> bool:
        (left, above), (right, below) = spots[one], spots[other]
        down_px = abs(below - above)
        if (left, above) == (right, below):
            return cells[one][1] == cells[other][1]
        return down_px < apart_px and abs(right - left) >= down_px

    moved_x = _moved(xs, apart_px, lie_beside)
    moved_y = _moved(ys, apart_px, lambda one, other: abs(moved_x[one] - moved_x[other]) < apart_px - NOISE_PX)
    return list(zip(moved_x, moved_y, strict=True))


def _cells(spots: Sequence[Spot]) -> list[tuple[int, int]]:
    """Column and row of each in the block of those that have its spot."""
    together: dict[Spot, list[int]] = defaultdict(list)
    for at, spot in enumerate(spots):
        together[spot].append(at)
    cells = [(0, 0)] * len(spots)
    for block in together.values():
        columns = ceil(sqrt(len(block)))
        for number, at in enumerate(block):
            cells[at] = number % columns, number // columns
    return cells


def _moved(keys: Sequence[_Key], apart_px: float, must_part: Callable[[int, int], bool]) -> list[float]:
    """Along one axis: in the order of the keys, equal ones together, and apart where they must.

    As far forward as they push each other, and as far back, are both in order and apart: so is what lies half-way.
    """
    of_key: dict[_Key, list[int]] = defaultdict(list)
    for at, key in enumerate(keys):
        of_key[key].append(at)
    order = sorted(of_key)
    ranks = [of_key[key] for key in order]

    def part(one: int, other: int) -> bool:
        return any(must_part(this, that) for this in ranks[one] for that in ranks[other])

    places = [place for place, _ in order]
    forward = _pushed(places, apart_px, part)
    last = len(places) - 1
    mirrored = [-each for each in reversed(places)]
    pushed = _pushed(mirrored, apart_px, lambda one, other: part(last - one, last - other))
    backward = [-each for each in reversed(pushed)]
    moved = [0.0] * len(keys)
    for rank, members in enumerate(ranks):
        for at in members:
            moved[at] = (forward[rank] + backward[rank]) / 2
    return moved


def _pushed(places: Sequence[float], apart_px: float, part: Callable[[int, int], bool]) -> list[float]:
    """Each as far on as those before it push it, and no farther; the places are in their order."""
    pushed: list[float] = []
    for at, place in enumerate(places):
        least = max(place, pushed[-1]) if pushed else place
        for before in range(at - 1, -1, -1):
            if pushed[before] + apart_px <= least:
                break  # those before it lie farther back
            if part(before, at):
                least = pushed[before] + apart_px
                break
        pushed.append(least)
    return pushed
