"""What is said of the lots that stand is what a plain count says, to the gram, filter by filter and page by page."""

import struct
from collections import defaultdict
from typing import NamedTuple
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.listing.backlog.figures import Area, Part
from services.listing.backlog.standing import RECORD, Standing

NAMES = ["apple", "cabbage", "cabbage-red", "strawberry"]
EVIDENCE = [0, 1, 2, 2]
COUNTIES = [321323, 321311, 320102, 530103, 110101]


class Stood(NamedTuple):
    id: int
    produce: int
    adcode: int
    remaining_g: int
    unsold_g: int
    hours_left: float


def standing(lots: list[Stood]) -> Standing:
    records = [
        struct.pack(">QQiiqqdd", each.id >> 64, each.id & (1 << 64) - 1, *each[1:6], each.unsold_g / each.remaining_g)
        for each in lots
    ]
    return Standing(NAMES, EVIDENCE, b"".join(records))


@st.composite
def lot(draw: st.DrawFn) -> Stood:
    remaining_g = draw(st.integers(1, 10**13) | st.integers(1, 4))
    return Stood(
        draw(st.integers(0, 2**128 - 1)),
        draw(st.integers(0, 3)),
        draw(st.sampled_from(COUNTIES)),
        remaining_g,
        draw(st.sampled_from([0, 1, remaining_g // 2, remaining_g])),
        draw(st.sampled_from([0.5, 1.0, 7.25, 7.25, 300.0])),
    )


lots = st.lists(lot(), max_size=40, unique_by=lambda each: each.id)
parts = st.builds(
    Part,
    st.sampled_from([None, "cabbage", "kiwi"]),
    st.sampled_from([None, "32", "3213", "321323", "99", "00", "32132"]),
    st.sampled_from([None, COUNTIES[:2]]),
    st.sampled_from([None, COUNTIES[2:]]),
)


def is_in(each: Stood, part: Part) -> bool:
    return (
        part.produce in {None, NAMES[each.produce]}
        and str(each.adcode).startswith(part.adcode or "")
        and (part.among is None or each.adcode in part.among)
        and (part.not_among is None or each.adcode not in part.not_among)
    )


def counted(stood: list[Stood], digits: int, part: Part) -> list[Area]:
    cells: dict[tuple[str, str], list[Stood]] = defaultdict(list)
    for each in stood:
        if is_in(each, part):
            cells[str(each.adcode)[:digits], NAMES[each.produce]].append(each)
    found = []
    for (area, produce), within in cells.items():
        open_g, upto_g, median = sum(each.remaining_g for each in within), 0, -1.0
        for each in sorted(within, key=lambda each: each.hours_left):
            upto_g += each.remaining_g
            if median < 0 and 2 * upto_g >= open_g:
                median = each.hours_left
        at_risk_g, evidence = sum(each.unsold_g for each in within), EVIDENCE[NAMES.index(produce)]
        found.append(Area(f"{area}:{produce}", area, produce, open_g, at_risk_g, len(within), evidence, median))
    return sorted(found, key=lambda each: (-each.at_risk_g, each.key))


@given(lots, st.sampled_from([2, 4, 6]), parts)
def test_areas_are_what_a_plain_count_says(stood: list[Stood], digits: int, part: Part) -> None:
    assert standing(stood).areas(digits, part, None, 1000) == counted(stood, digits, part)


@given(lots, st.sampled_from([2, 6]), st.integers(1, 7))
def test_pages_of_areas_join_to_the_whole(stood: list[Stood], digits: int, limit: int) -> None:
    whole, pages, behind = counted(stood, digits, Part()), [], None
    while page := standing(stood).areas(digits, Part(), behind, limit):
        pages += page
        behind = page[-1].at_risk_g, page[-1].key
    assert pages == whole


@given(lots, parts, st.integers(1, 7))
def test_pages_of_lots_join_to_the_whole_the_most_at_risk_first(stood: list[Stood], part: Part, limit: int) -> None:
    wanted = sorted((each for each in stood if is_in(each, part)), key=lambda each: (-each.unsold_g, each.id))
    pages, behind = [], None
    while page := standing(stood).lots(part, behind, limit):
        pages += page
        behind = page[-1].unsold_g, page[-1].key
    assert [each.id for each in pages] == [UUID(int=each.id) for each in wanted]
    assert [(each.remaining_g, each.unsold_g, each.hours_left, each.evidence) for each in pages] == [
        (each.remaining_g, each.unsold_g, each.hours_left, EVIDENCE[each.produce]) for each in wanted
    ]


@pytest.mark.parametrize("key", ["", "x", "32", "32:", "99:zebra", ":"])
def test_a_cursor_that_nobody_gave_is_a_place_all_the_same(key: str) -> None:
    stood = [Stood(number, 0, adcode, 10, 5, 1.0) for number, adcode in enumerate((110101, 320102, 530103))]
    whole = standing(stood).areas(2, Part(), None, 10)
    assert standing(stood).areas(2, Part(), (5, key), 10) == [each for each in whole if each.key > key]


def test_a_record_is_packed_without_a_gap() -> None:
    assert RECORD.itemsize == struct.calcsize(">QQiiqqdd") == 56
