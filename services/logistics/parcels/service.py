"""What can be done with parcels: one function a use case, a whole array at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.fields import Page
from chassis.killing import point
from chassis.problems import FieldError, InvalidInput, NotFound, Text, Unauthenticated, must_exist
from contracts.parcels import ParcelRegistered
from services.logistics.carriers.models import ERASED
from services.logistics.office import payee
from services.logistics.parcels import queries
from services.logistics.parcels.models import (
    DELIVERY_DEADLINE,
    NO_SUBSIDY,
    Parcel,
    Subsidy,
    WaybillTaken,
    fact,
)
from services.logistics.parcels.queries import Goods, Wanted
from services.logistics.parcels.schemas import NewParcel, NewScan, ParcelItem, ParcelOut, RegisteredOut, ScannedOut
from services.logistics.parcels.settling import claim_of, settle, subsidy_columns
from services.logistics.parcels.states import SEEN_BY_SCAN, Seen
from services.logistics.programmes.granting import open_desk
from services.logistics.shipments.models import CLOCK_SKEW
from services.logistics.subsidy import service as subsidy_service
from services.logistics.subsidy.eligibility import Grant, NoGrant, waybill_identity

VOID_BATCH = 500

NOT_YOURS = Text("不是您已承接运单的匹配。", "It is not the match of a shipment that you claimed.")
FUTURE = Text("时间在将来。", "That is in the future.")
NO_PARCEL = Text("您没有登记此面单号。", "You have registered no such waybill.")
Item = TypeVar("Item", NewParcel, NewScan)
Answer = TypeVar("Answer")

TAKEN = Text("已由另一承运商登记。", "Another carrier has registered it.")


@dataclass(frozen=True, slots=True)
class Sent(Generic[Item]):
    """One item of a request's array: who sent it, where it stands, and which waybill it means.

    `carrier_id` None, for an admin, is whichever carrier it is.
    """

    carrier_id: UUID | None
    place: int
    identity: str
    item: Item

    def of(self, parcel: Parcel) -> bool:
        return self.carrier_id in {None, parcel.carrier_id}


async def register(
    session: WriteSession, requests: Sequence[tuple[Caller, Sequence[NewParcel]]]
) -> list[list[RegisteredOut]]:
    """Register arrays of parcels and reserve their subsidies; a waybill known before gets its first answer.

    Locks: the parcels in the order of their identities, then what their matches weigh, then the programmes' funds.
    """
    await _refuse_erased(session, requests)
    sent = _sent(requests)
    first = _firsts(sent)
    goods = await queries.goods_of(session, {each.item.match_id for each in sent})
    strange = {name for name, each in first.items() if not _is_theirs(each, goods)}
    known = await queries.parcels_called(session, strange)
    # another carrier's waybill too: who claimed nothing is not told that it is there
    _refuse_unclaimed([first[name] for name in strange if name not in known or not first[name].of(known[name])])
    fresh = {name: _parcel(each, goods) for name, each in first.items() if name not in known}
    added = await queries.insert_parcels(session, list(fresh.values()))
    known |= await queries.parcels_called(session, fresh.keys() - added)
    registered = fresh | known
    _refuse_taken([each for each in sent if not each.of(registered[each.identity])])
    subsidies = await queries.subsidies_by_parcel(session, [parcel.id for parcel in known.values()])
    parcels, before_g = await _weigh(session, [fresh[name] for name in fresh if name in added], goods)
    subsidies |= await _subsidise(session, parcels, before_g, goods)
    point("parcels.after_reserve")
    for parcel in parcels:
        session.emit(fact(ParcelRegistered, parcel, subsidies[parcel.id], parcel.registered_at))
    answers = {name: RegisteredOut.of(parcel, subsidies[parcel.id]) for name, parcel in registered.items()}
    return _by_request(requests, [answers[each.identity] for each in sent])


async def scan(session: WriteSession, requests: Sequence[tuple[Caller, Sequence[NewScan]]]) -> list[list[ScannedOut]]:
    """Take arrays of scans; the status of each parcel is that after all of them.

    Locks: the parcels in the order of their identities, then the programmes' funds.
    """
    await _refuse_erased(session, requests)
    sent = _sent(requests)
    latest = await database_now(session) + CLOCK_SKEW
    _refuse_future([each for each in sent if each.item.at > latest])
    parcels = await queries.locked_parcels(session, {each.identity for each in sent})
    _refuse_unregistered([each for each in sent if each.identity not in parcels or not each.of(parcels[each.identity])])
    seen: dict[str, Seen] = dict.fromkeys(parcels, Seen.NOTHING)
    rows = []
    for each in sent:
        seen[each.identity] |= SEEN_BY_SCAN[each.item.type]
        scanned = {"type": each.item.type, "at": each.item.at, "adcode": each.item.adcode}
        rows.append({"parcel_id": parcels[each.identity].id, **scanned})
    await queries.add_scans(session, rows)
    settled = await settle(session, [(parcels[name], seen[name]) for name in parcels])
    answers = {parcel.identity: ScannedOut.of(parcel) for parcel in settled}
    return _by_request(requests, [answers[each.identity] for each in sent])


async def find(session: AsyncSession, caller: Caller, waybill: str) -> ParcelOut:
    """One of the caller's parcels, or anyone's for the office, however its waybill is written. Raises NotFound."""
    try:
        identity = waybill_identity(waybill)
    except ValueError as error:
        raise NotFound() from error
    parcel = must_exist(await queries.parcel_of(session, identity, payee(caller)))
    return ParcelOut.of(parcel, (await queries.subsidies_by_parcel(session, [parcel.id]))[parcel.id])


async def list_own(
    session: AsyncSession, caller: Caller, wanted: Wanted, *, after: UUID | None, limit: int
) -> Page[ParcelItem]:
    """A carrier's own parcels, the oldest first; an admin's are everyone's."""
    parcels, following = await queries.parcels_of(session, caller.owner_id, wanted, after=after, limit=limit)
    subsidies = await queries.subsidies_by_parcel(session, [parcel.id for parcel in parcels])
    items = [ParcelItem.of(parcel, subsidies[parcel.id]) for parcel in parcels]
    return Page(items=items, next=following and str(following))


async def void_overdue(db: Database) -> int:
    """Give up what nobody delivered in 30 days, by the database's clock; how many."""
    voided = 0
    while True:
        async with db.transaction() as session:
            overdue = await queries.locked_overdue(session, VOID_BATCH)
            await settle(session, [(parcel, Seen.EXPIRED) for parcel in overdue])
        voided += len(overdue)
        if len(overdue) < VOID_BATCH:
            return voided


async def _subsidise(
    session: WriteSession, parcels: Sequence[Parcel], before_g: Mapping[UUID, int], goods: Mapping[UUID, Goods]
) -> dict[UUID, Subsidy]:
    """Ask the active programmes for each of these new parcels, in the order sent."""
    if not parcels:
        return {}
    claims = [claim_of(each, goods[each.match_id], match_parcels_g=before_g[each.id]) for each in parcels]
    desk = await open_desk(session, "courier_parcel", claims)
    subsidies: dict[UUID, Subsidy] = {}
    rows = []
    for parcel, claim in zip(parcels, claims, strict=True):
        verdict = desk.ask(claim)
        subsidy = subsidies[parcel.id] = _first_subsidy(verdict)
        if subsidy is NO_SUBSIDY:
            continue
        fund = desk.fund_of(verdict)
        fund.recount(None, subsidy.status)
        others = {"match_id": parcel.match_id, "buyer_id": claim.buyer_id, "payee_id": parcel.carrier_id}
        rows.append(
            subsidy_columns(parcel, subsidy)
            | others
            | {"first_status": subsidy.first_status, "reason": subsidy.reason}
            | claim.recorded(fund.at)
        )
    await subsidy_service.add_subsidies(session, rows)
    await desk.close(session)
    return subsidies


def _first_subsidy(verdict: Grant | NoGrant) -> Subsidy:
    if isinstance(verdict, Grant):
        programme_id = UUID(verdict.programme_id)
        return Subsidy(
            "reserved",
            "reserved",
            programme_id=programme_id,
            amount_fen=verdict.amount_fen,
            rule_version=verdict.rule_version,
        )
    if verdict.subsidy == "none":
        return NO_SUBSIDY
    assert verdict.programme_id is not None
    return Subsidy(verdict.subsidy, verdict.subsidy, reason=verdict.reason, refused_by=UUID(verdict.programme_id))


async def _weigh(
    session: WriteSession, parcels: Sequence[Parcel], goods: Mapping[UUID, Goods]
) -> tuple[list[Parcel], dict[UUID, int]]:
    """These new parcels, each with what of it counts; and what the parcels of its match weigh before it.

    One that puts them over 1.1 times the match does not count, so that a slip of the pen neither shuts out the others
    nor is taken for goods that arrived.
    """
    added_g: dict[UUID, int] = dict.fromkeys((parcel.match_id for parcel in parcels), 0)
    for parcel in parcels:
        added_g[parcel.match_id] += parcel.weight_g
    after_g = await queries.add_loads(session, added_g)
    load_g = {match_id: after_g[match_id] - added for match_id, added in added_g.items()}
    before_g, weighed = {}, []
    for parcel in parcels:
        before_g[parcel.id] = load_g[parcel.match_id]
        fits = 10 * (load_g[parcel.match_id] + parcel.weight_g) <= 11 * goods[parcel.match_id].quantity_g
        weighed.append(parcel if fits else replace(parcel, counted_g=0))
        load_g[parcel.match_id] += weighed[-1].counted_g
    await queries.count_nothing(session, [parcel.id for parcel in weighed if not parcel.counted_g])
    over_g = {match_id: load_g[match_id] - after for match_id, after in after_g.items() if load_g[match_id] != after}
    await queries.add_loads(session, over_g)
    return weighed, before_g


def _parcel(sent: Sent[NewParcel], goods: Mapping[UUID, Goods]) -> Parcel:
    new, shipment = sent.item, goods[sent.item.match_id]
    assert shipment.carrier_id is not None
    return Parcel(
        id=uuid7(),
        identity=sent.identity,
        waybill=new.waybill,
        carrier_id=shipment.carrier_id,
        match_id=new.match_id,
        weight_g=new.weight_g,
        counted_g=new.weight_g,
        recipient_adcode=new.recipient_adcode,
        order_ref=new.order_ref,
        registered_at=shipment.now,
        deadline_at=shipment.now + DELIVERY_DEADLINE,
        seen=Seen.NOTHING,
        version=1,
    )


async def _refuse_erased(session: WriteSession, requests: Sequence[tuple[Caller, Sequence[Item]]]) -> None:
    """Raises Unauthenticated when one of the callers was erased; of several requests each is tried again by itself."""
    if await ERASED.among(session, {caller.account_id for caller, _ in requests}):
        raise Unauthenticated()


def _sent(requests: Sequence[tuple[Caller, Sequence[Item]]]) -> list[Sent[Item]]:
    return [
        Sent(caller.owner_id, place, waybill_identity(item.waybill), item)
        for caller, items in requests
        for place, item in enumerate(items)
    ]


def _firsts(sent: Iterable[Sent[Item]]) -> dict[str, Sent[Item]]:
    """Each waybill as it came first: what is repeated behind it changes nothing."""
    first: dict[str, Sent[Item]] = {}
    for each in sent:
        first.setdefault(each.identity, each)
    return first


def _by_request(requests: Sequence[tuple[Caller, Sequence[Item]]], answers: Sequence[Answer]) -> list[list[Answer]]:
    remaining = iter(answers)
    return [list(islice(remaining, len(items))) for _, items in requests]


def _is_theirs(sent: Sent[NewParcel], goods: Mapping[UUID, Goods]) -> bool:
    return sent.item.match_id in goods and goods[sent.item.match_id].claimed_by(sent.carrier_id)


def _refuse_unclaimed(sent: Sequence[Sent[NewParcel]]) -> None:
    if sent:
        raise NotFound(errors=_errors(sent, "match_id", NOT_YOURS))


def _refuse_unregistered(sent: Sequence[Sent[NewScan]]) -> None:
    if sent:
        raise NotFound(errors=_errors(sent, "waybill", NO_PARCEL))


def _refuse_future(sent: Sequence[Sent[NewScan]]) -> None:
    """A delivery moves money; it may be told late, but not before it happened."""
    if sent:
        raise InvalidInput(errors=_errors(sent, "at", FUTURE))


def _refuse_taken(sent: Sequence[Sent[NewParcel]]) -> None:
    if sent:
        raise WaybillTaken(errors=_errors(sent, "waybill", TAKEN))


def _errors(sent: Sequence[Sent[Item]], field: str, why: Text) -> list[FieldError]:
    return [FieldError(f"#/{place}/{field}", why) for place in sorted(each.place for each in sent)]
