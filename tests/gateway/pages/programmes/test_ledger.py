"""The ledger on its page: the newest transfer first, and both ends within reach."""

import re
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.gateway.pages.played import Asked, Played
from tests.gateway.pages.programmes.test_programmes import PAGE, a_programme, items


@pytest.fixture
def logistics() -> Played:
    played = Played()
    played.say(f"/v1{PAGE}", a_programme())
    return played


async def test_the_ledger_names_its_accounts(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played
) -> None:
    a_chain_of(1, logistics)
    page = (await client.get(f"{PAGE}/ledger", headers=officer | {"Accept-Language": "zh-CN"})).text
    assert "待结算 → 已拨付" in page


def a_chain_of(length: int, logistics: Played) -> None:
    """So many payouts, which are told as the API does: in their order, behind a number."""
    moved = {"kind": "payout", "debit": "posted", "credit": "paid", "amount_fen": 200, "hash": "0" * 64}

    def told(asked: Asked) -> dict[str, Any]:
        after, limit = int(asked.query["after"][0]), int(asked.query["limit"][0])
        seqs = range(after + 1, min(after + limit, length) + 1)
        return items(*(moved | {"seq": seq, "at": "2026-11-01T00:00:00Z"} for seq in seqs))

    logistics.say(f"/v1{PAGE}/balances", {"seq": length})
    logistics.say(f"/v1{PAGE}/transfers", told)


@pytest.mark.parametrize("length", [0, 1, 50, 51, 120])
async def test_the_ledger_is_turned_over_from_the_newest_transfer_to_the_first_and_back(
    client: httpx.AsyncClient, officer: dict[str, str], logistics: Played, length: int
) -> None:
    a_chain_of(length, logistics)
    pages, address = [], f"{PAGE}/ledger"
    while address:
        page = (await client.get(address, headers=officer)).text
        pages.append((address, [int(seq) for seq in re.findall(r"<tr><td>([\d,]+)</td>", page)], page))
        address = next(iter(re.findall(r'rel="next" href="([^"]*)"', page)), "")
    assert [seq for _, seqs, _ in pages for seq in seqs] == list(range(length, 0, -1))
    for (before, _, _), (_, _, page) in pairwise(pages):
        assert f'rel="prev" href="{before}"' in page
    if len(pages) > 1:
        (_, newest, page), (_, _, last) = pages[0], pages[-1]
        (oldest,) = re.findall(r'href="([^"]*)">Oldest<', page)
        end = re.findall(r"<tr><td>([\d,]+)</td>", (await client.get(oldest, headers=officer)).text)
        assert end == [str(seq) for seq in range(50, 0, -1)], "a whole page of the first ones"
        assert f'href="{PAGE}/ledger">Newest<' in last
        assert newest[0] == length
