"""What `duijie policy compare` asks of both policies, and how it tells the answer."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalogue import produce
from duijie.demo.world import FLOOR_FEN_PER_KG
from duijie.policy_desk import matching, policy_in, policy_of
from duijie.problems import CannotStart
from services.matching.optimiser.market import Market
from services.matching.optimiser.policy import Policy
from services.matching.policies.comparing import MEASURES, Compared, Line, Price, compare, of_one_round, price_of
from services.matching.policies.replay import Figures
from services.matching.policies.schemas import PolicyOut
from services.matching.policies.worlds import Size
from services.matching.rounds import snapshot

CROPS = ("strawberry", "kiwifruit", "spinach", "tomato", "hot-pepper", "tangerine")
"""What the worlds deal in: dear and cheap, and with lives of two days to ten."""
WIDTHS = (28, 14, 14, 14, 0)


@dataclass(frozen=True, slots=True)
class Question:
    """Two policies, each a version or a file, over so many worlds of that size; or over one round of a market."""

    a: str
    b: str
    seeds: int
    size: Size
    market: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Both policies, and what they came to."""

    asked: Question
    policies: tuple[Policy, Policy]
    compared: Compared

    def as_table(self) -> str:
        lines = self.compared.lines()
        head = _row("", "A", "B", "B - A", "95 % of B - A")
        return "\n".join([self._over(), "", head, *map(_told, lines), "", sentence(price_of(lines))])

    def as_json(self) -> str:
        """One object; of each measure the means, and its value in every world, which is null where it has none."""
        lines = self.compared.lines()
        a, b = (PolicyOut.of(policy).model_dump(mode="json") for policy in self.policies)
        price = price_of(lines)
        told = {
            "a": a,
            "b": b,
            "over": self._over(),
            "measures": [_as_object(line) for line in lines],
            "price_of_fairness": {
                "surplus_fen": price.surplus_fen,
                "share_of_surplus": price.share,
                "sold_kg": price.sold_kg,
                "saved_kg": price.saved_kg,
            },
            "worlds": [
                {"seed": seed, "a": _figures(figures), "b": _figures(self.compared.b[seed])}
                for seed, figures in self.compared.a.items()
            ],
        }
        return json.dumps(told, ensure_ascii=False, indent=2)

    def _over(self) -> str:
        asked, size = self.asked, self.asked.size
        policies = f"A: policy {asked.a}, B: policy {asked.b}"
        if asked.market is not None:
            return f"{policies}; one round of {asked.market} as it stands"
        return (
            f"{policies}; {'one world' if asked.seeds == 1 else f'means over {asked.seeds} worlds'}"
            f" of {size.days} days, each day {size.lots} lots and {size.orders} orders"
        )


async def answered(data: Path | None, asked: Question) -> Answer:
    """Solve it. Raises CannotStart. The database is asked for versions and for a market alone, and only read."""
    if asked.market is not None and produce.get(asked.market) is None:
        raise CannotStart(f"There is no produce {asked.market!r}.")
    in_files = {name: policy_in(Path(name)) for name in (asked.a, asked.b) if not name.isdecimal()}
    versions = {name for name in (asked.a, asked.b) if name.isdecimal()}
    market, now_us = Market.of([], []), 0
    by_name = dict(in_files)
    if versions or asked.market is not None:
        async with matching(data) as db:
            async with db.reading() as session:
                by_name |= {name: await policy_of(session, int(name)) for name in versions}
            if asked.market is not None:
                seen = await snapshot.take(db, asked.market)
                market, now_us = seen.market, seen.now_us
    a, b = by_name[asked.a], by_name[asked.b]
    if asked.market is not None:
        compared = of_one_round(market, now_us, a, b)
        if not any(figures.sold_g for side in (compared.a, compared.b) for figures in side.values()):
            raise CannotStart(f"Nothing of {asked.market} can be matched now, whichever of them is in force.")
        return Answer(asked, (a, b), compared)
    floors = {crop: FLOOR_FEN_PER_KG[crop] for crop in CROPS}
    return Answer(asked, (a, b), compare(a, b, asked.seeds, asked.size, floors))


def sentence(price: Price) -> str:
    """The price of fairness in words."""
    fen = round(price.surplus_fen)
    share = "" if price.share is None else f" ({abs(price.share):.2%})"
    surplus = f"{'gives up' if fen >= 0 else 'gains'} {abs(fen):,} fen of surplus{share}"
    more = [f"{verb} {_more(kg)}" for verb, kg in (("sells", -price.sold_kg), ("saves", -price.saved_kg))]
    return f"Price of fairness: against A, B {surplus}; it {' and '.join(more)}."


def _more(kg: float) -> str:
    return f"{abs(round(kg)):,} kg {'less' if round(kg) < 0 else 'more'}"


def _told(line: Line) -> str:
    decimals = 0 if line.measure.unit in {"fen", "kg"} else 1
    low_high = "-" if line.interval is None else " .. ".join(f"{end:+,.{decimals}f}" for end in line.interval)
    return _row(
        f"{line.measure.name}, {line.measure.unit}",
        f"{line.a:,.{decimals}f}",
        f"{line.b:,.{decimals}f}",
        f"{line.difference:+,.{decimals}f}",
        low_high,
    )


def _row(name: str, *columns: str) -> str:
    first, *widths = WIDTHS
    cells = [f"{column:>{width}}" if width else f"   {column}" for column, width in zip(columns, widths, strict=True)]
    return f"{name:<{first}}{''.join(cells)}"


def _as_object(line: Line) -> dict[str, Any]:
    low, high = line.interval or (None, None)
    return {
        "name": line.measure.name,
        "unit": line.measure.unit,
        "a": line.a,
        "b": line.b,
        "difference": line.difference,
        "low": low,
        "high": high,
    }


def _figures(figures: Figures) -> dict[str, float | None]:
    """And how far any of its rounds may be from its optimum: 0, all are proven."""
    measured = {f"{measure.name}, {measure.unit}": measure.of(figures) for measure in MEASURES}
    return measured | {"largest certified_gap": figures.largest_gap}
