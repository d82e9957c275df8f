"""A market where one price yields is the market that would have been made of those rows."""

from dataclasses import fields, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.matching.optimiser.arcs import Instance
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.policy import POLICY_1
from services.matching.optimiser.sides import Side, ids_of, yielding, yields_at_most_fen
from services.matching.optimiser.tables import MAX_PRICE_FEN_PER_KG
from tests.services.matching.optimiser.factories import NOW_US, instance, listing, listings, order, orders

REFUSED = (("L0", "O1"), ("L2", "O0"))


def made_of(lots: list[Listing], bids: list[Order]) -> Instance:
    return Instance.of(Market.of(lots, bids, REFUSED), POLICY_1, NOW_US)


def same(one: Instance, other: Instance) -> None:
    for name in ("leaves_at_us", "bonus_fen_per_kg", "class_percent"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert one.market.excluded.tolist() == other.market.excluded.tolist()
    for mine, its in ((one.market.listings, other.market.listings), (one.market.orders, other.market.orders)):
        for each in fields(mine):
            assert np.array_equal(getattr(mine, each.name), getattr(its, each.name)), each.name


@given(listings(), orders(), st.integers(0, 400), st.data())
def test_it_is_the_market_of_the_changed_rows_in_their_order(
    lots: list[Listing], bids: list[Order], by_fen: int, data: st.DataObject
) -> None:
    of = made_of(lots, bids)
    side: Side = data.draw(st.sampled_from(["listing", "order"]))
    row = data.draw(st.integers(0, len(ids_of(of.market, side)) - 1))
    by_fen = min(by_fen, yields_at_most_fen(of.market, side, row))
    who = ids_of(of.market, side)[row]
    if side == "listing":
        lots = [replace(e, floor_fen_per_kg=e.floor_fen_per_kg - by_fen) if e.id == who else e for e in lots]
    else:
        bids = [replace(e, ceiling_fen_per_kg=e.ceiling_fen_per_kg + by_fen) if e.id == who else e for e in bids]
    changed, place = yielding(of, side, row, by_fen)
    same(changed, made_of(lots, bids))
    assert [ids_of(changed.market, side)[now] for now in place] == list(ids_of(of.market, side))


def test_a_floor_falls_to_nothing_and_a_ceiling_rises_to_what_may_be_paid() -> None:
    market = instance(listing(), order()).market
    assert yields_at_most_fen(market, "listing", 0) == 1600
    assert yields_at_most_fen(market, "order", 0) == MAX_PRICE_FEN_PER_KG - 2600
