"""What can happen to a match, and with it to the books of both sides: one function a use case.

Locks are taken in one order everywhere, so that no two wait for each other: supply by id, orders by id, matches by id.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.problems import Forbidden, NotFound, must_exist
from contracts.matches import (
    MatchAdjusted,
    MatchAgreed,
    MatchEvent,
    MatchFulfilled,
    MatchProposed,
    MatchReleased,
    ReleaseReason,
)
from contracts.parcels import ParcelEvent
from services.matching.feed.models import FeedType
from services.matching.feed.schemas import MatchOut
from services.matching.feed.service import Note, note_all
from services.matching.markets import mark_changed
from services.matching.matches import queries
from services.matching.matches.models import MATCH_DELIVERIES, REFUSED_PAIRS, SIDES, Match, NewMatch, Side, fact_of
from services.matching.matches.schemas import shown
from services.matching.metrics import HOLDS_LAPSED, HOLDS_WAITING
from services.matching.orders.models import ERASED, Order
from services.matching.orders.queries import locked_orders, open_orders_of, order_of
from services.matching.supply.models import Supply
from services.matching.supply.queries import locked_supply

LAPSED_BATCH = 200
FORGET_BATCH = 200
FEED_TYPES: dict[type[MatchEvent], FeedType] = {
    MatchProposed: "match.proposed",
    MatchAgreed: "match.agreed",
    MatchAdjusted: "match.adjusted",
    MatchReleased: "match.released",
    MatchFulfilled: "match.fulfilled",
}


@dataclass(frozen=True, slots=True)
class Deal:
    """A match with both of its sides, all three locked; and those of its accounts that are erased."""

    match: Match
    supply: Supply
    order: Order
    erased: Collection[UUID]

    def settle(self) -> None:
        """What was held is agreed."""
        self.supply.settle(self.match.quantity_g)
        self.order.settle(self.match.quantity_g)

    def release(self, reason: ReleaseReason) -> bool:
        """Let go, and give the quantity back to both sides; False when there was nothing to let go of."""
        was = self.match.status
        return self.match.release(reason) and self._give_back(was)

    def decline(self, words: str | None) -> None:
        """One side says no. Raises MatchNotOpen."""
        was = self.match.status
        self.match.decline(words)
        self._give_back(was)

    def weigh(self, quantity_g: int) -> bool:
        """So much was fetched: what it lacks goes back to both sides. False when it lacks nothing."""
        given_back_g = self.match.weigh(quantity_g)
        self.supply.give_back_agreed(given_back_g)
        self.order.give_back_agreed(given_back_g)
        return given_back_g > 0

    def _give_back(self, was: str) -> bool:
        if not self.match.was_agreed:
            self.match.forget_places(set(self._forgotten()))
        for books in (self.supply, self.order):
            if was == "proposed":
                books.give_back_held(self.match.quantity_g)
            else:
                books.give_back_agreed(self.match.quantity_g)
        return True

    def _forgotten(self) -> Iterator[Side]:
        """The sides that say no finer place of themselves any more, or whose accounts are erased, though the lot's
        withdrawal is not heard of yet; a match that ends says no more than they."""
        if self.supply.origin_lon is None or self.match.producer_id in self.erased:
            yield "producer"
        if self.order.destination_lon is None or self.match.buyer_id in self.erased:
            yield "buyer"


def seen_by(caller: Caller, match: Match) -> MatchOut:
    """The match as the caller sees it: who is on one side sees that side's place, an admin both."""
    if caller.role == "admin":
        return shown(match)
    return shown(match, match.sides_of(caller.account_id))


async def find(session: AsyncSession, caller: Caller, match_id: UUID) -> Match:
    """A match that the caller sees. Raises NotFound."""
    return must_exist(await queries.match_of(session, match_id, caller.owner_id))


async def agree(session: WriteSession, caller: Caller, match_id: UUID) -> Match:
    """A party says yes; twice is the same. The last yes makes the match agreed."""
    deal = await _locked_own(session, caller, match_id)
    side = deal.match.side_of(caller.account_id)
    if side is None:
        raise Forbidden()
    if deal.match.agree(side, await database_now(session)) and deal.match.status == "agreed":
        deal.settle()
        await _tell(session, [deal])
    return deal.match


async def decline(session: WriteSession, caller: Caller, match_id: UUID, words: str | None) -> Match:
    """A party says no to a proposed match; the pair waits until one of them changes its terms."""
    deal = await _locked_own(session, caller, match_id)
    if deal.match.side_of(caller.account_id) is None:
        raise Forbidden()
    deal.decline(words)
    await _refuse_pairs(session, [deal])
    await _tell_released(session, [deal])
    return deal.match


async def cancel_order(session: WriteSession, caller: Caller, order_id: UUID) -> Order:
    """Want no more; twice is the same. Proposed matches are released, agreed ones stand."""
    if await order_of(session, order_id, caller.owner_id) is None:
        raise NotFound()
    (order,), deals = await _locked_orders_with_proposed(session, [order_id])
    order.cancel()
    await _release(session, deals, lambda deal: "order_cancelled")
    return order


async def hear_of_erased(session: WriteSession, account_ids: Collection[UUID]) -> None:
    """Take no more orders of these accounts; `ERASED.forget` forgets those that there are."""
    await ERASED.remember(session, account_ids)


async def forget_open(session: WriteSession, buyer_id: UUID, _: UUID | None) -> UUID | None:
    """A step of `ERASED.forget`: cancel what the account still wants, and forget what that says of it.

    Agreed matches stand. Few orders at a time, so that no round waits long: a platform may have thousands.
    """
    order_ids = await open_orders_of(session, buyer_id, FORGET_BATCH)
    orders, deals = await _locked_orders_with_proposed(session, order_ids)
    for order in orders:
        if order.lifecycle == "open":  # else it closed meanwhile
            order.forget()
    await _release(session, deals, lambda deal: "order_cancelled")
    return order_ids[-1] if len(order_ids) == FORGET_BATCH else None


async def forget_places(session: WriteSession, account_id: UUID, after: UUID | None) -> UUID | None:
    """A step of `ERASED.forget`: where this account is, in matches that were never agreed.

    One that a round was just making forgets it when it is released.
    """
    matches = await queries.locked_never_agreed(session, account_id, after=after, limit=FORGET_BATCH)
    for match in matches:
        match.forget_places(match.sides_of(account_id))
    return matches[-1].id if len(matches) == FORGET_BATCH else None


async def release_of_closed_listings(session: WriteSession, listing_ids: Collection[UUID]) -> None:
    """Let go of what was proposed of listings that are open no more. The caller's transaction has locked them."""
    deals = await _locked(session, await queries.proposed_of_listings(session, listing_ids))
    closed = [deal for deal in deals if deal.supply.status != "open" and deal.match.status == "proposed"]
    await _release(session, closed, _why_closed)


async def release_lapsed(db: Database) -> int:
    """Let go of what was not agreed in time, by the database's clock; how many were released."""
    released = 0
    while True:
        async with db.transaction() as session:
            ids = await queries.lapsed(session, LAPSED_BATCH)
            # between that read and the locks a side may have agreed, or another worker may have been quicker
            deals = [deal for deal in await _locked(session, ids) if deal.match.status == "proposed"]
            await _refuse_pairs(session, deals)
            await _release(session, deals, lambda deal: "deadline")
        released += len(deals)
        HOLDS_LAPSED.inc(len(deals))
        if len(ids) < LAPSED_BATCH:
            return released


async def count_holds(db: Database) -> None:
    """Measure how many proposed matches wait for a yes."""
    async with db.reading() as session:
        HOLDS_WAITING.set(await queries.count_proposed(session))


async def hear_of_pickups(
    session: WriteSession, fetched_g: Mapping[UUID, int], *, unmoved: Collection[UUID] = ()
) -> None:
    """By match, what was fetched: where that is less than was agreed, the rest goes back to the market.

    `unmoved` are agreed matches whose shipments were not fetched in time to arrive unspoiled: they are let go of. All
    are locked at once, in the one order.
    """
    deals = await _locked(session, {*fetched_g, *unmoved})
    await _release(session, [deal for deal in deals if deal.match.id in unmoved], lambda deal: "expired")
    weighed = [deal for deal in deals if deal.match.id in fetched_g and deal.weigh(fetched_g[deal.match.id])]
    if not weighed:
        return
    await _mark_sides(session, weighed)
    await _tell(session, weighed, MatchAdjusted)
    totals = await queries.delivered_g(session, {deal.match.id for deal in weighed})
    brought = [deal.match for deal in weighed if totals.get(deal.match.id, 0) >= deal.match.quantity_g]
    # whose parcels have brought all that was fetched by now
    await _tell_matches(session, [match for match in brought if match.fulfil()])


async def fulfil(session: WriteSession, match_ids: Collection[UUID]) -> None:
    """What was agreed has been delivered. The books stay as they are: it is sold."""
    done = [match for match in await queries.locked_matches(session, match_ids) if match.fulfil()]
    await _tell_matches(session, done)


async def hear_of_parcels(session: WriteSession, news: Sequence[ParcelEvent]) -> None:
    """Count what parcels brought to the buyer, each at its newest state; a match that has all of it is fulfilled."""
    newest = {each.parcel_id: each for each in sorted(news, key=lambda each: each.version)}
    rows = [_delivery(newest[parcel_id]) for parcel_id in sorted(newest)]
    if not rows:
        return
    offered = insert(MATCH_DELIVERIES).values(rows)
    await session.execute(
        offered.on_conflict_do_update(
            index_elements=["parcel_id"],
            set_={"version": offered.excluded.version, "delivered_g": offered.excluded.delivered_g},
            where=MATCH_DELIVERIES.c.version < offered.excluded.version,
        )
    )
    brought = {each.match_id for each in newest.values() if each.status == "delivered"}
    # The matches are locked before their sum is read: of two consumers at once, the later sees both parcels.
    matches = await queries.locked_matches(session, brought)
    totals = await queries.delivered_g(session, brought)
    done = [match for match in matches if totals.get(match.id, 0) >= match.quantity_g and match.fulfil()]
    await _tell_matches(session, done)


def _counted_g(event: ParcelEvent) -> int:
    return event.weight_g if event.counted_g is None else event.counted_g


def _delivery(event: ParcelEvent) -> dict[str, object]:
    return {
        "parcel_id": event.parcel_id,
        "version": event.version,
        "match_id": event.match_id,
        "delivered_g": _counted_g(event) if event.status == "delivered" else 0,
    }


async def _locked_own(session: WriteSession, caller: Caller, match_id: UUID) -> Deal:
    await find(session, caller, match_id)
    (deal,) = await _locked(session, [match_id])
    return deal


async def _locked(session: WriteSession, match_ids: Collection[UUID]) -> list[Deal]:
    if not match_ids:
        return []
    listing_ids, order_ids = await queries.sides_of(session, match_ids)
    supply, orders = await locked_supply(session, listing_ids), await locked_orders(session, order_ids)
    return await _deals(session, supply, orders, await queries.locked_matches(session, match_ids))


async def _deals(
    session: WriteSession, supply: Sequence[Supply], orders: Sequence[Order], matches: Sequence[Match]
) -> list[Deal]:
    lots, bids = {each.listing_id: each for each in supply}, {each.id: each for each in orders}
    # under the matches' locks: an erasure heard of later finds them as they are left
    erased = await ERASED.known_among(session, {each for match in matches for each in match.accounts})
    return [Deal(match, lots[match.listing_id], bids[match.order_id], erased) for match in matches]


class _Overtaken(Exception):
    """A round proposed something between the look and the lock."""


async def _locked_orders_with_proposed(
    session: WriteSession, order_ids: Collection[UUID]
) -> tuple[Sequence[Order], list[Deal]]:
    """Supply has to be locked before orders, and only their locks keep rounds away: look, lock, look again."""
    while True:
        try:
            async with session.begin_nested():
                seen = await queries.proposed_of_orders(session, order_ids)
                supply = await locked_supply(session, (await queries.sides_of(session, seen))[0])
                orders = await locked_orders(session, order_ids)
                matches = await queries.locked_matches(session, seen)
                if set(await queries.proposed_of_orders(session, order_ids)) - set(seen):
                    raise _Overtaken()
                deals = await _deals(session, supply, orders, matches)
                return orders, [deal for deal in deals if deal.match.status == "proposed"]
        except _Overtaken:
            continue


def _why_closed(deal: Deal) -> ReleaseReason:
    return "listing_withdrawn" if deal.supply.status == "withdrawn" else "expired"


async def _release(session: WriteSession, deals: Sequence[Deal], why: Callable[[Deal], ReleaseReason]) -> None:
    await _tell_released(session, [deal for deal in deals if deal.release(why(deal))])


async def _refuse_pairs(session: WriteSession, deals: Sequence[Deal]) -> None:
    """These pairs said no at their present terms."""
    rows = [
        {
            "listing_id": deal.supply.listing_id,
            "order_id": deal.order.id,
            "listing_terms": deal.supply.terms,
            "order_terms": deal.order.terms,
        }
        for deal in deals
    ]
    if rows:
        refused = insert(REFUSED_PAIRS)
        newer = {name: refused.excluded[name] for name in ("listing_terms", "order_terms")}
        await session.execute(
            refused.on_conflict_do_update(index_elements=["listing_id", "order_id"], set_=newer), rows
        )


async def _tell_released(session: WriteSession, deals: Sequence[Deal]) -> None:
    await _mark_sides(session, deals)
    await _tell(session, deals)


async def _mark_sides(session: WriteSession, deals: Sequence[Deal]) -> None:
    """Both sides have something free again."""
    sides = [(deal.match.produce, side) for deal in deals for side in (deal.match.listing_id, deal.match.order_id)]
    await mark_changed(session, sides)


async def _tell(session: WriteSession, deals: Sequence[Deal], kind: type[MatchEvent] | None = None) -> None:
    """What became of these matches, and once for each listing what is left of it."""
    await _tell_matches(session, [deal.match for deal in deals], kind)
    session.emit(*(supply.tell() for supply in dict.fromkeys(deal.supply for deal in deals)))


async def _tell_matches(session: WriteSession, matches: Sequence[Match], kind: type[MatchEvent] | None = None) -> None:
    facts = [fact_of(match, kind) for match in matches]
    session.emit(*facts)
    await note_all(session, [note_of(match, fact) for match, fact in zip(matches, facts, strict=True)])


def note_of(match: Match | NewMatch, fact: MatchEvent) -> Note:
    """The fact as it stands in the feeds of both sides: one state for both, or one for each until it is agreed, beside
    what either may know."""
    kind = FEED_TYPES[type(fact)]
    if match.was_agreed:
        return Note(kind, shown(match), match.accounts)
    sides_of: dict[UUID, set[Side]] = {account: set() for account in match.accounts}
    for side, account in zip(SIDES, match.accounts, strict=True):
        sides_of[account].add(side)
    own = {account: shown(match, sides) for account, sides in sides_of.items()}
    return Note(kind, shown(match, ()), match.accounts, own)
