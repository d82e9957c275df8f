"""A random life of a small market: whatever its people do, books, events and feeds tell one story."""

import json
from collections import defaultdict
from typing import Any
from uuid import UUID, uuid4

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from chassis.tables import OUTBOX
from contracts.event import Event
from contracts.listings import ListingEvent
from contracts.matches import MatchEvent
from contracts.shipments import ShipmentCancelled, ShipmentDelivered
from contracts.supply import RemainingChanged
from services.matching.feed.models import FEED
from services.matching.matches import service as matches
from services.matching.matches.models import Match
from services.matching.models import METADATA
from services.matching.supply.models import Supply
from tests.services.matching.scene import Scene, books_balance, consume, published, soon, then, withdrawn
from tests.support.hypotheses import ON_FIXTURES

PRODUCE = ("garlic", "strawberry")
ACTIONS = (
    "lot",
    "lot that asks",
    "order",
    "order that asks",
    "pinned order",
    "round",
    "round again",
    "yes of the producer",
    "yes of the buyer",
    "no",
    "silence",
    "cheaper",
    "smaller",
    "withdraw",
    "cancel",
    "delivered",
    "never fetched",
    "an old event again",
)
_lives = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 1000)), min_size=4, max_size=24)


class Life:
    """One market's people, and what they remember of what they did."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.lots: list[ListingEvent] = []
        self.orders: list[dict[str, Any]] = []
        self.told: list[ListingEvent] = []

    async def do(self, action: str, number: int) -> None:
        match action.split():
            case ["lot", *asks]:
                await self._hear(self._lot(number, auto_agree=not asks))
            case ["order", *asks]:
                await self._order(number, auto_agree=not asks)
            case ["pinned", _] if self.lots:
                await self._order(number, listing_id=str(self._one(self.lots, number).listing_id))
            case ["round", *_]:
                await self.scene.round(self._one(PRODUCE, number))
            case ["cheaper" | "smaller" | "withdraw" as verb] if self.lots:
                await self._change(verb, number)
            case ["cancel"] if self.orders:
                path = f"/v1/orders/{self._one(self.orders, number)['id']}/cancel"
                answer = await self.scene.client.post(path, headers=self.scene.buyer)
                assert answer.status_code in {200, 409}, answer.text
            case ["silence"]:
                await self.scene.let_deadlines_pass()
                await matches.release_lapsed(self.scene.db)
            case ["an", *_] if self.told:
                await consume(self.scene.db, self._one(self.told, number))
            case _:
                await self._to_a_match(action, number)

    @staticmethod
    def _one(of: Any, number: int) -> Any:
        return of[number % len(of)]

    def _lot(self, number: int, **changes: Any) -> ListingEvent:
        lot = published(
            produce=self._one(PRODUCE, number),
            quantity_g=(1 + number % 7) * 50_000,
            min_price_fen_per_kg=1000 + 100 * (number % 5),
            divisible=number % 4 != 0,
            **changes,
        )
        self.lots.append(lot)
        return lot

    async def _hear(self, event: ListingEvent) -> None:
        self.told.append(event)
        await consume(self.scene.db, event)

    async def _order(self, number: int, **changes: Any) -> None:
        quantity_kg = (1 + number % 9) * 40
        self.orders.append(
            await self.scene.order(
                produce=self._one(PRODUCE, number),
                quantity_kg=quantity_kg,
                max_price_fen_per_kg=1200 + 100 * (number % 15),
                min_fill_kg=quantity_kg // 2 if number % 3 == 0 else 0,
                **changes,
            )
        )

    async def _change(self, verb: str, number: int) -> None:
        row = number % len(self.lots)
        lot = self.lots[row]
        if verb == "withdraw":
            after = withdrawn(lot)
        elif verb == "smaller":
            after = then(lot, quantity_g=max(lot.quantity_g // 2, 1))
        else:
            after = then(lot, min_price_fen_per_kg=lot.min_price_fen_per_kg - 50)
        self.lots[row] = after
        await self._hear(after)

    async def _to_a_match(self, action: str, number: int) -> None:
        made = await self.scene.matches()
        if not made:
            return
        chosen: Match = self._one(made, number)
        match action.split():
            case ["yes", *_, side]:
                answer = await self.scene.answer(chosen, side, "agree")
                assert answer.status_code in {200, 409}, answer.text
            case ["no"]:
                answer = await self.scene.answer(chosen, "buyer" if number % 2 else "producer", "decline")
                assert answer.status_code in {200, 409}, answer.text
            case [fate, *_] if chosen.status != "proposed":
                kind = ShipmentDelivered if fate == "delivered" else ShipmentCancelled
                status = "delivered" if fate == "delivered" else "cancelled"
                moved = kind(
                    shipment_id=chosen.id,
                    version=3,
                    match_id=chosen.id,
                    status=status,
                    carrier_id=uuid4(),
                    quantity_g=chosen.quantity_g,
                    at=soon(),
                )
                await consume(self.scene.db, moved)


async def feeds_of(scene: Scene) -> dict[UUID, list[dict[str, Any]]]:
    while await FEED.append_batch(scene.db):
        pass
    feeds: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    async with scene.db.reading() as session:
        for row in await session.execute(select(FEED.items).order_by(FEED.items.c.account_id, FEED.items.c.seq)):
            feeds[row.account_id].append(json.loads(row.item))
    return feeds


async def figures_follow_the_matches(scene: Scene, events: list[Event]) -> None:
    """What was told of each listing is gapless, adds up, and ends at what the books say."""
    last: dict[UUID, RemainingChanged] = {}
    for each in events:
        if isinstance(each, RemainingChanged):
            before = last.get(each.listing_id)
            assert each.version == (before.version if before else 0) + 1
            assert each.remaining_g + each.held_g + each.agreed_g == each.quantity_g
            last[each.listing_id] = each
    async with scene.db.reading() as session:
        for supply in await session.scalars(select(Supply)):
            told = last[supply.listing_id]
            assert (told.remaining_g, told.held_g, told.agreed_g) == (supply.free_g, supply.held_g, supply.agreed_g)


async def events_and_feeds_tell_the_same(scene: Scene, events: list[Event]) -> None:
    """Each fact of a match stands once in the events and once in the feed of either side, in the same order."""
    facts: dict[UUID, list[tuple[str, str, int]]] = defaultdict(list)
    for each in events:
        if isinstance(each, MatchEvent):
            for account in (each.producer_id, each.buyer_id):
                facts[account].append((str(each.match_id), f"match.{each.status}", each.version))
    feeds = await feeds_of(scene)
    assert feeds.keys() == facts.keys()
    for account, items in feeds.items():
        assert [item["seq"] for item in items] == list(range(1, len(items) + 1))
        assert [(item["match"]["id"], item["type"], item["match"]["version"]) for item in items] == facts[account]
        for item in items:
            assert item["match"]["status"] == item["type"].removeprefix("match.")
            assert item.get("reason") == item["match"]["reason"]


async def emptied(scene: Scene) -> None:
    async with scene.db.transaction() as session:
        for table in (*METADATA.sorted_tables, OUTBOX):
            if table.name not in {"policies", "policy_periods"}:  # policy 1, which the migrations put in
                await session.execute(delete(table))


@settings(
    max_examples=8,
    suppress_health_check=ON_FIXTURES,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a life takes minutes, and its steps say enough
)
@given(steps=_lives)
async def test_whatever_happens_nothing_is_oversold_and_all_tell_the_same(
    scene: Scene, steps: list[tuple[str, int]]
) -> None:
    await emptied(scene)
    life = Life(scene)
    opening = [("lot that asks", 0), ("order", 0), ("lot", 3), ("order that asks", 5), ("round", 0)]
    for action, number in [*opening, *steps]:
        await life.do(action, number)
        await books_balance(scene.db)
    events: list[Event] = await scene.told_of(Event)
    await figures_follow_the_matches(scene, events)
    await events_and_feeds_tell_the_same(scene, events)
