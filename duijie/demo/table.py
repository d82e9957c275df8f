"""What the demonstration came to."""

from dataclasses import asdict, dataclass
from typing import Any

GRAMS_PER_KG = 1000
FEN_PER_CNY = 100
SUBSIDY_STATES = ("reserved", "posted", "voided", "reversed")


@dataclass(frozen=True, slots=True)
class Totals:
    """Masses in grams, money in fen, distance in metres.

    A function of the seed and the date where the rounds came before goods could be fetched; `market.clear` tells where
    they did not, as after a long interruption.
    """

    seed: int
    day: str
    listings: int
    orders: int
    offered_g: int
    wanted_g: int
    matches: int
    matched_g: int
    saved_g: int
    value_fen: float
    greedy_value_fen: float
    certified_gap: float
    shipments: int
    delivered: int
    routes: int
    routed_stops: int
    unassigned: int
    driven_m: int
    parcels: int
    parcels_subsidised: int
    subsidies: dict[str, int]
    courier: dict[str, int]
    produce: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def table(totals: Totals) -> str:
    """The totals as a person reads them."""
    rows = [
        ("offered", f"{kg(totals.offered_g)} kg in {totals.listings:,} lots"),
        ("wanted", f"{kg(totals.wanted_g)} kg in {totals.orders:,} orders"),
        ("matched", f"{kg(totals.matched_g)} kg in {totals.matches:,} matches"),
        ("saved from spoiling", f"{kg(totals.saved_g)} kg of lots that keep under three days"),
        ("value of the rounds", f"{cny(totals.value_fen)} CNY"),
        ("greedy would have had", f"{cny(totals.greedy_value_fen)} CNY"),
        ("certified gap", f"{totals.certified_gap:g}"),
        ("shipments delivered", f"{totals.delivered:,} of {totals.shipments:,}"),
        ("driven", f"{totals.driven_m / 1000:,.1f} km on {totals.routes} routes, {totals.routed_stops} stops"),
        ("unassigned, with reasons", f"{totals.unassigned:,}"),
        ("parcels subsidised", f"{totals.parcels_subsidised:,} of {totals.parcels:,}"),
        ("of these by now", ", ".join(f"{totals.subsidies[state]:,} {state}" for state in SUBSIDY_STATES)),
        *_fund("courier", totals.courier),
        *_fund("produce", totals.produce),
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in rows)


def _fund(name: str, fund: dict[str, int]) -> list[tuple[str, str]]:
    return [
        (f"{name} fund: {state}", f"{fund[f'{state}_fen']:,} fen ({cny(fund[f'{state}_fen'])} CNY)")
        for state in ("reserved", "posted", "available")
    ]


def kg(grams: int) -> str:
    return f"{grams / GRAMS_PER_KG:,.3f}".rstrip("0").rstrip(".")


def cny(fen: float) -> str:
    return f"{fen / FEN_PER_CNY:,.2f}"
