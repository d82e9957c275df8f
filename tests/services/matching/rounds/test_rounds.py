"""One round: what it finds, what it records, and what it leaves alone when the market moves while it is solved."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update

from chassis.db import Database
from chassis.solvers import SolverFailed
from contracts.rounds import RoundCleared
from services.matching.feed.models import FEED
from services.matching.markets import MARKET_CHANGES
from services.matching.matches import service as match_service
from services.matching.optimiser.plan import Plan
from services.matching.orders.models import Order
from services.matching.rounds import service
from services.matching.rounds.pool import SolverPool
from services.matching.rounds.timer import Timer
from services.matching.supply.models import Supply
from tests.services.matching.scene import Scene, books_balance, consume, published, soon, then, withdrawn


class Meddled(SolverPool):
    """The real solvers, but something happens to the market while they solve."""

    def __init__(self, pool: SolverPool, meddle: Callable[[], Awaitable[object]]) -> None:
        self._pool = pool
        self._meddle = meddle

    async def clear(self, *market: Any, **how: Any) -> Plan:
        plan = await self._pool.clear(*market, **how)
        await self._meddle()
        return plan


class Broken(SolverPool):
    async def start(self) -> None: ...

    async def clear(self, *market: Any, **how: Any) -> Plan:
        raise SolverFailed("as planned")


async def changes(db: Database) -> int:
    async with db.reading() as session:
        return int(await session.scalar(select(func.count()).select_from(MARKET_CHANGES)) or 0)


async def test_a_round_records_what_it_came_to_and_tells_of_it(scene: Scene) -> None:
    await scene.lot()
    await scene.lot(quantity_g=5_000)
    await scene.order(quantity_kg=500)
    admin = scene.issuer.caller("admin")
    answer = await scene.client.post("/v1/rounds", json={"produce": "strawberry"}, headers=admin)
    assert answer.status_code == 201, answer.text
    (cleared,) = answer.json()["items"]
    assert (cleared["produce"], cleared["listings"], cleared["orders"], cleared["arcs"]) == ("strawberry", 2, 1, 2)
    assert (cleared["matched_kg"], cleared["skipped"], cleared["policy"]) == (500, 0, 1)
    assert cleared["certified_gap"] == 0
    assert cleared["value"] >= cleared["greedy_value"] > 0
    matches = await scene.matches()
    assert {str(match.round_id) for match in matches} == {cleared["id"]}
    for reader in ("admin", "auditor", "supervisor"):
        headers = scene.issuer.caller(reader)
        assert (await scene.client.get(f"/v1/rounds/{cleared['id']}", headers=headers)).json() == cleared
        assert (await scene.client.get("/v1/rounds", headers=headers)).json()["items"] == [cleared]
    (told,) = await scene.told_of(RoundCleared)
    assert (str(told.round_id), told.matched_g, told.certified_gap) == (cleared["id"], 500_000, 0)
    assert told.value_fen == pytest.approx(cleared["value"], abs=1)


async def test_the_value_is_what_policy_1_says_of_each_kilogram(scene: Scene) -> None:
    """At the farm gate the surplus is 1000; 200 hours of life rescue nothing; Siyang is on no list."""
    await scene.lot(quantity_g=1_000_000, spoils_at=soon(hours=200))
    await scene.order(quantity_kg=500, price_basis="farm_gate")
    cleared = await scene.round()
    spread = 250 * 40 + 250 * 25
    assert cleared.value_mfen == (500 * 1000 + spread) * 1000


async def test_without_a_name_every_market_with_two_sides_is_cleared(scene: Scene) -> None:
    for produce in ("strawberry", "garlic"):
        await scene.lot(produce=produce, temperature_class="ambient")
        await scene.order(produce=produce)
    await scene.lot(produce="onion")
    answer = await scene.client.post("/v1/rounds", headers=scene.issuer.caller("admin"))
    assert [each["produce"] for each in answer.json()["items"]] == ["garlic", "strawberry"]
    assert len(await scene.matches()) == 2


async def test_on_demand_a_round_with_nothing_to_match_answers_too(scene: Scene) -> None:
    cleared = await scene.round("garlic")
    assert (cleared.listings, cleared.orders, cleared.matched_g, cleared.certified_gap) == (0, 0, 0, 0)


async def test_one_key_clears_once(scene: Scene) -> None:
    await scene.lot()
    await scene.order()
    headers = scene.issuer.caller("admin") | {"Idempotency-Key": "tonight"}
    first = await scene.client.post("/v1/rounds", headers=headers)
    again = await scene.client.post("/v1/rounds", headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert len(await scene.told_of(RoundCleared)) == 1
    other = await scene.client.post("/v1/rounds", json={"produce": "garlic"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_only_an_admin_clears_and_sets_the_timer(scene: Scene) -> None:
    for role in ("producer", "platform", "auditor", "supervisor", "carrier"):
        headers = scene.issuer.caller(role)  # type: ignore[arg-type]
        assert (await scene.client.post("/v1/rounds", headers=headers)).status_code == 403
        assert (await scene.client.put("/v1/rounds/interval", json={"seconds": 5}, headers=headers)).status_code == 403
    assert (await scene.client.get("/v1/rounds", headers=scene.buyer)).status_code == 403


@pytest.mark.parametrize("seconds", [-1, 1e9, "1", None, True])
async def test_the_interval_is_a_number_of_seconds(scene: Scene, seconds: object) -> None:
    admin = scene.issuer.caller("admin")
    refused = await scene.client.put("/v1/rounds/interval", json={"seconds": seconds}, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "#/seconds")
    assert (await scene.client.get("/v1/rounds/interval", headers=admin)).json() == {"seconds": 1}


async def test_a_pinned_order_takes_from_its_listing_alone(scene: Scene) -> None:
    cheap, named = await scene.lot(min_price_fen_per_kg=100), await scene.lot(quantity_g=20_000)
    await scene.order(listing_id=str(named.listing_id))
    await scene.order(listing_id=str(published().listing_id))
    assert (await scene.round()).matched_g == 20_000
    assert [match.listing_id for match in await scene.matches()] == [named.listing_id]
    assert cheap.listing_id != named.listing_id


async def test_an_order_gets_its_least_fill_or_nothing(scene: Scene) -> None:
    await scene.lot(quantity_g=90_000)
    order = await scene.order(quantity_kg=500, min_fill_kg=100)
    assert (await scene.round()).matches == 0
    await scene.lot(quantity_g=30_000)
    assert (await scene.round()).matched_g == 120_000
    await scene.lot(quantity_g=1_000)
    assert (await scene.round()).matched_g == 1_000, "the least fill counts over all rounds"
    assert (await scene.read_order(order["id"]))["agreed_kg"] == 121


@pytest.mark.parametrize(
    "meddle",
    ["withdrawn", "dearer", "sold", "spoiling", "closing", "cancelled", "lower ceiling", "overdue"],
)
async def test_what_no_longer_fits_is_not_written_and_the_market_waits_for_another_round(
    scene: Scene, meddle: str
) -> None:
    lot = await scene.lot()
    order = await scene.order()
    path = f"/v1/orders/{order['id']}"

    async def age(table: type[Supply] | type[Order], **values: object) -> None:
        """The clock moves on: no terms are changed by that."""
        async with scene.db.transaction() as session:
            await session.execute(update(table).values(**values))

    happenings: dict[str, Callable[[], Awaitable[object]]] = {
        "withdrawn": lambda: consume(scene.db, withdrawn(lot)),
        "dearer": lambda: consume(scene.db, then(lot, min_price_fen_per_kg=1700)),
        "sold": lambda: age(Supply, agreed_g=600_000),
        "spoiling": lambda: age(Supply, spoils_at=soon(hours=28)),
        "closing": lambda: age(Supply, available_until=soon(seconds=-1)),
        "cancelled": lambda: scene.client.post(f"{path}/cancel", headers=scene.buyer),
        "lower ceiling": lambda: scene.client.patch(
            path, json={"max_price_fen_per_kg": 2500}, headers=scene.buyer | {"If-Match": "1"}
        ),
        "overdue": lambda: age(Order, deliver_by=soon(hours=4)),
    }
    (cleared,) = await service.clear_now(scene.db, Meddled(scene.pool, happenings[meddle]), "strawberry")
    assert (cleared.matches, cleared.skipped, cleared.matched_g) == (0, 1, 0)
    assert await scene.matches() == []
    assert await changes(scene.db) > 0
    if meddle in {"dearer", "lower ceiling"}:
        assert (await scene.round()).matches == 1
        await books_balance(scene.db)


@pytest.mark.parametrize("how", ["decline", "deadline"])
async def test_a_pair_that_says_no_while_more_of_it_is_solved_is_not_proposed_again(scene: Scene, how: str) -> None:
    """Both sides have more to give after a first match, and their terms are the same as in the snapshot."""
    lot = await scene.lot(quantity_g=100_000, auto_agree=False)
    order = await scene.order(quantity_kg=500)
    await scene.round()
    (match,) = await scene.matches()
    await consume(scene.db, grown := then(lot, quantity_g=300_000))

    async def refuse() -> None:
        if how == "decline":
            assert (await scene.answer(match, "producer", "decline")).status_code == 200
        else:
            await scene.let_deadlines_pass()
            assert await match_service.release_lapsed(scene.db) == 1

    (cleared,) = await service.clear_now(scene.db, Meddled(scene.pool, refuse), "strawberry")
    assert (cleared.matches, cleared.skipped) == (0, 1)
    assert (await scene.round()).matches == 0
    assert [each.status for each in await scene.matches()] == ["released"]
    await consume(scene.db, then(grown, min_price_fen_per_kg=1500))
    assert (await scene.round()).matched_g == 300_000
    assert (await scene.read_order(order["id"]))["held_kg"] == 300
    await books_balance(scene.db)


async def test_one_match_that_fell_through_takes_the_rest_of_a_least_fill_with_it(scene: Scene) -> None:
    going = await scene.lot(quantity_g=60_000)
    await scene.lot(quantity_g=60_000)
    await scene.order(quantity_kg=200, min_fill_kg=100)
    meddled = Meddled(scene.pool, lambda: consume(scene.db, withdrawn(going)))
    (cleared,) = await service.clear_now(scene.db, meddled, "strawberry")
    assert (cleared.matches, cleared.skipped) == (0, 2)
    await books_balance(scene.db)


async def test_what_is_committed_while_a_round_is_solved_waits_for_the_next(scene: Scene) -> None:
    await scene.lot()
    await scene.order(quantity_kg=100)
    await service.clear_changed(scene.db, Meddled(scene.pool, lambda: scene.order(quantity_kg=7)), "strawberry")
    assert await changes(scene.db) == 1
    again = await service.clear_changed(scene.db, scene.pool, "strawberry")
    assert again is not None
    assert again.matched_g == 7_000
    assert await service.clear_changed(scene.db, scene.pool, "strawberry") is None


async def test_a_market_without_two_sides_leaves_no_round_and_no_change(scene: Scene) -> None:
    await scene.order()
    assert await service.clear_changed(scene.db, scene.pool, "strawberry") is None
    assert await changes(scene.db) == 0
    await scene.lot()
    cleared = await service.clear_changed(scene.db, scene.pool, "strawberry")
    assert cleared is not None
    assert cleared.matched_g == 500_000


async def test_every_match_is_noted_once_for_both_feeds(scene: Scene) -> None:
    await scene.lot()
    await scene.order()
    await scene.round()
    async with scene.db.reading() as session:
        (note,) = (await session.execute(select(FEED.pending))).all()
    (match,) = await scene.matches()
    assert (note.type, note.accounts) == ("match.agreed", [match.producer_id, match.buyer_id])


async def test_without_a_solver_the_answer_is_503_and_the_market_stays_marked(scene: Scene) -> None:
    await scene.lot()
    await scene.order()
    with pytest.raises(service.SolverUnavailable):
        await service.clear_now(scene.db, Broken(), "strawberry")
    timer = Timer(scene.db, Broken())
    await timer.clear_changed()
    assert await changes(scene.db) == 2
    await Timer(scene.db, scene.pool).clear_changed()
    assert len(await scene.matches()) == 1
