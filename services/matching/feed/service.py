"""Telling accounts of what happens to their matches, inside the transaction in which it happens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
    """One event of one match for these accounts. `match` is its public state now as any of them may know it, for whom
    `match_for` has none of their own."""

    type: FeedType
    match: MatchState
    accounts: Sequence[UUID]
    match_for: Mapping[UUID, MatchState] = field(default_factory=dict)


async def note_all(session: WriteSession, notes: Sequence[Note]) -> None:
    """Put these into the feeds of their accounts, in this order; the transaction holds the matches' row locks."""
    await FEED.note(session, [_item(each) for each in notes])


def _item(note: Note) -> Item:
    state_for = {account: match.model_dump_json() for account, match in note.match_for.items()}
    return Item(note.type, note.match.model_dump_json(), note.accounts, note.match.reason, state_for)
