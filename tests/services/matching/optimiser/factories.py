"""Listings and orders for tests: one lot of strawberries at Siyang, one buyer in Nanjing, and variations.

And how they are cleared, and the plainest way to say who is linked to whom.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from services.matching.optimiser.arcs import Arcs, Instance, compatible_arcs
from services.matching.optimiser.clear import clear
from services.matching.optimiser.market import Listing, Market, Order
from services.matching.optimiser.plan import Plan
from services.matching.optimiser.policy import HOUR_US, POLICY_1, IntArray, Policy
from services.matching.optimiser.roads import Roads
from services.matching.optimiser.screen import Prices, candidate_pairs

NOW_US = 1_790_000_000_000_000
SIYANG = (118.69, 33.72)
NANJING = (118.79, 32.05)
KG = 1000
ALWAYS, NONE = st.just(True), st.just(0)

STRAWBERRIES = Listing(
    id="L1",
    quantity_g=1200 * KG,
    committed_g=0,
    remaining_g=1200 * KG,
    floor_fen_per_kg=1600,
    grade="A",
    lon=SIYANG[0],
    lat=SIYANG[1],
    available_from_us=NOW_US,
    available_until_us=None,
    spoils_at_us=NOW_US + 72 * HOUR_US,
    temperature_class="chilled",
)
NANJING_ORDER = Order(
    id="O1",
    wanted_g=500 * KG,
    ceiling_fen_per_kg=2600,
    min_grade="B",
    lon=NANJING[0],
    lat=NANJING[1],
    deliver_by_us=NOW_US + 72 * HOUR_US,
    min_remaining_life_us=24 * HOUR_US,
)


def listing(listing_id: str = "L1", kg: float | None = None, **changes: object) -> Listing:
    """The strawberries, changed; ``kg`` is what is listed and remains."""
    if kg is not None:
        changes = {"quantity_g": round(kg * KG), "remaining_g": round(kg * KG)} | changes
    return replace(STRAWBERRIES, id=listing_id, **changes)


def order(order_id: str = "O1", kg: float | None = None, **changes: object) -> Order:
    """The order from Nanjing, changed; ``kg`` is what is wanted."""
    if kg is not None:
        changes = {"wanted_g": round(kg * KG)} | changes
    return replace(NANJING_ORDER, id=order_id, **changes)


def instance(
    *rows: Listing | Order,
    excluded: tuple[tuple[str, str], ...] = (),
    policy: Policy = POLICY_1,
    roads: Roads | None = None,
) -> Instance:
    """The instance of these rows now."""
    lots = [row for row in rows if isinstance(row, Listing)]
    bids = [row for row in rows if isinstance(row, Order)]
    return Instance.of(Market.of(lots, bids, excluded, roads), policy, NOW_US)


def every_arc(of: Instance) -> Arcs:
    """All compatible arcs, pair by pair, without any screen."""
    n, m = len(of.market.listings.ids), len(of.market.orders.ids)
    return compatible_arcs(of, np.repeat(np.arange(n), m), np.tile(np.arange(m), n))


def _at_hour(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high).map(lambda hour: NOW_US + hour * HOUR_US)


PLACES = [SIYANG, NANJING, (118.7, 33.7), (121.47, 31.23), (116.4, 39.9), (87.6, 43.8)]
_places = st.sampled_from(PLACES)
_grams = st.integers(1, 24).map(lambda quarters_kg: quarters_kg * 250)


@st.composite
def listings(draw: st.DrawFn, divisible: st.SearchStrategy[bool] = ALWAYS) -> list[Listing]:
    """Up to five small lots, some partly sold, some about to spoil."""
    lots = []
    for number in range(draw(st.integers(1, 5))):
        lon, lat = draw(_places)
        remaining, committed = draw(_grams), draw(st.sampled_from([0, 0, 250, 3000]))
        lots.append(
            listing(
                f"L{number}",
                quantity_g=remaining + committed,
                remaining_g=remaining,
                committed_g=committed,
                floor_fen_per_kg=draw(st.integers(0, 300)),
                grade=draw(st.sampled_from("ABC")),
                lon=lon,
                lat=lat,
                available_from_us=draw(_at_hour(-12, 30)),
                available_until_us=draw(st.none() | _at_hour(0, 60)),
                spoils_at_us=draw(_at_hour(20, 200)),
                temperature_class=draw(st.sampled_from(["ambient", "chilled", "frozen"])),
                watch_52=draw(st.booleans()),
                poverty_832=draw(st.sampled_from([True, False, None])),
                divisible=draw(divisible),
            )
        )
    return lots


@st.composite
def orders(draw: st.DrawFn, min_fill: st.SearchStrategy[int] = NONE) -> list[Order]:
    """Up to five small orders of either price basis, some pinned, some in a hurry."""
    bids = []
    for number in range(draw(st.integers(1, 5))):
        lon, lat = draw(_places)
        bids.append(
            order(
                f"O{number}",
                wanted_g=draw(_grams),
                ceiling_fen_per_kg=draw(st.integers(0, 500)),
                min_grade=draw(st.sampled_from("ABCC")),
                lon=lon,
                lat=lat,
                deliver_from_us=draw(st.none() | _at_hour(-5, 40)),
                deliver_by_us=draw(_at_hour(5, 120)),
                min_remaining_life_us=draw(st.integers(0, 48)) * HOUR_US,
                price_basis=draw(st.sampled_from(["delivered", "delivered", "farm_gate"])),
                listing_id=draw(st.sampled_from([None, None, None, "L0", "L9"])),
                min_fill_g=draw(min_fill),
            )
        )
    return bids


@st.composite
def roads(draw: st.DrawFn) -> Roads:
    """Roads as nobody would build them: between some of the places, shorter than the air or round the world, other
    there than back, some of them unknown."""
    origins = draw(st.lists(_places, unique=True, max_size=6))
    destinations = draw(st.lists(_places, unique=True, max_size=6))
    metres = st.one_of(st.integers(-1, 10), st.integers(0, 400_000), st.integers(0, 5_000_000), st.just(10**12))
    size = len(origins) * len(destinations)
    cells = draw(st.lists(metres, min_size=size, max_size=size))
    return Roads(origins, destinations, np.array(cells, dtype=np.int64).reshape(len(origins), len(destinations)))


def cleared(lots: Sequence[Listing], bids: Sequence[Order]) -> Plan:
    return clear(Market.of(lots, bids), POLICY_1, NOW_US)


def value_mfen(lots: Sequence[Listing], bids: Sequence[Order]) -> int:
    return cleared(lots, bids).value_mfen


def quantities(plan: Plan) -> dict[tuple[str, str], float]:
    """Kilograms, by the ids of both sides."""
    return {(match.listing_id, match.order_id): match.quantity_g / KG for match in plan.matches}


Pair = tuple[int, int]


def passed(of: Instance, prices: Prices | None = None) -> set[Pair]:
    """The pairs that the screen lets through."""
    return {
        pair for lots, bids in candidate_pairs(of, prices) for pair in zip(lots.tolist(), bids.tolist(), strict=True)
    }


def pairs_of(arcs: Arcs) -> set[Pair]:
    return set(zip(arcs.listing.tolist(), arcs.order.tolist(), strict=True))


def linked(pairs: Iterable[Pair], lots: set[int], bids: set[int]) -> tuple[set[int], set[int]]:
    """These and everyone that a chain of these pairs leads to, by the plainest means."""
    pairs = set(pairs)
    while True:
        more = {lot for lot, bid in pairs if bid in bids} | lots, {bid for lot, bid in pairs if lot in lots} | bids
        if more == (lots, bids):
            return more
        lots, bids = more


def rows(values: Iterable[int]) -> IntArray:
    return np.array(sorted(values), dtype=np.int64)


PROMISES = listings(divisible=st.booleans()), orders(min_fill=st.sampled_from([0, 0, 1000, 4000]))
