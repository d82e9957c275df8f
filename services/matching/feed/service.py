"""Telling accounts of what happens to their matches, inside the transaction in which it happens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from chassis.db import WriteSession
from chassis.feed import Item
from contracts.matches import ReleaseReason
from services.matching.feed.models import FEED, FeedType


class MatchState(Protocol):
    """What the feed needs of a match's public form. Its class belongs to `matches`, which stands on this slice."""

    @property
    def reason(self) -> ReleaseReason | None: ...

    def model_dump_json(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Note:
    """One event of one match for these accounts. `match` is its public state now."""

    type: FeedType
    match: MatchState
    accounts: Sequence[UUID]


async def note_all(session: WriteSession, notes: Sequence[Note]) -> None:
    """Put these into the feeds of their accounts, in this order; the transaction holds the matches' row locks."""
    items = [Item(each.type, each.match.model_dump_json(), each.accounts, each.match.reason) for each in notes]
    await FEED.note(session, items)
