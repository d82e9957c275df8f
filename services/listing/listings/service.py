"""What can be done with listings: one function a use case, inside the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from uuid_utils.compat import uuid7

from chassis.auth import Caller
from chassis.bulk import as_read
from chassis.clock import database_now
from chassis.db import Database, WriteSession
from chassis.fields import to_grams
from chassis.problems import InvalidInput, Problem, must_exist
from contracts.listings import ListingExpired, ListingPublished, ListingUpdated, ListingWithdrawn
from contracts.supply import RemainingChanged
from services.listing.listings import queries
from services.listing.listings.keeping import Times, spoilage, temperature_class_of
from services.listing.listings.models import Listing, ListingClosed, Spell, fact_of
from services.listing.listings.schemas import ListingChange, NewListing
from services.listing.producers.models import ERASED
from services.listing.producers.queries import producers_of
from services.listing.producers.service import producers_written_for

EXPIRY_BATCH = 500
FORGET_BATCH = 500

Row = dict[str, Any]
"""The columns of a lot: an object of SQLAlchemy for each, and its attributes read one by one, took a tenth of
what a row of an import costs the process."""


class Offer(NamedTuple):
    """A lot that somebody would put on the market under this id."""

    id: UUID
    caller: Caller
    new: NewListing


async def publish(session: WriteSession, requests: Sequence[tuple[Caller, NewListing]]) -> list[Listing | Problem]:
    """Put lots on the market, each by itself; a Problem in its place for one that can't be."""
    now = await ERASED.hold(session, {caller.account_id for caller, _ in requests})
    rows = await offer(session, [Offer(uuid7(), caller, new) for caller, new in requests], now)
    return [row if isinstance(row, Problem) else as_read(Listing, row) for row in rows]


async def offer(session: WriteSession, offers: Sequence[Offer], now: datetime) -> list[Row | Problem]:
    """The same under new ids of the caller's choice, as of `now`; the rows as they were written."""
    producers = await producers_written_for(session, [(each.caller, each.new.producer_id) for each in offers], now)
    rows = [_row(each, producer, now) for each, producer in zip(offers, producers, strict=True)]
    written = [row for row in rows if not isinstance(row, Problem)]
    await queries.add_listings(session, written)
    session.emit(*(fact_of(ListingPublished, row) for row in written))
    return rows


def _row(offer: Offer, producer_id: UUID | Problem, now: datetime) -> Row | Problem:
    """The columns of the lot, or what speaks against it."""
    if isinstance(producer_id, Problem):
        return producer_id
    new = offer.new
    available_from = new.available_from or now
    times = Times(new.harvested_at or available_from, available_from, new.available_until, new.best_before)
    temperature_class = temperature_class_of(new.produce, new.temperature_class)
    try:
        spoils_at, source = spoilage(new.produce, temperature_class, times)
    except InvalidInput as problem:
        return problem
    point = new.origin.to_wgs84()
    quantity_g = to_grams(new.quantity_kg)
    return {
        "id": offer.id,
        "producer_id": producer_id,
        "lifecycle": "open",
        "version": 1,
        "produce": new.produce,
        "variety": new.variety,
        "grade": new.grade,
        "quantity_g": quantity_g,
        "min_price_fen_per_kg": new.min_price_fen_per_kg,
        "origin_adcode": new.origin.adcode,
        "origin_village": new.origin.village,
        "origin_lon": point.lon if point else None,
        "origin_lat": point.lat if point else None,
        "harvested_at": times.harvested_at,
        "best_before": times.best_before,
        "available_from": times.available_from,
        "available_until": times.available_until,
        "temperature_class": temperature_class,
        "spoils_at": spoils_at,
        "shelf_life_source": source,
        "households": new.households,
        "story": new.story,
        "divisible": new.divisible,
        "auto_agree": new.auto_agree,
        "created_at": now,
        "stands_since": now,
        "is_tallied": False,
        "supply_version": 0,
        "remaining_g": quantity_g,
        "held_g": 0,
        "agreed_g": 0,
    }


async def visible_producers(session: AsyncSession, caller: Caller) -> Sequence[UUID] | None:
    """Whose listings a caller sees: their own; an agent's principals'; an admin everyone's (None)."""
    if caller.role == "admin":
        return None
    if caller.role == "agent":
        return await producers_of(session, caller.account_id)
    return [caller.account_id]


async def find(session: AsyncSession, caller: Caller, listing_id: UUID) -> Listing:
    """A listing that the caller sees. Raises NotFound."""
    return must_exist(await queries.listing_of(session, listing_id, await visible_producers(session, caller)))


async def change(
    session: WriteSession, caller: Caller, listing_id: UUID, version: int | None, wanted: ListingChange
) -> Listing:
    """Change a listing that the caller has read in this version; matching applies it when it hears of it."""
    listing = await locked(session, caller, listing_id)
    await refuse_forgotten(session, listing)
    listing.must_be(version)
    changes = _changes(listing, wanted)
    if changes:
        listing.change(**changes)
        session.emit(listing.fact(ListingUpdated))
    return listing


def _changes(listing: Listing, wanted: ListingChange) -> dict[str, Any]:
    """The columns that the change sets, with the spoilage that follows from them. Raises InvalidInput."""
    changes: dict[str, Any] = wanted.model_dump(exclude_unset=True)
    if "quantity_kg" in changes:
        changes["quantity_g"] = to_grams(changes.pop("quantity_kg"))
    times = Times(
        listing.harvested_at,
        changes.get("available_from", listing.available_from),
        changes.get("available_until", listing.available_until),
        changes.get("best_before", listing.best_before),
    )
    if changes.keys() & {"best_before", "available_from", "available_until"}:
        spoils_at, source = spoilage(listing.produce, listing.temperature_class, times, sent=changes.keys())
        changes |= {"spoils_at": spoils_at, "shelf_life_source": source}
    return changes


async def withdraw(session: WriteSession, caller: Caller, listing_id: UUID) -> Listing:
    """Take a listing off the market; twice is the same. What was agreed before stands."""
    listing = await locked(session, caller, listing_id)
    if listing.withdraw():
        session.emit(listing.fact(ListingWithdrawn))
    return listing


async def hear_of_supply(session: WriteSession, news: Sequence[RemainingChanged]) -> list[Spell]:
    """Keep the read copy of what matching says is left; tell when matching had to clamp a quantity.

    Returns how long what changed had stood.
    """
    listings = {each.id: each for each in await queries.locked_listings(session, [each.listing_id for each in news])}
    now, spells = await database_now(session), []
    for supply in news:
        listing = listings.get(supply.listing_id)
        if listing is None:
            continue
        spells.append(listing.spell_before(supply, now))
        if listing.hear_of_supply(supply):
            session.emit(listing.fact(ListingUpdated))
    return [spell for spell in spells if spell is not None]


async def forget_some(session: WriteSession, producer_id: UUID, after: UUID | None) -> UUID | None:
    """A step of `ERASED.forget`: withdraw what the account offers, and forget whose and where from its listings are.

    What was agreed before stands.
    """
    batch = await queries.locked_listings_of(session, producer_id, after=after, limit=FORGET_BATCH)
    told = [listing.forget() for listing in batch]
    session.emit(*(fact for fact in told if fact is not None))
    return batch[-1].id if len(batch) == FORGET_BATCH else None


async def expire_spoiled(db: Database) -> int:
    """Close what has spoiled, by the database's clock; how many were closed."""
    closed = 0
    while True:
        async with db.transaction() as session:
            spoiled = await queries.locked_spoiled(session, EXPIRY_BATCH)
            for listing in spoiled:
                listing.expire()
                session.emit(listing.fact(ListingExpired))
        closed += len(spoiled)
        if len(spoiled) < EXPIRY_BATCH:
            return closed


async def refuse_forgotten(session: WriteSession, listing: Listing) -> None:
    """Raises ListingClosed where its producer was erased: an agent, or an admin, would write what is to be forgotten.

    It is withdrawn by then, or about to be.
    """
    if await ERASED.among(session, [listing.producer_id]):
        raise ListingClosed()


async def locked(session: WriteSession, caller: Caller, listing_id: UUID) -> Listing:
    """A listing that the caller may change; who changes it next waits. Raises NotFound."""
    producers = await visible_producers(session, caller)
    return must_exist(await queries.locked_listing_of(session, listing_id, producers))
