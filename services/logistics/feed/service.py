"""Telling of what happens to shipments, inside the transaction in which it happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chassis.db import WriteSession
from chassis.feed import Item
from services.logistics.feed.models import ANY_CARRIER, FEED, FeedType

COMES_OR_GOES: frozenset[FeedType] = frozenset(
    {
        "shipment.opened",
        "shipment.claimed",
        "shipment.released",
        "shipment.failed",
        "shipment.cancelled",
        "shipment.delivered",  # also of what parcels brought while nobody had claimed it
    }
)


@dataclass(frozen=True, slots=True)
class Note:
    """One event of one shipment: its public state now for the accounts that it is of; and for every other carrier, the
    one among them that had it until now, who is not told whose it is."""

    type: FeedType
    state: str
    accounts: Sequence[UUID]
    state_for_any: str
    had_it: UUID | None = None


async def note_all(session: WriteSession, notes: Sequence[Note]) -> None:
    """Put these into the feeds, in this order; the transaction holds the shipments' row locks."""
    items = []
    for note in notes:
        items.append(Item(note.type, note.state, note.accounts))
        others = [] if note.had_it is None or note.had_it in note.accounts else [note.had_it]
        if note.type in COMES_OR_GOES:
            others.append(ANY_CARRIER)
        if others:
            items.append(Item(note.type, note.state_for_any, others))
    await FEED.note(session, items)
