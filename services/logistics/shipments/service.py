"""What can be done with shipments: one function a use case, inside the caller's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from catalogue.geodesy import Point
from chassis.auth import Caller
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.fields import to_grams
from chassis.images import Photo as JpegPhoto
from chassis.problems import NotFound, must_exist
from chassis.retention import delete_in_batches, redelivery_horizon
from contracts.listings import Place
from contracts.matches import MatchAgreed, MatchFulfilled, MatchReleased
from contracts.shipments import (
    ShipmentCancelled,
    ShipmentClaimed,
    ShipmentDelivered,
    ShipmentEvent,
    ShipmentFailed,
    ShipmentOpened,
    ShipmentPickedUp,
    ShipmentReleased,
)
from services.logistics.feed.models import FeedType
from services.logistics.feed.schemas import ShipmentOut
from services.logistics.feed.service import Note, note_all
from services.logistics.shipments import queries
from services.logistics.shipments.models import (
    CLAIMABLE,
    Photo,
    ReleasedMatch,
    Report,
    ReportType,
    Shipment,
    last_departure,
    seat_of,
)
from services.logistics.shipments.schemas import NewReport, shown

CANCEL_BATCH = 500

FACTS: dict[ReportType, type[ShipmentEvent]] = {
    "picked_up": ShipmentPickedUp,
    "delivered": ShipmentDelivered,
    "failed": ShipmentFailed,
}

FEED_TYPES: dict[type[ShipmentEvent], FeedType] = {
    ShipmentOpened: "shipment.opened",
    ShipmentClaimed: "shipment.claimed",
    ShipmentReleased: "shipment.released",
    ShipmentPickedUp: "shipment.picked_up",
    ShipmentDelivered: "shipment.delivered",
    ShipmentFailed: "shipment.failed",
    ShipmentCancelled: "shipment.cancelled",
}


async def find(session: AsyncSession, caller: Caller, shipment_id: UUID) -> Shipment:
    """A shipment that the caller sees. Raises NotFound."""
    return must_exist(await queries.shipment_of(session, shipment_id, caller))


async def seen_by(session: AsyncSession, caller: Caller, shipments: Sequence[Shipment]) -> list[ShipmentOut]:
    """The shipments as the caller sees them: until it has claimed one, a carrier no finer place of erased accounts."""
    erased = await queries.erased_parties(session, shipments) if caller.role == "carrier" else set()
    return [shown(each, erased if each.status in CLAIMABLE else ()) for each in shipments]


async def claim(session: WriteSession, caller: Caller, shipment_id: UUID) -> Shipment:
    """Take a shipment. Of two carriers at once one gets it, and the other is told so rather than that there is none."""
    shipment = must_exist(await queries.locked_shipment(session, shipment_id))
    now, had_it = await database_now(session), shipment.carrier_id
    if shipment.claim(caller.account_id, now):
        await _tell(session, ShipmentClaimed, now, [shipment], had_it)
    return shipment


async def release(session: WriteSession, caller: Caller, shipment_id: UUID) -> Shipment:
    """Give a claimed shipment back; anyone may claim it then."""
    shipment = must_exist(await queries.locked_shipment(session, shipment_id, queries.seen_by(caller)))
    shipment.release(caller.account_id)
    await _tell(session, ShipmentReleased, await database_now(session), [shipment], caller.account_id)
    return shipment


async def report(session: WriteSession, caller: Caller, shipment_id: UUID, new: NewReport) -> Shipment:
    """Record what the carrier says happened; saying the same again changes nothing."""
    shipment = must_exist(await queries.locked_shipment(session, shipment_id, queries.seen_by(caller)))
    weight_g = None if new.weight_kg is None else to_grams(new.weight_kg)
    said = (caller.account_id, new.type, new.at, weight_g, new.reason)
    if shipment.carrier_id == caller.account_id and await queries.was_reported(session, shipment.id, *said):
        return shipment
    if shipment.report(caller.account_id, new.type, new.at, await database_now(session), weight_g):
        await _tell(session, FACTS[new.type], new.at, [shipment])
    session.add(
        Report(
            id=uuid7(),
            shipment_id=shipment.id,
            carrier_id=caller.account_id,
            type=new.type,
            at=new.at,
            weight_g=weight_g,
            reason=new.reason,
        )
    )
    return shipment


async def show(session: WriteSession, caller: Caller, shipment_id: UUID, photo: JpegPhoto) -> Photo:
    """Keep a photo of the carrier's own shipment: proof of what was fetched, or handed over."""
    shipment = must_exist(await queries.locked_shipment(session, shipment_id, queries.seen_by(caller)))
    shipment.show(caller.account_id, await queries.count_photos(session, shipment.id, caller.account_id))
    shown = Photo(
        id=uuid7(),
        shipment_id=shipment.id,
        carrier_id=caller.account_id,
        content=photo.content,
        size_b=len(photo.content),
        width_px=photo.width_px,
        height_px=photo.height_px,
    )
    session.add(shown)
    await session.flush()
    return shown


async def photos(session: AsyncSession, caller: Caller, shipment_id: UUID) -> Sequence[Photo]:
    """Of a shipment that is the caller's: who may only claim it sees none. Raises NotFound."""
    return await queries.photos_of(session, (await _own(session, caller, shipment_id)).id)


async def photo(session: AsyncSession, caller: Caller, shipment_id: UUID, photo_id: UUID) -> bytes:
    """The JPEG. Raises NotFound."""
    shipment = await _own(session, caller, shipment_id)
    return must_exist(await queries.photo_content(session, shipment.id, photo_id))


async def _own(session: AsyncSession, caller: Caller, shipment_id: UUID) -> Shipment:
    shipment = await find(session, caller, shipment_id)
    if caller.role == "carrier" and shipment.carrier_id != caller.account_id:
        raise NotFound()
    return shipment


async def open_agreed(session: WriteSession, matches: Sequence[MatchAgreed]) -> None:
    """Open a shipment for each match that has none and was not released meanwhile."""
    released = await queries.released_among(session, {match.match_id for match in matches})
    rows = {match.match_id: _row(match) for match in matches if match.match_id not in released}
    if not rows:
        return
    # in one order, so that two batches with the same matches can't wait for each other
    opened = await queries.insert_shipments(session, [rows[match_id] for match_id in sorted(rows)])
    for shipment in opened:
        await _tell(session, ShipmentOpened, shipment.opened_at, [shipment])


async def cancel_released(session: WriteSession, matches: Sequence[MatchReleased]) -> None:
    """Cancel the shipments of released matches, unless they are on their way."""
    match_ids = {match.match_id for match in matches}
    shipments = await queries.locked_by_match(session, match_ids)
    if unknown := match_ids - shipments.keys():
        await queries.note_released(session, unknown)
    now = await database_now(session)
    await _tell(session, ShipmentCancelled, now, [each for each in shipments.values() if each.cancel()])


async def close_fulfilled(session: WriteSession, matches: Sequence[MatchFulfilled]) -> None:
    """Parcels brought all of a match: its shipment has nothing left to carry."""
    now, quantity_g = await database_now(session), {match.match_id: match.quantity_g for match in matches}
    shipments = (await queries.locked_by_match(session, quantity_g.keys())).values()
    done = [shipment for shipment in shipments if shipment.fulfil(quantity_g[shipment.match_id])]
    await _tell(session, ShipmentDelivered, now, done)


async def cancel_overdue(db: Database) -> int:
    """Cancel what was not picked up in time to arrive unspoiled, by the database's clock; how many."""
    cancelled = 0
    while True:
        async with db.transaction() as session:
            overdue = await queries.locked_overdue(session, CANCEL_BATCH)
            now = await database_now(session)
            await _tell(session, ShipmentCancelled, now, [each for each in overdue if each.cancel()])
        cancelled += len(overdue)
        if len(overdue) < CANCEL_BATCH:
            return cancelled


async def _tell(
    session: WriteSession,
    kind: type[ShipmentEvent],
    at: datetime,
    shipments: Sequence[Shipment],
    had_it: UUID | None = None,
) -> None:
    """The event, and the feeds of those it concerns; `had_it`: the carrier until now."""
    session.emit(*(shipment.fact(kind, at) for shipment in shipments))
    erased = await queries.erased_parties(session, shipments)
    await note_all(session, [_note(kind, shipment, had_it, erased) for shipment in shipments])


def _note(kind: type[ShipmentEvent], shipment: Shipment, had_it: UUID | None, erased: Collection[UUID]) -> Note:
    state, for_any = shown(shipment), shown(shipment, erased).model_copy(update={"carrier_id": None})
    parties = [shipment.producer_id, shipment.buyer_id, shipment.carrier_id]
    return Note(
        type=FEED_TYPES[kind],
        state=state.model_dump_json(),
        accounts=[account for account in parties if account is not None],
        state_for_any=for_any.model_dump_json(),
        had_it=had_it,
    )


async def forget_released(db: Database) -> int:
    """Delete released matches whose agreement can't come any more; how many."""
    old = ReleasedMatch.released_at < redelivery_horizon("logistics")
    return await delete_in_batches(db, ReleasedMatch.__table__, old)


def _row(match: MatchAgreed) -> dict[str, Any]:
    origin, destination = _point(match.origin), _point(match.destination)
    return {
        "id": uuid7(),
        "match_id": match.match_id,
        "listing_id": match.listing_id,
        "order_id": match.order_id,
        "producer_id": match.producer_id,
        "buyer_id": match.buyer_id,
        "status": "open",
        "version": 1,
        "produce": match.produce,
        "quantity_g": match.quantity_g,
        "temperature_class": match.temperature_class,
        "origin_adcode": match.origin.adcode,
        "origin_lon": origin.lon,
        "origin_lat": origin.lat,
        "destination_adcode": match.destination.adcode,
        "destination_lon": destination.lon,
        "destination_lat": destination.lat,
        "distance_m": match.distance_m,
        "ready_at": match.ready_at,
        "deliver_by": match.deliver_by,
        "spoils_at": match.spoils_at,
        "min_remaining_life_h": match.min_remaining_life_h,
        "leave_by": last_departure(match.spoils_at, match.min_remaining_life_h, match.distance_m, match.under_way_s),
    }


def _point(place: Place) -> Point:
    """Where a vehicle goes: the point that was given, else the county's seat. Raises ValueError for no known place."""
    if place.lon is not None and place.lat is not None:
        return Point(place.lon, place.lat)
    return seat_of(place.adcode)
