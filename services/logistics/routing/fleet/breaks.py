"""Where along a sequence of visits a vehicle takes its breaks.

A break may lie in the middle of a way, so it delays an arrival by its length, and by what has to be waited for once the
way is done. Being anywhere sooner is never worse, so of all ways to take the first k breaks before a visit the one that
leaves it earliest is best: one number for each leg and k, and the whole in legs × breaks² steps. Walked back from the
end it is the same: of all ways to take the last k breaks after a visit, the one that may come to it last.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.logistics.routing.fleet.model import Amount, Break, Rest, Window, last_within, within


@dataclass(frozen=True, slots=True)
class Legs:
    """The ways to each visit and then to the end; of each visit its windows and how long it takes; what is aboard on
    each way; and, within its windows, when each visit may begin at the earliest."""

    travel_s: tuple[int, ...]
    windows: tuple[tuple[Window, ...], ...]
    done_s: tuple[int, ...]
    loads: tuple[Amount, ...]
    not_before_s: tuple[int, ...]

    def begins_s(self, leg: int, arrival_s: int) -> int | None:
        """When the visit at the end of this leg begins; None where it is too late for that."""
        return within(self.windows[leg], max(arrival_s, self.not_before_s[leg]))


def splits(breaks: Sequence[Break], legs: Legs, departs_s: int, ends_by_s: int) -> tuple[int, ...] | None:
    """How many breaks on each leg, so that it ends soonest; None where they can't all be taken."""
    best: dict[int, tuple[int, tuple[int, ...]]] = {0: (departs_s, ())}
    for leg in range(len(legs.travel_s)):
        after: dict[int, tuple[int, tuple[int, ...]]] = {}
        for taken, (now_s, split) in best.items():
            for more in range(len(breaks) - taken + 1):
                found = rested(breaks[taken : taken + more], leg, now_s, legs)
                if found is None:
                    break
                left_s = _left(legs, leg, found[0])
                if left_s is not None and (taken + more not in after or left_s < after[taken + more][0]):
                    after[taken + more] = left_s, (*split, more)
        best = after
    ends_s, split = best.get(len(breaks), (ends_by_s + 1, ()))
    return split if ends_s <= ends_by_s else None


def last_departure(breaks: Sequence[Break], legs: Legs, ends_s: int) -> int:
    """The last moment to leave the start, take all breaks and still be at the end at `ends_s`; there is one."""
    latest = {len(breaks): ends_s}
    for leg in reversed(range(len(legs.travel_s))):
        before: dict[int, int] = {}
        for taken, arrival_s in latest.items():
            for more in range(taken + 1):
                leaves_s = _leaves(breaks[taken - more : taken], leg, arrival_s, legs)
                if leaves_s is None:
                    break
                comes_s = leaves_s if leg == 0 else last_within(legs.windows[leg - 1], leaves_s - legs.done_s[leg - 1])
                if comes_s is not None:
                    before[taken - more] = max(before.get(taken - more, comes_s), comes_s)
        latest = before
    return latest[0]


def rested(breaks: Sequence[Break], leg: int, now_s: int, legs: Legs) -> tuple[int, list[Rest]] | None:
    """When it arrives that takes these breaks on this leg, each as soon as it may; None where it can't."""
    left_s, driven_s = legs.travel_s[leg], 0
    rests: list[Rest] = []
    for each in breaks:
        begins_s = within(each.windows, now_s)
        if begins_s is None or _is_too_laden(each, legs.loads[leg]):
            return None
        drives_s = min(left_s, begins_s - now_s)
        left_s, driven_s = left_s - drives_s, driven_s + drives_s
        rests.append(Rest(leg, now_s + drives_s, begins_s - now_s - drives_s, each.service_s, driven_s))
        now_s = begins_s + each.service_s
    return now_s + left_s, rests


def _left(legs: Legs, leg: int, arrival_s: int) -> int | None:
    """When it leaves the visit at the end of this leg, or is at its end."""
    if leg == len(legs.windows):
        return arrival_s
    begins_s = legs.begins_s(leg, arrival_s)
    return None if begins_s is None else begins_s + legs.done_s[leg]


def _leaves(breaks: Sequence[Break], leg: int, arrival_s: int, legs: Legs) -> int | None:
    """The last moment to set out on this leg, take these breaks and arrive by then; None where there is none.

    What waits for a break drives meanwhile, so the way asks for no more than its own time beside them.
    """
    by_s = arrival_s
    for each in reversed(breaks):
        begins_s = last_within(each.windows, by_s - each.service_s)
        if begins_s is None or _is_too_laden(each, legs.loads[leg]):
            return None
        by_s = begins_s
    return min(by_s, arrival_s - legs.travel_s[leg] - sum(each.service_s for each in breaks))


def _is_too_laden(each: Break, load: Amount) -> bool:
    return each.max_load is not None and any(have > most for have, most in zip(load, each.max_load, strict=True))
