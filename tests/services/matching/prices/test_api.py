"""Going prices: of several matches of several together, never what somebody got."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, text, update

from duijie.postgres import EmbeddedPostgres
from services.matching.matches.models import Match
from services.matching.prices import queries
from services.matching.prices.queries import PAID
from services.matching.prices.service import PriceBoard
from tests.services.matching.scene import Scene
from tests.support.services import untouched_database

KEPT_S = "services.matching.prices.service.KEPT_S"


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The application outlives a test."""
    monkeypatch.setattr(KEPT_S, 0.0)


async def prices(scene: Scene, **query: str) -> list[dict[str, Any]]:
    answer = await scene.client.get("/v1/prices", params=query, headers=scene.issuer.caller("producer", uuid4()))
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def agreed_at(scene: Scene, *prices_fen_per_kg: int) -> None:
    """One agreed match of 100 kg at each of these prices, each of another producer and another buyer."""
    for price in prices_fen_per_kg:
        match = await scene.matched(quantity_kg=100)
        await change(scene, match, price_fen_per_kg=price, producer_id=uuid4(), buyer_id=uuid4())


async def change(scene: Scene, match: Match, **values: Any) -> None:
    async with scene.db.transaction() as session:
        await session.execute(update(Match).where(Match.id == match.id).values(**values))


async def test_the_median_and_the_quartiles_of_five_matches_are_told(scene: Scene) -> None:
    await agreed_at(scene, 1500, 1600, 1700, 1800, 9000)
    (told,) = await prices(scene)
    assert told == {
        "produce": "strawberry",
        "matches": 5,
        "kg": 500,
        "lower_fen_per_kg": 1600,
        "median_fen_per_kg": 1700,
        "upper_fen_per_kg": 1800,
    }


async def test_of_fewer_than_five_nothing_is_told_but_how_many(scene: Scene) -> None:
    await agreed_at(scene, 1500, 1600, 1700, 1800)
    (told,) = await prices(scene, produce="strawberry")
    assert (told.pop("produce"), told.pop("matches")) == ("strawberry", 4)
    assert set(told.values()) == {None}


@pytest.mark.parametrize("side", ["producer_id", "buyer_id"])
async def test_however_many_the_matches_of_one_or_two_who_sell_or_buy_are_nothing_is_told(
    scene: Scene, side: str
) -> None:
    await agreed_at(scene, 1500, 1600, 1700, 1800, 1900, 2000)
    several = [uuid4() for _ in range(3)]
    for accounts, is_told in ((several[:1], False), (several[:2], False), (several, True)):
        for number, match in enumerate(await scene.matches()):
            await change(scene, match, **{side: accounts[number % len(accounts)]})
        (told,) = await prices(scene)
        assert (told["matches"], told["kg"]) == (6, 600 if is_told else None)
        assert (told["median_fen_per_kg"] is not None) is is_told


async def test_what_is_proposed_released_or_older_than_a_fortnight_does_not_count(scene: Scene) -> None:
    await agreed_at(scene, 1500, 1600, 1700, 1800, 1900)
    await scene.matched(auto_agree=False, quantity_kg=100)
    old, *_ = await scene.matches()
    await change(scene, old, created_at=func.now() - text("interval '15 days'"))
    assert [each["matches"] for each in await prices(scene, produce="strawberry")] == [4]


async def test_a_produce_that_nobody_traded_has_no_price_and_stands_in_no_list(scene: Scene) -> None:
    assert [each["matches"] for each in await prices(scene, produce="garlic")] == [0]
    assert await prices(scene) == []


async def test_what_was_read_is_kept_for_a_minute(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    board = PriceBoard()
    monkeypatch.setattr(KEPT_S, 60.0)
    await agreed_at(scene, 1500)
    assert [each.matches for each in await board.paid(scene.db, None)] == [1]
    await agreed_at(scene, 1500)
    assert [each.matches for each in await board.paid(scene.db, None)] == [1]
    monkeypatch.setattr(KEPT_S, 0.0)
    assert [each.matches for each in await board.paid(scene.db, None)] == [2]


async def test_a_market_without_trade_is_asked_once_and_by_all_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    board, read, asked = PriceBoard(), queries.paid, []
    monkeypatch.setattr(KEPT_S, 60.0)

    async def paid(*given: Any) -> Sequence[queries.Paid]:
        asked.append(given)
        return await read(*given)

    monkeypatch.setattr(queries, "paid", paid)
    assert await asyncio.gather(*(board.paid(scene.db, None) for _ in range(20))) == [[]] * 20
    assert (await board.paid(scene.db, None), len(asked)) == ([], 1)


async def test_prices_are_read_in_their_index_alone(postgres: EmbeddedPostgres) -> None:
    async with untouched_database(postgres, "matching") as db, db.transaction() as session:
        for way in ("seqscan", "bitmapscan"):
            await session.execute(text(f"SET LOCAL enable_{way} = off"))
        asked = {"produce": ["strawberry"], "days": 14}
        plan = "\n".join(await session.scalars(text(f"EXPLAIN {PAID.text}"), asked))
    assert "Index Only Scan using ix_matches_paid_between" in plan


async def test_a_produce_that_is_none_is_refused(scene: Scene) -> None:
    answer = await scene.client.get("/v1/prices", params={"produce": "gold"}, headers=scene.buyer)
    assert answer.status_code == 422
