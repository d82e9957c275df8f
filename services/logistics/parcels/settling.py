"""What becomes of parcels and their subsidies when more is known of them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from chassis.clock import database_now
from chassis.db import WriteSession
from contracts.parcels import ParcelEvent, ParcelScanned, ParcelSettled, SubsidyStatus
from services.logistics.parcels import queries
from services.logistics.parcels.models import Parcel, Subsidy, fact
from services.logistics.parcels.queries import Goods
from services.logistics.parcels.states import ENDS, Seen, status_of, subsidy_due
from services.logistics.programmes.granting import Claim, Desk, open_desk
from services.logistics.subsidy import service as subsidy_service
from services.logistics.subsidy.eligibility import Grant
from services.logistics.subsidy.fund import Fund, Held
from services.logistics.subsidy.ledger import of_turn
from services.logistics.subsidy.queries import paid_among

ORDER_HELD: frozenset[SubsidyStatus] = frozenset({"reserved", "posted"})

# A subsidy's status, what is due: the postings that lead there. What was voided has to be reserved once more first,
# see `Change.asks`.
STEPS: dict[tuple[SubsidyStatus, SubsidyStatus], tuple[Callable[[Fund, Held], None], ...]] = {
    ("reserved", "posted"): (Fund.post,),
    ("reserved", "voided"): (Fund.void,),
    ("reserved", "reversed"): (Fund.post, Fund.reverse),
    ("posted", "reversed"): (Fund.reverse,),
}


@dataclass(frozen=True, slots=True)
class Change:
    """A locked parcel as it was and as it is, with its subsidy as it was."""

    before: Parcel
    after: Parcel
    subsidy: Subsidy

    @property
    def due(self) -> SubsidyStatus:
        return subsidy_due(self.after.seen)

    @property
    def asks(self) -> bool:
        """Whether it needs money, once: the fund was empty at registration, or the money was voided before anyone told
        that it had been delivered. What came back by then has its delivery posted and reversed all the same: the ledger
        tells what happened in whatever order it was heard.
        """
        if subsidy_due(self.before.seen) == self.due:
            return False
        if self.subsidy.status == "voided":
            return self.due in {"posted", "reversed"}
        return self.subsidy.status == "fund_exhausted" and self.due == "posted"

    @property
    def comes_back(self) -> bool:
        return (self.subsidy.status, self.due) == ("posted", "reversed")

    @property
    def next_turn(self) -> int:
        return self.subsidy.turn + (self.subsidy.status == "voided")

    @property
    def moves(self) -> bool:
        return self.asks or (self.subsidy.status, self.due) in STEPS


def claim_of(parcel: Parcel, goods: Goods, turn: int = 1, match_parcels_g: int = 0) -> Claim:
    return Claim(
        subject=of_turn(parcel.identity, turn),
        moment=parcel.registered_at,
        match_id=parcel.match_id,
        parcel_id=parcel.id,
        producer_id=goods.producer_id,
        carrier_id=parcel.carrier_id,
        buyer_id=goods.buyer_id,
        order_ref=parcel.order_ref,
        origin_adcode=goods.origin_adcode,
        produce=goods.produce,
        mass_g=parcel.weight_g,
        match_mass_g=goods.quantity_g,
        match_parcels_g=match_parcels_g,
    )


def subsidy_columns(parcel: Parcel, subsidy: Subsidy) -> dict[str, Any]:
    """What changes in a row of `SUBSIDIES`; the order_ref stands there while the order has its subsidy."""
    return {
        "subject_id": parcel.id,
        "order_ref": parcel.order_ref if subsidy.status in ORDER_HELD else None,
        "status": subsidy.status,
        "refused_by": subsidy.refused_by,
        "programme_id": subsidy.programme_id,
        "amount_fen": subsidy.amount_fen,
        "rule_version": subsidy.rule_version,
        "turn": subsidy.turn,
        "posted_at": subsidy.posted_at,
    }


async def settle(session: WriteSession, learned: Sequence[tuple[Parcel, Seen]]) -> list[Parcel]:
    """Write what is now known of these locked parcels, and bring their subsidies to what is due; the parcels now."""
    news = [(parcel, after) for parcel, seen in learned if (after := _with(parcel, seen)) != parcel]
    subsidies = await queries.subsidies_by_parcel(session, [before.id for before, _ in news])
    changes = [Change(before, after, subsidies[before.id]) for before, after in news]
    settled = await _settle_subsidies(session, [change for change in changes if change.moves])
    now = await database_now(session)
    told = {change.before.id: _tell(session, change, settled.get(change.before.id), now) for change in changes}
    await queries.update_parcels(session, list(told.values()))
    return [told.get(parcel.id, parcel) for parcel, _ in learned]


async def reverse_posted(session: WriteSession, parcel_ids: Collection[UUID]) -> tuple[int, int]:
    """Reverse what is posted for these parcels, as officers decided, whatever their scans say; how many, their fen.

    The caller has seen to it that none of it is paid, or being paid. Locks: the parcels, then their funds.
    """
    parcels = await queries.locked_by_id(session, parcel_ids)
    subsidies = await queries.subsidies_by_parcel(session, [parcel.id for parcel in parcels])
    posted = [
        Change(parcel, parcel, subsidies[parcel.id]) for parcel in parcels if subsidies[parcel.id].status == "posted"
    ]
    granting = {change.subsidy.programme_id for change in posted if change.subsidy.programme_id is not None}
    desk = await open_desk(session, "courier_parcel", [], also=granting)
    now, reversed_ = await database_now(session), {}
    for change in posted:
        programme_id, held = _held(change)
        desk.funds[programme_id].reverse(held)
        desk.funds[programme_id].recount("posted", "reversed")
        reversed_[change.before.id] = replace(change.subsidy, status="reversed")
    rows = [subsidy_columns(change.before, reversed_[change.before.id]) for change in posted]
    await subsidy_service.change_subsidies(session, rows)
    told = [_tell(session, change, reversed_[change.before.id], now) for change in posted]
    await queries.update_parcels(session, told)
    await desk.close(session)
    return len(posted), sum(change.subsidy.amount_fen or 0 for change in posted)


async def _settle_subsidies(session: WriteSession, changes: Sequence[Change]) -> dict[UUID, Subsidy]:
    if not changes:
        return {}
    claims = await _claims(session, [change for change in changes if change.asks])
    granting = {change.subsidy.programme_id for change in changes if change.subsidy.programme_id is not None}
    desk = await open_desk(session, "courier_parcel", list(claims.values()), also=granting)
    # What came back after it was paid is not in the fund any more: it has to be recovered (追回).
    paid = await paid_among(session, [change.before.id for change in changes if change.comes_back])
    if paid:
        await subsidy_service.tell_returned(session, paid, await database_now(session))
    changes = [change for change in changes if change.before.id not in paid]
    settled = {change.before.id: _moved(desk, change, claims.get(change.before.id)) for change in changes}
    moved = [change for change in changes if settled[change.before.id] != change.subsidy]
    await subsidy_service.change_subsidies(
        session, [subsidy_columns(change.before, settled[change.before.id]) for change in moved]
    )
    await desk.close(session)
    return settled


async def _claims(session: WriteSession, asking: Sequence[Change]) -> dict[UUID, Claim]:
    if not asking:
        return {}
    goods = await queries.goods_of(session, {change.before.match_id for change in asking})
    return {
        change.before.id: claim_of(change.before, goods[change.before.match_id], change.next_turn) for change in asking
    }


def _moved(desk: Desk, change: Change, claim: Claim | None) -> Subsidy:
    """The subsidy after its postings; the same where there was no money for it."""
    if change.subsidy.status == "fund_exhausted":
        assert claim is not None
        return _tried_again(desk, change.subsidy, claim)
    programme_id, held = _held(change)
    fund = desk.funds[programme_id]
    if claim is not None:  # voided, and now known to have been delivered
        held = held._replace(subject=claim.subject)
        if not desk.reserve_again(claim, programme_id, held):
            return change.subsidy
    for step in STEPS["reserved" if claim else change.subsidy.status, change.due]:
        step(fund, held)
    fund.recount(change.subsidy.status, change.due)
    return replace(
        change.subsidy,
        status=change.due,
        turn=change.next_turn if claim else change.subsidy.turn,
        posted_at=fund.at if change.due == "posted" else change.subsidy.posted_at,
    )


def _tried_again(desk: Desk, subsidy: Subsidy, claim: Claim) -> Subsidy:
    """The one new try of a parcel that met an empty fund, now that it is delivered."""
    verdict = desk.ask(claim, delivered=True)
    if not isinstance(verdict, Grant):
        return subsidy
    fund = desk.fund_of(verdict)
    fund.recount(None, "posted")
    assert subsidy.refused_by is not None
    desk.funds[subsidy.refused_by].recount(subsidy.status, None)
    return replace(
        subsidy,
        status="posted",
        posted_at=fund.at,
        refused_by=None,
        programme_id=fund.programme_id,
        amount_fen=verdict.amount_fen,
        rule_version=verdict.rule_version,
    )


def _held(change: Change) -> tuple[UUID, Held]:
    parcel, subsidy = change.before, change.subsidy
    assert subsidy.programme_id is not None
    assert subsidy.amount_fen is not None
    assert subsidy.rule_version is not None
    subject = of_turn(parcel.identity, subsidy.turn)
    held = Held(subject, subsidy.amount_fen, subsidy.rule_version, str(parcel.id), str(parcel.match_id))
    return subsidy.programme_id, held


def _with(parcel: Parcel, seen: Seen) -> Parcel:
    known = parcel.seen | seen
    return replace(parcel, seen=known, deadline_at=None if known & ENDS else parcel.deadline_at)


def _tell(session: WriteSession, change: Change, settled: Subsidy | None, now: datetime) -> Parcel:
    """Emit what changed, each with the next version; the parcel of the last version."""
    parcel, subsidy = change.after, settled or change.subsidy
    was, status = status_of(change.before.seen), status_of(change.after.seen)
    kinds: list[type[ParcelEvent]] = []
    if status not in {was, "void"}:  # nobody scans that nothing came
        kinds.append(ParcelScanned)
    if subsidy.status != change.subsidy.status or (status == "void" and was != "void"):
        kinds.append(ParcelSettled)
    for kind in kinds:
        parcel = replace(parcel, version=parcel.version + 1)
        session.emit(fact(kind, parcel, subsidy, now))
    return parcel
