"""A fund is drained to the last fen, and a fen that is elsewhere is noticed."""

import pytest

from bench import drain
from services.logistics.subsidy.ledger import Balances, Head


@pytest.mark.parametrize("budget_fen", [2_000_000, 2_000_199, 199, 200])
def test_a_fund_ends_with_what_is_too_little_for_one_more(budget_fen: int) -> None:
    result = drain.drained(budget_fen, 7, lambda *_: None)
    assert result.sums.kept == budget_fen // 200
    assert result.head.balances == Balances(-budget_fen, budget_fen % 200, 0, budget_fen // 200 * 200, 0)
    steps = 1 + 2 * (result.sums.kept + result.sums.lost) + 3 * result.sums.came_back
    assert result.postings == steps
    assert f"**{result.sums.kept:,} parcels, " in drain.page(result, 7)


@pytest.mark.parametrize("moved", [{"available": 1}, {"reserved": -1}, {"posted": 200, "available": -200}, {"paid": 1}])
def test_a_fen_that_is_elsewhere_is_noticed(moved: dict[str, int]) -> None:
    sums = drain.Sums(1000, reserved=1, kept=2)
    right = {"funder": -1000, "available": 400, "reserved": 200, "posted": 400, "paid": 0}
    assert sums.agree(Head("p", 9, "h", Balances(**right)))
    wrong = {name: fen + moved.get(name, 0) for name, fen in right.items()}
    assert not sums.agree(Head("p", 9, "h", Balances(**wrong)))
