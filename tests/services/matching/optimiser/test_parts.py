import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser import parts
from services.matching.optimiser.arcs import Arcs
from services.matching.optimiser.certificate import no_arcs
from services.matching.optimiser.market import Listing, Order
from services.matching.optimiser.parts import solved_together
from tests.services.matching.optimiser.factories import (
    Pair,
    every_arc,
    instance,
    linked,
    listings,
    orders,
    pairs_of,
    rows,
)


@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1), st.sampled_from([1, 3, 10**6]))
def test_what_is_solved_together_shares_nobody_with_the_rest(pairs: set[Pair], bin_arcs: int) -> None:
    lots, bids = (np.array(side) for side in zip(*sorted(pairs), strict=True))
    arcs = Arcs(lots, bids, *(np.zeros_like(lots) for _ in range(5)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "BIN_ARCS", bin_arcs)
        groups = list(solved_together(arcs, orders=13))
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(arcs)))
    for side in (lots, bids):
        assert sum(len(set(side[group].tolist())) for group in groups) == len(set(side.tolist()))
    if bin_arcs == 1:
        for group in groups:
            first = int(lots[group[0]])
            assert linked(pairs_of(arcs.select(group)), {first}, set())[0] == set(lots[group].tolist())


def test_nothing_is_solved_of_nothing() -> None:
    assert [len(group) for group in solved_together(no_arcs(), orders=3)] in ([], [0])


@given(listings(), orders(), st.data())
def test_a_part_of_a_market_has_the_arcs_of_the_whole_between_its_rows(
    lots: list[Listing], bids: list[Order], data: st.DataObject
) -> None:
    said_no = data.draw(st.lists(st.tuples(st.sampled_from(lots), st.sampled_from(bids)), max_size=4))
    of = instance(*lots, *bids, excluded=tuple((lot.id, bid.id) for lot, bid in said_no))
    n, m = len(of.market.listings.ids), len(of.market.orders.ids)
    some_lots, some_bids = (rows(data.draw(st.sets(st.integers(0, count - 1)))) for count in (n, m))
    part = of.part(some_lots, some_bids)
    inside = {(lot, bid) for lot, bid in pairs_of(every_arc(of)) if lot in some_lots and bid in some_bids}
    assert {(int(some_lots[lot]), int(some_bids[bid])) for lot, bid in pairs_of(every_arc(part))} == inside
